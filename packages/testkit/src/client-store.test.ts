import { type ClientOptions, memorySessionStore, sessionStore } from '@hawser/client';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { ack, publish, ScriptedServer } from './scripted-server.ts';

let clock: FakeClock;
let server: ScriptedServer;
const options: ClientOptions = { clientId: 'durable', cleanStart: false, sessionExpiryInterval: 3600 };

beforeEach(() => {
  clock = new FakeClock();
  server = new ScriptedServer(clock);
});

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('a client with a store', () => {
  it('whose store cannot be closed closes all the same, and tells it', async () => {
    const close = (): Promise<void> => Promise.reject(new Error('busy'));
    const store = sessionStore({ load: async () => [], write: async () => {}, close });
    const client = await server.client({ ...options, store });
    const warnings: string[] = [];
    client.on('warning', ({ text }) => warnings.push(text));
    void client.disconnect();
    await clock.advance(3000);
    expect(await client.closed).toBeUndefined();
    expect(warnings).toEqual(['the store was not closed: Error: busy']);
  });

  it.each(['that cannot connect', 'that is taken over', 'that says good-bye'])('%s closes it', async (how) => {
    let isOpen = false;
    const store = sessionStore({
      load: async () => {
        isOpen = true;
        return [];
      },
      write: async () => {},
      close: async () => {
        isOpen = false;
      },
    });
    if (how === 'that cannot connect') server.connack = { reasonCode: 0x87 };
    const connecting = server.client({ ...options, store });
    if (how === 'that cannot connect') await expect(connecting).rejects.toThrow('not-authorized');
    else {
      const client = await connecting;
      expect(isOpen).toBe(true);
      if (how === 'that is taken over')
        await server.last.send({ type: 'disconnect', reasonCode: 0x8e, properties: undefined });
      else void client.disconnect();
      await clock.advance(3000);
      await client.closed;
    }
    expect(isOpen).toBe(false);
  });

  it('goes on after a restart of the program where it was', async () => {
    const store = memorySessionStore();
    const first = await server.client({ ...options, store });
    first.on('message', () => {});
    server.intercept = (packet) => ['publish', 'pubrel', 'pubrec'].includes(packet.type);
    for (const [payload, qos] of [
      ['1', 1],
      ['2', 2],
      ['3', 2],
    ] as const) {
      first.publish('a', payload, { qos, contentType: 'x', correlationData: 'y' }).catch(() => {});
    }
    await clock.settle();
    const ids = server.last.of('publish').map(({ packetIdentifier }) => packetIdentifier);
    await server.last.send(ack('pubrec', ids[2] as number));
    await server.last.send(publish('in', 'x', 2, 9));
    await server.last.cut();
    first.publish('a', '4', { qos: 1 }).catch(() => {});
    await clock.settle();
    // The program is gone: nothing of the first client is used any more.
    server.intercept = () => false;
    server.connack = { sessionPresent: true };
    const second = await server.client({ ...options, store });
    await clock.settle();
    expect(
      server.last.of('publish').map((packet) => [packet.packetIdentifier, packet.dup, text(packet.payload)]),
    ).toEqual([
      [ids[0], true, '1'],
      [ids[1], true, '2'],
      [expect.any(Number), false, '4'],
    ]);
    expect(server.last.of('publish')[0]?.properties).toMatchObject({
      contentType: 'x',
      correlationData: new Uint8Array([121]),
    });
    expect(server.last.of('pubrel').map(({ packetIdentifier }) => packetIdentifier)).toContain(ids[2]);
    expect(second.pending).toBe(0);
    const got: string[] = [];
    second.on('message', (message) => got.push(message.text()));
    await server.last.send(publish('in', 'x', 2, 9, true));
    expect(got).toEqual([]);
    expect(server.last.of('pubrec').map(({ packetIdentifier }) => packetIdentifier)).toEqual([9]);
    expect((await store.load('durable')).map(([key]) => key)).toEqual(['s']);
  });

  it('sends anew what the server knows nothing of', async () => {
    const store = memorySessionStore();
    const first = await server.client({ ...options, store });
    server.intercept = (packet) => packet.type === 'publish';
    first.publish('a', '1', { qos: 2 }).catch(() => {});
    await clock.settle();
    await server.last.cut();
    server.intercept = () => false;
    await server.client({ ...options, store });
    await clock.settle();
    expect(server.last.of('publish').map(({ dup, payload }) => [dup, text(payload)])).toEqual([[false, '1']]);
    expect((await store.load('durable')).map(([key]) => key)).toEqual(['s']);
  });

  it('sends a QoS 2 PUBLISH only when its identifier is written', async () => {
    let release = (): void => {};
    const kept = memorySessionStore();
    const store = sessionStore({
      load: (clientId) => kept.load(clientId),
      write: (clientId, changes) =>
        new Promise((resolve) => {
          release = () => resolve(kept.write(clientId, changes));
        }),
    });
    const client = await server.client({ ...options, store });
    release();
    await clock.settle();
    client.publish('a', '1', { qos: 2 }).catch(() => {});
    await clock.settle();
    for (let i = 0; i < 3 && server.last.of('publish').length === 0; i++) {
      expect(server.last.of('publish')).toHaveLength(0);
      release();
      await clock.settle();
    }
    expect(server.last.of('publish')).toHaveLength(1);
  });

  it('closes when the server has a session that the store knows nothing of', async () => {
    server.connack = { sessionPresent: true };
    const connecting = server.connect({ ...options, store: memorySessionStore() });
    const settled = connecting.then(
      () => 'connected',
      (error: unknown) => error,
    );
    await clock.settle();
    expect(server.last.of('disconnect')[0]).toMatchObject({ reasonCode: 0x82 });
    expect(await settled).toMatchObject({ code: 'session-present-without-state' });
  });

  it('warns when the store fails, and goes on', async () => {
    const warnings: string[] = [];
    const store = sessionStore({ load: async () => [], write: () => Promise.reject(new Error('disk full')) });
    const client = await server.client({ ...options, store, on: { warning: ({ code }) => warnings.push(code) } });
    const done = client.publish('a', '1', { qos: 1 });
    await clock.settle();
    expect(await done).toEqual({ qos: 1, reasonCode: 0 });
    expect(warnings).toContain('store-failed');
  });
});
