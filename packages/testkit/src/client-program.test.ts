import { type Client, type ClientOptions, connectWith, createClientWith, memorySessionStore } from '@hawser/client';
import type { Packet } from '@hawser/codec';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { publish, ScriptedServer } from './scripted-server.ts';
import { watch } from './testing/watch.ts';

// What a program learns that does not listen, does not wait, or begins before there is a server.

let clock: FakeClock;
let server: ScriptedServer;

beforeEach(() => {
  clock = new FakeClock();
  server = new ScriptedServer(clock);
});

describe('what a handler of the program throws', () => {
  const cases: [string, (client: Client) => void][] = [
    [
      'a listener of message',
      (client) =>
        client.on('message', () => {
          throw new Error('mine');
        }),
    ],
    [
      'an async listener of message',
      (client) =>
        client.on('message', async () => {
          throw new Error('mine');
        }),
    ],
    [
      'a handler',
      (client) =>
        client.onMessage(() => {
          throw new Error('mine');
        }),
    ],
    [
      'an async handler',
      (client) =>
        client.onMessage(async () => {
          throw new Error('mine');
        }),
    ],
    ['a handler that rejects with no Error', (client) => client.onMessage(() => Promise.reject('mine'))],
  ];

  it.each(cases)(
    '%s: is an error, thrown with its stack when nothing listens, and not handled',
    async (what, listen) => {
      const client = await server.client({ acknowledge: 'manual' });
      listen(client);
      await server.last.send(publish('a', '1', 1, 1));
      expect(server.unheard.map(({ message }) => message)).toEqual(['mine']);
      expect(server.unheard[0]?.stack).toMatch(
        what === 'a handler that rejects with no Error' ? 'reportError' : 'client-program.test.ts',
      );
      const heard: string[] = [];
      client.on('error', ({ message }) => heard.push(message));
      await server.last.send(publish('a', '2', 1, 2));
      expect(heard).toEqual(['mine']);
      expect(server.unheard).toHaveLength(1);
      expect(server.last.of('puback')).toHaveLength(0);
      expect(client.state).toBe('connected');
    },
  );

  it('a listener of error, warning or connected: ends nothing', async () => {
    const throwing = (error: unknown): void => {
      throw error;
    };
    const client = await server.client({ on: { error: throwing, warning: throwing, connected: throwing } });
    client.onMessage(() => {
      throw new Error('handler');
    });
    client.reportError(new Error('mine'));
    await server.last.cut();
    await clock.advance(1000);
    expect(client.state).toBe('connected');
    expect(server.unheard.map(({ message }) => message)).toContain('mine');
  });

  it('is thrown in a turn of its own by a platform that has no other way', async () => {
    const { onUnheard: _onUnheard, ...platform } = server.platform;
    const connecting = connectWith(platform, { url: 'mqtt://server' });
    await clock.settle();
    const client = await connecting;
    const tasks: (() => void)[] = [];
    const spy = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => tasks.push(task));
    client.reportError(new Error('mine'));
    spy.mockRestore();
    expect(tasks[0]).toThrow('mine');
  });
});

describe('calls that a program does not wait for', () => {
  it('end no program, whatever becomes of them', async () => {
    const rejections: unknown[] = [];
    const onRejection = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', onRejection);
    const client = await server.client();
    server.intercept = ({ type }) => type === 'subscribe' || type === 'unsubscribe' || type === 'publish';
    const calls = (): void => {
      client.subscribe('a');
      client.subscribe('a/#/b');
      client.unsubscribe('a');
      client.publish('a', '', { qos: 1 });
      client.publish('a/#');
      client.request('a');
      client.reauthenticate();
      client.messages('a').next();
      client.disconnect({ reasonCode: 0, sessionExpiryInterval: 5 });
    };
    calls();
    await clock.settle();
    client.disconnect();
    await clock.advance(60_000);
    client.subscribe('a');
    client.publish('a');
    client.request('a');
    // Node tells of them when the microtasks of a turn have run.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onRejection);
    expect(client.state).toBe('closed');
    expect(rejections).toEqual([]);
  });

  it('are waited for by disconnect(): subscribe, unsubscribe, request', async () => {
    const client = await server.client();
    const got: string[] = [];
    server.intercept = (packet, connection) => {
      got.push(packet.type);
      if (packet.type !== 'publish') return false;
      const { responseTopic = '', correlationData } = packet.properties ?? {};
      const answer = publish(responseTopic, 'answer') as Extract<Packet, { type: 'publish' }>;
      connection.write({ ...answer, properties: { correlationData } });
      return true;
    };
    const calls = [watch(client.subscribe('a')), watch(client.unsubscribe('b')), watch(client.request('service'))];
    const done = watch(client.disconnect());
    await clock.settle();
    expect(calls.map((call) => 'value' in call)).toEqual([true, true, true]);
    expect(done).toHaveProperty('value');
    expect(got).toEqual(['subscribe', 'unsubscribe', 'subscribe', 'publish', 'disconnect']);
  });
});

