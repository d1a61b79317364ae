import { expect, it } from 'vitest';
import { type BrokerProcess, startBroker } from './support/broker-process.ts';
import { StateClients } from './support/state-clients.ts';
import { acknowledgements, StubbornPublisher, StubbornSubscriber } from './support/stubborn-clients.ts';

const ROUNDS = 10;
/** Acknowledgements in each round before the broker is killed, in the middle of everything. */
const ACKNOWLEDGED_PER_ROUND = 400;
/** Nothing here may be dropped for want of room. */
const WIDE = ['--set', 'queue.messages=10000000', '--set', 'queue.bytes=10000000000'];

it('kill -9 under load, ten rounds: nothing acknowledged is lost, QoS 2 comes once; Wills, subscriptions, expiry', async () => {
  await using broker = await startBroker({ args: WIDE });
  const publishers = [
    new StubbornPublisher({ clientId: 'pub-1-v4', version: 4, topic: 'load/qos1/v4', qos: 1, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-1-v5', version: 5, topic: 'load/qos1/v5', qos: 1, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-2-v4', version: 4, topic: 'load/qos2/v4', qos: 2, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-2-v5', version: 5, topic: 'load/qos2/v5', qos: 2, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-3-v3', version: 3, topic: 'load/qos2/v3', qos: 2, window: 3 }),
    new StubbornPublisher({ clientId: 'pub-kept', version: 5, topic: 'kept', qos: 1, retain: true, window: 1 }),
  ];
  const kept = publishers.at(-1);
  const loads = publishers.filter((publisher) => publisher !== kept);
  const subscribers = [
    new StubbornSubscriber({ clientId: 'sub-v4', version: 4, topicFilter: 'load/#' }),
    new StubbornSubscriber({ clientId: 'sub-v5', version: 5, topicFilter: 'load/#' }),
  ];
  /** Connects at the end only: everything waits for it on disk. */
  const sleeper = new StubbornSubscriber({ clientId: 'sub-sleeper', version: 5, topicFilter: 'load/+/v5' });
  const awake = [...publishers, ...subscribers];

  await Promise.all(
    [...subscribers, sleeper].map(async (subscriber) => {
      await subscriber.connect(broker.port);
      await subscriber.subscribe();
    }),
  );
  sleeper.destroy();
  for (const publisher of publishers) await publisher.connect(broker.port);

  const state = new StateClients(broker, Math.random);
  await state.begin();

  for (let round = 1; round <= ROUNDS; round++) {
    const acknowledged = acknowledgements(publishers, ACKNOWLEDGED_PER_ROUND + round * 17);
    await state.change();
    await acknowledged;
    const keptBefore = kept?.acknowledged.size ?? 0;
    await broker.kill();
    await Promise.all(awake.map((client) => client.gone()));
    // Sometimes it comes no further than this, the second time neither.
    if (round % 3 === 0) await broker.startAndKill(round * 70);
    await broker.restart();
    expect((await state.check()).problems, `round ${round}`).toEqual([]);
    expect(await retainedValue(broker, round)).toBeGreaterThanOrEqual(keptBefore);
    await Promise.all(awake.map((client) => client.connect(broker.port)));
  }

  await Promise.all(publishers.map((publisher) => publisher.finish()));
  await sleeper.connect(broker.port);
  const everything = loads.map(({ topic, sent }) => ({ topic, sent }));
  for (const subscriber of [...subscribers, sleeper]) {
    const wanted = everything.filter(({ topic }) => subscriber !== sleeper || topic.endsWith('/v5'));
    await subscriber.until(() => wanted.every(({ topic, sent }) => subscriber.counts.get(topic)?.size === sent));
    for (const { topic, sent } of wanted) {
      const counts = subscriber.counts.get(topic) ?? new Map<number, number>();
      expect(counts.size, `${subscriber.clientId} ${topic}`).toBe(sent);
      // In the order they were sent: that of first arrivals.
      expect([...counts.keys()], `${subscriber.clientId} ${topic}`).toEqual(
        Array.from({ length: sent }, (_, index) => index + 1),
      );
      if (topic.includes('qos2')) expect([...counts.values()].filter((count) => count !== 1)).toEqual([]);
    }
  }
  for (const { acknowledged, sent, clientId } of publishers) expect(acknowledged.size, clientId).toBe(sent);
  expect([...awake, sleeper].flatMap(({ faults }) => faults)).toEqual([]);
  for (const client of [...awake, sleeper]) client.destroy();
}, 120_000);

async function retainedValue(broker: BrokerProcess, round: number): Promise<number> {
  const reader = new StubbornSubscriber({ clientId: `reader-${round}`, version: 4, topicFilter: 'kept' });
  await reader.connect(broker.port);
  const arrived = reader.until(() => reader.counts.has('kept'));
  await reader.subscribe();
  await arrived;
  reader.destroy();
  return Math.max(...(reader.counts.get('kept')?.keys() ?? []));
}
