import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPageBundle } from './support/page-bundle.ts';

// What npm would publish, as somebody else's project meets it: packed, installed, compiled, run.

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules');
const compilers = { '5.9': join(bin, 'typescript-5-9/bin/tsc'), '7': join(bin, 'typescript/bin/tsc') };

interface Manifest {
  readonly name: string;
  readonly version: string;
}

const folders = readdirSync(join(root, 'packages'));
const manifests = folders.map(
  (folder) => JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')) as Manifest,
);
const project = mkdtempSync(join(tmpdir(), 'hawser-packages-'));
const tarball = ({ name, version }: Manifest) => `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;

/** Something of each entry that a user imports, and of its types. */
const program = `
import { main } from 'hawser';
import { type Broker, createBroker } from '@hawser/broker';
import { type Client, connect, ConnectError } from '@hawser/client';
import { connect as connectInPage } from '@hawser/client/browser';
import { hintFor } from '@hawser/client/hints';
import { LevelStore } from '@hawser/store-level';
import { FakeClock, startTestBroker } from '@hawser/testkit';

async function publish(): Promise<string> {
  const broker: Broker = await createBroker({ listeners: ['mqtt://127.0.0.1:0'] });
  const client: Client = await connect(broker.urls[0] ?? '', { keepAlive: 30 });
  try {
    await client.publish('lamp', 'on', { qos: 1 });
    return client.state;
  } catch (error) {
    if (error instanceof ConnectError) return hintFor(error) ?? error.code;
    throw error;
  } finally {
    await client.disconnect();
    await broker.close();
  }
}

const all: readonly unknown[] = [main, connectInPage, startTestBroker, LevelStore];
console.log(await publish(), all.map((one) => typeof one).join(), typeof FakeClock);
`;

/** What a page does, where timers are numbers: the client brings no types of Node along, and what disposal needs by itself. */
const page = `
import { type Client, connect, type MessageStream } from '@hawser/client';

const timer: number = setTimeout(() => {}, 1000);
await using client: Client = await connect('wss://broker.example.com');
await using messages: MessageStream = client.messages('lamp');
for await (const message of messages) console.log(timer, message.text());
`;

/** The oldest target: what compiles with it compiles with every later one. */
const common = { target: 'es2022', strict: true, skipLibCheck: false };
const toPage = { lib: ['es2022', 'dom'], types: [], customConditions: ['browser'] };
const bundler = { ...common, module: 'esnext', moduleResolution: 'bundler', noEmit: true };
const configurations = {
  node16: {
    compilerOptions: { ...common, module: 'node16', moduleResolution: 'node16', types: ['node'], outDir: 'out' },
    files: ['program.ts'],
  },
  bundler: { compilerOptions: { ...bundler, types: ['node'] }, files: ['program.ts'] },
  'bundler of a page': { compilerOptions: { ...bundler, ...toPage }, files: ['page.ts'] },
};

beforeAll(async () => {
  await buildPageBundle();
  const workspaces = folders.flatMap((folder) => ['-w', `packages/${folder}`]);
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', project, ...workspaces];
  await run('npm', pack, { cwd: root });

  const dependencies = Object.fromEntries(manifests.map((manifest) => [manifest.name, `file:${tarball(manifest)}`]));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true, dependencies }));
  writeFileSync(join(project, 'program.ts'), program);
  writeFileSync(join(project, 'page.ts'), page);
  for (const [name, configuration] of Object.entries(configurations))
    writeFileSync(join(project, `tsconfig.${name}.json`), JSON.stringify(configuration));
  const install = ['install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', install, { cwd: project });
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }), 60_000);

describe.each(Object.keys(compilers) as (keyof typeof compilers)[])('TypeScript %s', (version) => {
  it.each(Object.keys(configurations))('compiles what uses the packages, with es2022 and %s', async (name) => {
    const command = [compilers[version], '-p', `tsconfig.${name}.json`];
    const { stdout } = await run(process.execPath, command, { cwd: project }).catch((error) => error);
    expect(stdout).toBe('');
  });
});

it('what was compiled runs', async () => {
  const { stdout } = await run(process.execPath, ['out/program.js'], { cwd: project });
  expect(stdout).toBe('connected function,function,function,function function\n');
});

it('the command line is there', async () => {
  const { stdout } = await run(join(project, 'node_modules/.bin/hawser'), ['--version'], { cwd: project });
  expect(stdout).toMatch(/\d+\.\d+\.\d+/);
});

it.each(manifests)('publint has nothing to say about $name', async (manifest) => {
  const bytes = readFileSync(join(project, tarball(manifest)));
  const packed = { tarball: new Uint8Array(bytes).buffer };
  const { messages, pkg } = await publint({ pack: packed });
  expect(messages.map((message) => formatMessage(message, pkg ?? {}))).toEqual([]);
});
