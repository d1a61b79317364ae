import { type Broker, createBroker, type LostEvent, type Settings } from '@hawser/broker';
import type { ProtocolVersion } from '@hawser/codec';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { publishOf, Wire } from './testing/wire.ts';

let clock: FakeClock;
let store: HeldStore;
let broker: Broker;
let warnings: string[];
let lost: LostEvent[];

beforeEach(() => {
  clock = new FakeClock();
  store = new HeldStore();
  warnings = [];
  lost = [];
});

async function start(settings: Partial<Settings> = {}): Promise<void> {
  const observe = {
    onWarning: (code: string) => warnings.push(code),
    onLost: (event: LostEvent) => lost.push(event),
  };
  broker = await createBroker({ clock, store, settings, observe });
}

async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await clock.settle();
    store.commitAll();
  }
  await clock.settle();
}

const connect = (clientId: string, kept: boolean, version: ProtocolVersion = 5): Promise<Wire> =>
  new Wire(broker, clock, version).connect(clientId, kept);

async function makeSession(clientId = 'away', filter = 't/#'): Promise<void> {
  const wire = await connect(clientId, true);
  await wire.subscribe(filter);
  await settle();
  await wire.cut();
}

const text = ({ payload }: { readonly payload: Uint8Array }): string => new TextDecoder().decode(payload);

describe.each(['a disk that fails', 'a disk that is nearly full', 'data.bytesMax'] as const)('with %s', (what) => {
  async function startAndFail(): Promise<void> {
    store.space = { dataBytes: 0, freeBytes: 1e9 };
    await start({ 'data.bytesMax': 1000 });
    await makeSession();
    await fail();
  }

  async function fail(): Promise<void> {
    if (what === 'a disk that fails') store.fail();
    else if (what === 'data.bytesMax') store.space = { dataBytes: 1001, freeBytes: 1e9 };
    else store.space = { dataBytes: 0, freeBytes: 1e6 };
    await clock.advance(1100);
  }

  async function heal(): Promise<void> {
    if (what === 'a disk that fails') store.heal();
    else store.space = { dataBytes: 0, freeBytes: 1e9 };
    await clock.advance(1100);
    await settle();
  }

  test('what needs it is refused, told and counted; by itself it is taken again', async () => {
    await startAndFail();
    const publisher = await connect('publisher', false);
    await publisher.send(publishOf('t/1', 'refused', 1, 1), publishOf('t/1', 'refused', 2, 2));
    await publisher.send(publishOf('kept', 'refused', 1, 3, true));
    expect(publisher.packets.slice(1)).toMatchObject([
      { type: 'puback', packetIdentifier: 1, reasonCode: 0x97 },
      { type: 'pubrec', packetIdentifier: 2, reasonCode: 0x97 },
      { type: 'puback', packetIdentifier: 3, reasonCode: 0x97 },
    ]);
    expect(broker.counters.lost).toEqual({ 'store-fault': 3 });
    expect(lost).toHaveLength(3);
    await heal();
    await publisher.send(publishOf('t/1', 'taken', 1, 4));
    await settle();
    expect(publisher.last('puback')).toMatchObject({ packetIdentifier: 4, reasonCode: 0 });
    const codes = what === 'a disk that fails' ? ['store-fault', 'store-works-again'] : ['data-full', 'data-has-room'];
    expect(warnings).toEqual(codes);
    const back = new Wire(broker, clock).answerAll();
    await back.connect('away', true);
    await settle();
    expect(back.published.map(text)).toEqual(['taken']);
  });

  test('3.x is closed without an acknowledgement', async () => {
    await startAndFail();
    const publisher = await connect('publisher', false, 4);
    await publisher.send(publishOf('t/1', 'refused', 1, 1));
    expect(publisher.packets.map(({ type }) => type)).toEqual(['connack']);
    expect(publisher.closed).toBe(true);
  });

  test('QoS 0 and clean sessions go on', async () => {
    await startAndFail();
    const clean = await connect('clean', false);
    await clean.subscribe('else/#');
    const publisher = await connect('publisher', false);
    const message = publishOf('else/1', 'arrives', 1, 1);
    await publisher.send(message, { ...message, qos: 0, packetIdentifier: 0 }, publishOf('t/1', 'lost', 0, 0));
    expect(publisher.last('puback')).toMatchObject({ reasonCode: 0 });
    expect(clean.published.map(text)).toEqual(['arrives', 'arrives']);
    expect(broker.counters.lost).toEqual({ 'offline-qos0': 1 });
  });

  test('a new session is refused, one that is there goes on, with its subscriptions', async () => {
    await startAndFail();
    const fresh = await connect('fresh', true);
    expect(fresh.last('connack')).toMatchObject({ reasonCode: 0x97 });
    const fresh3 = await connect('fresh3', true, 4);
    expect(fresh3.last('connack')).toMatchObject({ reasonCode: 3 });
    const back = await connect('away', true);
    expect(back.last('connack')).toMatchObject({ reasonCode: 0, sessionPresent: true });
    await back.subscribe('t/#');
    expect(back.last('suback')).toMatchObject({ reasonCodes: [2] });
    await back.subscribe('more/#');
    expect(back.last('suback')).toMatchObject({ reasonCodes: [0x97] });
    const publisher = await connect('publisher', false);
    await publisher.send(publishOf('t/1', 'now', 0, 0));
    expect(back.published.map(text)).toEqual(['now']);
    await heal();
    await back.subscribe('more/#');
    await settle();
    expect(back.last('suback')).toMatchObject({ reasonCodes: [2] });
  });

  test('retained at QoS 0: a new topic is not kept and that is counted, another value of a known one is', async () => {
    store.space = { dataBytes: 0, freeBytes: 1e9 };
    await start({ 'data.bytesMax': 1000 });
    const publisher = await connect('publisher', false);
    await publisher.send(publishOf('known', 'first', 0, 0, true));
    await settle();
    await fail();
    await publisher.send(publishOf('known', 'second', 0, 0, true), publishOf('new', 'x', 0, 0, true));
    expect(broker.counters.lost).toEqual({ 'store-fault': 1 });
    const reader = await connect('reader', false);
    await reader.subscribe('#');
    expect(reader.published.map(text)).toEqual(['second']);
  });

  test('queue.qos0: QoS 0 for who is away is not taken, and told', async () => {
    store.space = { dataBytes: 0, freeBytes: 1e9 };
    await start({ 'data.bytesMax': 1000, 'queue.qos0': true });
    await makeSession();
    await fail();
    const publisher = await connect('publisher', false);
    await publisher.send(publishOf('t/1', 'lost', 0, 0));
    await heal();
    const back = await connect('away', true);
    await settle();
    expect(back.lost).toEqual({ 'store-fault': 1 });
  });
});

