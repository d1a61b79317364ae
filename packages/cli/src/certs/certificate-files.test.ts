import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthority, issueCertificate } from './authority.ts';
import { certificateFiles, ensureDevelopmentCertificate, localNames, writeCertificates } from './certificate-files.ts';

/** Self-signed by somebody else. */
const FOREIGN = [
  '-----BEGIN CERTIFICATE-----',
  'MIIBhzCCAS2gAwIBAgIUfD5JtuksOalMq0PSS7aPHaW6J38wCgYIKoZIzj0EAwIw',
  'GTEXMBUGA1UEAwwOTGV0IHVzIGVuY3J5cHQwHhcNMjYxMTIzMDczNTMwWhcNMjYx',
  'MTI0MDczNTMwWjAZMRcwFQYDVQQDDA5MZXQgdXMgZW5jcnlwdDBZMBMGByqGSM49',
  'AgEGCCqGSM49AwEHA0IABJTmtyDra4cX5kISATaaVKJ3U98hYQr19hSia0aaUhLc',
  'rbVm8NF0WneqdevVPBAKwlgJ2KOrxb5tNdtdj19C0lSjUzBRMB0GA1UdDgQWBBRw',
  'nIaaCXLQ1MyJr8n2zR5iDEcBCjAfBgNVHSMEGDAWgBRwnIaaCXLQ1MyJr8n2zR5i',
  'DEcBCjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCkf7j/GRSG',
  'StXV/GU4SKrSzPd2uCbHP49yP3+z9hYamwIgbnJEsFGavEpns9G2p02ZUdLZLyRK',
  'o1718xQXTIM7dv4=',
  '-----END CERTIFICATE-----',
  '',
].join('\n');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hawser-certs-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
const certificate = (name: string): X509Certificate => new X509Certificate(read(name));

describe('writeCertificates', () => {
  it('makes a CA, a certificate for the hosts and one for a client', async () => {
    const written = await writeCertificates(directory, ['broker.example', '192.0.2.7', '::1'], 'device-7');
    expect(written.map((path) => path.slice(directory.length + 1))).toEqual([
      'ca.crt',
      'ca.key',
      'server.crt',
      'server.key',
      'client-device-7.crt',
      'client-device-7.key',
    ]);
    const [ca, server, client] = ['ca.crt', 'server.crt', 'client-device-7.crt'].map(certificate);
    expect(ca?.ca).toBe(true);
    expect(server?.checkIssued(ca as X509Certificate)).toBe(true);
    expect(server?.checkHost('broker.example')).toBe('broker.example');
    expect([server?.checkIP('192.0.2.7'), server?.checkIP('::1'), server?.checkHost('other')]).toEqual([
      '192.0.2.7',
      '::1',
      undefined,
    ]);
    expect(client?.subject).toBe('CN=device-7');
    // Extended key usage: serverAuth, clientAuth.
    expect([server?.keyUsage, client?.keyUsage]).toEqual([['1.3.6.1.5.5.7.3.1'], ['1.3.6.1.5.5.7.3.2']]);
  });

  it.runIf(process.platform !== 'win32')('lets nobody else read the keys', async () => {
    await writeCertificates(directory, ['localhost'], 'client');
    for (const name of ['ca.key', 'server.key', 'client.key']) {
      expect(statSync(join(directory, name)).mode & 0o077).toBe(0);
    }
  });

  it('goes on with the CA and the server certificate there are', async () => {
    await writeCertificates(directory, ['localhost'], 'first');
    const [ca, server] = [read('ca.crt'), read('server.crt')];
    const written = await writeCertificates(directory, ['localhost'], 'second');
    expect(written).toHaveLength(2);
    expect([read('ca.crt'), read('server.crt')]).toEqual([ca, server]);
    await writeCertificates(directory, ['localhost', 'other.example'], 'third');
    expect(read('ca.crt')).toBe(ca);
    expect(certificate('server.crt').checkHost('other.example')).toBe('other.example');
  });

  it('does not write over a CA whose key it does not have', async () => {
    await writeCertificates(directory, ['localhost'], 'client');
    unlinkSync(join(directory, 'ca.key'));
    const again = writeCertificates(directory, ['localhost'], 'client');
    await expect(again).rejects.toThrow(/there is .*ca\.crt, but not .*ca\.key that belongs to it/);
  });

  it('makes a file name of any client name', async () => {
    const written = await writeCertificates(directory, ['localhost'], '../ship/7');
    expect(written.at(-1)).toBe(join(directory, 'client-.._ship_7.key'));
    expect(certificate('client-.._ship_7.crt').subject).toBe('CN=../ship/7');
  });
});

describe('ensureDevelopmentCertificate', () => {
  const ensure = async (hosts?: readonly string[]): Promise<boolean> =>
    (await ensureDevelopmentCertificate(directory, hosts)).made;

  it('makes one for this machine, and goes on with it', async () => {
    expect(await ensure()).toBe(true);
    for (const name of localNames()) {
      expect(certificate('server.crt').subjectAltName).toContain(name === '::1' ? '0:0:0:0:0:0:0:1' : name);
    }
    expect(await ensure()).toBe(false);
  });

  it('makes it anew for other hosts, by the same CA', async () => {
    await ensure();
    const ca = read('ca.crt');
    expect(await ensure(['192.0.2.7'])).toBe(true);
    expect(await ensure(['192.0.2.7'])).toBe(false);
    expect(read('ca.crt')).toBe(ca);
  });

  it.each([
    ['ends within a month', () => reissue(29)],
    ['is damaged', () => writeFileSync(certificateFiles(directory).serverCert, 'nonsense')],
    ['does not belong to its key', () => writeFileSync(certificateFiles(directory).serverKey, read('client.key'))],
  ])('makes it anew when it %s', async (_what, spoil) => {
    await ensure();
    await spoil();
    expect(await ensure()).toBe(true);
    expect(await ensure()).toBe(false);
  });

  it('leaves alone what somebody else has issued', async () => {
    await ensure();
    writeFileSync(join(directory, 'server.crt'), FOREIGN);
    expect(await ensure()).toBe(false);
    expect(read('server.crt')).toBe(FOREIGN);
  });

  async function reissue(days: number): Promise<void> {
    const authority = { cert: read('ca.crt'), key: read('ca.key') };
    const hosts = localNames();
    const made = await issueCertificate(authority, { kind: 'server', commonName: 'localhost', hosts, days });
    writeFileSync(join(directory, 'server.crt'), made.cert);
    writeFileSync(join(directory, 'server.key'), made.key);
  }
});

describe('createAuthority', () => {
  it('is another one each time', async () => {
    const [one, other] = [await createAuthority(1), await createAuthority(1)];
    expect(one?.cert).not.toBe(other?.cert);
    expect(new X509Certificate(one?.cert ?? '').serialNumber).not.toBe(
      new X509Certificate(other?.cert ?? '').serialNumber,
    );
  });
});
