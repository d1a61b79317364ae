import { systemCodeOf } from './listen-error.ts';

/** A stable name and words for people. */
export interface Explained {
  readonly code: string;
  readonly text: string;
}

/** Why a certificate did not pass, by OpenSSL's names. */
const VERIFY_WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed and not itself among the trusted ones',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate authority at the end of its chain is not among the trusted ones',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its issuer is not among the trusted ones, nor was the certificate of its issuer sent',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate of an issuer in its chain is missing',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not among the trusted ones',
  CERT_REVOKED: 'it was revoked',
  CERT_REJECTED: 'its certificate authority is marked as not to be trusted for this',
  CERT_UNTRUSTED: 'its certificate authority is not trusted for this',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
  CERT_CHAIN_TOO_LONG: 'its chain is too long',
  INVALID_PURPOSE: 'it was issued for another purpose (extended key usage)',
  INVALID_CA: 'a certificate in its chain was used as a certificate authority and is none',
  PATH_LENGTH_EXCEEDED: 'its chain is longer than one of its certificate authorities allows',
  UNABLE_TO_GET_CRL: 'its issuer is not among the trusted ones, or there is no revocation list (CRL) of it',
  CRL_HAS_EXPIRED: 'the revocation list (CRL) of its issuer has expired',
  CRL_NOT_YET_VALID: 'the revocation list (CRL) of its issuer is not valid yet',
};

/** Words for a code of certificate verification: `it has expired`. */
export function verifyWords(code: string): string {
  return VERIFY_WORDS[code] ?? `${code.toLowerCase().replaceAll('_', ' ')}`;
}

/** Why a client's handshake failed, seen from the server. */
export function explainTlsRefusal(error: Error, authorizationError: Error | string | undefined | null): Explained {
  if (authorizationError !== undefined && authorizationError !== null) {
    const verifyCode = typeof authorizationError === 'string' ? authorizationError : authorizationError.message;
    return {
      code: 'client-certificate-rejected',
      text: `the client's certificate was not accepted: ${verifyWords(verifyCode)}`,
    };
  }
  const system = systemCodeOf(error) ?? '';
  switch (system) {
    case 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE':
      return {
        code: 'client-certificate-required',
        text: 'the client sent no certificate, and this listener requires one',
      };
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_UNEXPECTED_MESSAGE':
      return { code: 'not-tls', text: 'the client does not speak TLS, but this listener does: use mqtts:// or wss://' };
    case 'ERR_SSL_HTTP_REQUEST':
      return { code: 'not-tls', text: 'an HTTP request without TLS came to a TLS listener: use wss:// or https://' };
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
    case 'ERR_SSL_VERSION_TOO_LOW':
      return {
        code: 'protocol-version',
        text: 'the client speaks only versions of TLS that are too old for this listener',
      };
    case 'ERR_SSL_NO_SHARED_CIPHER':
      return { code: 'no-shared-cipher', text: 'client and listener have no cipher in common' };
    case 'ERR_SSL_NO_APPLICATION_PROTOCOL':
      return {
        code: 'alpn',
        text: 'the client offers only application protocols (ALPN) that this listener does not have',
      };
    case 'ECONNRESET':
    case 'EPIPE':
      return {
        code: 'closed-in-handshake',
        text: "the client closed the connection during the TLS handshake: often because it does not trust this listener's certificate",
      };
  }
  if (
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|UNSUPPORTED_CERTIFICATE|CERTIFICATE_REVOKED)/.test(
      system,
    )
  ) {
    return {
      code: 'server-certificate-rejected',
      text: `the client refused this listener's certificate (${alertWords(system)})`,
    };
  }
  return { code: 'tls-failed', text: `the TLS handshake failed: ${alertWords(system) || firstLine(error.message)}` };
}

/** What is wrong with PEM text that was to be one certificate or key: `it is not PEM text: …`. */
export function pemWords(error: unknown): string {
  switch (systemCodeOf(error)) {
    case 'ERR_OSSL_PEM_NO_START_LINE':
    case 'ERR_OSSL_UNSUPPORTED':
      return 'it is not PEM text of that kind, which begins with a line -----BEGIN …-----';
    case 'ERR_OSSL_PEM_BAD_END_LINE':
    case 'ERR_OSSL_PEM_BAD_BASE64_DECODE':
      return 'it is damaged PEM text';
    case 'ERR_MISSING_PASSPHRASE':
    case 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED':
      return 'it is encrypted: its passphrase is needed';
    case 'ERR_OSSL_EVP_BAD_DECRYPT':
    case 'ERR_OSSL_BAD_DECRYPT':
      return 'the passphrase does not open it';
    default:
      return firstLine(error instanceof Error ? error.message : String(error));
  }
}

/** `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA` is `unknown ca`. */
export function alertWords(code: string): string {
  return code
    .replace(/^ERR_SSL_(?:.*ALERT_)?/, '')
    .toLowerCase()
    .replaceAll('_', ' ');
}

/** What OpenSSL means, without its numbers, files and lines. */
export function firstLine(message: string): string {
  const line = message.split('\n', 1)[0] ?? '';
  const fields = line.split(':');
  return line.includes(':error:') && fields.length > 5 ? `${fields[5] ?? ''}`.trim() || line : line;
}
