import { type Broker, createBroker, type Settings } from '@hawser/broker';
import type { ProtocolVersion, PublishPacket } from '@hawser/codec';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { publishOf, Wire } from './testing/wire.ts';

let clock: FakeClock;
let store: HeldStore;
let broker: Broker;

beforeEach(() => {
  clock = new FakeClock();
  store = new HeldStore();
});

async function start(isStored: boolean, settings: Partial<Settings> = {}): Promise<void> {
  broker = await createBroker({ clock, settings, ...(isStored ? { store } : {}) });
}

async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await clock.settle();
    store.commitAll();
  }
  await clock.settle();
}

async function crash(): Promise<void> {
  await settle();
  store = store.crash();
  await start(true);
}

async function retain(count: number, qos: 1 | 2 = 1): Promise<void> {
  for (let number = 0; number < count; number++) broker.publish(`r/${number}`, `${number}`, { qos, retain: true });
  await settle();
}

/** A kept session that takes so much at a time. */
async function connect(version: ProtocolVersion, receiveMaximum = 20): Promise<Wire> {
  const options = version === 5 ? { properties: { receiveMaximum } } : {};
  const wire = await new Wire(broker, clock, version).connect('sub', true, options);
  await settle();
  return wire;
}

/** Acknowledges what comes until that many messages have come, and cuts the connection there; at the end, when they are all. */
async function take(wire: Wire, most = Number.POSITIVE_INFINITY): Promise<PublishPacket[]> {
  const acknowledged = new Set<unknown>();
  for (let before = -1; before !== wire.packets.length && acknowledged.size < most; ) {
    before = wire.packets.length;
    for (const packet of [...wire.packets]) {
      if (acknowledged.size >= most || acknowledged.has(packet)) continue;
      const reply = { reasonCode: 0, properties: undefined };
      if (packet.type === 'pubrel')
        wire.write({ type: 'pubcomp', packetIdentifier: packet.packetIdentifier, ...reply });
      else if (packet.type === 'publish' && packet.qos > 0) {
        const type = packet.qos === 1 ? 'puback' : 'pubrec';
        wire.write({ type, packetIdentifier: packet.packetIdentifier, ...reply });
      } else continue;
      acknowledged.add(packet);
    }
    await settle();
  }
  const { published } = wire;
  await wire.cut();
  return published;
}

const topicsOf = (packets: readonly PublishPacket[]): Set<string> => new Set(packets.map(({ topic }) => topic));

// [MQTT5-3.3.1-9] [MQTT311-3.3.1-6]
describe.each([4, 5] as const)('retained messages that are owed to a kept session, version %i', (version) => {
  describe.each([false, true])('with a store: %s', (isStored) => {
    test.each([1, 2] as const)('QoS %i: a connection that breaks in the middle loses none', async (qos) => {
      await start(isStored, { 'limits.inflight3': 20 });
      await retain(200, qos);
      let wire = await connect(version);
      await wire.subscribe('r/#');
      await settle();
      const got = await take(wire, 50);
      expect(got.length).toBeLessThan(120);
      for (const most of [10, Number.POSITIVE_INFINITY]) {
        wire = await connect(version);
        expect(wire.last('connack')).toMatchObject({ sessionPresent: true });
        got.push(...(await take(wire, most)));
      }
      expect(topicsOf(got).size).toBe(200);
      expect(got.every(({ retain }) => retain)).toBe(true);
      if (qos === 2) expect(got.filter(({ dup }) => !dup)).toHaveLength(200);
      expect(await take(await connect(version))).toEqual([]);
      expect(broker.counters.lost).toEqual({});
    });
  });

  test('the broker is restarted in the middle: the rest comes, what was published since then comes once', async () => {
    await start(true, { 'limits.inflight3': 20 });
    await retain(200);
    const wire = await connect(version);
    await wire.subscribe('r/#');
    await settle();
    const got = await take(wire, 50);
    await clock.advance(1000);
    broker.publish('r/3', 'newer', { qos: 1, retain: true });
    await crash();
    broker.publish('r/4', 'newest', { qos: 1, retain: true });
    await settle();
    const more = await take(await connect(version));
    expect(topicsOf([...got, ...more]).size).toBe(200);
    const live = more.filter(({ payload }) => String.fromCharCode(...payload).startsWith('new'));
    expect(live.map(({ topic, retain }) => [topic, retain])).toEqual([
      ['r/3', false],
      ['r/4', false],
    ]);
    await crash();
    expect(await take(await connect(version))).toEqual([]);
  });

  test('before the restart all had come: nothing comes again', async () => {
    await start(true);
    await retain(50);
    const wire = await connect(version);
    await wire.subscribe('r/#');
    expect(topicsOf(await take(wire)).size).toBe(50);
    await crash();
    expect(await take(await connect(version))).toEqual([]);
  });

  test('they come in turn with live messages that never end', async () => {
    await start(true, { 'limits.inflight3': 5, 'queue.messages': 100_000 });
    await retain(50);
    const wire = await connect(version, 5);
    await wire.subscribe('live');
    await wire.subscribe('r/#');
    await settle();
    let live = 0;
    const isOwed = (): boolean => topicsOf(wire.published.filter(({ topic }) => topic !== 'live')).size < 50;
    let acknowledged = 0;
    for (let round = 0; round < 40 && isOwed(); round++) {
      // More come than the client takes.
      for (let i = 0; i < 20; i++) broker.publish('live', `${live++}`, { qos: 1 });
      const { published } = wire;
      for (const { packetIdentifier } of published.slice(acknowledged))
        wire.write({ type: 'puback', packetIdentifier, reasonCode: 0, properties: undefined });
      acknowledged = published.length;
      await settle();
    }
    expect(isOwed()).toBe(false);
    const texts = wire.published
      .filter(({ topic }) => topic === 'live')
      .map(({ payload }) => Number(String.fromCharCode(...payload)));
    expect(texts).toEqual(texts.map((_, index) => index));
    expect(texts.length).toBeGreaterThan(20);
  });

  test('they end with the subscription', async () => {
    await start(true, { 'limits.inflight3': 5 });
    await retain(50);
    let wire = await connect(version, 5);
    await wire.subscribe('r/#');
    await settle();
    await wire.send({ type: 'unsubscribe', packetIdentifier: 2, properties: undefined, topicFilters: ['r/#'] });
    await settle();
    expect(topicsOf(await take(wire)).size).toBeLessThan(10);
    await crash();
    wire = await connect(version);
    expect(await take(wire)).toEqual([]);
  });
});

