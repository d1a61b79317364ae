import type { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import { type CertificateEvidence, DialError, type DialErrorCode, type DialEvidence } from './dial-error.ts';
import { whereOf } from './dial-tcp.ts';
import { systemCodeOf } from './listen-error.ts';
import { checkKeyPair, distinguishedName, nodePem, nodePems, type Pem, tlsOptionsWords } from './tls.ts';
import { alertWords, firstLine } from './tls-words.ts';
import { verifyWords } from './verify-words.ts';

/** How a client shows itself, and whom it trusts. */
export interface TlsDialOptions {
  /** Certificate authorities; none: those this runtime trusts. */
  readonly ca?: Pem | readonly Pem[] | undefined;
  readonly cert?: Pem | undefined;
  readonly key?: Pem | undefined;
  readonly passphrase?: string | undefined;
  /** Name that is asked for and must be in the certificate; the host by default. */
  readonly servername?: string | undefined;
  /** By default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  readonly ciphers?: string | undefined;
  readonly alpn?: readonly string[] | undefined;
  /** Takes any certificate; `TlsInfo.authorized` still says whether it was a good one. */
  readonly insecure?: boolean | undefined;
}

const MAXIMUM_CHAIN = 10;

/** Certificate, key and CA as they are used. Throws DialError, before anything is opened, when they can't be. */
export function clientContext(options: TlsDialOptions, evidence: DialEvidence): SecureContext {
  const { cert, key, passphrase } = options;
  try {
    const context = createSecureContext(contextOptions(options));
    if (cert !== undefined && key !== undefined) checkKeyPair({ cert, key, passphrase });
    return context;
  } catch (error) {
    throw new DialError('tls', 'own-certificate-invalid', tlsOptionsWords(error), evidence, error);
  }
}

/** The stage `tls` over a connected socket. */
export function connectTls(
  raw: Socket,
  options: TlsDialOptions,
  secureContext: SecureContext,
  evidence: DialEvidence,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...toNodeOptions(raw, options, evidence.host), secureContext });
    /** A client has signature algorithms of the server's from its request for a certificate alone. */
    const noteRequest = (): void => {
      // Null when the socket is gone.
      const shared: readonly string[] | null = socket.getSharedSigalgs();
      if (shared !== null && shared.length > 0)
        evidence.clientCertificate = options.cert === undefined ? 'missing' : 'given';
    };
    const onError = (error: Error): void => {
      const code = systemCodeOf(error);
      if (code !== undefined) evidence.systemCode = code;
      noteRequest();
      reject(explainTlsFailure(error, evidence, raw.bytesRead));
    };
    socket.on('error', onError);
    socket.once('secureConnect', () => {
      socket.off('error', onError);
      socket.on('error', ignore);
      noteRequest();
      evidence.tlsVersion = socket.getProtocol() ?? 'unknown';
      evidence.cipher = socket.getCipher()?.name ?? 'unknown';
      if (typeof socket.alpnProtocol === 'string') evidence.alpn = socket.alpnProtocol;
      const chain = chainOf(socket.getPeerX509Certificate());
      evidence.certificates = chain;
      // Judged here and not by Node, which forgets the certificate it does not like before anybody can look at it.
      if (socket.authorized || options.insecure === true) resolve(socket);
      else
        reject(
          explainCertificate(String(socket.authorizationError), options.servername ?? evidence.host, evidence, chain),
        );
    });
  });
}

/** The next stage has a listener of its own. */
function ignore(): void {}

function toNodeOptions(raw: Socket, options: TlsDialOptions, host: string): ConnectionOptions {
  const result: ConnectionOptions = {
    socket: raw,
    host,
    // Does not mean that any certificate is good enough: see `secureConnect`.
    rejectUnauthorized: false,
  };
  // The zone of an address means something on this machine only.
  const servername = options.servername ?? host.replace(/%.*/, '');
  // An address is no name of a server (RFC 6066).
  if (isIP(servername) === 0) result.servername = servername;
  else result.host = servername;
  if (options.alpn !== undefined && options.alpn.length > 0) result.ALPNProtocols = [...options.alpn];
  return result;
}

function contextOptions(options: TlsDialOptions): SecureContextOptions {
  const result: SecureContextOptions = { minVersion: options.minVersion ?? 'TLSv1.2' };
  if (options.ca !== undefined) result.ca = nodePems(options.ca);
  if (options.cert !== undefined) result.cert = nodePem(options.cert);
  if (options.key !== undefined) result.key = nodePem(options.key);
  if (options.passphrase !== undefined) result.passphrase = options.passphrase;
  if (options.ciphers !== undefined) result.ciphers = options.ciphers;
  return result;
}

function chainOf(first: X509Certificate | undefined): CertificateEvidence[] {
  const chain: CertificateEvidence[] = [];
  for (let next = first; next !== undefined && chain.length < MAXIMUM_CHAIN; next = next.issuerCertificate) {
    if (chain.at(-1)?.fingerprint === next.fingerprint256) break;
    chain.push({
      subject: distinguishedName(next.subject),
      issuer: distinguishedName(next.issuer),
      names: namesOf(next),
      validFromMs: Date.parse(next.validFrom),
      validToMs: Date.parse(next.validTo),
      fingerprint: next.fingerprint256,
    });
  }
  return chain;
}

