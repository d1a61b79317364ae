import { lstatSync, mkdtempSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { ListenerOptions } from '@hawser/broker';
import { parseListenUrl, TlsFiles } from '@hawser/transport';
import { ensureDevelopmentCertificate } from '../certs/certificate-files.ts';

/** The listeners as they are opened, and what is to be said about them. */
export interface PreparedListeners {
  readonly listeners: readonly ListenerOptions[];
  /** Who trusts this file trusts the development certificate. Undefined: no listener shows it. */
  readonly developmentCa: string | undefined;
}

/** Where the development certificate of a broker is: beside its data, or with the system's temporary files. */
function developmentCertificateDirectory(dataDirectory: string | undefined): string {
  if (dataDirectory !== undefined) return join(dataDirectory, 'certs');
  const directory = join(tmpdir(), `hawser-certs-${userInfo().username}`);
  return isOwn(directory) ? directory : mkdtempSync(`${directory}-`);
}

/** TLS listeners that were given no certificate get a development certificate, made on the first start. */
export async function withDevelopmentCertificate(
  listeners: readonly ListenerOptions[],
  dataDirectory: string | undefined,
): Promise<PreparedListeners> {
  if (!listeners.some(lacksCertificate)) return { listeners, developmentCa: undefined };
  // What listens everywhere is reached by the names of this machine.
  const hosts = listeners
    .filter(lacksCertificate)
    .map(({ url }) => parseListenUrl(url).host)
    .filter((host) => !['', '::', '0.0.0.0'].includes(host));
  const files = await ensureDevelopmentCertificate(developmentCertificateDirectory(dataDirectory), hosts);
  const tls = new TlsFiles({ cert: files.serverCert, key: files.serverKey, ca: files.ca, verify: 'optional' });
  return {
    listeners: listeners.map((listener) => (lacksCertificate(listener) ? { ...listener, tls } : listener)),
    developmentCa: files.ca,
  };
}

function lacksCertificate({ url, tls }: ListenerOptions): boolean {
  return tls === undefined && /^(mqtts|ssl|tls|wss):/i.test(url);
}

/** Among everybody's temporary files somebody else could have put a key there that is known to them. */
function isOwn(directory: string): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined || process.getuid === undefined) return true;
  return found.isDirectory() && found.uid === process.getuid() && (found.mode & 0o022) === 0;
}