// [MQTT311-3.3.1-9] [MQTT5-3.3.1-13] [MQTT5-3.8.3-3]
describe('a session that goes on with another version', () => {
  const options = { qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 0 } as const;

  const plain = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;

  async function subscribe(version: ProtocolVersion, bridge = false): Promise<void> {
    const wire = await new Wire(broker, clock, version).connect('sub', true, { bridge });
    await wire.send({
      type: 'subscribe',
      packetIdentifier: 1,
      properties: version === 5 ? { subscriptionIdentifier: 7 } : undefined,
      subscriptions: [{ topicFilter: '#', ...(version === 5 ? options : plain) }],
    });
    await settle();
    await wire.cut();
  }

  /** What comes of a retained message that waited, of one that comes live, at QoS 1 and 0, and of one that it publishes itself. */
  async function look(version: ProtocolVersion, bridge = false): Promise<(readonly [string, boolean])[]> {
    broker.publish('t', 'waited', { qos: 1, retain: true });
    await settle();
    const wire = await new Wire(broker, clock, version).answerAll().connect('sub', true, { bridge });
    await settle();
    broker.publish('t', 'live', { qos: 1, retain: true });
    broker.publish('t', 'live 0', { qos: 0, retain: true });
    await wire.send(publishOf('t', 'own', 1, 9));
    await settle();
    await settle();
    const seen = wire.published.map(({ payload, retain }) => [new TextDecoder().decode(payload), retain] as const);
    const { number = 0 } = broker.registry.get('sub') ?? {};
    expect(await store.readQueue(number, 0, { messages: 10, bytes: 1e6 })).toEqual([]);
    await wire.cut();
    return seen.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  const RETAINED = [
    ['live', true],
    ['live 0', true],
    ['waited', true],
  ];
  const PLAIN = [
    ['live', false],
    ['live 0', false],
    ['own', false],
    ['waited', false],
  ];

  test.each([false, true])('5.0, then 3.1.1, then 5.0 again; restarted in between: %s', async (restarts) => {
    await start(true);
    await subscribe(5);
    expect(await look(5)).toEqual(RETAINED);
    if (restarts) await crash();
    expect(await look(4)).toEqual(PLAIN);
    if (restarts) await crash();
    expect(await look(5)).toEqual(RETAINED);
  });

  test('a bridge (3.1.1) keeps what it asks for', async () => {
    await start(true);
    await subscribe(4, true);
    expect(await look(4, true)).toEqual(RETAINED);
    expect(await look(4)).toEqual(PLAIN);
  });

  test('a retained message for a new subscription has RETAIN for every version, sent again, too', async () => {
    await start(true);
    broker.publish('t', 'kept', { qos: 1, retain: true });
    await settle();
    await subscribe(5);
    await crash();
    const wire = await new Wire(broker, clock, 4).connect('sub', true);
    await settle();
    expect(wire.published).toMatchObject([{ topic: 't', dup: true, retain: true }]);
  });

  test('a CONNECT that is not accepted leaves the options as they are', async () => {
    await start(true, {});
    await subscribe(5);
    broker.setAuthorizer(undefined);
    store.fail();
    const late = new Wire(broker, clock, 4);
    await late.connect('sub', true);
    await late.cut();
    store.heal();
    await settle();
    expect(broker.registry.get('sub')?.protocolVersion).toBe(4);
    expect(await look(5)).toEqual(RETAINED);
  });
});
