import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EXIT, ExitError } from '../exit-error.ts';
import { AUTHORITY_NAME, type CertificateAndKey, createAuthority, issueCertificate } from './authority.ts';

/** Where the pieces of a development certificate are. */
export interface CertificateFiles {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
}

const CA_DAYS = 3650;
/** What browsers and phones accept at most. */
const LEAF_DAYS = 397;
const RENEW_BEFORE_MS = 30 * 24 * 3_600_000;

export function certificateFiles(directory: string): CertificateFiles {
  return {
    ca: join(directory, 'ca.crt'),
    serverCert: join(directory, 'server.crt'),
    serverKey: join(directory, 'server.key'),
  };
}

/** The names a development server is reached by. */
export function localNames(): readonly string[] {
  const name = hostname();
  return [...new Set(['localhost', '127.0.0.1', '::1', ...(/^[a-z0-9.-]+$/i.test(name) ? [name] : [])])];
}

/**
 * A CA, a server's and a client's certificate in a directory; a CA that is there already is used again, so that whoever
 * trusts it need not be told anew, and a server's certificate stays that is good for these hosts. Returns the files that
 * were written, those of the client last. Throws ExitError.
 */
export async function writeCertificates(
  directory: string,
  hosts: readonly string[],
  clientName: string,
): Promise<readonly string[]> {
  const written: string[] = [];
  const write = (name: string, { cert, key }: CertificateAndKey): void => {
    written.push(
      writeFile(join(directory, `${name}.crt`), cert, 0o644),
      writeFile(join(directory, `${name}.key`), key, 0o600),
    );
  };
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const known = readAuthority(directory);
    const authority = known ?? (await createAuthority(CA_DAYS));
    if (known === undefined) write('ca', authority);
    if (!isUsable(certificateFiles(directory), hosts)) {
      const days = LEAF_DAYS;
      const commonName = hosts[0] ?? 'localhost';
      write('server', await issueCertificate(authority, { kind: 'server', commonName, hosts, days }));
    }
    write(
      clientFileName(clientName),
      await issueCertificate(authority, { kind: 'client', commonName: clientName, days: LEAF_DAYS }),
    );
  } catch (error) {
    if (error instanceof ExitError) throw error;
    throw new ExitError(
      EXIT.failed,
      `cannot write certificates into ${directory}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return written;
}

/**
 * The development certificate of a broker, good for this machine and `hosts`: made when it is not there, and anew a month
 * before it ends or when it is of no use. A certificate of another issuer that was put in its place stays.
 */
export async function ensureDevelopmentCertificate(
  directory: string,
  hosts: readonly string[] = [],
): Promise<CertificateFiles & { readonly made: boolean }> {
  const files = certificateFiles(directory);
  const names = [...new Set([...localNames(), ...hosts])];
  const made = !isUsable(files, names);
  if (made) await writeCertificates(directory, names, 'client');
  return { ...files, made };
}

function clientFileName(commonName: string): string {
  return commonName === 'client' ? 'client' : `client-${commonName.replace(/[^\w.@-]/g, '_')}`;
}

function isUsable({ ca, serverCert, serverKey }: CertificateFiles, names: readonly string[]): boolean {
  if (![ca, serverCert, serverKey].every((file) => existsSync(file))) return false;
  try {
    const certificate = new X509Certificate(readFileSync(serverCert));
    if (certificate.issuer !== AUTHORITY_NAME) return true;
    const issuer = new X509Certificate(readFileSync(ca));
    return (
      certificate.verify(issuer.publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(readFileSync(serverKey))) &&
      certificate.validToDate.getTime() - Date.now() > RENEW_BEFORE_MS &&
      names.every((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined)
    );
  } catch {
    return false;
  }
}

function readAuthority(directory: string): CertificateAndKey | undefined {
  const cert = join(directory, 'ca.crt');
  const key = join(directory, 'ca.key');
  if (!existsSync(cert) && !existsSync(key)) return undefined;
  if (!existsSync(cert) || !existsSync(key)) {
    const [there, missing] = existsSync(cert) ? [cert, key] : [key, cert];
    const hint = 'put it back, move the other one away to have a new CA made, or choose another directory';
    throw new ExitError(EXIT.failed, `there is ${there}, but not ${missing} that belongs to it`, { hint });
  }
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

function writeFile(path: string, text: string, mode: number): string {
  // Renamed into its place: whoever reads it meanwhile reads a whole file, and a key never has the mode of the one before.
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, text, { mode });
  renameSync(unfinished, path);
  return path;
}
