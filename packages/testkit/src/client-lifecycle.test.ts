import {
  type Client,
  type ClientOptions,
  connectWith,
  memorySessionStore,
  type Platform,
  sessionStore,
} from '@hawser/client';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { connack, ScriptedServer } from './scripted-server.ts';
import { watch } from './testing/watch.ts';

// The ends of a client: given up, closed, closed in the middle of something, by listeners that do what they like.

let clock: FakeClock;
let server: ScriptedServer;

beforeEach(() => {
  clock = new FakeClock();
  server = new ScriptedServer(clock);
});

/** Nothing is left of a client: no connection, no timer. */
async function expectGone(): Promise<void> {
  await clock.advance(5000);
  expect(server.connections.filter(({ isClosed }) => !isClosed)).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
}

describe('connect() that is given up', () => {
  it('by a listener of connected leaves no connection behind', async () => {
    const abort = new AbortController();
    const connecting = watch(server.connect({ signal: abort.signal, on: { connected: () => abort.abort() } }));
    await clock.settle();
    expect(connecting.error).toBe(abort.signal.reason);
    await expectGone();
  });

  it('while the store opens opens no connection', async () => {
    const abort = new AbortController();
    let closed = 0;
    let open = (): void => {};
    const store = sessionStore({
      load: () =>
        new Promise((resolve) => {
          open = () => resolve([]);
        }),
      write: async () => {},
      close: async () => void closed++,
    });
    const connecting = watch(server.connect({ clientId: 'x', store, signal: abort.signal }));
    await clock.settle();
    abort.abort();
    open();
    await clock.settle();
    expect(connecting.error).toBe(abort.signal.reason);
    expect(server.connections).toHaveLength(0);
    expect(closed).toBe(1);
    await expectGone();
  });
});

