import { type Broker, createBroker } from '@hawser/broker';
import { decodePacket, encodePacket, encodeUtf8, type Packet, PacketReader, type ProtocolVersion } from '@hawser/codec';
import { MemoryNetwork, type Transport } from '@hawser/transport';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';

const HOUR_MS = 3_600_000;
const SEVEN_DAYS_MS = 7 * 24 * HOUR_MS;

let clock: FakeClock;
let broker: Broker;
let network: MemoryNetwork;

beforeEach(async () => {
  clock = new FakeClock();
  network = new MemoryNetwork({ clock, seed: 1 });
  broker = await createBroker({ clock });
});

/** A connection of which the test sees every packet. */
class Wire {
  readonly packets: Packet[] = [];
  closedAtMs: number | undefined;
  readonly #transport: Transport;
  readonly #version: ProtocolVersion;

  constructor(version: ProtocolVersion) {
    this.#version = version;
    const [near, far] = network.connect();
    this.#transport = near;
    const reader = new PacketReader();
    near.start({
      onData: (bytes) => {
        reader.push(bytes.slice());
        while (reader.next()) {
          this.packets.push(decodePacket(reader, version, 'to-client'));
        }
      },
      onDrain: () => {},
      onClose: () => {
        this.closedAtMs = clock.now();
      },
    });
    broker.attach(far);
  }

  async send(...packets: Packet[]): Promise<void> {
    for (const packet of packets) this.#transport.write([encodePacket(packet, this.#version)]);
    await clock.settle();
  }

  cut(): Promise<void> {
    this.#transport.destroy();
    return clock.settle();
  }

  last(type: Packet['type']): Packet | undefined {
    return this.packets.findLast((packet) => packet.type === type);
  }
}

async function connect(clientId: string, options: Partial<Extract<Packet, { type: 'connect' }>> = {}): Promise<Wire> {
  const protocolVersion = options.protocolVersion ?? 5;
  const wire = new Wire(protocolVersion);
  await wire.send({
    type: 'connect',
    protocolVersion,
    cleanStart: false,
    keepAlive: 0,
    clientId,
    username: undefined,
    password: undefined,
    will: undefined,
    properties: undefined,
    bridge: false,
    ...options,
  });
  return wire;
}

function subscribe(topicFilter: string): Packet {
  const subscription = {
    topicFilter,
    qos: 1 as const,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
  };
  return { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] };
}

function present(wire: Wire): boolean | undefined {
  const connack = wire.last('connack');
  return connack?.type === 'connack' ? connack.sessionPresent : undefined;
}

const will = { topic: 'will', payload: encodeUtf8('gone'), qos: 0 as const, retain: false };

describe('Keep Alive', () => {
  test('closes after one and a half times, with 0x8D, and the Will is sent', async () => {
    const watcher = await connect('watcher');
    await watcher.send(subscribe('will'));
    const client = await connect('client', { keepAlive: 10, will: { ...will, properties: undefined } });
    const start = clock.now();
    await clock.advance(14_900);
    expect(client.closedAtMs).toBeUndefined();
    await clock.advance(200);
    const disconnect = client.last('disconnect');
    expect(disconnect).toMatchObject({ reasonCode: 0x8d });
    expect(disconnect?.type === 'disconnect' && disconnect.properties?.reasonString).toContain('15.0 s');
    expect((client.closedAtMs ?? 0) - start).toBeGreaterThanOrEqual(15_000);
    expect(watcher.last('publish')).toMatchObject({ topic: 'will' });
  });

  test('what the server sends does not keep a client alive, what the client sends does', async () => {
    const client = await connect('client', { keepAlive: 10 });
    await client.send(subscribe('t'));
    for (let i = 0; i < 3; i++) {
      await clock.advance(10_000);
      await client.send({ type: 'pingreq' });
      broker.publish('t', 'x');
    }
    expect(client.closedAtMs).toBeUndefined();
    for (let i = 0; i < 16; i++) {
      await clock.advance(1000);
      broker.publish('t', 'x');
    }
    await clock.settle();
    expect(client.last('disconnect')).toMatchObject({ reasonCode: 0x8d });
  });
});

