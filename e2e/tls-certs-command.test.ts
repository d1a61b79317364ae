import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { HAWSER } from './support/broker-process.ts';
import { run } from './support/processes.ts';
import { TlsBroker } from './support/tls-broker.ts';

const folder = mkdtempSync(join(tmpdir(), 'hawser-certs-e2e-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('hawser certs: what it makes and prints works with mutual TLS, in our clients and in others', async () => {
  const certs = await run(process.execPath, [HAWSER, 'certs', '--dir', folder, '--client', 'device-7']);
  expect([certs.code, certs.stderr]).toEqual([0, '']);
  const at = (name: string): string => join(folder, name);
  await using broker = new TlsBroker();
  // As printed, but for the port, which is a free one here.
  const yaml = /^ {2}listeners:\n(?: {4}.*\n)+/m.exec(certs.stdout)?.[0].replace('0.0.0.0:8883', '127.0.0.1:0') ?? '';
  expect(yaml).toContain('verify: required');
  await broker.startWith(yaml, ['mutual']);

  const printed = /^ {2}hawser sub -L mqtts:\/\/localhost:8883 (--ca \S+)/m.exec(certs.stdout)?.[1] ?? 'none';
  const identity = /^ {2}(--cert \S+ --key \S+)$/m.exec(certs.stdout)?.[1] ?? 'none';
  const where = ['-L', `mqtts://localhost:${broker.port('mutual')}`, ...printed.split(' ')];
  const published = await run(process.execPath, [
    HAWSER,
    'pub',
    ...where,
    ...identity.split(' '),
    '-t',
    't',
    '-m',
    'm',
  ]);
  expect([published.code, published.stderr]).toEqual([0, '']);
  const isDevice = ({ certificate }: { readonly certificate?: string }): boolean => certificate === 'CN=device-7';
  expect(await broker.logged(isDevice, 'device-7')).toMatchObject({ isVerified: true });

  const refused = await run(process.execPath, [HAWSER, 'pub', ...where, '-t', 't', '-m', 'm']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/certificate/);

  const mosquitto = [
    '-h',
    'localhost',
    '-p',
    String(broker.port('mutual')),
    '--cafile',
    at('ca.crt'),
    '-t',
    't',
    '-m',
    'm',
  ];
  const own = ['--cert', at('client-device-7.crt'), '--key', at('client-device-7.key')];
  expect((await run('mosquitto_pub', [...mosquitto, ...own])).code).toBe(0);
  expect((await run('mosquitto_pub', mosquitto)).code).not.toBe(0);
  // The server's certificate is of no use to a client.
  const asClient = ['--cert', at('server.crt'), '--key', at('server.key')];
  expect((await run('mosquitto_pub', [...mosquitto, ...asClient])).code).not.toBe(0);
});
