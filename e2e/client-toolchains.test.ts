import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Broker, createBroker } from '@hawser/broker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildPageBundle } from './support/page-bundle.ts';

// The client under tools of other people's projects, installed as they install them: jest with jsdom, whose realm has bytes of its own, and esbuild.

const TOOLS = ['jest@30.5.2', 'jest-environment-jsdom@30.5.2', 'esbuild@0.28.2'];
const PACKAGES = fileURLToPath(new URL('../packages', import.meta.url));
const OURS = ['codec', 'protocol', 'transport', 'parameters', 'client'];

const run = promisify(execFile);
const project = mkdtempSync(join(tmpdir(), 'hawser-toolchains-'));
let broker: Broker;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  await buildPageBundle();
  broker = await createBroker({ listeners: ['mqtt://127.0.0.1:0', 'ws://127.0.0.1:0'] });
  const [MQTT, WS] = broker.urls;
  environment = { ...process.env, MQTT, WS, NODE_OPTIONS: '--experimental-vm-modules' };
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  const install = ['install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', [...install, ...TOOLS], { cwd: project });
  await mkdir(join(project, 'node_modules/@hawser'));
  for (const name of OURS) symlinkSync(join(PACKAGES, name), join(project, 'node_modules/@hawser', name));
}, 300_000);

afterAll(async () => {
  await broker.close();
  rmSync(project, { recursive: true, force: true });
});

/** A program of the project; gives what it prints. */
async function inProject(file: string, ...more: string[]): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [file, ...more], { cwd: project, env: environment }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return stdout + stderr;
}

it.each([
  ['the build for Node', { customExportConditions: ['node', 'node-addons'] }, 'MQTT'],
  ['the build for pages', {}, 'WS'],
])('jest with jsdom: %s takes the bytes of that realm', async (_what, testEnvironmentOptions, url) => {
  // jsdom has neither; programs that run under it give them in such a file.
  writeFileSync(
    join(project, 'setup.cjs'),
    "const { TextDecoder, TextEncoder } = require('node:util'); Object.assign(globalThis, { TextDecoder, TextEncoder });",
  );
  writeFileSync(
    join(project, 'jest.config.json'),
    JSON.stringify({
      testEnvironment: 'jsdom',
      testEnvironmentOptions,
      setupFiles: ['<rootDir>/setup.cjs'],
      transform: {},
      testMatch: ['**/bytes.test.mjs'],
      moduleFileExtensions: ['mjs', 'js', 'json'],
    }),
  );
  writeFileSync(
    join(project, 'bytes.test.mjs'),
    `
    import { connect } from '@hawser/client';
    test('bytes', async () => {
      expect(Buffer.from('x') instanceof Uint8Array).toBe(false);
      const client = await connect(process.env.${url}, { password: new Uint8Array([1]), username: 'u' });
      const messages = client.messages('bytes');
      const bytes = new Uint8Array([104, 111, 105]);
      for (const payload of [bytes, bytes.buffer, new DataView(bytes.buffer), Buffer.from('hoi')]) {
        await client.publish('bytes', payload, { qos: 1, correlationData: bytes });
        const { value } = await messages.next();
        expect(value.text()).toBe('hoi');
        expect([...value.correlationData]).toEqual([104, 111, 105]);
      }
      await expect(client.publish('bytes', new Blob(['x']))).rejects.toThrow('is a Blob, and not text or bytes');
      await client.disconnect();
    });`,
  );
  expect(await inProject('node_modules/jest/bin/jest.js')).toContain('1 passed');
});

it('esbuild: an ES module for Node speaks MQTT and WebSocket', async () => {
  writeFileSync(
    join(project, 'program.mjs'),
    `
    import { connect } from '@hawser/client';
    for (const url of [process.env.MQTT, process.env.WS]) {
      const client = await connect(url);
      const messages = client.messages('bundled');
      await client.publish('bundled', 'x'.repeat(1000), { qos: 1 });
      console.log((await messages.next()).value.text().length, typeof globalThis.require);
      await client.disconnect();
    }`,
  );
  const flags = ['--bundle', '--platform=node', '--format=esm', '--outfile=bundled.mjs'];
  await run(join(project, 'node_modules/.bin/esbuild'), ['program.mjs', ...flags], { cwd: project });
  expect(readFileSync(join(project, 'bundled.mjs'), 'utf8')).not.toContain("from '@hawser/");
  expect(await inProject('bundled.mjs')).toContain('1000 undefined\n1000 undefined\n');
});
