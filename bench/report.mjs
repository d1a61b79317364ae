// Medians, ratios and the Markdown of a benchmark run.
import { readFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { costOf } from './costs.mjs';
import { renderLargeStore } from './large-report.mjs';

/** The median of every figure over the rounds, for each broker of one row. */
export function medians(byBroker) {
  return Object.fromEntries(
    Object.entries(byBroker).map(([id, runs]) => {
      const metrics = Object.keys(runs[0]).filter((key) => typeof runs[0][key] === 'number');
      return [id, Object.fromEntries(metrics.map((key) => [key, median(runs.map((run) => run[key]))]))];
    }),
  );
}

/** Hawser's figure over Mosquitto's; undefined when one is missing. */
export function ratioOf(show, row) {
  const ours = row?.hawser?.[show.metric];
  const theirs = row?.mosquitto?.[show.metric];
  return ours !== undefined && theirs > 0 ? ours / theirs : undefined;
}

/** Something is asked of this figure. */
export function hasTarget({ ratio, atLeast, atMost }) {
  return ratio !== undefined || atLeast !== undefined || atMost !== undefined;
}

/** Whether the targets of one figure are met; undefined when it was not measured. */
export function isMet(show, row) {
  const ours = row?.hawser?.[show.metric];
  if (ours === undefined || !hasTarget(show)) return undefined;
  const ratio = ratioOf(show, row);
  const absolute =
    (show.atLeast === undefined || ours >= show.atLeast) && (show.atMost === undefined || ours <= show.atMost);
  // Ratios bind, absolute figures guide, so a ratio decides where there is one.
  if (show.ratio === undefined || ratio === undefined) return absolute;
  return show.better === 'more' ? ratio >= show.ratio : ratio <= show.ratio;
}

/** One table: a line for every figure of every row. */
export function renderTable(rows, results, contestants, titles = {}) {
  const others = contestants.filter((id) => id !== 'hawser' && id !== 'mosquitto');
  const head = [
    'Work',
    'Figure',
    'Hawser',
    'Mosquitto',
    ...others.map((id) => titles[id] ?? id),
    'Ratio',
    'Target',
    'CPU of the broker (Hawser / Mosquitto)',
    'RSS, MiB',
    'p50 / p99, ms (Hawser)',
  ];
  const lines = [head, head.map(() => '---')];
  for (const row of rows) {
    const found = results[row.id] ?? {};
    for (const show of row.shows) {
      const ratio = ratioOf(show, found);
      const met = isMet(show, found);
      lines.push([
        row.title,
        show.unit,
        figure(found.hawser?.[show.metric]),
        figure(found.mosquitto?.[show.metric]),
        ...others.map((id) => figure(found[id]?.[show.metric])),
        ratio === undefined ? '' : `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`,
        `${target(show)}${met === undefined ? '' : met ? ' ✓' : ' ✗'}`,
        both(found, ({ broker_cpu, broker_cpu_s }) => broker_cpu ?? broker_cpu_s, 2),
        both(found, ({ rss_kb, rss_after_kb }) => (rss_kb ?? rss_after_kb) / 1024, 0),
        found.hawser?.p50_ms === undefined
          ? ''
          : `${found.hawser.p50_ms.toFixed(2)} / ${found.hawser.p99_ms.toFixed(2)}`,
      ]);
    }
  }
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** What is on by default, and what it costs. */
export function renderCosts(costs, results) {
  const lines = [
    ['What it costs', 'Figure', 'With it', 'Without', 'Without / with', 'Ceiling'],
    ['---', '---', '---', '---', '---', '---'],
  ];
  for (const cost of costs) {
    const found = results[cost.id] ?? {};
    const times = costOf(cost, found);
    lines.push([
      cost.title,
      cost.show.unit,
      figure(found.with?.[cost.show.metric]),
      figure(found.without?.[cost.show.metric]),
      times === undefined ? '' : `${times.toFixed(2)} ×`,
      `≤ ${cost.ceiling} ×${times === undefined ? '' : times <= cost.ceiling ? ' ✓' : ' ✗'}`,
    ]);
  }
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function renderResults(rows, costs, results, brokers) {
  const contestants = Object.keys(results.versions);
  const titles = Object.fromEntries(contestants.map((id) => [id, brokers[id].title]));
  const versions = contestants.map((id) => `${titles[id]} ${results.versions[id]}`).join(', ');
  return `# Benchmark results

Written by \`npm run bench\` (bench/run.mjs); do not edit. Medians of ${results.rounds} rounds, ${results.secs} s each after ${results.warm} s of warming
up, a fresh broker for every run, brokers in turn. Closed loop: the load generator (bench/mqload.c, MQTT 3.1.1, 64 bytes of payload)
sends no more than the broker delivers, so nothing is lost. Ratios bind, absolute figures guide.

| | |
| --- | --- |
| Date | ${results.date} |
| Machine | ${results.machine} |
| Kernel | ${results.kernel} |
| Runtime | Node ${results.node} |
| Brokers | ${versions} |
| Command | \`${results.command}\` |

${renderTable(rows, results.rows, contestants, titles)}

Hawser with and without what a broker should have, the same load, in turn:

${renderCosts(costs, results.costs ?? {})}

${renderLargeStore(results.largeStore)}

CPU is in cores while measuring (for connections: seconds in all). On the rows for durable sessions Hawser runs with \`--data\` on the
disk of the checkout and acknowledges after fdatasync; Mosquitto saves its database once a second and syncs before no acknowledgement.
Bytes to disk are those of the operating system's account of the process.
`;
}

export function describeMachine() {
  const [cpu] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpu?.model.trim() ?? arch()}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `${type()} ${release()}${distribution()}`,
    node: process.versions.node,
  };
}

function distribution() {
  try {
    const name = /PRETTY_NAME="([^"]*)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    return name ? `, ${name}` : '';
  } catch {
    return '';
  }
}

/** The middle one, or the mean of the two in the middle. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function figure(value) {
  if (value === undefined) return '';
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 3 : 0 });
}

function target({ better, ratio, atLeast, atMost }) {
  const sign = better === 'more' ? '≥' : '≤';
  const absolute = atLeast ?? atMost;
  return [absolute !== undefined && `${sign} ${figure(absolute)}`, ratio && `${sign} ${ratio} ×`]
    .filter(Boolean)
    .join(', ');
}

function both(found, pick, digits) {
  const cells = ['hawser', 'mosquitto'].map((id) => {
    const value = found[id] ? pick(found[id]) : undefined;
    return Number.isFinite(value) ? value.toFixed(digits) : '–';
  });
  return cells.join(' / ');
}
