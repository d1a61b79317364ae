import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its key, PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
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

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'pipe' });
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;
