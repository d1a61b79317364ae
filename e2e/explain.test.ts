import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, createAdmin } from '@hawser/admin';
import {
  BAD_CREDENTIALS,
  type Broker,
  createBroker,
  type Explanation,
  FileRecorderLog,
  fingerprint,
  type Observer,
  startSysTopics,
} from '@hawser/broker';
import { connect as connectClient } from '@hawser/client';
import { type ConnectPacket, decodePacket, encodePacket, type Packet, PacketReader } from '@hawser/codec';
import { LevelStore } from '@hawser/store-level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../packages/testkit/src/test-certificates.ts';
import { HAWSER } from './support/broker-process.ts';
import { RunningProgram } from './support/processes.ts';

const QUEUE = 20;
const folder = mkdtempSync(join(tmpdir(), 'hawser-explain-'));
const authority = new TestAuthority();

/** Settles when the broker has told of something. */
class Watcher {
  readonly #seen: string[] = [];
  #waiting: { readonly what: string; readonly done: () => void }[] = [];

  readonly observer: Observer = {
    onConnected: ({ client }) => this.#tell(`connected ${client.clientId}`),
    onClosed: ({ client, cause }) => this.#tell(`${cause.code} ${client.clientId}`),
    onRefused: ({ client, remoteAddress, cause }) => this.#tell(`${cause.code} ${client?.clientId ?? remoteAddress}`),
    onSessionEnded: ({ clientId, cause }) => this.#tell(`session-${cause} ${clientId}`),
    onSubscribeRefused: ({ client }) => this.#tell(`subscribe-refused ${client.clientId}`),
  };

  until(what: string): Promise<void> {
    const at = this.#seen.indexOf(what);
    if (at >= 0) {
      this.#seen.splice(at, 1);
      return Promise.resolve();
    }
    return new Promise((done) => this.#waiting.push({ what, done }));
  }

  #tell(what: string): void {
    const waiting = this.#waiting.find((waiter) => waiter.what === what);
    if (waiting === undefined) {
      this.#seen.push(what);
      return;
    }
    this.#waiting = this.#waiting.filter((waiter) => waiter !== waiting);
    waiting.done();
  }
}

/** A broker with all kinds of listeners, and its API. */
class Stage {
  readonly watcher = new Watcher();
  readonly broker: Broker;
  readonly admin: Admin;

  constructor(broker: Broker, admin: Admin, watcher: Watcher) {
    this.broker = broker;
    this.admin = admin;
    this.watcher = watcher;
  }

  static async start(name: string): Promise<Stage> {
    const watcher = new Watcher();
    const directory = join(folder, name);
    const broker = await createBroker({
      listeners: [
        'mqtt://127.0.0.1:0',
        { url: 'mqtts://127.0.0.1:0', tls: { ...authority.issue('localhost'), verify: 'none' } },
        'ws://127.0.0.1:0/mqtt',
      ],
      settings: {
        'queue.messages': QUEUE,
        'limits.receiveMaximum': 2,
        'limits.connectTimeout': 0.3,
        'sys.interval': 0.2,
      },
      authenticate: ({ client, password }) =>
        client.username !== undefined && new TextDecoder().decode(password) !== 'right'
          ? BAD_CREDENTIALS
          : { kind: 'allow' },
      authorize: ({ topic }) => (topic.startsWith('secret/') ? 'deny' : 'allow'),
      observe: watcher.observer,
      recorderLog: new FileRecorderLog({ directory: join(directory, 'recorder'), bytes: 1024 * 1024 }),
    });
    const admin = await createAdmin({ broker, host: '127.0.0.1', port: 0, dataDirectory: directory, version: '0.1.0' });
    return new Stage(broker, admin, watcher);
  }

  port(scheme: 'mqtt' | 'mqtts' | 'ws'): number {
    return Number(new URL(this.broker.urls.find((url) => url.startsWith(`${scheme}:`)) ?? '').port);
  }

