import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { bytesIn } from '@hawser/parameters';
import type { TlsDialOptions } from '@hawser/transport';
import { AddressError } from '../errors.ts';
import type { TlsOptions } from '../options.ts';

/**
 * TLS options as they are dialled with. Files are read before every attempt: a certificate that was renewed is used with the next one.
 * Throws AddressError: `file-not-readable` `ca-invalid`.
 */
export async function readTls({ ca, cert, key, alpn, ...rest }: TlsOptions): Promise<TlsDialOptions> {
  return {
    ...rest,
    ca: ca === undefined ? undefined : await readAuthorities(ca),
    cert: cert === undefined ? undefined : await readPem(cert, 'tls.cert'),
    key: key === undefined ? undefined : await readPem(key, 'tls.key'),
    alpn: typeof alpn === 'string' ? [alpn] : alpn,
  };
}

type Pem = string | Uint8Array;

async function readAuthorities(ca: Pem | readonly Pem[]): Promise<Pem[]> {
  const given = Array.isArray(ca) ? ca : [ca as Pem];
  if (given.length === 0) throw caInvalid('is an empty list: nothing would be trusted');
  return Promise.all(
    given.map(async (one) => {
      const pem = await readPem(one, 'tls.ca');
      const fault = faultOf(pem);
      if (fault !== undefined) throw caInvalid(`${nameOf(one)} ${fault}`);
      return pem;
    }),
  );
}

/** Node passes over what is no certificate, and the server's is an unknown authority's then. */
function faultOf(pem: Pem): string | undefined {
  const text = typeof pem === 'string' ? pem : Buffer.from(pem).toString('latin1');
  const kinds = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map(([, kind = '']) => kind);
  if (kinds.some((kind) => kind.endsWith('CERTIFICATE')))
    return isReadable(text) ? undefined : 'is a damaged certificate';
  if (kinds.length > 0) return `has no certificate in it, but ${kinds[0]}`;
  return isReadable(pem) ? 'is a certificate in DER, and must be PEM' : 'has no certificate in it';
}

function isReadable(certificate: Pem): boolean {
  try {
    return new X509Certificate(certificate).raw.length > 0;
  } catch {
    return false;
  }
}

function nameOf(given: Pem): string {
  return typeof given === 'string' && !given.includes('-----BEGIN') ? `'${given}'` : 'what is given';
}

function caInvalid(fault: string): AddressError {
  return new AddressError('ca-invalid', `tls.ca: ${fault}`, { option: 'tls.ca' });
}

/** PEM text and bytes as they are; other text is the path of a file. */
async function readPem(value: Pem, option: string): Promise<Pem> {
  if (typeof value !== 'string') return bytesIn(value) ?? value;
  if (value.includes('-----BEGIN')) return value;
  try {
    return await readFile(value);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new AddressError(
      'file-not-readable',
      `${option}: '${value}' is neither PEM text nor a file that can be read (${said})`,
      { option },
    );
  }
}
