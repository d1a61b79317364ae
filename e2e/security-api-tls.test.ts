import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { type Admin, createAdmin } from '@hawser/admin';
import type { Broker } from '@hawser/broker';
import { TlsFiles } from '@hawser/transport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority, type TestCertificate } from '../packages/testkit/src/test-certificates.ts';
import { portOf, startGuardedBroker } from './support/security-client.ts';

const directory = mkdtempSync(join(tmpdir(), 'hawser-console-tls-'));
const warnings: string[] = [];
let authority: TestAuthority;
let broker: Broker;
let admin: Admin;

function write({ cert, key }: TestCertificate): void {
  for (const [name, text] of Object.entries({ 'cert.pem': cert, 'key.pem': key })) {
    writeFileSync(join(directory, `${name}.new`), text);
    renameSync(join(directory, `${name}.new`), join(directory, name));
  }
}

beforeAll(async () => {
  authority = new TestAuthority();
  write(authority.issueWith({ commonName: 'first' }));
  broker = await startGuardedBroker();
  admin = await createAdmin({
    broker,
    host: '127.0.0.1',
    port: 0,
    password: 'harbour-7',
    tls: new TlsFiles({ cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }),
    onWarning: (_code, text) => warnings.push(text),
  });
});
afterAll(async () => {
  await admin?.close();
  await broker?.close();
  authority?.[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

interface Seen {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  /** Common Name of the certificate that was shown. */
  readonly shown: string;
}

function logIn(maxVersion: 'TLSv1.1' | 'TLSv1.3' = 'TLSv1.3'): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: portOf(admin.url),
      path: '/api/v1/login',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent: false,
      ca: authority.cert,
      maxVersion,
      minVersion: 'TLSv1',
    });
    asked.on('error', reject).on('response', (response) => {
      const shown = String((response.socket as TLSSocket).getPeerCertificate().subject.CN);
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, shown }));
    });
    asked.end(JSON.stringify({ password: 'harbour-7' }));
  });
}

describe('the API over https', () => {
  it('gives cookies that go over https alone, and says that it is there over https alone', async () => {
    expect(admin.url).toMatch(/^https:/);
    const { status, headers } = await logIn();
    expect(status).toBe(200);
    expect(String(headers['set-cookie'])).toMatch(/; Secure$/);
    expect(headers['strict-transport-security']).toContain('max-age=');
  });

  it('answers nobody without TLS, or with an old one', async () => {
    await expect(fetch(admin.url.replace('https', 'http'))).rejects.toThrow();
    await expect(logIn('TLSv1.1')).rejects.toThrow();
  });

  it('shows a new certificate when its files change, and the old one when they are no good', async () => {
    expect((await logIn()).shown).toBe('first');
    write(authority.issueWith({ commonName: 'second' }));
    await expect.poll(async () => (await logIn()).shown, { timeout: 15_000 }).toBe('second');
    write({ cert: 'nothing', key: 'nothing' });
    await expect.poll(() => warnings.join(), { timeout: 15_000 }).toContain('cert.pem');
    expect((await logIn()).shown).toBe('second');
  });
});
