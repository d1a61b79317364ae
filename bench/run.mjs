// Runs the same load against each broker in turn and compares.
//
//   npm run bench                                    all rows, writes bench/RESULTS.md and bench/results.json
//   npm run bench -- --check                         a short run; fails when a ratio fell far below the committed one
//   npm run bench -- --only fan10,pair --brokers hawser   these rows, these brokers: prints, writes nothing
//   npm run bench -- --against main                  this build and that of a commit in turn, five rounds: CPU for each delivery, fails
//                                                    when a row is worse by more than 3 % beyond the spread (bench/against.mjs)
//   npm run bench -- --large                         100,000 sessions, 1,000,000 messages (bench/large-store.mjs), written with the rest
//   npm run bench -- --costs recorder-conn           the same load with something and without it (bench/costs.mjs)
//   --rounds N  --secs N  --warm N  --aedes (with node_modules/aedes)  --write (write a partial run over those rows)
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildCommit, compare, cpuOf, renderComparison } from './against.mjs';
import { brokers, hawserAt, root, scratch, startBroker } from './brokers.mjs';
import { costOf, costs } from './costs.mjs';
import {
  describeMachine,
  hasTarget,
  isMet,
  medians,
  ratioOf,
  renderCosts,
  renderResults,
  renderTable,
} from './report.mjs';
import { rows } from './rows.mjs';

/** How much of the committed ratio must be left in a short run on a machine that does other things too. */
const tolerated = 0.6;
const folder = fileURLToPath(new URL('.', import.meta.url));
const resultsFile = join(folder, 'results.json');

const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    against: { type: 'string' },
    only: { type: 'string' },
    costs: { type: 'string' },
    brokers: { type: 'string' },
    rounds: { type: 'string' },
    secs: { type: 'string' },
    warm: { type: 'string' },
    aedes: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const rounds = numberOf('rounds', options.check ? 1 : options.against === undefined ? 3 : 5);
const secs = numberOf('secs', options.check || options.against !== undefined ? 3 : 5);
const warm = numberOf('warm', 2);
/** A part of it is asked for: the rest is not run. */
const isPartial = [options.only, options.costs, options.brokers, options.against].some((given) => given !== undefined);
const chosenRows = options.only === undefined && options.costs !== undefined ? [] : choose(rows, options.only, 'row');
const chosenCosts = isPartial && options.costs === undefined ? [] : choose(costs, options.costs, 'cost');
const contestants = options.against === undefined ? chooseBrokers() : ['before', 'now'];

const mqload = buildLoad();
const results = {};
const costResults = {};
if (options.against === undefined) await runAll();
else await runAgainst();

async function runAll() {
  await runRounds(chosenRows, brokers);
  const summary = Object.fromEntries(chosenRows.map((row) => [row.id, medians(results[row.id] ?? {})]));
  const costSummary = Object.fromEntries(chosenCosts.map((cost) => [cost.id, medians(costResults[cost.id] ?? {})]));
  if (chosenRows.length > 0) console.log(`\n${renderTable(chosenRows, summary, contestants)}`);
  if (chosenCosts.length > 0) console.log(`\n${renderCosts(chosenCosts, costSummary)}`);
  if (options.check) check(summary, costSummary);
  else if (options.write || (chosenRows.length === rows.length && contestants.length > 1)) write(summary, costSummary);
}

async function runAgainst() {
  const loads = chosenRows.filter(({ load }) => load !== undefined);
  const commit = buildCommit(options.against, root, scratch);
  // Ctrl-C must leave no worktree behind either.
  process.once('SIGINT', () => process.exit(130));
  process.once('exit', commit.remove);
  await runRounds(loads, { before: hawserAt(commit.folder, commit.hash), now: hawserAt(root, 'here') });
  const found = {};
  for (const { id } of loads) {
    const [before, now] = contestants.map((side) => (results[id]?.[side] ?? []).map(cpuOf).filter(Number.isFinite));
    if (before.length > 0 && now.length > 0) found[id] = compare(before, now);
  }
  console.log(`\n${renderComparison(loads, found, commit)}`);
  const worse = loads.filter(({ id }) => found[id]?.isWorse ?? true).map(({ id }) => id);
  console.log(worse.length === 0 ? '\nno row is worse' : `\nworse or not measured: ${worse.join(', ')}`);
  if (worse.length > 0) process.exitCode = 1;
}

async function runRounds(chosen, builds) {
  for (let round = 1; round <= rounds; round += 1) {
    for (const row of chosen) {
      // Who goes first changes from round to round.
      const order = round % 2 === 1 ? contestants : contestants.toReversed();
      for (const id of order) {
        if (!row.overWebSocket || !builds[id].isWithoutWebSocket) await measure(row, id, round, builds[id]);
      }
    }
    for (const cost of chosenCosts) {
      for (const side of round % 2 === 1 ? ['with', 'without'] : ['without', 'with'])
        await measureCost(cost, side, round);
    }
  }
}

async function measure(row, id, round, broker) {
  let running;
  try {
    running = await startBroker(broker, { onDisk: row.onDisk, overWebSocket: row.overWebSocket });
    const found = await (row.measure === undefined ? load(row, running) : row.measure(row, running, broker));
    results[row.id] ??= {};
    results[row.id][id] ??= [];
    results[row.id][id].push(found);
    const shown = row.shows.map(({ metric, unit }) => `${found[metric]} ${unit}`).join(', ');
    console.log(`${round}/${rounds} ${row.id.padEnd(16)} ${broker.title.padEnd(10)} ${shown}`);
  } catch (error) {
    console.error(`${round}/${rounds} ${row.id.padEnd(16)} ${broker.title.padEnd(10)} failed: ${error.message}`);
    process.exitCode = 1;
  } finally {
    await running?.stop();
  }
}

