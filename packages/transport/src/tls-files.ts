import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { ListenError, systemCodeOf } from './listen-error.ts';
import { distinguishedName, type TlsCertificate, type TlsListenOptions, TlsStage } from './tls.ts';
import { pemWords } from './tls-words.ts';

/** Paths of the PEM files of one certificate. */
export interface TlsCertificatePaths {
  readonly cert: string;
  readonly key: string;
  /** Of the key: the text itself, or where it is to be had from whenever the files are read. */
  readonly passphrase?: string | (() => string) | undefined;
}

/** `TlsListenOptions` with paths of PEM files in place of PEM. */
export interface TlsPaths extends TlsCertificatePaths {
  /** More certificates, chosen by the name a client asks for (SNI). */
  readonly certificates?: readonly TlsCertificatePaths[] | undefined;
  readonly ca?: string | readonly string[] | undefined;
  readonly crl?: string | readonly string[] | undefined;
  /** By default `required` with a `ca`, as it is of no other use, and `none` without. */
  readonly verify?: TlsListenOptions['verify'] | undefined;
  readonly minVersion?: TlsListenOptions['minVersion'];
  readonly ciphers?: string | undefined;
  readonly alpn?: readonly string[] | undefined;
}

const DAY_MS = 24 * 3600 * 1000;
/** From when on the end of a certificate is worth a warning; of those for a few days, in the last third. */
const ENDS_SOON_MS = 14 * DAY_MS;

/** The PEM files of a TLS listener, read and checked. Give it to a listener as its `tls`, or to `watchTls`. */
export class TlsFiles {
  readonly paths: TlsPaths;
  /** Every file that is read. */
  readonly files: readonly string[];
  #options: TlsListenOptions;
  #stamp: string;

  /** Throws a ListenError (`tls-invalid`) that names the file which can't be used. */
  constructor(paths: TlsPaths) {
    this.paths = paths;
    const own = [paths, ...(paths.certificates ?? [])].flatMap(({ cert, key }) => [cert, key]);
    this.files = [...new Set([...own, ...list(paths.ca), ...list(paths.crl)])];
    this.#stamp = this.#stampNow();
    this.#options = readAll(paths);
  }

  /** What the files said when they were last read. */
  get options(): TlsListenOptions {
    return this.#options;
  }

  /** A file is not the one that was last looked at: its time, size or inode. */
  get hasChanged(): boolean {
    return this.#stampNow() !== this.#stamp;
  }

  /** It is made of the same files, to be used in the same way. */
  hasPathsOf(other: TlsFiles): boolean {
    return JSON.stringify(this.paths) === JSON.stringify(other.paths);
  }

  /** The first certificate, for people: `CN=localhost, valid until 2027-01-31`. */
  get summary(): string {
    const { subject, validToDate } = leafOf(this.#options);
    return `${distinguishedName(subject)}, valid until ${day(validToDate)}`;
  }

  /**
   * Reads them again; `options` is then what they say now. False: nothing has changed. Throws a ListenError
   * (`tls-invalid`) when they can't be used or the new certificate has expired, and `options` stays.
   */
  reload(nowMs = Date.now()): boolean {
    this.#stamp = this.#stampNow();
    const options = readAll(this.paths);
    if (isSame(options, this.#options)) return false;
    const before = leafOf(this.#options);
    const after = leafOf(options);
    if (after.validToDate.getTime() <= nowMs && before.validToDate.getTime() > nowMs) {
      const text = `the new certificate in ${this.paths.cert} has expired on ${day(after.validToDate)}`;
      throw new ListenError('tls-invalid', text);
    }
    this.#options = options;
    return true;
  }

  /** What clients will not like about the certificates: sentences for people. */
  warnings(nowMs: number): string[] {
    return [this.#options, ...(this.#options.certificates ?? [])].flatMap((one, index) => {
      const path = (index === 0 ? this.paths : this.paths.certificates?.[index - 1])?.cert ?? '';
      const { validFromDate, validToDate } = leafOf(one);
      const left = validToDate.getTime() - nowMs;
      if (left <= 0) return [`the certificate in ${path} has expired on ${day(validToDate)}: clients will refuse it`];
      if (validFromDate.getTime() > nowMs)
        return [`the certificate in ${path} is not valid before ${day(validFromDate)}`];
      const days = Math.floor(left / DAY_MS);
      const soon = Math.min(ENDS_SOON_MS, (validToDate.getTime() - validFromDate.getTime()) / 3);
      return left < soon ? [`the certificate in ${path} ends on ${day(validToDate)}, in ${days} days`] : [];
    });
  }

  #stampNow(): string {
    return this.files.map(stampOf).join('\n');
  }
}

function readAll(paths: TlsPaths): TlsListenOptions {
  const { certificates, ca, crl, verify, minVersion, ciphers, alpn } = paths;
  const options: TlsListenOptions = {
    ...readCertificate(paths),
    certificates: certificates?.map(readCertificate),
    ca: ca === undefined ? undefined : list(ca).map((path) => readChecked(path, 'CA', checkCertificate)),
    crl: crl === undefined ? undefined : list(crl).map((path) => readChecked(path, 'revocation list (CRL)', checkCrl)),
    verify: verify ?? (ca === undefined ? 'none' : 'required'),
    minVersion,
    ciphers,
    alpn,
  };
  TlsStage.check(options);
  return options;
}

function readCertificate({ cert, key, passphrase }: TlsCertificatePaths): TlsCertificate {
  const secret = typeof passphrase === 'function' ? askPassphrase(key, passphrase) : passphrase;
  const read = {
    cert: readChecked(cert, 'certificate', checkCertificate),
    key: readChecked(key, 'key', (text) => {
      createPrivateKey(secret === undefined ? text : { key: text, passphrase: secret });
    }),
    passphrase: secret,
  };
  if (!new X509Certificate(read.cert).checkPrivateKey(createPrivateKey({ key: read.key, passphrase: secret ?? '' }))) {
    const text = `the certificate in ${cert} and the key in ${key} do not belong together`;
    throw new ListenError('tls-invalid', text);
  }
  return read;
}

function askPassphrase(key: string, passphrase: () => string): string {
  try {
    return passphrase();
  } catch (error) {
    throw new ListenError('tls-invalid', `cannot have the passphrase of the key ${key}: ${readWords(error)}`, error);
  }
}

/** Throws a ListenError that names the file. */
function readChecked(path: string, what: string, check: (text: string) => void): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ListenError('tls-invalid', `cannot read the ${what} ${path}: ${readWords(error)}`, error);
  }
  try {
    check(text);
  } catch (error) {
    throw new ListenError('tls-invalid', `${path} can't be used as the ${what}: ${pemWords(error)}`, error);
  }
  return text;
}

function readWords(error: unknown): string {
  switch (systemCodeOf(error)) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not read it';
    case 'EISDIR':
      return 'that is a directory';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function checkCertificate(text: string): void {
  new X509Certificate(text);
}

function checkCrl(text: string): void {
  if (!text.includes('-----BEGIN X509 CRL-----')) throw new Error('it must have a line -----BEGIN X509 CRL-----');
}

function leafOf({ cert }: TlsCertificate): X509Certificate {
  return new X509Certificate(cert);
}

function isSame(one: TlsListenOptions, other: TlsListenOptions): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.mtimeMs} ${found.size} ${found.ino}`;
}

function list(paths: string | readonly string[] | undefined): readonly string[] {
  return paths === undefined ? [] : typeof paths === 'string' ? [paths] : paths;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
