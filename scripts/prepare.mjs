// Makes a checkout ready: dependencies as package-lock.json says, Debian packages on request, the build up to date.
// Runs before `npm start`, `npm test` and the others, on a bare Node 20 too: no dependencies, and nothing newer than Node 20.
//
//   node scripts/prepare.mjs [--install-only | --after-install] [--system]
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installSystemPackages } from './system-packages.mjs';

const root = new URL('..', import.meta.url);
const options = new Set(process.argv.slice(2));

if (options.has('--after-install')) {
  linkNode();
} else {
  if (!isInstalled()) npmCi();
  linkNode();
  if (options.has('--system')) installSystemPackages();
  if (!options.has('--install-only')) build();
}

/** True when node_modules holds what package-lock.json says (npm keeps its own record of what it installed). */
function isInstalled() {
  const wanted = packagesOf('package-lock.json');
  const present = packagesOf('node_modules/.package-lock.json');
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true;
    const found = present[path];
    // Optional packages of other systems are never there.
    if (found === undefined) return entry.optional === true || entry.peer === true;
    return found.version === entry.version;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(new URL(file, root), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function npmCi() {
  console.error('hawser: installing dependencies (npm ci)');
  const args = ['ci', '--loglevel=error', '--no-fund', '--no-audit'];
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  // The Node under npm, not the one in node_modules, which is being replaced.
  if (npm && node) run(node, [npm, ...args]);
  else run('npm', args, { shell: process.platform === 'win32' });
}

/**
 * Puts the Node that came with the dependencies at node_modules/.bin/node, first on the PATH of npm scripts and npx. npm 11 does
 * so itself; npm 10 makes the link and takes it away again when it drops the packages of other systems, whose link has the same name.
 */
function linkNode() {
  const link = new URL('node_modules/.bin/node', root);
  const target = `node-${process.platform}-${process.arch}/bin/node`;
  if (existsSync(link) || !existsSync(new URL(`node_modules/${target}`, root))) return;
  rmSync(link, { force: true });
  symlinkSync(`../${target}`, link);
}

function build() {
  run(process.execPath, [fileURLToPath(new URL('node_modules/typescript/bin/tsc', root)), '-b']);
  const made = timeOf('packages/client/dist/page/index.js');
  const script = 'scripts/bundle-page.mjs';
  const parts = ['codec', 'parameters', 'protocol', 'client'].map((name) => `packages/${name}/dist/.tsbuildinfo`);
  if ([script, ...parts].some((file) => timeOf(file) > made)) bundlePage(script);
}

/** No page needs it to start a broker: what is wrong with it stops nothing. The bundler may ask for a newer Node than this one. */
function bundlePage(script) {
  const own = fileURLToPath(new URL('node_modules/.bin/node', root));
  try {
    execFileSync(existsSync(own) ? own : process.execPath, [script], { cwd: root, stdio: ['ignore', 2, 2] });
  } catch (error) {
    console.error(`hawser: the client for pages was not made (${script}): ${error.message}`);
  }
}

/** When a file was written; 0: there is none. */
function timeOf(file) {
  return statSync(new URL(file, root), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function run(command, args, more = {}) {
  try {
    // Standard output belongs to what runs next (a broker prints `ready` there), so all of this goes to standard error.
    execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...more });
  } catch (error) {
    console.error(`hawser: "${[command, ...args].join(' ')}" failed`);
    process.exit(error.status ?? 1);
  }
}
