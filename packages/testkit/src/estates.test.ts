import { type Broker, createBroker, type Settings } from '@hawser/broker';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { Wire } from './testing/wire.ts';

const WAITING = 60;
const IN_FLIGHT = 10;
const settings: Partial<Settings> = { 'queue.pageSize': 8 };

let clock: FakeClock;
let store: HeldStore;
let broker: Broker;

beforeEach(async () => {
  clock = new FakeClock();
  store = new HeldStore();
  broker = await createBroker({ clock, store, settings });
});

async function settle(): Promise<void> {
  for (let round = 0; round < 40; round++) {
    await clock.settle();
    store.commitAll();
  }
  await clock.settle();
}

async function crash(survives = 0, countsLater = false): Promise<void> {
  store = store.crash({ survives });
  store.countsLater = countsLater;
  broker = await createBroker({ clock, store, settings });
}

const connect = async (clientId: string, expiry: number, receiveMaximum = 100): Promise<Wire> => {
  const wire = new Wire(broker, clock);
  await wire.connect(clientId, true, { properties: { sessionExpiryInterval: expiry, receiveMaximum } });
  await settle();
  return wire;
};

/** A member of a shared subscription (or of none) that has taken ten and acknowledged none, while fifty wait. */
async function fill(topicFilter: string, qos: 1 | 2 = 1): Promise<Wire> {
  const wire = await connect('a', 60, IN_FLIGHT);
  await wire.subscribe(topicFilter);
  await settle();
  for (let number = 0; number < WAITING; number++) broker.publish('job', `${number}`, { qos });
  await settle();
  expect(wire.published).toHaveLength(IN_FLIGHT);
  return wire;
}

async function join(): Promise<Wire> {
  const wire = await connect('b', 3600);
  await wire.subscribe('$share/g/job');
  await settle();
  return wire.answerAll();
}

async function end(wire: Wire): Promise<void> {
  await wire.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
}

const texts = (wire: Wire): string[] => wire.published.map(({ payload }) => new TextDecoder().decode(payload));
const ALL = Array.from({ length: WAITING }, (_, index) => `${index}`);

// [MQTT5-4.8.2-5] [MQTT5-4.8.2-6]
describe('a member of a shared subscription ends its session', () => {
  test('all that it has not acknowledged goes to the other, in order, and nothing is left in the store', async () => {
    const member = await fill('$share/g/job');
    const other = await join();
    await end(member);
    await settle();
    expect(texts(other)).toEqual(ALL);
    expect(broker.counters.lost).toEqual({});
    expect((await store.crash().open()).sessions.map(({ clientId }) => clientId)).toEqual(['b']);
  });

  test.each([false, true])('it expires after a restart: the same (counted later: %s)', async (countsLater) => {
    await fill('$share/g/job');
    await join();
    await crash(0, countsLater);
    await clock.advance(61_000);
    await settle();
    expect(broker.registry.get('a')).toBeUndefined();
    expect(texts((await connect('b', 3600)).answerAll())).toHaveLength(WAITING);
    expect(broker.counters.lost).toEqual({});
  });

  test('it connects again with Clean Start at once: its new session has nothing of it', async () => {
    await fill('$share/g/job');
    const other = await join();
    const anew = new Wire(broker, clock).answerAll();
    await anew.connect('a', true, { cleanStart: true });
    await anew.subscribe('else');
    await settle();
    broker.publish('else', 'new', { qos: 1 });
    await settle();
    expect(texts(anew)).toEqual(['new']);
    expect(texts(other)).toEqual(ALL);
  });

  test('the broker crashes anywhere meanwhile: each comes at least once', async () => {
    for (let survives = 0, isDone = false; !isDone; survives++) {
      store = new HeldStore();
      broker = await createBroker({ clock, store, settings });
      const member = await fill('$share/g/job');
      const silent = await connect('b', 3600);
      await silent.subscribe('$share/g/job');
      await settle();
      await end(member);
      for (let round = 0; round < 40; round++) await clock.settle();
      isDone = survives >= store.appended - store.committed;
      await crash(survives);
      await clock.advance(61_000);
      await settle();
      const other = new Wire(broker, clock).answerAll();
      await other.connect('b', true);
      await settle();
      expect([...new Set(texts(other))].sort(), `${survives} on disk`).toEqual([...ALL].sort());
      expect((await store.crash().open()).sessions).toHaveLength(1);
    }
  });

  test('the store takes nothing more for a while: they are passed on when it does', async () => {
    const member = await fill('$share/g/job');
    const other = await join();
    store.fail();
    await end(member);
    await clock.advance(1000);
    store.heal();
    await settle();
    expect(texts(other)).toEqual(ALL);
  });
});

describe('nobody can have what a session leaves', () => {
  test.each([
    ['t', 'no shared subscription', 1],
    ['$share/g/job', 'it was the only member', 1],
    ['$share/g/job', 'QoS 2 goes to nobody else', 2],
  ] as const)('%s (%s): all is counted as lost', async (filter, what, qos) => {
    const member = await fill(filter === 't' ? 'job' : filter, qos);
    if (qos === 2) await join();
    await end(member);
    await settle();
    expect(broker.counters.lost, what).toEqual({ 'session-ended': WAITING });
  });

  test.each([false, true])('after a restart, counted later: %s', async (countsLater) => {
    await fill('job');
    await crash(0, countsLater);
    await clock.advance(61_000);
    await settle();
    expect(broker.counters.lost).toEqual({ 'session-ended': WAITING });
  });

  test('what the receiver has taken (PUBREC) is not lost', async () => {
    const member = await fill('$share/g/job', 2);
    await join();
    for (const { packetIdentifier } of member.published.slice(0, 4))
      await member.send({ type: 'pubrec', packetIdentifier, reasonCode: 0, properties: undefined });
    await settle();
    await end(member);
    await settle();
    expect(broker.counters.lost).toEqual({ 'session-ended': WAITING - 4 });
  });
});
