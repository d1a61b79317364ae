import { readFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { ListenerOptions } from '@hawser/broker';
import { ensureDevelopmentCertificate } from '../certs/certificate-files.ts';

/** Where the development certificate of a broker is: beside its data, or with the system's temporary files. */
export function developmentCertificateDirectory(dataDirectory: string | undefined): string {
  return dataDirectory === undefined ? join(tmpdir(), `hawser-certs-${userInfo().username}`) : join(dataDirectory, 'certs');
}

/** TLS listeners that were given no certificate get a development certificate, made on the first start. */
export async function withDevelopmentCertificate(
  listeners: readonly ListenerOptions[],
  dataDirectory: string | undefined,
): Promise<readonly ListenerOptions[]> {
  if (!listeners.some(lacksCertificate)) return listeners;
  const files = await ensureDevelopmentCertificate(developmentCertificateDirectory(dataDirectory));
  const tls = {
    cert: readFileSync(files.serverCert),
    key: readFileSync(files.serverKey),
    ca: readFileSync(files.ca),
    verify: 'optional' as const,
  };
  return listeners.map((listener) => (lacksCertificate(listener) ? { ...listener, tls } : listener));
}

export function lacksCertificate({ url, tls }: ListenerOptions): boolean {
  return tls === undefined && /^(mqtts|ssl|tls|wss):/i.test(url);
}
