// What is always on, or should be, and what it costs: the same load on Hawser with it and without it, in the same run. `ceiling`:
// so many times the figure without it must not be more than the one with it.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hawserFile } from './brokers.mjs';

const switchFile = fileURLToPath(new URL('recorder-switch.mjs', import.meta.url));

/** The recorder as shipped, with its file, and a broker that tells nobody anything. Both load the same module first. */
const recorder = {
  onDisk: true,
  with: { node: ['--import', switchFile] },
  without: { node: ['--import', switchFile], env: { HAWSER_BENCH_RECORDER: 'off' } },
};

/** Users of a password file and rules, and a broker that anybody may use. */
const authorization = {
  with: { load: ['--user', 'bench', '--password', 'for-the-bench'], prepare: guard },
  without: {},
};

export const costs = [
  {
    ...recorder,
    id: 'recorder-conn',
    title: 'the recorder: connections',
    load: '--mode conn --pubs 10000',
    show: { metric: 'per_s', unit: 'connections/s' },
    ceiling: 1.5,
  },
  {
    ...recorder,
    id: 'recorder-fan',
    title: 'the recorder: fan-out QoS 0, 1 → 10',
    load: '--mode fan --pubs 1 --subs 10',
    show: { metric: 'out_per_s', unit: 'deliveries/s' },
    ceiling: 1.25,
  },
  {
    ...authorization,
    id: 'authorization-fan',
    title: 'password file and rules: fan-out QoS 0, 1 → 10',
    load: '--mode fan --pubs 1 --subs 10',
    show: { metric: 'out_per_s', unit: 'deliveries/s' },
    ceiling: 1.25,
  },
  {
    ...authorization,
    id: 'authorization-qos1',
    title: 'password file and rules: fan-in QoS 1, 50 → 1',
    load: '--mode fanin --pubs 50 --qos 1',
    show: { metric: 'out_per_s', unit: 'deliveries/s' },
    ceiling: 1.5,
  },
  {
    ...authorization,
    id: 'authorization-conn',
    title: 'password file: connections of one user',
    load: '--mode conn --pubs 10000',
    show: { metric: 'per_s', unit: 'connections/s' },
    ceiling: 1.5,
  },
];

/** Figure without it over figure with it; undefined: one is missing. */
export function costOf({ show }, found) {
  const [on, off] = [found?.with?.[show.metric], found?.without?.[show.metric]];
  return on > 0 && off !== undefined ? off / on : undefined;
}

/** Writes a configuration of a broker that lets in one user, with rules that end in what the load uses. */
function guard(folder) {
  execFileSync(process.execPath, [hawserFile, 'passwd', 'passwd', 'bench', '-b', 'for-the-bench'], { cwd: folder });
  const file = join(folder, 'hawser.yaml');
  const rules = [
    "{ deny: all, topics: 'secret/#' }",
    "{ allow: all, topics: 'home/%u/#' }",
    "{ allow: subscribe, topics: 'news/#' }",
    "{ allow: all, topics: 'load/#', users: [bench] }",
  ];
  const lines = [
    'authentication:',
    '  chain:',
    '    - passwords: { file: passwd }',
    'authorization:',
    '  rules:',
    ...rules.map((rule) => `    - ${rule}`),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return ['--config', file];
}
