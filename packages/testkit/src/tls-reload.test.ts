import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ListenError,
  systemClock,
  TlsFiles,
  type TlsListenOptions,
  type TlsPaths,
  watchTls,
} from '@hawser/transport';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { TestAuthority, type TestCertificate } from './test-certificates.ts';

const authority = new TestAuthority();
const first = authority.issue('first');
const second = authority.issue('second');
const folder = mkdtempSync(join(tmpdir(), 'hawser-tls-files-'));
const file = (name: string): string => join(folder, name);
const paths: TlsPaths = { cert: file('server.crt'), key: file('server.key') };

afterAll(() => {
  authority[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

function write({ cert, key }: TestCertificate): void {
  writeFileSync(paths.cert, cert);
  writeFileSync(paths.key, key);
}

beforeEach(() => write(first));

function codeAndText(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    const { code, message } = error as ListenError;
    return `${code}: ${message}`;
  }
  return 'nothing was thrown';
}

describe('TlsFiles', () => {
  it('reads certificate, key, CA and revocation lists', () => {
    writeFileSync(file('ca.crt'), authority.cert);
    writeFileSync(file('ca.crl'), authority.crl());
    const files = new TlsFiles({ ...paths, ca: file('ca.crt'), crl: [file('ca.crl')], minVersion: 'TLSv1.3' });
    const { options } = files;
    expect(options).toMatchObject({ cert: first.cert, key: first.key, ca: [authority.cert], minVersion: 'TLSv1.3' });
    expect(files.files).toEqual([paths.cert, paths.key, file('ca.crt'), file('ca.crl')]);
    expect(files.summary).toMatch(/^CN=first,O=Acme, valid until \d{4}-\d\d-\d\d$/);
  });

  it('asks for certificates of clients where a CA is given, unless it is told otherwise', () => {
    writeFileSync(file('ca.crt'), authority.cert);
    expect(new TlsFiles(paths).options.verify).toBe('none');
    expect(new TlsFiles({ ...paths, ca: file('ca.crt') }).options.verify).toBe('required');
    expect(new TlsFiles({ ...paths, ca: file('ca.crt'), verify: 'optional' }).options.verify).toBe('optional');
  });

  it.each<[string, () => TlsPaths, string]>([
    [
      'that is not there',
      () => ({ ...paths, key: file('no.key') }),
      'cannot read the key FOLDER/no.key: there is no such file',
    ],
    ['that is a directory', () => ({ ...paths, ca: folder }), 'cannot read the CA FOLDER: that is a directory'],
    [
      'that is no certificate',
      () => ({ ...paths, cert: paths.key }),
      "FOLDER/server.key can't be used as the certificate: it is not PEM text of that kind",
    ],
    [
      'that is no key',
      () => ({ ...paths, key: paths.cert }),
      "FOLDER/server.crt can't be used as the key: it is not PEM text of that kind",
    ],
    ['that is no CA', () => ({ ...paths, ca: paths.key }), "FOLDER/server.key can't be used as the CA: it is not PEM"],
    [
      'that is no revocation list',
      () => ({ ...paths, crl: paths.cert }),
      "FOLDER/server.crt can't be used as the revocation list (CRL): it must have a line",
    ],
    [
      'of another certificate',
      () => ({ ...paths, key: writeText('other.key', second.key) }),
      'the certificate in FOLDER/server.crt and the key in FOLDER/other.key do not belong together',
    ],
    ['with ciphers nobody has', () => ({ ...paths, ciphers: 'NO-SUCH' }), 'no cipher that this runtime has'],
    ['of no CA at all', () => ({ ...paths, ca: [] }), 'the list of CAs is empty'],
  ])('names a file %s', (_what, make, words) => {
    const told = codeAndText(() => new TlsFiles(make()));
    expect(told).toMatch(/^tls-invalid: /);
    expect(told.replaceAll(folder, 'FOLDER')).toContain(words);
  });

  it('opens an encrypted key with a passphrase, which may be had from elsewhere', () => {
    const key = createPrivateKey(first.key);
    const encrypted = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'anchor' });
    writeFileSync(paths.key, encrypted);
    expect(new TlsFiles({ ...paths, passphrase: 'anchor' }).options.passphrase).toBe('anchor');
    expect(new TlsFiles({ ...paths, passphrase: () => 'anchor' }).options.passphrase).toBe('anchor');
    expect(codeAndText(() => new TlsFiles(paths))).toContain('it is encrypted: its passphrase is needed');
    const wrong = { ...paths, passphrase: 'sail' };
    expect(codeAndText(() => new TlsFiles(wrong))).toContain('the passphrase does not open it');
    const gone = (): string => {
      throw new Error('HAWSER_KEY is not set');
    };
    expect(codeAndText(() => new TlsFiles({ ...paths, passphrase: gone }))).toContain('HAWSER_KEY is not set');
  });

  it('warns of certificates that clients will refuse, or soon', () => {
    const files = new TlsFiles(paths);
    const day = 24 * 3600 * 1000;
    expect(files.warnings(Date.now())).toEqual([]);
    expect(files.warnings(Date.now() + 0.9 * day)[0]).toMatch(/server.crt ends on .*, in 0 days$/);
    expect(files.warnings(Date.now() + 2 * day)[0]).toMatch(/has expired on .*: clients will refuse it$/);
    expect(files.warnings(Date.now() - 2 * day)[0]).toMatch(/is not valid before/);
    expect(files.warnings(Date.now() - 2 * day)).toHaveLength(1);
  });
});

