import { TlsFiles } from '@hawser/transport';
import type { TlsConfig } from './schema/listener-schema.ts';
import { readSecret } from './secrets.ts';

/** The files of a TLS configuration, read and checked; a broker reads them again when they change. Throws ListenError. */
export function createTlsFiles(config: TlsConfig): TlsFiles {
  const { passphrase, certificates, ...paths } = config;
  return new TlsFiles({
    ...paths,
    ...opened(passphrase),
    ...(certificates === undefined
      ? {}
      : { certificates: certificates.map((own) => ({ cert: own.cert, key: own.key, ...opened(own.passphrase) })) }),
  });
}

function opened(passphrase: TlsConfig['passphrase']): { readonly passphrase?: string } {
  return passphrase === undefined ? {} : { passphrase: readSecret(passphrase) };
}