test('what was appended before the disk failed is acknowledged when it works again, in order', async () => {
  await start();
  await makeSession();
  const publisher = await connect('publisher', false);
  await publisher.send(publishOf('t/1', 'before', 1, 1), publishOf('t/1', 'before', 1, 2));
  store.fail();
  await publisher.send(publishOf('t/1', 'during', 1, 3));
  // The refusal waits for those in front: acknowledgements keep MQTT's order.
  expect(publisher.packets.filter(({ type }) => type === 'puback')).toEqual([]);
  await clock.advance(60_000);
  store.heal();
  await settle();
  const pubacks = publisher.packets.filter((packet) => packet.type === 'puback');
  expect(pubacks.map(({ packetIdentifier, reasonCode }) => [packetIdentifier, reasonCode])).toEqual([
    [1, 0],
    [2, 0],
    [3, 0x97],
  ]);
});

test('a bridge (3.1.1) repeats its SUBSCRIBE during a fault: it changes nothing, and is granted', async () => {
  await start();
  const bridge = await new Wire(broker, clock, 4).connect('bridge', true, { bridge: true });
  await bridge.subscribe('t/#', 1);
  await settle();
  store.fail();
  await clock.advance(1100);
  await bridge.subscribe('t/#', 1);
  expect(bridge.last('suback')?.reasonCodes).toEqual([1]);
  await bridge.subscribe('else/#', 1);
  expect(bridge.last('suback')?.reasonCodes).toEqual([0x80]);
});

test('a SUBACK during a fault stands for a subscription on disk, also one that is only repeated', async () => {
  await start();
  await makeSession('a', 'other');
  const first = await connect('a', true);
  await settle();
  await first.subscribe('t', 1);
  store.fail();
  await first.cut();
  const second = await connect('a', true);
  expect(second.last('connack')).toMatchObject({ reasonCode: 0 });
  await second.subscribe('t', 1);
  expect(second.last('suback')).toBeUndefined();
  store.heal();
  await settle();
  expect(second.last('suback')).toMatchObject({ reasonCodes: [1] });
});

