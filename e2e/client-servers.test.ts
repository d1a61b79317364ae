import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Broker, createBroker } from '@hawser/broker';
import { type ClientOptions, connect, levelSessionStore } from '@hawser/client';
import { LevelStore } from '@hawser/store-level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientServer, ClientServers, freePorts } from './support/client-servers.ts';
import { scenarios } from './support/client-suite.ts';

// One suite, for Hawser and for Debian's Mosquitto: a client that only gets on with its own broker is not much of a client.
// client-browser.test.ts runs the same scenarios in Chromium.

/** The one that store-level brings with it: users of `levelSessionStore` bring their own. */
const { ClassicLevel } = createRequire(import.meta.resolve('@hawser/store-level'))('classic-level') as {
  ClassicLevel: new (directory: string) => unknown;
};

const servers = new ClientServers();
const { authority, folder } = servers;
afterAll(() => servers[Symbol.dispose]());
let count = 0;
const tls = { ca: authority.cert };
const trust = { mqtt: {}, ws: {}, mqtts: { tls }, wss: { tls } };

describe.each(['Hawser', 'Mosquitto'] as const)('%s', (name) => {
  let server: ClientServer;
  beforeAll(async () => {
    server = await servers.start(name);
  });
  afterAll(() => server.stop());

  describe.each(['mqtt', 'mqtts', 'ws', 'wss'] as const)('%s', (transport) => {
    it.each(scenarios)('$name', ({ run }) =>
      run({
        server: name,
        open: (options) => connect(server.urls[transport], { ...trust[transport], ...options }),
        own: () => `node-${transport}/${++count}`,
      }),
    );
  });
});

it('nothing is lost, and QoS 2 comes once, while the broker is restarted 20 times', async () => {
  const [port] = await freePorts(1);
  const url = `mqtt://127.0.0.1:${port}`;
  const start = (): Promise<Broker> =>
    createBroker({ listeners: [url], store: new LevelStore({ directory: join(folder, 'broker') }) });
  let broker = await start();
  const options: ClientOptions = {
    sessionExpiryInterval: 1000,
    reconnect: { delay: 0.05, delayMax: 0.1 },
    queue: { messages: 100_000 },
  };
  const store = levelSessionStore(new ClassicLevel(join(folder, 'client')), { sync: false });
  await using publisher = await connect(url, { ...options, clientId: 'publisher', store });
  await using reader = await connect(url, { ...options, clientId: 'reader' });
  const got = new Map<string, number>();
  reader.on('message', (message) => got.set(message.text(), (got.get(message.text()) ?? 0) + 1));
  await reader.subscribe('load/#', { qos: 2 });
  const published: Promise<unknown>[] = [];
  const publish = (): void => {
    const qos = published.length % 2 === 0 ? 1 : 2;
    published.push(publisher.publish(`load/${qos}`, `${qos}:${published.length}`, { qos }));
  };
  for (let restart = 0; restart < 20; restart++) {
    const reconnected = Promise.all(
      [publisher, reader].map((client) => new Promise<void>((resolve) => client.once('connected', () => resolve()))),
    );
    for (let i = 0; i < 25; i++) publish();
    await broker.close();
    for (let i = 0; i < 25; i++) publish();
    broker = await start();
    await reconnected;
  }
  await Promise.all(published);
  await expect.poll(() => got.size, { timeout: 20_000 }).toBe(published.length);
  expect([...got].filter(([text, times]) => text.startsWith('2:') && times > 1)).toEqual([]);
  await publisher.disconnect();
  await reader.disconnect();
  await broker.close();
});

describe('levelSessionStore', () => {
  const directory = join(folder, 'level');

  it('that another client has closed is opened again by who still writes', async () => {
    const store = levelSessionStore(new ClassicLevel(join(folder, 'shared')));
    await store.write('a', [{ key: 'm1', value: new Uint8Array([1]) }]);
    await store.close?.();
    await store.write('b', [{ key: 'm1', value: new Uint8Array([2]) }]);
    expect(await store.load('b')).toHaveLength(1);
    await store.close?.();
  });

  it('keeps entries by client, in order, over a reopening', async () => {
    const store = levelSessionStore(new ClassicLevel(directory));
    await store.write('b', [{ key: 'm2', value: new Uint8Array([2]) }]);
    await store.write('a', [
      { key: 'm2', value: new Uint8Array([2]) },
      { key: 'm1', value: new Uint8Array([1]) },
      { key: 'm3', value: new Uint8Array([3]) },
    ]);
    await store.write('a', [{ key: 'm3', value: undefined }]);
    await store.close?.();
    const again = levelSessionStore(new ClassicLevel(directory));
    expect((await again.load('a')).map(([key, value]) => [key, [...value]])).toEqual([
      ['m1', [1]],
      ['m2', [2]],
    ]);
    expect(await again.load('nobody')).toEqual([]);
    await again.close?.();
  });
});
