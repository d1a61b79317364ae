// kill -9, again and again, under load: QoS 1 and 2, retained messages, subscriptions, Wills, expiry.
//
//   npm run build && node scripts/kill-rounds.mjs [ROUNDS, 100] [SEED]
//
// A broker of its own in a temporary directory. Prints one line a round; exit code 1 when anything that was acknowledged is
// not there afterwards, or QoS 2 came twice. The ten rounds of `npm test` are e2e/kill-9.test.ts.
import { startBroker } from '../e2e/support/broker-process.ts';
import { StateClients } from '../e2e/support/state-clients.ts';
import { StubbornPublisher, StubbornSubscriber } from '../e2e/support/stubborn-clients.ts';

const rounds = Number(process.argv[2] ?? 100);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const random = randomNumbers(seed);
const startedAt = Date.now();
const problems = [];

const broker = await startBroker({
  args: ['--set', 'queue.messages=10000000', '--set', 'queue.bytes=10000000000', '--set', 'data.freeBytesMin=0'],
});
try {
  await run();
} catch (error) {
  console.log(broker.program.stdout, broker.program.stderr);
  throw error;
} finally {
  await broker[Symbol.asyncDispose]();
}

async function run() {
  const publishers = [
    new StubbornPublisher({ clientId: 'pub-1-v4', version: 4, topic: 'load/qos1/v4', qos: 1, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-1-v5', version: 5, topic: 'load/qos1/v5', qos: 1, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-2-v4', version: 4, topic: 'load/qos2/v4', qos: 2, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-2-v5', version: 5, topic: 'load/qos2/v5', qos: 2, window: 20 }),
  ];
  const subscribers = [
    new StubbornSubscriber({ clientId: 'sub-v4', version: 4, topicFilter: 'load/#' }),
    new StubbornSubscriber({ clientId: 'sub-v5', version: 5, topicFilter: 'load/#' }),
  ];
  const sleeper = new StubbornSubscriber({ clientId: 'sleeper', version: 5, topicFilter: 'load/+/v5' });
  const loads = [...publishers, ...subscribers];
  const state = new StateClients(broker, random);
  for (const subscriber of [...subscribers, sleeper]) {
    await subscriber.connect(broker.port);
    await subscriber.subscribe();
  }
  sleeper.destroy();
  for (const publisher of publishers) await publisher.connect(broker.port);
  await state.begin();

  let wills = 0;
  for (let round = 1; round <= rounds; round++) {
    const acknowledged = acknowledgements(publishers, 50 + Math.floor(random() * 500));
    await state.change();
    await acknowledged;
    await broker.kill();
    await Promise.all(loads.map((client) => client.gone()));
    await restart();
    const found = await state.check();
    wills += found.wills;
    problems.push(...found.problems.map((problem) => `round ${round}: ${problem}`));
    await Promise.all(loads.map((client) => client.connect(broker.port)));
    const taken = publishers.reduce((sum, publisher) => sum + publisher.acknowledged.size, 0);
    console.log(`round ${round}: ${taken} acknowledged, ${state.summary}, ${problems.length} problems`);
  }

  await Promise.all(publishers.map((publisher) => publisher.finish()));
  await sleeper.connect(broker.port);
  for (const subscriber of [...subscribers, sleeper]) {
    const wanted = publishers.filter(({ topic }) => subscriber !== sleeper || topic.endsWith('/v5'));
    await subscriber.until(() => wanted.every(({ topic, sent }) => subscriber.counts.get(topic)?.size === sent));
    for (const { topic } of wanted) {
      const twice = [...(subscriber.counts.get(topic)?.values() ?? [])].filter((count) => count !== 1).length;
      if (topic.includes('qos2') && twice > 0) problems.push(`${subscriber.clientId}: ${twice} of ${topic} came twice`);
    }
  }
  problems.push(...[...loads, sleeper].flatMap(({ faults }) => faults));
  for (const client of [...loads, sleeper]) client.destroy();
  state.end();

  const sent = publishers.reduce((sum, publisher) => sum + publisher.sent, 0);
  for (const problem of problems) console.log(problem);
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  console.log(
    `${rounds} rounds in ${seconds} s (seed ${seed}): ${sent} messages, ${wills} Wills, ${state.summary}: ${problems.length} problems`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}

/** On the same port, which somebody's connection may have taken for a moment while it was free. */
async function restart() {
  for (let attempt = 1; ; attempt++) {
    try {
      await broker.restart();
      return;
    } catch (error) {
      if (attempt === 60 || !/is in use by another program/.test(String(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/** Settles when so many more have been acknowledged. */
function acknowledgements(publishers, count) {
  let left = count;
  return new Promise((resolve) => {
    for (const publisher of publishers) {
      publisher.onAcknowledged = () => {
        left -= 1;
        if (left === 0) resolve();
      };
    }
  });
}

/** Numbers in [0, 1) that a seed decides (mulberry32). */
function randomNumbers(start) {
  let current = start >>> 0;
  return () => {
    current = (current + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(current ^ (current >>> 15), current | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
