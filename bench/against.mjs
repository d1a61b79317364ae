// Two builds of Hawser, this one and that of another commit: the CPU time for each delivery, row by row.
//
//   npm run bench -- --against main --only ws-fan10,pair
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, sep } from 'node:path';
import { median } from './report.mjs';

/** A row may cost this share more than before, beyond the spread of the measurement. */
export const ALLOWED = 0.03;
const packagesFolder = 'packages';

/**
 * Builds `commit` in a temporary worktree below `scratch`. `remove` takes it away again. Dependencies are those of `root`, linked, where
 * both have the same package-lock.json.
 */
export function buildCommit(commit, root, scratch) {
  const git = (...args) => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' }).trim();
  const hash = git('rev-parse', '--short', `${commit}^{commit}`);
  const folder = join(scratch, `against-${hash}-${process.pid}`);
  const remove = () => {
    rmSync(folder, { recursive: true, force: true });
    git('worktree', 'prune');
  };
  git('worktree', 'add', '--quiet', '--detach', folder, hash);
  try {
    if (hasSameLock(root, folder)) linkDependencies(root, folder);
    else run('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], folder);
    run(process.execPath, [join(folder, 'node_modules/typescript/bin/tsc'), '-b'], folder);
  } catch (error) {
    remove();
    throw error;
  }
  return { hash, folder, remove };
}

function hasSameLock(root, folder) {
  const [here, there] = [root, folder].map((place) => readFileSync(join(place, 'package-lock.json'), 'utf8'));
  const hasOwnDependencies = readdirSync(join(root, packagesFolder)).some((name) =>
    existsSync(join(root, packagesFolder, name, 'node_modules')),
  );
  return here === there && !hasOwnDependencies;
}

/** Everything of `root` but the workspace's own packages, which npm keeps as relative links. */
function linkDependencies(root, folder) {
  const from = join(root, 'node_modules');
  const to = join(folder, 'node_modules');
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (!isOwn(join(from, name))) {
      symlinkSync(join(from, name), join(to, name));
      continue;
    }
    mkdirSync(join(to, name));
    for (const part of readdirSync(join(from, name)))
      symlinkSync(join('..', '..', packagesFolder, part), join(to, name, part));
  }
}

/** A scope whose packages are links into `packages/`. */
function isOwn(folder) {
  if (!folder.split(sep).at(-1).startsWith('@')) return false;
  return readdirSync(folder).every((name) => lstatSync(join(folder, name)).isSymbolicLink());
}

function run(file, args, cwd) {
  execFileSync(file, args, { cwd, stdio: ['ignore', 2, 2] });
}

/** CPU nanoseconds of the broker for each delivery, or for each connection; undefined: the row has no such figure. */
export function cpuOf({ broker_cpu, out_per_s, broker_cpu_s, n }) {
  if (broker_cpu > 0 && out_per_s > 0) return (broker_cpu / out_per_s) * 1e9;
  if (broker_cpu_s > 0 && n > 0) return (broker_cpu_s / n) * 1e9;
  return undefined;
}

/**
 * What the runs of one row say. The spread of a build is the median distance of its runs from their median, as a share of it; that of the
 * comparison is the larger of the two. `isWorse`: the medians differ by more than `ALLOWED` beyond it.
 */
export function compare(before, now) {
  const [old, fresh] = [before, now].map((runs) => {
    const middle = median(runs);
    return { median: middle, spread: median(runs.map((run) => Math.abs(run - middle))) / middle };
  });
  const change = fresh.median / old.median - 1;
  const spread = Math.max(old.spread, fresh.spread);
  return { before: old, now: fresh, change, spread, isWorse: change > ALLOWED + spread };
}

/** One line a row; `found`: what `compare` returned, by row. */
export function renderComparison(rows, found, { hash }) {
  const lines = [
    ['Row', `CPU ns a delivery, ${hash}`, 'CPU ns a delivery, here', 'Change', 'Allowed', ''],
    ['---', '---', '---', '---', '---', '---'],
  ];
  for (const { id } of rows) {
    const one = found[id];
    if (one === undefined) lines.push([id, '', '', '', '', 'NOT MEASURED']);
    else {
      const words = one.isWorse ? 'WORSE' : 'ok';
      const allowed = `${ALLOWED * 100} % + ${percent(one.spread)}`;
      lines.push([id, figure(one.before), figure(one.now), signed(one.change), allowed, words]);
    }
  }
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function figure({ median: value, spread }) {
  return `${value.toLocaleString('en-US', { maximumFractionDigits: value < 1000 ? 1 : 0 })} ± ${percent(spread)}`;
}

function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}

function signed(share) {
  return `${share > 0 ? '+' : ''}${percent(share)}`;
}
