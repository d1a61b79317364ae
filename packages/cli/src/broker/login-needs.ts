import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Configuration } from '@hawser/config';

/** What a client of one listener has to bring along, as far as the configuration tells. */
export interface LoginNeeds {
  /** File of the CA to trust; absent: one of the system's, or none is needed. */
  readonly ca?: string | undefined;
  /** Certificate and key to show. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
  /** User name and password. */
  readonly user: boolean;
}

/** What clients of the listener at that place need. */
export function loginNeeds(
  { listeners, tls: shared, authentication: common }: Configuration,
  place: number,
): LoginNeeds {
  const listener = listeners[place];
  const { chain, anonymous } = listener?.authentication ?? common;
  const usesTls = /^(?:mqtts|ssl|tls|wss):/i.test(listener?.url ?? '');
  const tls = usesTls ? (listener?.tls ?? shared) : undefined;
  const [ca] = [tls?.ca ?? []].flat();
  const isRequired = tls !== undefined && (tls.verify ?? (ca === undefined ? 'none' : 'required')) === 'required';
  return {
    ca: tls !== undefined && ca !== undefined && hasIssued(ca, tls.cert) ? ca : undefined,
    certificate: isRequired ? clientFiles(dirname(ca ?? tls.cert)) : undefined,
    user: chain.some(({ passwords }) => passwords !== undefined) && (anonymous ?? false) === false,
  };
}

/** Those that `hawser certs` has made there, or names that stand for the user's. */
function clientFiles(directory: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(directory, 'client.crt'), join(directory, 'client.key')];
  return existsSync(cert) && existsSync(key) ? { cert, key } : { cert: 'CLIENT.crt', key: 'CLIENT.key' };
}

function hasIssued(ca: string, cert: string): boolean {
  try {
    return new X509Certificate(readFileSync(cert)).checkIssued(new X509Certificate(readFileSync(ca)));
  } catch {
    // What cannot be read was told before.
    return false;
  }
}