async function measureCost(cost, side, round) {
  const { load: more = [], ...setting } = cost[side];
  let running;
  try {
    running = await startBroker(brokers.hawser, { onDisk: cost.onDisk, ...setting });
    // A password is hashed once and remembered then: what is measured is not argon2id.
    if (more.length > 0) await load({ load: '--mode conn --pubs 1' }, running, more);
    const found = await load(cost, running, more);
    costResults[cost.id] ??= {};
    costResults[cost.id][side] ??= [];
    costResults[cost.id][side].push(found);
    console.log(
      `${round}/${rounds} ${cost.id.padEnd(20)} ${side.padEnd(10)} ${found[cost.show.metric]} ${cost.show.unit}`,
    );
  } catch (error) {
    console.error(`${round}/${rounds} ${cost.id.padEnd(20)} ${side.padEnd(10)} failed: ${error.message}`);
    process.exitCode = 1;
  } finally {
    await running?.stop();
  }
}

/** One run of mqload: its JSON line. */
function load(row, { port, pid }, more = []) {
  const args = [...row.load.split(' '), ...more, '--port', port, '--bpid', pid, '--secs', secs, '--warm', warm].map(
    String,
  );
  return new Promise((resolve, reject) => {
    const child = spawn(mqload, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: (secs + warm + 150) * 1000 });
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      try {
        const found = JSON.parse(output);
        if (found.error) throw new Error(`mqload: ${found.error}`);
        resolve(found);
      } catch (error) {
        reject(code === 0 || error.message.startsWith('mqload') ? error : new Error(`mqload ended with ${code}`));
      }
    });
  });
}

/** Its last line is JSON. */
function measureLargeStore() {
  const args = ['--expose-gc', join(folder, 'large-store.mjs')];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(output.trimEnd().split('\n').at(-1));
}

function buildLoad() {
  const source = join(folder, 'mqload.c');
  const binary = join(scratch, 'mqload');
  mkdirSync(scratch, { recursive: true });
  if (!existsSync(binary) || statSync(binary).mtimeMs < statSync(source).mtimeMs) {
    execFileSync('gcc', ['-O2', '-o', binary, source], { stdio: 'inherit' });
  }
  return binary;
}

function check(summary, costSummary) {
  const committed = readResults();
  let failures = 0;
  for (const row of chosenRows) {
    for (const show of row.shows) {
      const before = ratioOf(show, committed.rows?.[row.id]);
      const now = ratioOf(show, summary[row.id]);
      if (before === undefined || !hasTarget(show)) continue;
      // For "less is better" the ratio must not have grown.
      const left = now === undefined ? 0 : now === before ? 1 : show.better === 'more' ? now / before : before / now;
      const ok = left >= tolerated;
      if (!ok) failures += 1;
      const words = `ratio ${now?.toFixed(2) ?? 'none'}, committed ${before.toFixed(2)}`;
      console.log(`${ok ? 'ok  ' : 'FELL'} ${row.id} (${show.unit}): ${words}, ${Math.round(left * 100)} % of it`);
    }
  }
  for (const cost of chosenCosts) {
    const times = costOf(cost, costSummary[cost.id]);
    const ok = times !== undefined && times <= cost.ceiling;
    if (!ok) failures += 1;
    console.log(`${ok ? 'ok  ' : 'OVER'} ${cost.id}: ${times?.toFixed(2) ?? 'none'} ×, ceiling ${cost.ceiling} ×`);
  }
  if (failures > 0) process.exitCode = 1;
}

function write(summary, costSummary) {
  const before = readResults();
  const all = { ...before.rows, ...summary };
  const given = process.argv.slice(2);
  const command = ['npm run bench', ...(given.length > 0 ? ['--', ...given] : [])].join(' ');
  const versions = Object.fromEntries(contestants.map((id) => [id, brokers[id].version()]));
  const largeStore = options.large ? measureLargeStore() : before.largeStore;
  const allCosts = { ...before.costs, ...costSummary };
  const written = {
    ...describeMachine(),
    command,
    rounds,
    secs,
    warm,
    versions,
    rows: all,
    costs: allCosts,
    largeStore,
  };
  writeFileSync(resultsFile, `${JSON.stringify(written, null, 2)}\n`);
  writeFileSync(join(folder, 'RESULTS.md'), renderResults(rows, costs, written, brokers));
  const missed = rows.filter((row) => row.shows.some((show) => isMet(show, all[row.id]) === false));
  console.log(`wrote bench/RESULTS.md; targets missed: ${missed.map(({ id }) => id).join(', ') || 'none'}`);
}

function readResults() {
  return existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : {};
}

function chooseBrokers() {
  const ids = options.brokers?.split(',') ?? ['hawser', 'mosquitto', ...(options.aedes ? ['aedes'] : [])];
  for (const id of ids) {
    if (!brokers[id]) usage(`no broker ${id}; there are ${Object.keys(brokers).join(', ')}`);
    if (!brokers[id].isThere()) usage(`${brokers[id].title} is not here (built? installed?)`);
  }
  return ids;
}

function choose(all, list, what) {
  if (list === undefined) return all;
  return list
    .split(',')
    .map(
      (id) =>
        all.find((one) => one.id === id) ?? usage(`no ${what} ${id}; there are ${all.map((one) => one.id).join(', ')}`),
    );
}

function numberOf(name, otherwise) {
  const value = options[name] === undefined ? otherwise : Number(options[name]);
  return Number.isFinite(value) && value > 0 ? value : usage(`--${name} takes a number above 0`);
}

function usage(message) {
  console.error(`bench: ${message}`);
  process.exit(64);
}
