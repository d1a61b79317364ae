import { type Broker, type BrokerOptions, createBroker } from '@hawser/broker';
import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { publishOf, Wire } from './testing/wire.ts';

let clock: FakeClock;
let store: HeldStore;
let broker: Broker;

async function start(options: BrokerOptions = {}): Promise<void> {
  broker = await createBroker({ clock, store, ...options });
}

beforeEach(() => {
  clock = new FakeClock();
  store = new HeldStore();
});

async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await clock.settle();
    store.commitAll();
  }
  await clock.settle();
}

async function connect(clientId: string, kept = true, options: Parameters<Wire['connect']>[2] = {}): Promise<Wire> {
  const wire = await new Wire(broker, clock).connect(clientId, kept, options);
  await settle();
  return wire;
}

const texts = (wire: Wire): string[] => wire.published.map(({ payload }) => new TextDecoder().decode(payload));

/** Holds back what is read from queues until a test lets go. */
function holdReads(): () => void {
  const held: (() => void)[] = [];
  const read = store.readQueue.bind(store);
  store.readQueue = async (...given) => {
    await new Promise<void>((resolve) => held.push(resolve));
    return read(...given);
  };
  return () => {
    for (const resolve of held.splice(0)) resolve();
  };
}

test('a queue of which nothing is to be acknowledged does not hold up retained messages', async () => {
  const options = { settings: { 'queue.pageSize': 2 } };
  await start(options);
  broker.publish('r', 'retained', { qos: 1, retain: true });
  const first = (await connect('a')).answerAll();
  await first.subscribe('t', 1);
  await first.subscribe('r', 1);
  await settle();
  await first.cut();
  for (let i = 0; i < 4; i++) broker.publish('t', 'short', { qos: 1, properties: { messageExpiryInterval: 1 } });
  await settle();
  store = store.crash();
  await start(options);
  await settle();
  await clock.advance(2000);
  const release = holdReads();
  const wire = (await connect('a')).answerAll();
  await wire.subscribe('r', 1);
  await settle();
  for (let i = 0; i < 10; i++) {
    release();
    await settle();
  }
  expect(texts(wire)).toEqual(['retained']);
});

test('a queue that could not be read once is read again', async () => {
  await start();
  const first = await connect('a');
  await first.subscribe('t', 1);
  await settle();
  await first.cut();
  broker.publish('t', 'text', { qos: 1 });
  await settle();
  store = store.crash();
  await start();
  await settle();
  const read = store.readQueue.bind(store);
  let failures = 0;
  store.readQueue = async (...given) => {
    if (failures++ < 2) throw new Error('the disk says no');
    return read(...given);
  };
  const wire = (await connect('a')).answerAll();
  await clock.advance(30_000);
  await settle();
  expect(texts(wire)).toEqual(['text']);
});

test('a CONNECT that waits for a disk which fails is answered', async () => {
  await start();
  const wire = await new Wire(broker, clock).connect('a', true);
  expect(wire.packets).toEqual([]);
  store.fail();
  await clock.advance(60_000);
  expect(wire.last('connack')).toMatchObject({ reasonCode: 0x88 });
});

test('an observer that throws ends nothing but itself', async () => {
  const boom = (): never => {
    throw new Error('a bug of an embedder');
  };
  const warnings: string[] = [];
  await start({
    observe: { onClosed: boom, onConnected: boom, onLost: boom, onWarning: (code) => warnings.push(code) },
  });
  const wire = await connect('a');
  expect(wire.last('connack')).toMatchObject({ reasonCode: 0 });
  await wire.subscribe('t', 1);
  await wire.cut();
  expect(broker.registry.get('a')?.handler).toBeUndefined();
  expect(warnings.length).toBeGreaterThan(0);
});

test('overlapping: each gives each its copy, also to many', async () => {
  await start({ settings: { 'subscriptions.overlapping': 'each', 'fanout.minimumMembers': 2 } });
  const wires: Wire[] = [];
  for (const id of ['a', 'b', 'c']) {
    const wire = await connect(id, false);
    await wire.subscribe('t', 0);
    await wire.subscribe('#', 0);
    wires.push(wire);
  }
  const publisher = await connect('p', false);
  await publisher.send(publishOf('t', 'x', 0, 0), publishOf('t', 'y', 0, 0));
  await settle();
  expect(wires.map((wire) => texts(wire).length)).toEqual([4, 4, 4]);
});
