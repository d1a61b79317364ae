import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its key, PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate is to say that is out of the ordinary. */
export interface TestCertificateRequest {
  readonly commonName: string;
  /** As OpenSSL has them, `DNS:localhost`. */
  readonly names?: readonly string[];
  /** From an hour ago on. */
  readonly from?: Date;
  /** For a day. */
  readonly until?: Date;
  /** Extended key usage; none: good for anything. */
  readonly usage?: 'serverAuth' | 'clientAuth';
}

/** A certificate authority for one test file, made with the `openssl` of the machine; `dispose` when done. */
export class TestAuthority implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'hawser-certificates-'));
  #serial = 0;
  /** Of the authority itself. */
  readonly cert: string;

  constructor(name = 'Hawser Test CA') {
    this.#openssl(
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '2',
      '-subj',
      `/O=Hawser/CN=${name}`,
    );
    this.cert = this.#read('ca.pem');
  }

  /** `names` as OpenSSL has them, `DNS:localhost`; `days` from now on, negative: expired. */
  issue(commonName: string, names: readonly string[] = ['DNS:localhost', 'IP:127.0.0.1'], days = 1): TestCertificate {
    const n = ++this.#serial;
    this.#openssl('req', ...KEY, '-keyout', `${n}.key`, '-out', `${n}.csr`, '-subj', `/O=Acme/CN=${commonName}`);
    writeFileSync(join(this.#folder, `${n}.ext`), `subjectAltName=${names.join(',')}\n`);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', String(n), '-days', String(days)];
    this.#openssl('x509', '-req', '-in', `${n}.csr`, ...by, '-extfile', `${n}.ext`, '-out', `${n}.pem`);
    return { cert: this.#read(`${n}.pem`), key: this.#read(`${n}.key`) };
  }

  /** A certificate with dates and usage of its own, which can be revoked. */
  issueWith(request: TestCertificateRequest): TestCertificate {
    const n = ++this.#serial;
    const { commonName, names = ['DNS:localhost', 'IP:127.0.0.1'], usage } = request;
    const from = request.from ?? new Date(Date.now() - HOUR_MS);
    const until = request.until ?? new Date(Date.now() + 24 * HOUR_MS);
    this.#openssl('req', ...KEY, '-keyout', `${n}.key`, '-out', `${n}.csr`, '-subj', `/O=Acme/CN=${commonName}`);
    const usages = usage === undefined ? '' : `extendedKeyUsage=${usage}\n`;
    writeFileSync(join(this.#folder, `${n}.ext`), `subjectAltName=${names.join(',')}\n${usages}`);
    const dates = ['-startdate', asn1Time(from), '-enddate', asn1Time(until)];
    this.#ca('-in', `${n}.csr`, '-out', `${n}.pem`, '-extfile', `${n}.ext`, '-create_serial', '-notext', ...dates);
    return { cert: this.#read(`${n}.pem`), key: this.#read(`${n}.key`) };
  }

  /** The next revocation list has it. */
  revoke({ cert }: TestCertificate): void {
    writeFileSync(join(this.#folder, 'revoked.pem'), cert);
    this.#ca('-revoke', 'revoked.pem');
  }

  /** A revocation list, PEM, good for a day. */
  crl(): string {
    this.#ca('-gencrl', '-crldays', '1', '-out', 'crl.pem');
    return this.#read('crl.pem');
  }

  selfSigned(commonName: string): TestCertificate {
    const n = ++this.#serial;
    this.#openssl(
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      `${n}.key`,
      '-out',
      `${n}.pem`,
      '-days',
      '2',
      '-subj',
      `/CN=${commonName}`,
    );
    return { cert: this.#read(`${n}.pem`), key: this.#read(`${n}.key`) };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #read(file: string): string {
    return readFileSync(join(this.#folder, file), 'utf8');
  }

  #ca(...args: readonly string[]): void {
    const database = join(this.#folder, 'index.txt');
    if (!existsSync(database)) {
      writeFileSync(database, '');
      writeFileSync(join(this.#folder, 'ca.cnf'), CA_CONFIGURATION);
    }
    this.#openssl('ca', '-batch', '-config', 'ca.cnf', ...args);
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'pipe' });
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;
const HOUR_MS = 3_600_000;

const CA_CONFIGURATION = `[ca]
default_ca = test
[test]
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 1
unique_subject = no
policy = any
[any]
organizationName = optional
commonName = supplied
`;

function asn1Time(date: Date): string {
  return date.toISOString().replace(/[-:T]|\.\d+/g, '');
}
