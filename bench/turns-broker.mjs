// A broker that measures its turns of the event loop, as a child of bench/turns.mjs: CPU of this thread from one turn to the next, without
// garbage collection. Its parent says `{ begin }` and `{ end }`, and gets the longest turn between the two.
import { PerformanceObserver, performance } from 'node:perf_hooks';
import { rules } from '../packages/auth/dist/rules/rules.js';
import { createBroker, explainInSlices } from '../packages/broker/dist/index.js';

const mostSessions = 50_000;
const mostRetained = 200_000;

/** Fifty rules, none of which is about the clients here but the last two. */
const ask = rules([
  ...Array.from({ length: 48 }, (_, i) => ({ allow: 'all', topics: [`plant/${i}/%c/#`], users: [`user${i}`] })),
  { deny: 'all', topics: ['secret/#'] },
  { allow: 'all', topics: ['#'] },
]);

const broker = await createBroker({
  listeners: ['mqtt://127.0.0.1:0'],
  settings: { 'limits.inflight3': 65_535 },
  authorize: (request, signal) => ask(request, signal) ?? 'deny',
});

const pauses = [];
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) pauses.push({ startTime, duration });
}).observe({ entryTypes: ['gc'] });

let turns;
let startedAt = 0;
let cpuBefore = 0;

function tick() {
  const { user, system } = process.threadCpuUsage();
  const cpu = user + system;
  const now = performance.now();
  if (turns !== undefined) {
    if (cpuBefore > 0) turns.push({ from: startedAt, to: now, ms: (cpu - cpuBefore) / 1000 });
    setImmediate(tick);
  }
  startedAt = now;
  cpuBefore = cpu;
}

/** The turns that took longest, without the pauses for garbage collection in them. */
function longest(measured) {
  const busiest = measured.sort((a, b) => b.ms - a.ms).slice(0, 200);
  return Math.max(
    0,
    ...busiest.map(({ from, to, ms }) => {
      const inTurn = pauses.filter(({ startTime }) => startTime >= from && startTime < to);
      return ms - inTurn.reduce((sum, { duration }) => sum + duration, 0);
    }),
  );
}

const jobs = {
  async sessions() {
    for (let i = 0; i < mostSessions; i++) {
      broker.registry.open({
        clientId: `meter-${i}-hall`,
        cleanStart: false,
        protocolVersion: 5,
        knowsOptions: true,
        expiryInterval: 1000,
        username: undefined,
        will: undefined,
      });
    }
  },
  async retained() {
    for (let i = 0; i < mostRetained; i++) await broker.publish(`house/${i % 1000}/${i}`, 'x', { retain: true });
  },
  explain: () => explainInSlices(broker, 'metre-4711-hal'),
  list: () =>
    broker.inSlices(
      (function* () {
        let count = 0;
        for (const message of broker.router.retained.matching('#', broker.now())) {
          yield;
          if (message !== undefined) count++;
        }
        return count;
      })(),
    ),
};

process.on('message', async ({ begin, job }) => {
  if (job !== undefined) await jobs[job]();
  if (begin === true) {
    turns = [];
    cpuBefore = 0;
    setImmediate(tick);
  }
  if (begin === false) {
    const measured = turns;
    turns = undefined;
    // Pauses are told in a later turn.
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.send({ ms: longest(measured) });
    return;
  }
  process.send({});
});
process.send({ port: Number(new URL(broker.urls[0]).port) });
