// Everything that must hold, in one run: checks of the source, then the tests. `npm test` has installed and built before.
//
//   npm test [-- --only lint,unit]
//
// All steps run even when one fails; the last line is the sum, "N passed, N failed", a check counting as one.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const reports = '.cache/test';

const steps = [
  { name: 'lint', command: ['biome', 'check', '--error-on-warnings'] },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.tests.json'] },
  { name: 'boundaries', command: ['node', 'scripts/check-boundaries.mjs'] },
  { name: 'unused', command: ['knip', '--no-progress'] },
  { name: 'statements', command: ['node', 'conformance/table.mjs', '--check'] },
  vitest('unit'),
  vitest('unit-page'),
  vitest('conformance'),
  vitest('e2e'),
];

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const only = values.only?.split(',');
const unknown = only?.filter((name) => !steps.some((step) => step.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(`no step ${unknown.join(', ')}; there are ${steps.map(({ name }) => name).join(', ')}`);
  process.exit(64);
}

rmSync(`${root}${reports}`, { recursive: true, force: true });
mkdirSync(`${root}${reports}`, { recursive: true });
const sum = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
for (const step of steps.filter(({ name }) => only?.includes(name) ?? true)) runStep(step);

console.log('');
if (failures.length > 0) console.log(`failed: ${failures.join(', ')}`);
console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`);
process.exitCode = failures.length > 0 ? 1 : 0;

function vitest(project) {
  const report = `${reports}/${project}.json`;
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  return { name: project, command: ['vitest', 'run', '--project', project, '--passWithNoTests', ...reporters], report };
}

function runStep({ name, command, report }) {
  console.log(`\n== ${name}: ${command.slice(0, 4).join(' ')}`);
  const began = performance.now();
  const [file, ...args] = command;
  const { status, error } = spawnSync(file, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (error) console.error(`${file}: ${error.message}`);
  const ok = status === 0;
  const counts = (report && countsOf(report)) ?? { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
  // A run that fails outside any test (a suite that does not load, an unhandled error) is a failure too.
  if (!ok && counts.failed === 0) counts.failed = 1;
  for (const key of Object.keys(sum)) sum[key] += counts[key];
  if (!ok) failures.push(name);
  console.log(`== ${name}: ${ok ? 'ok' : 'FAILED'}, ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

function countsOf(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(`${root}${report}`, 'utf8'),
    );
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + (numTodoTests ?? 0) };
  } catch {
    return undefined;
  }
}
