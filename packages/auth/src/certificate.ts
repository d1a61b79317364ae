import { X509Certificate } from 'node:crypto';
import type { AllowConnect, ClientInfo } from '@hawser/broker';
import type { AuthenticatorLink } from './chain.ts';

/** Which part of a client's certificate is its name, and what for. */
export interface CertificateOptions {
  /** `cn`: Common Name; `dn`: the whole subject, `CN=device-7,O=Acme`; `san`: the first DNS name, URI or e-mail address. */
  readonly name?: 'cn' | 'dn' | 'san';
  /** `clientId`: it is the user name and the only Client Identifier too. */
  readonly as?: 'username' | 'clientId';
}

/** Lets in who has shown a certificate that the listener's CA has issued; passes over who has not. */
export function certificate(options: CertificateOptions = {}): AuthenticatorLink {
  const { name = 'cn', as = 'username' } = options;
  return (request) => {
    if (request.authenticationMethod !== undefined) return undefined;
    const found = nameOf(request.client, name);
    if (found === undefined || found === '') return undefined;
    // The name is the user's in any case: a certificate proves nothing about any other name the client gives.
    const allow: AllowConnect = { kind: 'allow', username: found };
    return as === 'username' ? allow : { ...allow, clientId: found };
  };
}

/** The certificate must have been verified: without that anybody may write any name into one. */
function nameOf({ tls }: ClientInfo, name: 'cn' | 'dn' | 'san'): string | undefined {
  if (tls === undefined || !tls.authorized) return undefined;
  if (name === 'cn') return tls.peerCommonName;
  if (name === 'dn') return tls.peerSubject;
  return tls.peerCertificate === undefined ? undefined : firstAlternativeName(tls.peerCertificate);
}

/** Node quotes, as JSON, what has a comma or a quotation mark in it. */
function firstAlternativeName(der: Uint8Array): string | undefined {
  const { subjectAltName } = new X509Certificate(der);
  const found = /^(?:|.*?, )(?:DNS|URI|email):(?:"((?:[^"\\]|\\.)*)"|([^",]+))/.exec(subjectAltName ?? '');
  if (found === null) return undefined;
  return found[1] === undefined ? found[2] : String(JSON.parse(`"${found[1]}"`));
}