describe('a client that stops', () => {
  const stop = (): Promise<void> => server.last.send({ type: 'disconnect', reasonCode: 0x87, properties: undefined });

  it.each<[string, (client: Client) => unknown]>([
    ['nothing: it is an error, and loud', () => {}],
    ['a handler only', (client) => client.onMessage(() => {})],
  ])('is told to a program with %s', async (_what, prepare) => {
    const client = await server.client();
    prepare(client);
    await stop();
    expect(server.unheard).toEqual([expect.objectContaining({ name: 'ClosedError', code: 'not-authorized' })]);
  });

  it('ends a stream with the error', async () => {
    const client = await server.client();
    const next = watch(client.messages('a').next());
    await clock.settle();
    await stop();
    expect(next.error).toMatchObject({ code: 'not-authorized' });
    expect(server.unheard).toEqual([]);
  });

  it.each<[string, (client: Client) => unknown]>([
    ['has asked for closed', (client) => client.closed],
    ['listens to disconnected', (client) => client.on('disconnected', () => {})],
    ['listens to error', (client) => client.on('error', () => {})],
    ['has a stream', (client) => client.messages('a')],
  ])('is told once to a program that %s', async (_what, prepare) => {
    const client = await server.client();
    prepare(client);
    await clock.settle();
    await stop();
    expect(server.unheard).toEqual([]);
  });

  it('before its first connection is told by connect()', async () => {
    server.connack = { reasonCode: 0x87 };
    const connecting = watch(server.connect());
    await clock.settle();
    expect(connecting.error).toMatchObject({ code: 'not-authorized' });
    expect(server.unheard).toEqual([]);
  });
});

describe('createClient()', () => {
  const create = (options: ClientOptions = {}): Client =>
    createClientWith(server.platform, { url: 'mqtt://server', ...options });

  it('gives a client at once, whose subscriptions, messages and events wait for the connection', async () => {
    let isThere = false;
    server.intercept = (packet, connection) => {
      if (packet.type !== 'connect' || isThere) return false;
      connection.end();
      return true;
    };
    const client = create({ keepAlive: 0 });
    const events: string[] = [];
    for (const event of ['connecting', 'connected'] as const) client.on(event, () => events.push(event));
    expect([client.state, client.negotiated]).toEqual(['connecting', undefined]);
    const published = [watch(client.publish('a', '0')), watch(client.publish('a', '1', { qos: 1 }))];
    const subscribed = watch(client.subscribe('b'));
    const stream = watch(client.messages('c').next());
    await clock.advance(60_000);
    expect(published.some((one) => 'value' in one)).toBe(false);
    isThere = true;
    await clock.advance(120_000);
    expect(client.state).toBe('connected');
    expect(published.map(({ value }) => value?.qos)).toEqual([0, 1]);
    expect(subscribed).toHaveProperty('value');
    await server.last.send(publish('c', 'there'));
    expect(stream.value?.value?.text()).toBe('there');
    expect(server.last.packets.map(({ type }) => type)).toEqual([
      'connect',
      'subscribe',
      'subscribe',
      'publish',
      'publish',
    ]);
    expect(events.filter((event) => event === 'connected')).toHaveLength(1);
    expect(events[0]).toBe('connecting');
  });

  it('puts what is published at once behind what an earlier run has left, and both into the store', async () => {
    const store = memorySessionStore();
    const options = { store, clientId: 'x', cleanStart: false, sessionExpiryInterval: 100 };
    const first = await server.client(options);
    server.intercept = ({ type }) => type === 'publish';
    first.publish('a', 'first', { qos: 1 });
    await clock.settle();
    first.disconnect({ drain: 0 });
    await clock.advance(3000);
    server.intercept = ({ type }) => type === 'connect';
    const second = create(options);
    second.publish('a', 'second', { qos: 1 });
    await clock.advance(1000);
    second.disconnect();
    await clock.advance(3000);
    server.intercept = () => false;
    server.connack = { sessionPresent: true };
    const third = create(options);
    third.publish('a', 'third', { qos: 1 });
    await clock.settle();
    const texts = server.last.of('publish').map(({ payload }) => Buffer.from(payload).toString());
    expect(texts).toEqual(['first', 'second', 'third']);
    expect(third.pending).toBe(0);
  });

  it('throws for options that are wrong, and tells what stops it', async () => {
    expect(() => create({ keepAlive: -1 })).toThrow(/keepAlive/);
    server.connack = { reasonCode: 0x86 };
    const client = create({ username: 'u', password: 'p' });
    await clock.settle();
    expect(client.state).toBe('closed');
    expect(server.unheard).toEqual([expect.objectContaining({ code: 'bad-user-name-or-password' })]);
  });

  it('can be closed before it has connected', async () => {
    server.intercept = ({ type }) => type === 'connect';
    const client = create();
    const published = watch(client.publish('a', '', { qos: 1 }));
    await clock.settle();
    const closed = watch(client.disconnect());
    await clock.advance(3000);
    expect(closed).toHaveProperty('value');
    expect(published.error).toMatchObject({ code: 'client-closed' });
    expect(server.unheard).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