function namesOf(certificate: X509Certificate): string[] {
  const names: string[] = [];
  for (const entry of (certificate.subjectAltName ?? '').split(', ')) {
    const match = /^(?:DNS|IP Address):"?([^"]*)"?$/.exec(entry);
    if (match?.[1] !== undefined) names.push(match[1]);
  }
  return names;
}

function explainCertificate(
  verifyCode: string,
  name: string,
  evidence: DialEvidence,
  chain: readonly CertificateEvidence[],
): DialError {
  evidence.systemCode = verifyCode;
  const certificate = chain[0];
  const subject = certificate?.subject === '' ? 'without a subject' : (certificate?.subject ?? '');
  const failed = (code: DialErrorCode, why: string): DialError =>
    new DialError('tls', code, `the certificate of ${whereOf(evidence)} (${subject}) ${why}`, evidence);
  switch (verifyCode) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH': {
      const names =
        certificate === undefined || certificate.names.length === 0 ? 'no name at all' : certificate.names.join(', ');
      return failed('hostname-mismatch', `is not for ${name}: it is for ${names}`);
    }
    case 'CERT_HAS_EXPIRED': {
      const expired = chain.find((one) => one.validToMs < Date.now()) ?? certificate;
      const whose = expired === certificate ? '' : `: the one of its issuer ${expired?.subject}`;
      return failed('expired', `has expired${whose}${expired === undefined ? '' : ` on ${day(expired.validToMs)}`}`);
    }
    case 'CERT_NOT_YET_VALID':
      return failed(
        'not-yet-valid',
        `is not valid before ${certificate === undefined ? 'a later day' : day(certificate.validFromMs)}: is this machine's clock right?`,
      );
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return failed('self-signed', 'is self-signed and not trusted here: give it, or its certificate authority, as CA');
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY': {
      const issuer = chain.at(-1)?.issuer ?? '';
      return failed(
        'untrusted-issuer',
        `was issued by a certificate authority that is not trusted here (${issuer}): give its certificate as CA`,
      );
    }
    case 'CERT_REVOKED':
      return failed('revoked', 'was revoked');
    default:
      return failed('certificate-invalid', `was not accepted: ${verifyWords(verifyCode)}`);
  }
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/**
 * Why a TLS handshake failed, seen from the client. In TLS 1.3 a server refuses a client's certificate after the client
 * has thought itself connected: then the error of `onClose` is what is to be explained; see `isTlsAlert`.
 */
export function explainTlsFailure(error: Error, evidence: DialEvidence, bytesRead: number): DialError {
  const where = whereOf(evidence);
  const system = systemCodeOf(error) ?? '';
  const failed = (code: DialErrorCode, text: string): DialError => new DialError('tls', code, text, evidence, error);
  const certificateRequired = (): DialError =>
    failed('client-certificate-required', `${where} requires a client certificate: give cert and key`);
  switch (system) {
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_UNEXPECTED_MESSAGE':
    case 'ERR_SSL_HTTP_REQUEST':
      return failed('not-tls-here', `${where} does not speak TLS: use its TLS port, or mqtt:// or ws:// for this one`);
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
      return certificateRequired();
    case 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION':
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
    case 'ERR_SSL_VERSION_TOO_LOW':
      return failed('protocol-version', `${where} and this client have no version of TLS in common`);
    case 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL':
    case 'ERR_SSL_TLSV13_ALERT_NO_APPLICATION_PROTOCOL':
    case 'ERR_SSL_NO_APPLICATION_PROTOCOL':
      return failed('alpn', `${where} has none of the application protocols (ALPN) that were offered`);
    case 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE':
    case 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE':
      // In TLS 1.2 this alert stands for a missing client certificate as well; a server that asks for one has found a cipher.
      if (evidence.clientCertificate === 'missing') return certificateRequired();
      return failed('no-shared-cipher', `${where} found nothing in common in the TLS handshake, no cipher above all`);
    case 'ECONNRESET':
    case 'EPIPE':
      if (evidence.clientCertificate === 'missing') return certificateRequired();
      return bytesRead === 0
        ? failed('not-tls-here', `${where} closed the connection when TLS began: it is probably no TLS port`)
        : failed('reset', `${where} closed the connection during the TLS handshake`);
  }
  if (/ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/.test(system)) {
    return failed(
      'client-certificate-rejected',
      `${where} did not accept the client certificate: ${alertWords(system)}`,
    );
  }
  return failed(
    'tls-failed',
    `the TLS handshake with ${where} failed: ${alertWords(system) || firstLine(error.message)}`,
  );
}

/** Whether a connection that was thought to be there broke because the server ended TLS with an alert. */
export function isTlsAlert(error: unknown): boolean {
  return /^ERR_SSL_.*ALERT_/.test(systemCodeOf(error) ?? '');
}