test('a disk that does not keep up: publishers wait, then are refused, and memory is bounded', async () => {
  const MiB = 1024 * 1024;
  await start({ 'data.pendingBytes': MiB, 'queue.bytes': 64 * MiB });
  await makeSession();
  const publisher = await connect('publisher', false);
  for (let number = 1; number <= 40; number++) {
    await publisher.send(publishOf('t/1', 'x'.repeat(100_000), 1, number));
    await clock.advance(250);
  }
  expect(broker.counters.backpressurePauses).toBeGreaterThan(0);
  expect(store.pendingBytes).toBeLessThan(1.2 * MiB);
  store.commitAll();
  await settle();
  const codes = publisher.packets.flatMap((packet) => (packet.type === 'puback' ? [packet.reasonCode] : []));
  expect(codes.filter((code) => code === 0)).toHaveLength(11);
  expect(codes.filter((code) => code === 0x97)).toHaveLength(29);
  // And it goes on.
  await publisher.send(publishOf('t/1', 'again', 1, 41));
  await settle();
  expect(publisher.last('puback')).toMatchObject({ packetIdentifier: 41, reasonCode: 0 });
});

test('what nobody can be refused for is bounded too: clients that come and go, the broker itself', async () => {
  const MiB = 1024 * 1024;
  await start({ 'data.pendingBytes': MiB });
  await makeSession();
  store.fail();
  for (const size of [100_000, 1000, 0])
    for (let number = 0; number < 100; number++) broker.publish('t/1', 'x'.repeat(size), { qos: 1 });
  expect(store.pendingBytes).toBeLessThanOrEqual(2 * MiB);
  const before = store.pendingBytes;
  for (let round = 0; round < 20; round++) {
    const wire = await connect('away', true);
    expect(wire.last('connack')).toMatchObject({ reasonCode: 0x97 });
    broker.publish('kept', `${round}`, { retain: true });
  }
  expect(store.pendingBytes).toBe(before);
  store.heal();
  await settle();
  expect(store.pendingBytes).toBe(0);
  const back = new Wire(broker, clock).answerAll();
  await back.connect('away', true);
  await settle();
  // All are there, though the disk had not taken all of them.
  expect(back.published).toHaveLength(300);
});

test('with too little room the store is asked to give back what was deleted, not again and again', async () => {
  store.space = { dataBytes: 0, freeBytes: 1e9 };
  await start({ 'data.bytesMax': 1000 });
  await makeSession();
  store.space = { dataBytes: 2000, freeBytes: 1e9 };
  await clock.advance(200_000);
  expect(store.compacted, 'nothing is written meanwhile').toBe(1);
  for (const times of [2, 3]) {
    await (await connect('away', true)).cut();
    await settle();
    await clock.advance(2000);
    expect(store.compacted).toBe(times);
    await clock.advance(200_000);
    expect(store.compacted).toBe(times);
  }
});

// [MQTT5-4.3.2-4] [MQTT5-4.3.3-8]
describe('a message over what may wait for the disk', () => {
  const LARGE = 'x'.repeat(3 * 2 ** 20);

  beforeEach(async () => {
    await start({ 'data.pendingBytes': 2 ** 20, 'limits.maximumPacketSize': 2 ** 24 });
    for (const name of ['first', 'second', 'third']) await makeSession(name);
  });

  const held = async (clientId: string): Promise<number> => {
    const { number = 0 } = broker.registry.get(clientId) ?? {};
    return (await store.readQueue(number, 0, { messages: 10, bytes: 1e9 })).length;
  };

  test.each([
    [1, false],
    [2, false],
    [1, true],
    [2, true],
  ] as const)('QoS %i, RETAIN %s: 0x97, and nothing of it anywhere', async (qos, retain) => {
    const publisher = await connect('publisher', true);
    await settle();
    await publisher.send(publishOf('t/1', LARGE, qos, 1, retain));
    await settle();
    expect(publisher.packets.at(-1)).toMatchObject({ type: qos === 1 ? 'puback' : 'pubrec', reasonCode: 0x97 });
    for (const name of ['first', 'second', 'third']) {
      expect(await held(name)).toBe(0);
      expect(broker.registry.get(name)?.session.queue.length).toBe(0);
    }
    expect(broker.router.retained.get('t/1')).toBeUndefined();
    expect(broker.counters.lost).toEqual({ 'store-fault': 1 });
  });

  test('one that just fits is stored for all of its receivers and as retained', async () => {
    const publisher = await connect('publisher', false);
    await publisher.send(publishOf('t/1', 'x'.repeat(2 ** 20 - 1000), 1, 1, true));
    await settle();
    expect(publisher.last('puback')).toMatchObject({ reasonCode: 0 });
    for (const name of ['first', 'second', 'third']) expect(await held(name)).toBe(1);
    expect((await store.crash().open()).retained).toHaveLength(1);
  });

  test('what the broker itself publishes is stored for none of its receivers, waits for all, and that is told', async () => {
    await expect(broker.publish('t/1', LARGE, { qos: 1 })).rejects.toThrow(/data\.pendingBytes/);
    await settle();
    for (const name of ['first', 'second', 'third']) {
      expect(await held(name)).toBe(0);
      expect(broker.registry.get(name)?.session.queue.length).toBe(1);
    }
  });
});