  async explain(clientId: string, lang = 'en'): Promise<Explanation> {
    return this.get(`/api/v1/explain/${encodeURIComponent(clientId)}?lang=${lang}`) as Promise<Explanation>;
  }

  async get(path: string): Promise<unknown> {
    const response = await fetch(this.admin.url + path);
    return (response.headers.get('content-type') ?? '').includes('json') ? response.json() : response.text();
  }

  delete(path: string, token?: string): Promise<Response> {
    return fetch(this.admin.url + path, {
      method: 'DELETE',
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
  }

  async close(): Promise<void> {
    await this.admin.close();
    await this.broker.close();
  }
}

/** A client of raw packets. */
class Client {
  readonly socket: Socket;
  readonly #reader = new PacketReader();
  readonly #packets: Packet[] = [];
  #waiting: ((packet: Packet) => void)[] = [];

  constructor(port: number, localAddress = '127.0.0.1') {
    this.socket = connect({ host: '127.0.0.1', port, localAddress });
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk: Uint8Array) => {
      this.#reader.push(chunk);
      while (this.#reader.next()) {
        const packet = decodePacket(this.#reader, 5, 'to-client');
        const waiting = this.#waiting.shift();
        if (waiting === undefined) this.#packets.push(packet);
        else waiting(packet);
      }
    });
  }

  static async connect(
    stage: Stage,
    clientId: string,
    change: Partial<ConnectPacket> = {},
    localAddress?: string,
  ): Promise<Client> {
    const client = new Client(stage.port('mqtt'), localAddress);
    client.send(connectPacket(clientId, change));
    const connack = await client.next();
    if (connack.type !== 'connack') throw new Error(`${connack.type} in place of a CONNACK`);
    return client;
  }

  send(packet: Packet): void {
    this.socket.write(encodePacket(packet, 5));
  }

  write(...bytes: number[]): void {
    this.socket.write(Uint8Array.from(bytes));
  }

  next(): Promise<Packet> {
    const packet = this.#packets.shift();
    return packet === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(packet);
  }

  /** The next packet of a type; others are passed over. */
  async nextOf(type: Packet['type']): Promise<Packet> {
    for (;;) {
      const packet = await this.next();
      if (packet.type === type) return packet;
    }
  }
}

function connectPacket(clientId: string, change: Partial<ConnectPacket> = {}): ConnectPacket {
  return {
    type: 'connect',
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 60,
    clientId,
    username: undefined,
    password: undefined,
    will: undefined,
    properties: undefined,
    bridge: false,
    ...change,
  };
}

const publishPacket = (topic: string, qos: 0 | 1 | 2, packetIdentifier: number): Packet => ({
  type: 'publish',
  topic,
  payload: new TextEncoder().encode('never recorded'),
  qos,
  retain: false,
  dup: false,
  packetIdentifier,
  properties: undefined,
});

const subscribePacket = (topicFilter: string, qos: 0 | 1 | 2): Packet => ({
  type: 'subscribe',
  packetIdentifier: 1,
  properties: undefined,
  subscriptions: [{ topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
});

const password = (text: string) => ({ username: 'sailor', password: new TextEncoder().encode(text) });

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.start('main');
});

afterAll(async () => {
  await stage.close();
  authority[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

/** Both languages, by the API: what was found, and that the sentences have the words and figures. */
async function expectExplained(clientId: string, code: string, english: RegExp, chinese: RegExp): Promise<Explanation> {
  const explanation = await stage.explain(clientId);
  expect(Object.keys(explanation).sort()).toEqual(['advice', 'clientId', 'connected', 'events', 'losses', 'verdict']);
  expect(explanation.clientId).toBe(clientId);
  expect(explanation.events.map((event) => event.code)).toContain(code);
  expect(explanation.verdict).toMatch(english);
  const inChinese = await stage.explain(clientId, 'zh');
  expect(inChinese.verdict).toMatch(chinese);
  expect(JSON.stringify([explanation, inChinese])).not.toMatch(/never recorded|wrong-secret/);
  return explanation;
}

describe('fifteen ends and refusals, fifteen explanations', () => {
  it('1: keep alive timeout, with the real gap', async () => {
    await Client.connect(stage, 'silent', { keepAlive: 1 });
    await stage.watcher.until('keep-alive-timeout silent');
    const { connected, advice } = await expectExplained(
      'silent',
      'keep-alive-timeout',
      /nothing came from it for 1\.[5-9] s, and its Keep Alive of 1 s allows 1\.5 s/,
      /有 1\.[5-9] 秒没有收到它的任何报文，而其 Keep Alive 1 秒最多允许 1\.5 秒/,
    );
    expect(connected).toBe(false);
    expect(advice[0]).toMatch(/PINGREQ/);
  });

  it('2: taken over, naming both addresses', async () => {
    const first = await Client.connect(stage, 'twin', {}, '127.0.0.3');
    const a = `127.0.0.3:${first.socket.localPort}`;
    const second = await Client.connect(stage, 'twin', {}, '127.0.0.4');
    const b = `127.0.0.4:${second.socket.localPort}`;
    await stage.watcher.until('session-taken-over twin');
    const { connected, verdict, events } = await expectExplained(
      'twin',
      'session-taken-over',
      /took the session over/,
      /接管了会话/,
    );
    expect(connected).toBe(true);
    expect(verdict).toContain(a);
    expect(verdict).toContain(b);
    expect(events.find((event) => event.kind === 'closed')).toMatchObject({
      address: a,
      takenOverBy: b,
      reasonCode: 0x8e,
    });
    expect(events.at(-1)).toMatchObject({ kind: 'connected', address: b, tookOverFrom: a });
    second.socket.destroy();
  });

  it('3: a malformed packet', async () => {
    const client = await Client.connect(stage, 'broken');
    client.write(0x36, 0x02, 0x00, 0x00);
    await stage.watcher.until('invalid-qos broken');
    await expectExplained('broken', 'invalid-qos', /cut off by the broker after .*QoS/, /不是有效的 MQTT 报文/);
  });

  it('4: a wrong password', async () => {
    const client = await Client.connect(stage, 'guesser', password('wrong-secret'));
    client.socket.destroy();
    await stage.watcher.until('bad-user-name-or-password guesser');
    const { events } = await expectExplained(
      'guesser',
      'bad-user-name-or-password',
      /never let in.*user name or the password is wrong/,
      /从未被允许连接.*用户名或密码错误/,
    );
    expect(events[0]).toMatchObject({ kind: 'refused', claimedUsername: fingerprint('sailor'), reasonCode: 0x86 });
  });

  it('5: not authorised, for a subscription and for a message', async () => {
    const client = await Client.connect(stage, 'nosy');
    client.send(subscribePacket('secret/plans', 1));
    await client.nextOf('suback');
    client.send(publishPacket('secret/plans', 1, 7));
    await client.nextOf('puback');
    const { losses } = await expectExplained(
      'nosy',
      'not-authorized',
      /subscription to secret\/plans is not permitted/,
      /订阅被拒绝：没有权限/,
    );
    expect(losses).toMatchObject([{ cause: 'not-authorized', count: 1, topic: 'secret/plans' }]);
    client.socket.destroy();
  });

  it('6: a packet that is too large', async () => {
    const client = await Client.connect(stage, 'bulky');
    client.write(0x30, 0x80, 0x80, 0x80, 0x01);
    await stage.watcher.until('packet-too-large bulky');
    await expectExplained(
      'bulky',
      'packet-too-large',
      /a packet of 2097157 bytes, and 1048576 bytes are taken/,
      /2097157 字节的报文，而这里最多接受 1048576 字节/,
    );
  });

  it('7: Receive Maximum exceeded', async () => {
    const client = await Client.connect(stage, 'hasty');
    for (const id of [1, 2, 3]) client.send(publishPacket('a', 2, id));
    await stage.watcher.until('receive-maximum-exceeded hasty');
    await expectExplained(
      'hasty',
      'receive-maximum-exceeded',
      /more than 2 QoS 1 and 2 messages unacknowledged/,
      /超过 2 条 QoS 1、2 消息未确认/,
    );
  });

  it('8: kicked by an operator', async () => {
    const client = await Client.connect(stage, 'kicked');
    const refused = await stage.delete('/api/v1/clients/kicked');
    expect(refused.status).toBe(401);
    const done = await stage.delete('/api/v1/clients/kicked', stage.admin.token.value);
    expect(await done.json()).toEqual({ done: true });
    expect(await client.nextOf('disconnect')).toMatchObject({ reasonCode: 0x98 });
    await expectExplained('kicked', 'administrative-action', /an operator ended the connection/, /管理员断开了此连接/);
  });

  it('9: a session that expired', async () => {
    const client = await Client.connect(stage, 'absent', { properties: { sessionExpiryInterval: 1 } });
    client.send({ type: 'disconnect', reasonCode: 0, properties: undefined });
    await stage.watcher.until('session-expired absent');
    const { advice } = await expectExplained(
      'absent',
      'session-expired',
      /its session ended: its Session Expiry Interval had passed/,
      /已超过 Session Expiry Interval/,
    );
    expect(advice.join()).toMatch(/longer Session Expiry Interval/);
  });

  it('10: the broker was stopped: told after it has been started again', async () => {
    const before = await Stage.start('stopped');
    await Client.connect(before, 'loyal', { properties: { sessionExpiryInterval: 100 } });
    await before.close();
    const after = await Stage.start('stopped');
    try {
      const explanation = await after.explain('loyal');
      expect(explanation.verdict).toMatch(/is not connected.*the broker was stopped/);
      expect(explanation.events.map((event) => event.code)).toEqual(['connected', 'server-shutting-down']);
      expect((await after.explain('loyal', 'zh')).verdict).toMatch(/代理服务器被停止/);
    } finally {
      await after.close();
    }
  });

  it('11: the network was lost', async () => {
    const client = await Client.connect(stage, 'lost');
    client.socket.resetAndDestroy();
    await stage.watcher.until('network-lost lost');
    await expectExplained(
      'lost',
      'network-lost',
      /lost after [\d.]+ s: the network connection broke/,
      /网络连接中断：read ECONNRESET/,
    );
  });

  it('12: a CONNECT that was never sent, by its address', async () => {
    const client = new Client(stage.port('mqtt'), '127.0.0.12');
    client.write(0x10, 0x20);
    await stage.watcher.until('connect-never-sent 127.0.0.12');
    await expectExplained(
      '127.0.0.12',
      'connect-never-sent',
      /no whole CONNECT within 0\.3 s \(2 bytes came\)/,
      /0\.3 秒内没有发送完整的 CONNECT（收到 2 字节）/,
    );
  });

  it('13: TLS that failed, by its address', async () => {
    const client = new Client(stage.port('mqtts'), '127.0.0.13');
    client.send(connectPacket('plain'));
    await stage.watcher.until('not-tls 127.0.0.13');
    await expectExplained(
      '127.0.0.13',
      'not-tls',
      /does not speak TLS, but this listener does/,
      /客户端使用的不是 TLS，而该监听器需要 TLS/,
    );
  });

  it('14: a WebSocket at the wrong path, by its address', async () => {
    const client = connect({ host: '127.0.0.1', port: stage.port('ws'), localAddress: '127.0.0.14' });
    client.on('error', () => {});
    const headers = ['Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
    headers.push('Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Protocol: mqtt');
    client.write(`GET /ws HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    await stage.watcher.until('wrong-path 127.0.0.14');
    await expectExplained(
      '127.0.0.14',
      'wrong-path',
      /no MQTT at the path "\/ws": use \/mqtt/,
      /路径 "\/ws" 上没有 MQTT：请使用 \/mqtt/,
    );
    client.destroy();
  });

  it('15: a queue that was full: limit + 7 messages, 7 dropped, everywhere the same', async () => {
    const properties = { sessionExpiryInterval: 1000 };
    const away = await Client.connect(stage, 'away', { properties });
    away.send(subscribePacket('berth/#', 1));
    await away.nextOf('suback');
    away.socket.destroy();
    await stage.watcher.until('network-lost away');
    for (let i = 0; i < QUEUE + 7; i++) stage.broker.publish('berth/7', `${i}`, { qos: 1 });
    const { losses } = await expectExplained(
      'away',
      'network-lost',
      /7 messages were lost because its queue was full/,
      /丢失 7 条消息：其队列已满/,
    );
    expect(losses).toMatchObject([{ cause: 'queue-full', count: 7, topic: 'berth/7' }]);
    expect(await stage.get('/api/v1/clients/away')).toMatchObject({
      dropped: 7,
      queue: { messages: QUEUE },
      losses: [{ cause: 'queue-full', count: 7 }],
    });
    expect(await stage.get('/api/v1/losses?filter=away')).toMatchObject({ items: [{ clientId: 'away', dropped: 7 }] });
    expect(await stage.get('/metrics')).toMatch(/^hawser_messages_dropped_total\{cause="queue-full"\} 7$/m);
    expect(await stage.get('/metrics')).toMatch(/^hawser_connections_refused_total\{code="wrong-path"\} 1$/m);
    expect(await stage.get('/metrics')).toMatch(
      /^hawser_connections_closed_total\{by="self",code="keep-alive-timeout"\} 1$/m,
    );
    const back = new Client(stage.port('mqtt'));
    back.send(connectPacket('away', { cleanStart: false, properties }));
    expect(await back.next()).toMatchObject({
      sessionPresent: true,
      properties: { userProperties: [['lost-queue-full', '7']] },
    });
    back.socket.destroy();
  });
});

describe('flapping', () => {
  it('is named, with both addresses and how often', async () => {
    for (let i = 0; i < 4; i++) await Client.connect(stage, 'shared', {}, i % 2 === 0 ? '127.0.0.5' : '127.0.0.6');
    const { verdict, advice } = await stage.explain('shared');
    expect(verdict).toMatch(/Flapping: .* taken over 3 times .*127\.0\.0\.5 and 127\.0\.0\.6/);
    expect(advice.join(' ')).toMatch(/Client Identifier of its own/);
  });
});

describe('two clients of this library with one Client Identifier', () => {
  it('settle at once, and the explanation names both addresses', async () => {
    const url = `mqtt://127.0.0.1:${stage.port('mqtt')}`;
    const before = stage.broker.counters.takeovers;
    const first = await connectClient(url, { clientId: 'claimed' });
    // A program that hears of its end in no way at all would be ended by it.
    const ended = first.closed;
    const second = await connectClient(url, { clientId: 'claimed' });
    expect(await ended).toMatchObject({ code: 'session-taken-over' });
    expect(second.state).toBe('connected');
    expect(stage.broker.counters.takeovers - before).toBeLessThanOrEqual(3);
    const { connected, verdict, events } = await stage.explain('claimed');
    expect(connected).toBe(true);
    const addresses = events.filter((event) => event.kind === 'connected').map((event) => event.address ?? '?');
    expect(new Set(addresses).size).toBe(2);
    for (const address of addresses) expect(verdict).toContain(address);
    await second.disconnect();
  });
});

describe('an address', () => {
  it('is explained by the clients that came from it', async () => {
    const client = await Client.connect(stage, 'quay-9', {}, '127.0.0.19');
    const { verdict, advice } = await stage.explain('127.0.0.19');
    expect(verdict).toBe('Clients that came from 127.0.0.19: "quay-9".');
    expect(advice).toEqual(['Explain one of these Client Identifiers.']);
    client.socket.destroy();
    expect(await stage.get('/api/v1/explain/192.0.2.77')).toMatchObject({
      code: 'unknown-client',
      explanation: {
        verdict: 'No connection from 192.0.2.77 is remembered.',
        advice: [expect.stringContaining(`The broker listens on mqtt://127.0.0.1:${stage.port('mqtt')}, `)],
      },
    });
  });
});

describe('the API', () => {
  it('refuses a host name that is not its own, and pages from elsewhere', async () => {
    const ask = (headers: string[]) =>
      new Promise<string>((resolve) => {
        const { hostname, port } = new URL(stage.admin.url);
        const socket = connect({ host: hostname, port: Number(port) });
        socket.once('data', (chunk: Uint8Array) => {
          resolve(new TextDecoder().decode(chunk).split('\r\n', 1)[0] ?? '');
          socket.destroy();
        });
        socket.write(`GET /api/v1/overview HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      });
    expect(await ask(['Host: evil.example'])).toContain('403');
    expect(await ask(['Host: 127.0.0.1', 'Origin: http://evil.example'])).toContain('403');
    expect(await ask(['Host: 127.0.0.1', 'Origin: null'])).toContain('403');
    expect(await ask(['Host: 127.0.0.1:9', 'Origin: http://127.0.0.1:9'])).toContain('200');
    expect(await ask(['Host: localhost'])).toContain('200');
  });

  it('keeps its token in a file that only its owner can read', () => {
    const { file, value } = stage.admin.token;
    expect(file).toBeDefined();
    expect(statSync(file ?? '').mode & 0o777).toBe(0o600);
    expect(readFileSync(file ?? '', 'utf8').trim()).toBe(value);
  });

  it('does not listen beyond loopback without a password', async () => {
    await expect(createAdmin({ broker: stage.broker, host: '0.0.0.0', port: 0 })).rejects.toThrow(/set a password/);
    const open = await createAdmin({ broker: stage.broker, host: '0.0.0.0', port: 0, password: 'harbour' });
    const url = open.url.replace('0.0.0.0', '127.0.0.1');
    expect((await fetch(`${url}/api/v1/overview`)).status).toBe(401);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(`${url}/api/v1/overview`, { headers: { authorization: 'Bearer harbour' } })).status).toBe(200);
    await open.close();
  });

  it('lists, clears and forgets', async () => {
    const properties = { sessionExpiryInterval: 1000 };
    const client = await Client.connect(stage, 'listed', {
      properties,
      keepAlive: 30,
      will: { topic: 'w', payload: new Uint8Array(3), qos: 1, retain: false, properties: undefined },
    });
    client.send(subscribePacket('harbour/+', 2));
    await client.nextOf('suback');
    stage.broker.publish('lamp/north', 'on', { retain: true });
    expect(await stage.get('/api/v1/clients?filter=LIST')).toMatchObject({
      total: 1,
      items: [{ clientId: 'listed', connected: true, keepAlive: 30 }],
    });
    expect(await stage.get('/api/v1/clients/listed')).toMatchObject({
      connected: true,
      negotiated: {
        keepAlive: { requested: 30, effective: 30 },
        sessionExpiryInterval: { requested: 1000, effective: 1000 },
      },
      subscriptionList: [{ topicFilter: 'harbour/+', qos: 2 }],
      will: { topic: 'w', bytes: 3 },
      history: [{ kind: 'connected' }],
    });
    expect(await stage.get('/api/v1/subscriptions?topicFilter=harbour')).toMatchObject({ total: 1 });
    expect(await stage.get('/api/v1/wills?filter=listed')).toMatchObject({ items: [{ topic: 'w' }] });
    expect(await stage.get('/api/v1/retained?filter=lamp/%23')).toMatchObject({
      items: [{ topic: 'lamp/north', bytes: 2 }],
    });
    expect(await stage.get('/api/v1/retained/lamp%2Fnorth')).toMatchObject({ payload: null });
    const { value } = stage.admin.token;
    expect((await stage.delete('/api/v1/retained/lamp%2Fnorth', value)).status).toBe(200);
    expect((await stage.delete('/api/v1/retained/lamp%2Fnorth', value)).status).toBe(404);
    expect((await stage.delete('/api/v1/sessions/listed', value)).status).toBe(200);
    expect(await stage.get('/api/v1/sessions?filter=listed')).toMatchObject({ total: 0 });
    expect((await stage.explain('listed')).events.map((event) => event.code)).toContain('session-cleared');
    expect(await stage.get('/api/v1/history?code=administrative-action&limit=1')).toMatchObject({
      items: [{ clientId: 'listed' }],
    });
  });

  it('describes itself', async () => {
    const document = (await stage.get('/api/openapi.json')) as {
      openapi: string;
      paths: object;
      components: { schemas: object };
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toContain('/api/v1/explain/{clientId}');
    for (const [, name] of JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(document.components.schemas).toHaveProperty(name ?? '');
  });

  it('names near Client Identifiers for one that is not known', async () => {
    const client = await Client.connect(stage, 'winch-07');
    expect(await stage.get('/api/v1/explain/winch-7')).toMatchObject({ code: 'unknown-client', near: ['winch-07'] });
    client.socket.destroy();
  });

  it('says whether the broker is ready', async () => {
    expect(await stage.get('/health')).toEqual({ status: 'ok' });
    expect(await stage.get('/ready')).toEqual({ status: 'ready', problems: [] });
    // A disk that would need to have more left than there is.
    const store = new LevelStore({ directory: join(folder, 'full') });
    const full = await createBroker({ store, settings: { 'data.freeBytesMin': 2 ** 40 } });
    const admin = await createAdmin({ broker: full, host: '127.0.0.1', port: 0 });
    const ready = await fetch(`${admin.url}/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({
      status: 'not-ready',
      problems: [expect.stringContaining('freeBytesMin')],
    });
    expect(await (await fetch(`${admin.url}/metrics`)).text()).toMatch(/^hawser_store_writable 0$/m);
    await admin.close();
    await full.close();
  });
});

describe('$SYS', () => {
  it('is published for who subscribes to it, retained, and with Mosquitto names', async () => {
    const stop = startSysTopics(stage.broker, '0.1.0');
    const client = await Client.connect(stage, 'watcher');
    client.send(subscribePacket('$SYS/broker/version', 0));
    const packet = await client.nextOf('publish');
    expect(packet).toMatchObject({ topic: '$SYS/broker/version', retain: true });
    client.socket.destroy();
    stop();
  });
});

describe('hawser explain', () => {
  const run = async (...args: string[]) => {
    const program = new RunningProgram(process.execPath, [HAWSER, 'explain', ...args]);
    const exitCode = await program.exited;
    return { exitCode, stdout: program.stdout, stderr: program.stderr };
  };

  it('prints what the API says, as JSON and for people', async () => {
    const json = await run('kicked', '--api', stage.admin.url, '--json', '--lang', 'en');
    expect(json.exitCode).toBe(0);
    expect(JSON.parse(json.stdout)).toEqual(await stage.explain('kicked'));
    const people = await run('kicked', '--api', stage.admin.url, '--lang', 'zh');
    expect(people.stdout).toMatch(/管理员断开了此连接/);
  });

  it('says when it knows nothing, and when there is nobody to ask', async () => {
    const unknown = await run('kickd', '--api', stage.admin.url, '--lang', 'en', '--json');
    expect(unknown.exitCode).toBe(1);
    expect(JSON.parse(unknown.stdout)).toMatchObject({
      clientId: 'kickd',
      connected: false,
      verdict: expect.stringMatching(/near: "kicked"/),
    });
    const gone = await createAdmin({ broker: stage.broker, host: '127.0.0.1', port: 0 });
    await gone.close();
    const nobody = await run('kicked', '--api', gone.url);
    expect(nobody.exitCode).toBe(2);
    expect(nobody.stderr).toContain(`the API at ${gone.url} does not answer: connection refused`);
    const listener = await run('kicked', '--api', `http://127.0.0.1:${stage.port('mqtt')}`);
    expect(listener.exitCode).toBe(2);
    expect(listener.stderr).toMatch(/is not the API of Hawser \(it hangs up .*not that of an MQTT listener/s);
  });

  it('remembers over kill -9 who was connected', async () => {
    const data = join(folder, 'killed');
    const start = async () => {
      const args = [
        'broker',
        '-l',
        'mqtt://127.0.0.1:0',
        '--console',
        '127.0.0.1:0',
        '-d',
        data,
        '-s',
        'queue.messages=5',
      ];
      const program = new RunningProgram(process.execPath, [HAWSER, ...args]);
      await program.waitFor(/^ready$/m);
      const [, port = ''] = /mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(program.stdout) ?? [];
      const [, api = ''] = /console\s+(\S+)/.exec(program.stdout) ?? [];
      return { program, port: Number(port), api };
    };
    const before = await start();
    const client = new Client(before.port);
    const properties = { sessionExpiryInterval: 1000 };
    client.send(connectPacket('survivor', { properties }));
    await client.nextOf('connack');
    client.send(subscribePacket('a/#', 1));
    await client.nextOf('suback');
    await expect
      .poll(() => readFileSync(join(data, 'recorder', 'events.jsonl'), 'utf8'), { timeout: 5000 })
      .toContain('survivor');
    await before.program.end('SIGKILL');
    const after = await start();
    const { stdout } = await run('survivor', '--api', after.api, '--lang', 'en');
    expect(stdout).toMatch(/is not connected.*the broker itself went down without being stopped/);
    expect(stdout).toMatch(/Its session is kept until .*: 1 subscription, 0 messages wait/);
    expect(after.program.stderr).toBe('');
    expect(await after.program.end()).toBe(0);
  });
});

describe('a broker that may have few files open', () => {
  it('refuses in words whom the system would cut off in silence', async () => {
    const args = ['--console', '127.0.0.1:0', '-l', 'mqtt://127.0.0.1:0', '-d', 'memory'];
    await using program = new RunningProgram('bash', [
      '-c',
      'ulimit -n 100; exec "$0" "$@"',
      ...[process.execPath, HAWSER, 'broker', ...args],
    ]);
    await program.waitFor(/^ready$/m);
    const [, port = ''] = /mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(program.stdout) ?? [];
    const [, api = ''] = /console\s+(\S+)/.exec(program.stdout) ?? [];
    const clients: Client[] = [];
    const answers: Packet[] = [];
    for (let i = 0; i < 40; i++) {
      const client = new Client(Number(port));
      clients.push(client);
      client.send(connectPacket(`many-${i}`));
      answers.push(await client.next());
    }
    const codes = answers.map((packet) => (packet.type === 'connack' ? packet.reasonCode : packet.type));
    expect(codes.filter((code) => code === 0)).toHaveLength(36);
    expect(codes.filter((code) => code === 0x89)).toHaveLength(4);
    const refused = await fetch(`${api}/api/v1/history?code=too-many-open-files`);
    const items = Array.from({ length: 4 }, () => ({ text: expect.stringContaining('ulimit -n') }));
    expect(await refused.json()).toMatchObject({ total: 4, items });
    for (const client of clients) client.socket.destroy();
  });
});
