// kill -9, again and again, under load: QoS 1 and 2, retained messages, subscriptions, Wills, expiry.
//
//   npm run build && node scripts/kill-rounds.mjs [ROUNDS, 100] [SEED]
//
// A broker of its own in a temporary directory. It is killed under load, while LevelDB compacts (large messages go through), while it
// makes a backup, and in the first second of its starts; a repair of a copy of its data is killed too. Prints one line a round; exit
// code 1 when anything that was acknowledged is not there afterwards, QoS 2 came twice, or data that is not whole was taken for whole.
// The ten rounds of `npm test` are e2e/kill-9.test.ts.
import { cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkLevelStore, exportLevelStore } from '@hawser/store-level';
import { HAWSER, startBroker } from '../e2e/support/broker-process.ts';
import { RunningProgram } from '../e2e/support/processes.ts';
import { StateClients } from '../e2e/support/state-clients.ts';
import { acknowledgements, StubbornPublisher, StubbornSubscriber } from '../e2e/support/stubborn-clients.ts';

const rounds = Number(process.argv[2] ?? 100);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const random = randomNumbers(seed);
const startedAt = Date.now();
const problems = [];
const counts = { starts: 0, backups: 0, wholeBackups: 0, repairs: 0, longestStartMs: 0 };
/** On a machine that has much else to do. */
const LONGEST_START_MS = 120_000;
const scratch = await mkdtemp(join(tmpdir(), 'hawser-rounds-'));
const backups = join(scratch, 'backups');

const broker = await startBroker({
  args: [
    ...['queue.messages=10000000', 'queue.bytes=10000000000', 'data.freeBytesMin=0', `data.backups=${backups}`].flatMap(
      (set) => ['--set', set],
    ),
    ...['--console', '127.0.0.1:0'],
  ],
});
try {
  await run();
} catch (error) {
  console.log(broker.program.stdout, broker.program.stderr);
  console.log(`seed ${seed}; of the broker: ${broker.program.ending ?? 'it runs'}`);
  throw error;
} finally {
  await broker[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
}

async function run() {
  const publishers = [
    new StubbornPublisher({ clientId: 'pub-1-v4', version: 4, topic: 'load/qos1/v4', qos: 1, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-1-v5', version: 5, topic: 'load/qos1/v5', qos: 1, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-2-v4', version: 4, topic: 'load/qos2/v4', qos: 2, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-2-v5', version: 5, topic: 'load/qos2/v5', qos: 2, window: 20 }),
    // So large that LevelDB's log is full, and compacted, several times in each round.
    new StubbornPublisher({
      clientId: 'pub-big',
      version: 5,
      topic: 'load/qos1/big',
      qos: 1,
      window: 4,
      padding: 60_000,
    }),
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
    const found = [];
    const acknowledged = acknowledgements(publishers, 50 + Math.floor(random() * 500));
    await state.change();
    await acknowledged;
    const backup = random() < 0.4 ? beginBackup(`round-${round}`) : undefined;
    if (backup !== undefined) await sleep(random() * 400);
    await broker.kill();
    await backup;
    await Promise.all(loads.map((client) => client.gone()));
    if (backup !== undefined) found.push(...(await checkBackup(`round-${round}`)));
    if (round % 5 === 0) found.push(...(await killRepairs()));
    for (let times = Math.floor(random() * 4); times > 0; times--) {
      counts.starts++;
      await broker.startAndKill(random() * 1000);
    }
    await restart();
    const state_ = await state.check();
    wills += state_.wills;
    found.push(...state_.problems);
    problems.push(...found.map((problem) => `round ${round}: ${problem}`));
    await Promise.all(loads.map((client) => client.connect(broker.port)));
    const taken = publishers.reduce((sum, publisher) => sum + publisher.acknowledged.size, 0);
    console.log(
      `round ${round}: ${taken} acknowledged, ${state.summary}, ${await bytesOf(broker.dataDirectory)} bytes, ${problems.length} problems`,
    );
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
  const { starts, repairs, backups: tried, wholeBackups, longestStartMs } = counts;
  console.log(
    `${rounds} rounds in ${seconds} s (seed ${seed}), ${starts} more kills while it started, ${tried} while it made a backup (${wholeBackups} whole), ${repairs} of a repair, longest start ${longestStartMs} ms: ${sent} messages, ${wills} Wills, ${state.summary}: ${problems.length} problems`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}

/** Asks for a backup; settles however that ends. */
function beginBackup(name) {
  const api = /console\s+(\S+)/.exec(broker.program.stdout)?.[1];
  const token = join(broker.dataDirectory, 'api-token');
  counts.backups++;
  return import('node:fs/promises')
    .then(({ readFile }) => readFile(token, 'utf8'))
    .then((text) =>
      fetch(`${api}/api/v1/backup?name=${name}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${text.trim()}` },
      }),
    )
    .then((response) => response.text())
    .catch(() => undefined);
}

/** One that was cut off must not be taken for whole. */
async function checkBackup(name) {
  const directory = join(backups, name);
  const damages = await checkLevelStore(directory);
  if (damages.length === 0) counts.wholeBackups++;
  const found = [];
  if (damages.length === 0)
    await exportLevelStore(directory, () => undefined).catch((error) => found.push(`the backup ${name}: ${error}`));
  await rm(directory, { recursive: true, force: true });
  return found;
}

/** A repair of a copy, killed again and again, then left alone: all is there. */
async function killRepairs() {
  const directory = join(scratch, 'repaired');
  await rm(directory, { recursive: true, force: true });
  await cp(broker.dataDirectory, directory, { recursive: true });
  const found = [];
  const before = await recordsOf(directory);
  for (let times = 0; times < 3; times++) {
    counts.repairs++;
    const repair = new RunningProgram(process.execPath, [HAWSER, 'data', 'repair', directory]);
    await sleep(200 + random() * 800);
    await repair.end('SIGKILL');
  }
  const repair = new RunningProgram(process.execPath, [HAWSER, 'data', 'repair', directory]);
  const code = await repair.exited;
  if (code !== 0) return [`the repair after others were killed ended with ${code}: ${repair.stderr}`];
  const damages = await checkLevelStore(directory);
  found.push(...damages.map(({ where, what }) => `after a repair ${where}: ${what}`));
  const after = await recordsOf(directory);
  if (after !== before) found.push(`after a repair there are ${after} records, there were ${before}`);
  return found;
}

async function bytesOf(directory) {
  const names = await readdir(join(directory, 'db'));
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(directory, 'db', name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function recordsOf(directory) {
  return exportLevelStore(directory, () => undefined);
}

/** On the same port, which somebody's connection may have taken for a moment while it was free. */
async function restart() {
  for (let attempt = 1; ; attempt++) {
    try {
      const at = performance.now();
      await broker.restart(LONGEST_START_MS);
      counts.longestStartMs = Math.max(counts.longestStartMs, Math.round(performance.now() - at));
      return;
    } catch (error) {
      if (attempt === 60 || !/is in use by another program/.test(String(error))) throw error;
      await sleep(1000);
    }
  }
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