describe('Session Expiry Interval', () => {
  test('24 hours to the second', async () => {
    const first = await connect('a', { properties: { sessionExpiryInterval: 24 * 3600 } });
    await first.cut();
    await clock.advance(24 * HOUR_MS - 1000);
    const second = await connect('a', { properties: { sessionExpiryInterval: 24 * 3600 } });
    expect(present(second)).toBe(true);
    await second.cut();
    await clock.advance(24 * HOUR_MS + 1000);
    expect(broker.registry.size).toBe(0);
    expect(present(await connect('a'))).toBe(false);
  });

  test('a DISCONNECT shortens it', async () => {
    const first = await connect('a', { properties: { sessionExpiryInterval: 3600 } });
    await first.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 5 } });
    await clock.advance(6000);
    expect(present(await connect('a'))).toBe(false);
  });

  test('3.1.1 with Clean Session 0: seven days', async () => {
    await (await connect('a', { protocolVersion: 4 })).cut();
    await clock.advance(SEVEN_DAYS_MS - 1000);
    const again = await connect('a', { protocolVersion: 4 });
    expect(present(again)).toBe(true);
    await again.cut();
    await clock.advance(SEVEN_DAYS_MS + 1000);
    expect(present(await connect('a', { protocolVersion: 4 }))).toBe(false);
  });

  test('time in which the broker was down counts; a wall clock that jumps while it runs does not', async () => {
    let store = new HeldStore();
    await broker.close();
    broker = await createBroker({ clock, store });
    const first = await connect('a', { properties: { sessionExpiryInterval: 3600 } });
    // Its CONNACK waits for this: without one nothing would be left of it.
    store.commitAll();
    await clock.settle();
    await first.cut();
    store.commitAll();
    clock.jumpWall(10 * HOUR_MS);
    await clock.advance(1000);
    expect(broker.registry.size, 'after the jump').toBe(1);
    clock.jumpWall(-10 * HOUR_MS);
    store = store.crash();
    clock.jumpWall(2 * HOUR_MS);
    broker = await createBroker({ clock, store });
    await clock.settle();
    expect(present(await connect('a'))).toBe(false);
  });
});

describe('Will Delay Interval', () => {
  test('the Will is sent after it, not before', async () => {
    const watcher = await connect('watcher');
    await watcher.send(subscribe('will'));
    const client = await connect('a', {
      properties: { sessionExpiryInterval: 600 },
      will: { ...will, properties: { willDelayInterval: 60 } },
    });
    await client.cut();
    await clock.advance(59_000);
    expect(watcher.last('publish')).toBeUndefined();
    await clock.advance(2000);
    expect(watcher.last('publish')).toMatchObject({ topic: 'will' });
  });

  test('the end of the session cuts it short', async () => {
    const watcher = await connect('watcher');
    await watcher.send(subscribe('will'));
    const client = await connect('a', {
      properties: { sessionExpiryInterval: 5 },
      will: { ...will, properties: { willDelayInterval: 3600 } },
    });
    await client.cut();
    await clock.advance(6000);
    expect(watcher.last('publish')).toMatchObject({ topic: 'will' });
  });

  test('a client that is back in time takes it back; with Clean Start it is sent at once', async () => {
    const watcher = await connect('watcher');
    await watcher.send(subscribe('will'));
    const options = {
      properties: { sessionExpiryInterval: 600 },
      will: { ...will, properties: { willDelayInterval: 60 } },
    };
    await (await connect('a', options)).cut();
    await clock.advance(30_000);
    const back = await connect('a', options);
    await clock.advance(120_000);
    expect(watcher.last('publish')).toBeUndefined();
    await back.cut();
    await clock.advance(10_000);
    await connect('a', { cleanStart: true });
    expect(watcher.last('publish')).toMatchObject({ topic: 'will' });
  });

  test('it waits over a crash of the broker', async () => {
    let store = new HeldStore();
    await broker.close();
    broker = await createBroker({ clock, store });
    await connect('a', {
      properties: { sessionExpiryInterval: 600 },
      will: { ...will, properties: { willDelayInterval: 60 } },
    });
    store.commitAll();
    store = store.crash();
    network.cutAll();
    await clock.settle();
    broker = await createBroker({ clock, store });
    const watcher = await connect('watcher');
    await watcher.send(subscribe('will'));
    store.commitAll();
    await clock.advance(30_000);
    expect(watcher.last('publish')).toBeUndefined();
    await clock.advance(31_000);
    expect(watcher.last('publish')).toMatchObject({ topic: 'will' });
  });
});