function writeText(name: string, text: string): string {
  writeFileSync(file(name), text);
  return file(name);
}

/** Watches with a clock that stands still, so that nothing happens before its time. */
function watched(clock: FakeClock) {
  const files = new TlsFiles(paths);
  const seen: { applied: TlsListenOptions[]; reloaded: string[]; faults: string[] } = {
    applied: [],
    reloaded: [],
    faults: [],
  };
  const watch = watchTls(files, {
    clock,
    apply: (options) => seen.applied.push(options),
    onReloaded: (text) => seen.reloaded.push(text),
    onFault: (text) => seen.faults.push(text),
  });
  return { watch, seen, files };
}

describe('watchTls', () => {
  it('looks at the files now and then, and reads those that have changed', async () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    const { watch, seen } = watched(clock);
    using _ = watch;
    await clock.advance(20_000);
    expect(seen.applied).toEqual([]);
    write(second);
    await clock.advance(5000);
    expect(seen.applied).toMatchObject([{ cert: second.cert, key: second.key }]);
    expect(seen.reloaded[0]).toMatch(/^CN=second,/);
    expect(seen.faults).toEqual([]);
  });

  it('has patience with a certificate whose key is written a moment later', async () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    const { watch, seen } = watched(clock);
    using _ = watch;
    writeFileSync(paths.cert, second.cert);
    await clock.advance(5000);
    writeFileSync(paths.key, second.key);
    await clock.advance(2000);
    expect(seen.applied).toMatchObject([{ cert: second.cert, key: second.key }]);
    expect(seen.faults).toEqual([]);
  });

  it('keeps what there was, and says so once, when new files are no good', async () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    const { watch, seen, files } = watched(clock);
    using _ = watch;
    writeFileSync(paths.key, 'nonsense');
    await clock.advance(30_000);
    expect(seen.applied).toEqual([]);
    expect(files.options.cert).toBe(first.cert);
    expect(seen.faults).toEqual([expect.stringContaining("server.key can't be used as the key")]);
    expect(seen.faults[0]).toContain('those before stay in force');
    unlinkSync(paths.key);
    await clock.advance(30_000);
    expect(seen.faults).toEqual([expect.anything(), expect.stringContaining('there is no such file')]);
    write(second);
    await clock.advance(5000);
    expect(seen.applied).toMatchObject([{ cert: second.cert }]);
  });

  it('does not take an expired certificate for a good one', async () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    const { watch, seen } = watched(clock);
    using _ = watch;
    write(authority.issue('old', ['DNS:old'], -1));
    await clock.advance(30_000);
    expect(seen.applied).toEqual([]);
    expect(seen.faults).toEqual([expect.stringContaining('has expired on')]);
  });

  it('reads at once when it is told to, and says whether the files are good', () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    const { watch, seen } = watched(clock);
    using _ = watch;
    expect(watch.reload()).toBe(true);
    expect(seen.applied).toEqual([]);
    writeFileSync(paths.key, 'nonsense');
    expect(watch.reload()).toBe(false);
    expect(seen.faults).toHaveLength(1);
    write(second);
    expect(watch.reload()).toBe(true);
    expect(seen.applied).toHaveLength(1);
  });

  it('does nothing more once it is disposed of', async () => {
    const clock = new FakeClock({ wallMs: Date.now() });
    const { watch, seen } = watched(clock);
    watch[Symbol.dispose]();
    write(second);
    await clock.advance(30_000);
    expect(seen.applied).toEqual([]);
  });

  it('is told by the system of files that are replaced by renaming', async () => {
    const files = new TlsFiles(paths);
    const applied = new Promise<TlsListenOptions>((resolve) => {
      const watch = watchTls(files, { clock: systemClock, pollMs: 3_600_000, debounceMs: 20, apply: resolve });
      afterTest.push(watch);
    });
    for (const [name, text] of [
      ['server.key', second.key],
      ['server.crt', second.cert],
    ] as const) {
      renameSync(writeText(`${name}.new`, text), file(name));
    }
    expect(await applied).toMatchObject({ cert: second.cert, key: second.key });
    for (const watch of afterTest) watch[Symbol.dispose]();
  });
});

const afterTest: Disposable[] = [];