describe('disconnect()', () => {
  it('by a listener of connecting makes no more connections', async () => {
    const client = await server.client();
    client.on('connecting', () => void client.disconnect());
    await server.last.cut();
    await clock.advance(1000);
    expect(client.state).toBe('closed');
    await expectGone();
  });

  it('by a listener of disconnected leaves no timer', async () => {
    const client = await server.client({ reconnect: { delay: 100 } });
    client.on('disconnected', () => void client.disconnect());
    await server.last.cut();
    expect(clock.pendingTimers).toBe(0);
  });

  it('by a listener of connected closes', async () => {
    const client = await server.client();
    client.on('connected', () => void client.disconnect());
    await server.last.cut();
    await clock.advance(1000);
    expect(server.last.of('disconnect')).toHaveLength(1);
    await expectGone();
  });

  it('closes the store of a client that has stopped by itself', async () => {
    const close = vi.fn(async () => {});
    const kept = memorySessionStore();
    const store = sessionStore({ load: (id) => kept.load(id), write: (id, changes) => kept.write(id, changes), close });
    const client = await server.client({ clientId: 'x', store });
    await server.last.send({ type: 'disconnect', reasonCode: 0x8e, properties: undefined });
    expect(client.state).toBe('closed');
    await client.disconnect();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('with a Reason Code that cannot be says so, and can be called again', async () => {
    const client = await server.client();
    const wrong = watch(client.disconnect({ reasonCode: 0x100 }));
    await clock.settle();
    expect(wrong.error).toMatchObject({ name: 'UsageError' });
    const done = watch(client.disconnect());
    await clock.settle();
    expect(done).toHaveProperty('value');
    expect(client.state).toBe('closed');
    await expectGone();
  });

  it('asks for no Session Expiry Interval where the CONNECT had none', async () => {
    const client = await server.client();
    const wrong = watch(client.disconnect({ sessionExpiryInterval: 100 }));
    await clock.settle();
    expect(wrong.error).toMatchObject({ code: 'session-expiry-zero' });
    expect(client.state).toBe('connected');
  });

  it('sends what was handed over, though the network takes it slowly', async () => {
    let isSlow = false;
    const platform: Platform = {
      ...server.platform,
      async dial(address, options) {
        const transport = await server.platform.dial(address, options);
        const write = transport.write.bind(transport);
        transport.write = (chunks) => write(chunks) && !isSlow;
        return transport;
      },
    };
    const connecting = connectWith(platform, { url: 'mqtt://server' });
    await clock.settle();
    const client = await connecting;
    isSlow = true;
    const first = watch(client.publish('a', 'first'));
    await clock.settle();
    const last = watch(client.publish('a', 'last'));
    const done = watch(client.disconnect());
    await clock.settle();
    expect([last, done].some((one) => 'value' in one)).toBe(false);
    await clock.advance(5000);
    expect([first, last, done].every((one) => 'value' in one)).toBe(true);
    expect(server.last.of('publish')).toHaveLength(2);
    expect(server.last.of('disconnect')).toHaveLength(1);
  });
});

describe('what an attempt asks the program', () => {
  const cases: [string, ClientOptions][] = [
    [
      'authentication that cannot begin',
      { authentication: { method: 'x', start: () => Promise.reject(new Error('no')) } },
    ],
    ['a password without a user name in 3.1.1', { protocolVersion: 4, username: () => undefined, password: 'x' }],
    ['a password that is no text', { username: 'u', password: () => 7 as unknown as string }],
  ];
  it.each(cases)('%s: is a ConnectError, leaves no connection, and is told', async (_name, options) => {
    const connecting = watch(server.connect(options));
    await clock.settle();
    expect(connecting.error).toMatchObject({ stage: 'auth', message: expect.stringContaining(' ') });
    await expectGone();
  });

  it('that fails for a reconnect is told as disconnected', async () => {
    let fails = false;
    const start = async (): Promise<undefined> => {
      if (fails) throw new Error('no token');
    };
    const client = await server.client({ authentication: { method: 'x', start } });
    const told: boolean[] = [];
    client.on('disconnected', ({ willRetry }) => told.push(willRetry));
    fails = true;
    await server.last.cut();
    await clock.advance(1000);
    expect(told.length).toBe(2);
  });
});

describe('reauthenticate()', () => {
  const authentication = { method: 'x', start: () => 'begin', continue: () => 'go on' };

  async function authenticated(): Promise<Client> {
    server.intercept = (packet) => packet.type === 'auth';
    return server.client({ authentication });
  }

  it('twice at once settles both', async () => {
    const client = await authenticated();
    const both = [watch(client.reauthenticate()), watch(client.reauthenticate())];
    await clock.settle();
    const properties = { authenticationMethod: 'x', authenticationData: undefined };
    await server.last.send({ type: 'auth', reasonCode: 0, properties });
    expect(both).toEqual([{ value: undefined }, { value: undefined }]);
    expect(both.every((one) => 'value' in one)).toBe(true);
    expect(server.last.of('auth')).toHaveLength(1);
    const again = watch(client.reauthenticate());
    await clock.settle();
    expect(server.last.of('auth')).toHaveLength(2);
    await server.last.send({ type: 'auth', reasonCode: 0, properties });
    expect(again).toHaveProperty('value');
  });

  it('rejects when the connection is lost meanwhile, and works on the next one', async () => {
    const client = await authenticated();
    const lost = watch(client.reauthenticate());
    await clock.settle();
    await server.last.cut();
    expect(lost.error).toBeInstanceOf(Error);
    await clock.advance(1000);
    expect(client.state).toBe('connected');
    watch(client.reauthenticate());
    await clock.settle();
    expect(server.last.of('auth')).toHaveLength(1);
  });

  it('that the server does not answer ends', async () => {
    const client = await authenticated();
    const silent = watch(client.reauthenticate());
    await clock.advance(30_000);
    expect(silent.error).toMatchObject({ code: 'authentication-timeout' });
  });
});

describe('several servers', () => {
  it('a Server Reference is followed from the server that gave it', async () => {
    server.intercept = (packet, connection) => {
      if (packet.type !== 'connect' || connection.url.includes('other')) return false;
      if (connection.url.includes('first')) connection.end();
      else connection.write(connack({ reasonCode: 0x9c, properties: { serverReference: 'other' } }));
      return true;
    };
    const options = {
      url: 'mqtt://first',
      servers: ['mqtts://second:9999'],
      reconnect: { followServerReference: true },
    };
    const client = await server.client(options);
    expect(client.state).toBe('connected');
    expect(server.last.url).toBe('mqtts://other:9999');
  });

  it('a Server Reference that cannot be followed is told as the end', async () => {
    const client = await server.client({ reconnect: { followServerReference: true } });
    const told = vi.fn();
    client.on('disconnected', told);
    const properties = { serverReference: 'http://:' };
    await server.last.send({ type: 'disconnect', reasonCode: 0x9c, properties });
    expect(client.state).toBe('closed');
    expect(told).toHaveBeenCalledWith(expect.objectContaining({ willRetry: false }));
  });
});
