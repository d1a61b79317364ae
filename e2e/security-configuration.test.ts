import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { withAttacker } from './support/security-client.ts';

const HAWSER = fileURLToPath(new URL('../packages/cli/bin/hawser.js', import.meta.url));
let directory = '';
let running: ChildProcess | undefined;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hawser-security-'));
});
afterEach(() => running?.kill('SIGKILL'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function hawser(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [HAWSER, ...args], { cwd: directory }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err });
    });
  });
}

/** Starts a broker and gives its port, its log so far, and a way to wait for a line of it. */
async function start(config: string) {
  const child = spawn(process.execPath, [HAWSER, 'broker', '--config', config], { cwd: directory });
  running = child;
  let out = '';
  let log = '';
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (log += String(chunk)));
  await expect.poll(() => out + log, { timeout: 20_000 }).toContain('ready');
  const port = Number(/mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(out)?.[1]);
  return { child, port, seen: (text: string) => expect.poll(() => log, { timeout: 10_000 }).toContain(text) };
}

const login = (port: number, username: string, password: string) =>
  withAttacker(port, 5, (peer) => peer.connect({ username, password })).then((connack) => connack?.reasonCode);

const CONFIG = `
listeners: [mqtt://127.0.0.1:0]
data: memory
console: false
authentication:
  chain:
    - passwords: { file: passwd }
authorization:
  rules:
    - { allow: all, topics: 'home/%u/#' }
`;

describe('from nothing to a guarded broker', () => {
  it('passwd, check, config, broker, and SIGHUP for what has changed', async () => {
    const file = join(directory, 'hawser.yaml');
    writeFileSync(file, CONFIG);
    expect(await hawser('check', '-c', file)).toMatchObject({ code: 1, err: expect.stringContaining('passwd') });
    expect(await hawser('passwd', 'passwd', 'alice', '-b', 'one')).toMatchObject({ code: 0 });
    expect(readFileSync(join(directory, 'passwd'), 'utf8')).toMatch(/^alice:\$argon2id\$/);
    expect(await hawser('check', '-c', file)).toMatchObject({ code: 0, out: expect.stringContaining('in order') });
    const { out } = await hawser('config', '-c', file, '--changed');
    expect(out).toContain(`authentication.chain[0].passwords.file`);
    expect(out).toContain(`# ${file}:7`);

    const { child, port, seen } = await start(file);
    expect(await login(port, 'alice', 'one')).toBe(0);
    expect(await login(port, 'alice', 'two')).toBe(0x86);
    expect(await withAttacker(port, 5, (peer) => peer.connect())).toMatchObject({ reasonCode: 0x87 });

    writeFileSync(file, CONFIG.replace('home/%u/#', 'a/#/b'));
    child.kill('SIGHUP');
    await seen('the old one stays in force');
    expect(await login(port, 'alice', 'one')).toBe(0);

    await hawser('passwd', 'passwd', 'bob', '-b', 'three');
    writeFileSync(file, `${CONFIG}limits: { keepAliveMax: 17, topicLevels: 9 }\n`);
    child.kill('SIGHUP');
    await seen('limits.keepAliveMax changed from 0 to 17');
    await seen('limits.topicLevels changed from 128 to 9; this needs a restart');
    expect(await login(port, 'bob', 'three')).toBe(0);
    const connack = await withAttacker(port, 5, (peer) => peer.connect({ username: 'bob', password: 'three' }));
    expect(connack?.properties?.serverKeepAlive).toBe(17);
  });

  it('says what is wrong before anything listens', async () => {
    const file = join(directory, 'wrong.yaml');
    writeFileSync(file, 'listeners: [mqtt://127.0.0.1:0]\nauthentification: {}\nlimits:\n  conections: 5\n');
    const { code, err } = await hawser('broker', '-c', file);
    expect(code).toBe(1);
    expect(err).toContain(`${file}:2: there is no key 'authentification'; did you mean authentication?`);
    expect(err).toContain(`${file}:4: there is no key 'conections' in limits; did you mean connections?`);
  });

  it('takes a mosquitto.conf', async () => {
    writeFileSync(
      join(directory, 'mosquitto.conf'),
      'listener 0 127.0.0.1\nlistener 1883 127.0.0.1\nallow_anonymous true\n',
    );
    const { code, out, err } = await hawser('import', 'mosquitto.conf');
    expect(code).toBe(0);
    expect(out).toContain('mqtt://127.0.0.1:1883');
    expect(err).toContain('mosquitto.conf:1: listener 0: a socket of the file system');
  });
});
