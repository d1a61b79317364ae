import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientOptions, ConnectError, connect, UsageError } from '@hawser/client';
import { hintFor } from '@hawser/client/hints';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { HAWSER } from './support/broker-process.ts';
import { type Fault, FaultyServers, faults, local } from './support/faulty-servers.ts';
import { run } from './support/processes.ts';

// Every fault over real sockets: each has its own stage and code, and is told long before the connect timeout.

const CONNECT_TIMEOUT = 5;
const servers = new FaultyServers();
afterEach(() => servers.closeAll());
afterAll(() => servers[Symbol.dispose]());

/** Connects, and expects this failure, soon, with a hint in both languages. */
async function fails(url: string, options: ClientOptions, expected: Fault): Promise<ConnectError> {
  const beganMs = performance.now();
  const { connectTimeout = CONNECT_TIMEOUT } = options;
  const error = await connect({ url, ...options, connectTimeout }).then(
    async (client) => {
      await client.disconnect();
      throw new Error('it connected');
    },
    (reason: unknown) => reason,
  );
  const { stage, code, retry, says, evidence = {} } = expected;
  expect(error).toMatchObject({ stage, code, ...(retry === undefined ? {} : { retry }) });
  expect(error).toBeInstanceOf(ConnectError);
  const found = error as ConnectError;
  if (says !== undefined) expect(found.message).toMatch(says);
  expect(found.evidence).toMatchObject(evidence);
  expect(found.hint).toBe(hintFor(found, 'en'));
  expect(found.hint, found.code).toBeTruthy();
  expect(hintFor(found, 'zh')).toMatch(/[\u4e00-\u9fff]/);
  expect(performance.now() - beganMs).toBeLessThan(connectTimeout * 10_000);
  return found;
}

it.each(faults)('$stage: $code: $what', async (fault) => {
  const url = await fault.url(servers);
  const error = await fails(url, fault.options?.(servers) ?? {}, fault);
  if (fault.stage === 'address') expect(error).toBeInstanceOf(UsageError);
  const { reasonCode } = (fault.evidence ?? {}) as { readonly reasonCode?: number };
  if (reasonCode !== undefined) expect(error.reasonCode).toBe(reasonCode);
});

describe('address', () => {
  it('never tells a password', async () => {
    const error = await connect('mqt://user:secret@localhost').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ stage: 'address', code: 'unknown-scheme' });
    expect(JSON.stringify(error) + String(error)).not.toContain('secret');
  });

  it('names the option that was meant by a misspelt one', async () => {
    const misspelt = { url: 'mqtt://localhost', keepalive: 10 } as ClientOptions;
    await expect(connect(misspelt)).rejects.toThrowError(/did you mean keepAlive/);
    await expect(connect(misspelt)).rejects.toBeInstanceOf(UsageError);
    await expect(connect({ connectTimeout: 10_000 })).rejects.toThrowError(/seconds/);
  });
});

// The resolver of the system is asked, so the system is given one that does not answer: in a mount namespace of its own, which takes root.
it.skipIf(process.getuid?.() !== 0)('dns: a name server that does not answer', async () => {
  const nameServer = createSocket('udp4');
  const folder = mkdtempSync(join(tmpdir(), 'hawser-dns-'));
  try {
    await new Promise<void>((resolve) => nameServer.bind(53, '127.0.0.153', resolve));
    const resolvConf = join(folder, 'resolv.conf');
    writeFileSync(resolvConf, 'nameserver 127.0.0.153\noptions timeout:30\n');
    const doctor = [process.execPath, HAWSER, 'doctor', 'mqtt://broker.example', '--connect-timeout', '0.5', '--json'];
    const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
    const { code, stdout, stderr } = await run('unshare', ['--mount', 'sh', '-c', script, resolvConf, ...doctor]);
    expect(code, stderr).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { stage: 'dns', code: 'dns-timeout', retry: 'yes' } });
  } finally {
    nameServer.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

it('connack: what was received instead is in the evidence', async () => {
  const port = await servers.tcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const error = await connect(local(port)).catch((reason: unknown) => reason);
  expect((error as ConnectError).evidence.received).toContain('HTTP/1.1 400');
});

it('an AbortSignal gives up at once', async () => {
  const port = await servers.tcp(() => {});
  const abort = new AbortController();
  const connecting = connect(local(port), { signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(connecting).rejects.toThrowError('enough');
});
