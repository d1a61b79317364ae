import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, createBroker } from '@hawser/broker';
import { type Client, type ClientOptions, connect, levelSessionStore, type Message } from '@hawser/client';
import { LevelStore } from '@hawser/store-level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../packages/testkit/src/test-certificates.ts';
import { RunningProgram } from './support/processes.ts';

// One suite, for Hawser and for Debian's Mosquitto: a client that only gets on with its own broker is not much of a client.

/** The one that store-level brings with it: users of `levelSessionStore` bring their own. */
const { ClassicLevel } = createRequire(import.meta.resolve('@hawser/store-level'))('classic-level') as {
  ClassicLevel: new (directory: string) => unknown;
};

const authority = new TestAuthority();
const certificate = authority.issue('localhost');
const folder = mkdtempSync(join(tmpdir(), 'hawser-client-servers-'));
afterAll(() => {
  authority[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface RunningServer {
  /** By transport. */
  readonly urls: Readonly<Record<'mqtt' | 'mqtts' | 'ws' | 'wss', string>>;
  stop(): Promise<unknown>;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function startMosquitto(): Promise<RunningServer> {
  const ports = await freePorts(4);
  const files = { cert: join(folder, 'server.pem'), key: join(folder, 'server.key') };
  writeFileSync(files.cert, certificate.cert);
  writeFileSync(files.key, certificate.key);
  const tls = `certfile ${files.cert}\nkeyfile ${files.key}\n`;
  const listeners = ports.map((port, i) => {
    const protocol = i >= 2 ? 'protocol websockets\n' : '';
    return `listener ${port} 127.0.0.1\n${protocol}${i % 2 === 1 ? tls : ''}`;
  });
  const config = join(folder, 'mosquitto.conf');
  writeFileSync(config, `allow_anonymous true\nuser root\n${listeners.join('')}`);
  const program = new RunningProgram('/usr/sbin/mosquitto', ['-c', config]);
  await program.waitFor(/running/, 'stderr');
  const [mqtt, mqtts, ws, wss] = ports;
  return {
    urls: {
      mqtt: `mqtt://127.0.0.1:${mqtt}`,
      mqtts: `mqtts://localhost:${mqtts}`,
      ws: `ws://127.0.0.1:${ws}/mqtt`,
      wss: `wss://localhost:${wss}/mqtt`,
    },
    stop: () => program.end(),
  };
}

async function startHawser(): Promise<RunningServer> {
  const tls = { ...certificate, verify: 'none' } as const;
  const broker = await createBroker({
    listeners: [
      'mqtt://127.0.0.1:0',
      { url: 'mqtts://127.0.0.1:0', tls },
      'ws://127.0.0.1:0/mqtt',
      { url: 'wss://127.0.0.1:0/mqtt', tls },
    ],
  });
  const [mqtt = '', mqtts = '', ws = '', wss = ''] = broker.urls;
  const byName = (url: string): string => url.replace('127.0.0.1', 'localhost');
  return { urls: { mqtt, mqtts: byName(mqtts), ws, wss: byName(wss) }, stop: () => broker.close() };
}

const starts = { Hawser: startHawser, Mosquitto: startMosquitto };
let count = 0;

describe.each(['Hawser', 'Mosquitto'] as const)('%s', (name) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await starts[name]();
  });
  afterAll(() => server.stop());

  const open = (options: ClientOptions = {}, transport: keyof RunningServer['urls'] = 'mqtt'): Promise<Client> =>
    connect(server.urls[transport], { tls: { ca: authority.cert }, ...options });
  const own = (): string => `test/${++count}`;

  describe.each(['mqtt', 'mqtts', 'ws', 'wss'] as const)('%s', (transport) => {
    it.each([3, 4, 5] as const)('version %i: publish and receive at every QoS', async (protocolVersion) => {
      await using client = await open({ protocolVersion, tls: { ca: authority.cert } }, transport);
      const topic = own();
      const messages = client.messages(`${topic}/+`, { qos: 2 });
      for (const qos of [0, 1, 2] as const) {
        await client.publish(`${topic}/${qos}`, `with ${qos}`, { qos });
        const { value } = await messages.next();
        expect([value?.topic, value?.text(), value?.qos]).toEqual([`${topic}/${qos}`, `with ${qos}`, qos]);
      }
      expect(client.negotiated?.protocolVersion.effective).toBe(protocolVersion);
    });
  });

  it('reports grants, and unsubscribes', async () => {
    await using client = await open();
    const topic = own();
    const grants = await client.subscribe([`${topic}/a`, `${topic}/#`], { qos: 1 });
    expect(grants.map(({ qos, reason }) => [qos, reason])).toEqual([
      [1, 'granted-qos-1'],
      [1, 'granted-qos-1'],
    ]);
    const results = await client.unsubscribe([`${topic}/a`, `${topic}/never`]);
    expect(results.map(({ reasonCode }) => reasonCode)).toEqual([0, 0x11]);
  });

  it('carries large payloads and 5.0 properties', async () => {
    await using client = await open();
    const topic = own();
    const messages = client.messages(topic, { qos: 1 });
    const payload = new Uint8Array(500_000).map((_, i) => i % 251);
    const userProperties = [
      ['a', '1'],
      ['a', '2'],
      ['b', 'ü'],
    ] as const;
    await client.publish(topic, payload, {
      qos: 1,
      contentType: 'application/x',
      correlationData: 'c',
      responseTopic: 'r',
      messageExpiryInterval: 100,
      payloadFormatIndicator: 0,
      userProperties,
    });
    const { value } = await messages.next();
    expect(value?.payload).toEqual(payload);
    expect(value).toMatchObject({ contentType: 'application/x', responseTopic: 'r', userProperties });
    expect(value?.messageExpiryInterval).toBeGreaterThan(90);
    expect(value?.userProperty('a')).toEqual(['1', '2']);
  });

  it('keeps retained messages, and publishes a Will', async () => {
    await using reader = await open();
    const topic = own();
    const wills = reader.messages(`${topic}/will`, { qos: 1 });
    const dying = await open({ will: { topic: `${topic}/will`, payload: 'gone', qos: 1, retain: true } });
    await reader.subscribe(`${topic}/none`);
    await dying.disconnect({ reasonCode: 4 });
    expect((await wills.next()).value?.text()).toBe('gone');
    await using late = await open();
    const { value } = await late.messages(`${topic}/will`).next();
    expect([value?.text(), value?.retain]).toEqual(['gone', true]);
  });

  it('answers requests', async () => {
    await using asker = await open();
    await using server = await open();
    const topic = own();
    server.onMessage(async (message) => {
      await server.publish(message.responseTopic ?? '', message.text().toUpperCase(), {
        correlationData: message.correlationData,
      });
    }, topic);
    await server.subscribe(topic, { qos: 1 });
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((text) => asker.request(topic, text, { qos: 1, timeout: 5 })),
    );
    expect(answers.map((answer) => answer.text())).toEqual(['A', 'B', 'C']);
    await expect(asker.request(`${topic}/nobody`, 'x', { timeout: 0.1 })).rejects.toMatchObject({
      code: 'request-timeout',
    });
  });

  it('resumes a session with what came meanwhile', async () => {
    const clientId = `resume-${name}-${++count}`;
    const topic = own();
    const options: ClientOptions = { clientId, cleanStart: false, sessionExpiryInterval: 100 };
    const first = await open(options);
    await first.subscribe(topic, { qos: 2 });
    await first.disconnect();
    await using publisher = await open();
    for (let i = 0; i < 20; i++) await publisher.publish(topic, String(i), { qos: 2 });
    await using again = await open(options);
    expect(again.negotiated?.sessionPresent).toBe(true);
    const got: string[] = [];
    await new Promise<void>((resolve) => {
      again.on('message', (message: Message) => {
        if (got.push(message.text()) === 20) resolve();
      });
    });
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
  });

  it('two clients with one Client ID settle, and the other is told why', async () => {
    // Mosquitto 2.0.11 takes over without saying so, in 5.0 too: three closes right after the CONNACK say it.
    const options: ClientOptions = { clientId: `taken-${name}-${++count}`, protocolVersion: name === 'Hawser' ? 5 : 4 };
    const first = await open({ ...options, reconnect: { delay: 0.01 } });
    const second = await open({ ...options, reconnect: { delay: 0.01 } });
    const loser = await Promise.race([first.closed, second.closed]);
    expect(loser).toMatchObject({ code: 'session-taken-over' });
    expect([first.state, second.state]).toContain('closed');
    await first.disconnect();
    await second.disconnect();
  });

  it('sends faster than the Receive Maximum allows, without breaking it', async () => {
    await using client = await open({ queue: { messages: 10_000 } });
    const topic = own();
    let received = 0;
    const all = new Promise<void>((resolve) => {
      client.onMessage(() => {
        if (++received === 2000) resolve();
      }, topic);
    });
    await client.subscribe(topic, { qos: 2 });
    await Promise.all(
      Array.from({ length: 2000 }, (_, i) => client.publish(topic, String(i), { qos: i % 2 === 0 ? 2 : 1 })),
    );
    await all;
    expect(received).toBe(2000);
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
