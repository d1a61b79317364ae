// Hostile clients against a real broker, with an honest one beside them.
//
//   npm run fuzz -- [--seconds 60] [--seed N] [--clients 48] [--case N] [--set key=value]
//
// It fails when the broker dies, does not answer an honest client, grows, or answers wrongly; the case is then saved in
// fuzz/corpus and is part of every later run.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { play } from './attacker.ts';
import { FuzzedBroker } from './broker.ts';
import { type FuzzCase, fromJson, toJson } from './case.ts';
import { HonestClient } from './honest.ts';
import { judge } from './judge.ts';
import { makeCase } from './make-case.ts';

const CORPUS = fileURLToPath(new URL('corpus/', import.meta.url));
/** An honest client that gets no answer for so long is not being served. */
const PATIENCE_MS = 10_000;
/** After the first third, memory may grow by this factor and so many MiB more: the garbage collector's freedom. */
const GROWTH = 1.35;
const GROWTH_MIB = 96;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    clients: { type: 'string', default: '48' },
    case: { type: 'string' },
    set: { type: 'string', multiple: true },
    'no-save': { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const seconds = Number(values.seconds);

const corpus = readCorpus();
const broker = new FuzzedBroker(values.set);
const outcomes = new Map<string, number>();
const faults: string[] = [];
const inFlight = new Map<number, FuzzCase>();
const rss: number[] = [];
let played = 0;

process.stdout.write(
  `fuzz: seed ${seed}, ${seconds} s, ${values.clients} hostile clients at a time, ${corpus.length} cases in the corpus\n`,
);
await broker.ready();
const honest = [
  new HonestClient(broker.ports.get('tcp') ?? 0, 4, 50, PATIENCE_MS),
  new HonestClient(broker.ports.get('tcp') ?? 0, 5, 50, PATIENCE_MS),
];
const until = performance.now() + seconds * 1000;
const sampling = setInterval(() => rss.push(broker.rss()), 250);
let next = 0;
const only = values.case === undefined ? undefined : Number(values.case);
await Promise.all(Array.from({ length: only === undefined ? Number(values.clients) : 1 }, attack));
clearInterval(sampling);
// What is over is over: an idle broker must come to rest.
await new Promise((resolve) => setTimeout(resolve, 500));
for (const client of honest) {
  if (client.fault !== undefined) fail(`an honest client was not served: ${client.fault}`);
  client.stop();
}
if (broker.exit !== undefined) fail(`the broker died (${broker.exit}):\n${broker.output}`);
judgeMemory();
await broker.stop();
if (broker.exit !== 'code 0' && faults.length === 0) fail(`the broker did not end in order: ${broker.exit}`);
report();
process.exitCode = faults.length > 0 ? 1 : 0;

async function attack(): Promise<void> {
  while (performance.now() < until && broker.exit === undefined && honest.every(({ fault }) => fault === undefined)) {
    const number = next++;
    if (only !== undefined && number > 0) return;
    const of = only ?? number - corpus.length;
    const fuzzCase =
      number < corpus.length && only === undefined ? (corpus[number] as FuzzCase) : makeCase(seed, of, corpus);
    inFlight.set(of, fuzzCase);
    const seen = await play(fuzzCase, broker);
    const verdict = judge(fuzzCase, seen);
    if (broker.exit !== undefined) return;
    inFlight.delete(of);
    played++;
    outcomes.set(verdict.outcome, (outcomes.get(verdict.outcome) ?? 0) + 1);
    if (verdict.faults.length > 0) {
      fail(`case ${of} (${fuzzCase.name}; ${fuzzCase.via}, ${fuzzCase.version}): ${verdict.faults.join('; ')}`);
      save(of, fuzzCase);
    }
  }
  if (broker.exit !== undefined || honest.some(({ fault }) => fault !== undefined)) {
    for (const [number, fuzzCase] of inFlight) save(number, fuzzCase);
    inFlight.clear();
  }
}

function readCorpus(): FuzzCase[] {
  const names = readdirSync(CORPUS).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => fromJson(readFileSync(CORPUS + name, 'utf8')));
}

function save(number: number, fuzzCase: FuzzCase): void {
  const size = fuzzCase.chunks.reduce((sum, { length }) => sum + length, 0);
  if (values['no-save'] || faults.length > 20 || number < 0) return;
  if (size > 64 * 1024)
    process.stdout.write(`fuzz: case ${number} is large: --seed ${seed} --case ${number} makes it again\n`);
  else writeFileSync(`${CORPUS}found-${seed}-${number}.json`, toJson(fuzzCase));
}

function fail(text: string): void {
  faults.push(text);
  if (faults.length <= 20) process.stdout.write(`fuzz: FAULT (seed ${seed}): ${text}\n`);
}

function judgeMemory(): void {
  const third = Math.floor(rss.length / 3);
  if (third < 10) return;
  const early = median(rss.slice(third, 2 * third));
  const late = median(rss.slice(2 * third));
  if (late > early * GROWTH + GROWTH_MIB)
    fail(`memory grows: ${early.toFixed(0)} MiB in the second third, ${late.toFixed(0)} MiB in the last`);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

function report(): void {
  const trips = honest.flatMap(({ roundTrips }) => roundTrips).sort((a, b) => a - b);
  const at = (share: number): string =>
    (trips[Math.min(trips.length - 1, Math.floor(trips.length * share))] ?? 0).toFixed(1);
  const memory = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    Math.round(rss[Math.min(rss.length - 1, Math.floor(rss.length * share))] ?? 0),
  );
  const lines = [
    `fuzz: seed ${seed}: ${played} cases in ${seconds} s, ${faults.length} faults`,
    `  honest clients  ${trips.length} round trips, ms: p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`,
    `  memory, MiB     ${memory.join(' → ')}, most ${Math.round(Math.max(0, ...rss))}`,
    `  outcomes        ${[...outcomes]
      .sort((a, b) => b[1] - a[1])
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
