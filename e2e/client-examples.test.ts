import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Broker, createBroker } from '@hawser/broker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../packages/testkit/src/test-certificates.ts';
import { RunningProgram } from './support/processes.ts';

// Every example runs as it is, and prints what it promises.

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'hawser-examples-'));
const authority = new TestAuthority();
let broker: Broker;

beforeAll(async () => {
  const files = { ca: authority.cert, ...authority.issue('localhost') };
  const client = authority.issue('device-7');
  // Where a broker keeps what it has made, in the folder it was started in.
  const certs = join(folder, 'hawser-data', 'certs');
  mkdirSync(certs, { recursive: true });
  writeFileSync(join(certs, 'ca.crt'), authority.cert);
  writeFileSync(join(certs, 'client.crt'), client.cert);
  writeFileSync(join(certs, 'client.key'), client.key);
  broker = await createBroker({
    listeners: [
      'mqtt://127.0.0.1:0',
      { url: 'mqtts://127.0.0.1:0', tls: { ...files, verify: 'none' } },
      { url: 'mqtts://127.0.0.1:0', tls: { ...files, verify: 'required' } },
    ],
  });
});

afterAll(async () => {
  await broker.close();
  authority[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** What an example prints on its way to a good end. */
async function outputOf(example: string, ...args: string[]): Promise<string> {
  const script = join(root, 'examples', example);
  await using program = new RunningProgram(process.execPath, ['--conditions=hawser-source', script, ...args], {
    cwd: folder,
  });
  const code = await program.exited;
  expect(program.stderr).toBe('');
  expect(code).toBe(0);
  return program.stdout;
}

describe('examples', () => {
  it.each<[string, string[]]>([
    ['first-connection.ts', ['connected as ', 'hello/world: Ahoy!']],
    ['persistent-session.ts', ['session present: true', 'Aurora', 'Borealis', 'Corona']],
    ['will.ts', ['the buoy is afloat', 'the buoy is lost']],
    ['properties.ts', ['application/json { wind: 7 }', 'stations: north pier, south pier', 'keep alive']],
    ['request-response.ts', ["answer: { berth: '7', metres: 11.5 }"]],
    ['lamp.ts', ['does not understand', 'the lamp is on at 80 %', 'the remote control shows: kitchen at 80 %']],
  ])('%s', async (example, lines) => {
    const output = await outputOf(example, broker.urls[0] ?? '');
    for (const line of lines) expect(output).toContain(line);
  });

  it('tls.ts', async () => {
    const url = (broker.urls[1] ?? '').replace('127.0.0.1', 'localhost');
    expect(await outputOf('tls.ts', url)).toContain('published over TLS');
  });

  it.each([
    ['asks for a certificate', 2, 'took the certificate'],
    ['does not', 1, 'lets in clients without a certificate too'],
  ])('mutual-tls.ts, where the server %s', async (_what, at, words) => {
    const url = (broker.urls[at] ?? '').replace('127.0.0.1', 'localhost');
    expect(await outputOf('mutual-tls.ts', url)).toContain(words);
  });

  it('first-connection.ts says what is wrong when nothing listens', async () => {
    const script = join(root, 'examples', 'first-connection.ts');
    await using program = new RunningProgram(process.execPath, [
      '--conditions=hawser-source',
      script,
      'mqtt://127.0.0.1:1',
    ]);
    expect(await program.exited).toBe(1);
    expect(program.stderr).toContain('tcp: ');
    expect(program.stderr).toContain('Is the broker running');
  });
});
