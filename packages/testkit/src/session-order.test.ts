import { type Broker, createBroker, type Settings } from '@hawser/broker';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { Wire } from './testing/wire.ts';

let clock: FakeClock;
let store: HeldStore;
let broker: Broker;

beforeEach(() => {
  clock = new FakeClock();
  store = new HeldStore();
});

async function start(settings: Partial<Settings> = {}): Promise<void> {
  broker = await createBroker({ clock, store, settings: { 'queue.pageSize': 8, ...settings } });
}

async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await clock.settle();
    store.commitAll();
  }
  await clock.settle();
}

function publish(from: number, to: number): void {
  for (let number = from; number < to; number++)
    broker.publish('t/1', `${number}`, { qos: number % 3 === 0 ? 2 : 1 }).catch(() => undefined);
}

async function leaveWaiting(count: number): Promise<void> {
  const wire = await new Wire(broker, clock).connect('away', true);
  await wire.subscribe('t/#');
  await settle();
  await wire.cut();
  publish(0, count);
  await settle();
}

/** Acknowledges all, until nothing comes any more. */
async function takeAll(wire: Wire): Promise<string[]> {
  wire.answerAll();
  for (let before = -1; before !== wire.packets.length; ) {
    before = wire.packets.length;
    await settle();
  }
  return wire.published.map(({ payload }) => new TextDecoder().decode(payload));
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `${from + index}`);

// [MQTT5-4.6.0-6] [MQTT311-4.6.0-6]
describe('what comes while older messages are only in the store waits behind them', () => {
  test.each([0, 1000])('resumed with Session Expiry Interval %i', async (sessionExpiryInterval) => {
    await start();
    await leaveWaiting(40);
    const wire = new Wire(broker, clock);
    await wire.connect('away', true, { properties: { sessionExpiryInterval, receiveMaximum: 3 } });
    publish(40, 50);
    await settle();
    publish(50, 60);
    expect(await takeAll(wire)).toEqual(numbers(0, 60));
    expect(broker.counters.lost).toEqual({});
  });

  test('the store takes nothing more, and does again later (Wills, which nobody can be refused)', async () => {
    await start({ 'data.pendingBytes': 2 ** 20 });
    const other = await new Wire(broker, clock).connect('other', true);
    await other.subscribe('much');
    await settle();
    await other.cut();
    await leaveWaiting(40);
    const mortals: Wire[] = [];
    for (let number = 40; number < 70; number++) {
      const payload = new TextEncoder().encode(`${number}`);
      const will = { topic: 't/1', payload, qos: 1, retain: false, properties: undefined } as const;
      const mortal = new Wire(broker, clock);
      mortals.push(mortal);
      await mortal.connect(`mortal-${number}`, false, { will });
      await settle();
    }
    store.fail();
    for (let i = 0; i < 2; i++) broker.publish('much', 'x'.repeat(1_048_000), { qos: 1 }).catch(() => undefined);
    for (const mortal of mortals) await mortal.cut();
    const { number = 0 } = broker.registry.get('away') ?? {};
    const stored = (await store.readQueue(number, 0, { messages: 100, bytes: 1e6 })).length;
    expect(stored).toBeLessThan(70);
    store.heal();
    await settle();
    publish(70, 80);
    await settle();
    const wire = new Wire(broker, clock);
    await wire.connect('away', true, { properties: { receiveMaximum: 3 } });
    publish(80, 90);
    expect(await takeAll(wire)).toEqual(numbers(0, 90));
  });

  test('what waits in memory alone goes with the end of its session, and is counted', async () => {
    await start();
    await leaveWaiting(40);
    const wire = new Wire(broker, clock);
    await wire.connect('away', true, { properties: { sessionExpiryInterval: 0, receiveMaximum: 3 } });
    publish(40, 50);
    await settle();
    await wire.cut();
    await settle();
    expect(broker.counters.lost).toEqual({ 'session-ended': 50 });
    expect(broker.registry.queueMemory.bytes).toBe(0);
  });
});

test('queues.memoryBytes holds for what waits in memory behind a queue on disk: the oldest of it goes', async () => {
  await start({ 'queues.memoryBytes': 12_000, 'queue.messages': 10_000 });
  await leaveWaiting(40);
  const wire = new Wire(broker, clock);
  await wire.connect('away', true, { properties: { sessionExpiryInterval: 0, receiveMaximum: 3 } });
  await settle();
  for (let number = 40; number < 140; number++) {
    broker.publish('t/1', `${number} ${'x'.repeat(1000)}`, { qos: 1 }).catch(() => undefined);
    expect(broker.registry.queueMemory.bytes).toBeLessThan(24_000);
  }
  const taken = (await takeAll(wire)).map((text) => Number(text.split(' ')[0]));
  expect(taken.slice(0, 40)).toEqual(numbers(0, 40).map(Number));
  expect(taken.slice(40)).toEqual(numbers(140 - (taken.length - 40), 140).map(Number));
  expect(taken.length + (broker.counters.lost['queue-full'] ?? 0)).toBe(140);
});
