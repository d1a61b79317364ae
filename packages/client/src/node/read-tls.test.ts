import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AddressError } from '../errors.ts';
import { readTls } from './read-tls.ts';

const folder = mkdtempSync(join(tmpdir(), 'hawser-read-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUFs6boHie7dxPmkp/CfULxsibTUAwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEQWNtZTAgFw0yNjExMjgxMzM2MDhaGA8yMTI2MTEwNDEzMzYw
OFowDzENMAsGA1UEAwwEQWNtZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNyW
ezuKAoN5HDVEwzwNItYp1LG/KPCSQUKvoQz4os3Vq4V6+QZ7xSK26JfP/yqeXYeb
BpvlOuyIrryuWmTY4GujUzBRMB0GA1UdDgQWBBTrGM1h7/57ehGKDIC5QBvsSZ7x
RjAfBgNVHSMEGDAWgBTrGM1h7/57ehGKDIC5QBvsSZ7xRjAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQDYnzCsr+tVj3GDQyBFIG+m5wmXMRKBnvgg
0Db3oLSNiAIgHUVxPqpny4MkbQZymr6nPOZDdFT5DdAAhSdAYzRwF0E=
-----END CERTIFICATE-----
`;
const KEY = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
const DER = Buffer.from(CERTIFICATE.replace(/-----.*-----|\n/g, ''), 'base64');

function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('readTls', () => {
  it('takes certificate authorities as text, bytes, files and lists', async () => {
    const withWords = `# ours\n${KEY}${CERTIFICATE}`;
    for (const ca of [CERTIFICATE, Buffer.from(withWords), fileOf('ca.pem', CERTIFICATE), [CERTIFICATE, withWords]])
      await expect(readTls({ ca })).resolves.toMatchObject({ ca: expect.any(Array) });
    await expect(readTls({ alpn: 'mqtt' })).resolves.toEqual({ alpn: ['mqtt'] });
  });

  it.each<[string, string | Uint8Array | readonly string[], string]>([
    ['a key', KEY, 'what is given has no certificate in it, but PRIVATE KEY'],
    ['a file of something else', fileOf('notes.txt', 'to do'), "notes.txt' has no certificate in it"],
    ['bytes of a certificate', DER, 'is a certificate in DER, and must be PEM'],
    ['a certificate that is cut short', `${CERTIFICATE.slice(0, 200)}\n-----END CERTIFICATE-----`, 'damaged'],
    ['nothing', [], 'empty list'],
    ['one key among certificates', [CERTIFICATE, KEY], 'no certificate in it'],
  ])('refuses %s', async (_what, ca, words) => {
    const reading = readTls({ ca });
    await expect(reading).rejects.toThrowError(AddressError);
    await expect(reading).rejects.toMatchObject({
      code: 'ca-invalid',
      message: expect.stringContaining(words),
      evidence: { option: 'tls.ca' },
    });
  });

  it('names the file that cannot be read', async () => {
    await expect(readTls({ cert: '/nowhere' })).rejects.toMatchObject({ code: 'file-not-readable' });
  });
});