describe('Message Expiry Interval', () => {
  test('is counted down while a message waits, and ends it', async () => {
    const away = await connect('away', { properties: { sessionExpiryInterval: 3600 } });
    await away.send(subscribe('t'));
    await away.cut();
    const publish = (payload: string, messageExpiryInterval: number) =>
      broker.publish('t', payload, { qos: 1, properties: { messageExpiryInterval } });
    publish('short', 10);
    publish('long', 100);
    await clock.advance(40_000);
    const back = await connect('away', { properties: { sessionExpiryInterval: 3600 } });
    const publishes = back.packets.filter((packet) => packet.type === 'publish');
    expect(publishes).toHaveLength(1);
    expect(publishes[0]).toMatchObject({ properties: { messageExpiryInterval: 60 } });
    expect(back.last('connack')).toMatchObject({ properties: { userProperties: [['lost-expired', '1']] } });
  });
});

test('a CONNECT that never comes ends the connection after limits.connectTimeout', async () => {
  const wire = new Wire(5);
  await clock.advance(9900);
  expect(wire.closedAtMs).toBeUndefined();
  await clock.advance(200);
  expect(wire.closedAtMs).toBeDefined();
});

describe('policies that take their time', () => {
  test('nothing further is handled before the answer, order is kept, and the time is not counted against the client', async () => {
    await broker.close();
    const answers: (() => void)[] = [];
    broker = await createBroker({
      clock,
      authorize: (request) =>
        request.topic === 'slow' ? new Promise((resolve) => answers.push(() => resolve('allow'))) : 'allow',
      settings: { 'policy.timeout': 600 },
    });
    const watcher = await connect('watcher');
    await watcher.send(subscribe('#'));
    const client = await connect('a', { keepAlive: 10 });
    const publish = (topic: string): Packet => ({
      type: 'publish',
      topic,
      payload: encodeUtf8(topic),
      qos: 0,
      retain: false,
      dup: false,
      packetIdentifier: 0,
      properties: undefined,
    });
    await client.send(publish('first'), publish('slow'), publish('after'));
    await clock.advance(60_000);
    const topics = () => watcher.packets.flatMap((packet) => (packet.type === 'publish' ? [packet.topic] : []));
    expect(topics()).toEqual(['first']);
    expect(client.closedAtMs).toBeUndefined();
    for (const answer of answers) answer();
    await clock.settle();
    expect(topics()).toEqual(['first', 'slow', 'after']);
    expect(client.closedAtMs).toBeUndefined();
  });

  test('one that does not answer in time is a no, told as such', async () => {
    await broker.close();
    const warnings: string[] = [];
    broker = await createBroker({
      clock,
      authenticate: () => new Promise(() => {}),
      observe: { onWarning: (_code, text) => warnings.push(text) },
    });
    const client = await connect('a');
    await clock.advance(5100);
    expect(client.last('connack')).toMatchObject({ reasonCode: 0x88 });
    expect(warnings.join()).toContain('no answer within 5 s');
  });
});
