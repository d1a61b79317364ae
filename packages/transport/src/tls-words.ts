import type { AttemptRefusal } from './attempt-refusals.ts';
import { systemCodeOf } from './listen-error.ts';

/** Why a client's handshake failed, seen from the server. */
export function explainTlsRefusal(error: Error, authorizationError: Error | string | undefined | null): AttemptRefusal {
  if (authorizationError !== undefined && authorizationError !== null) {
    const verifyCode = typeof authorizationError === 'string' ? authorizationError : authorizationError.message;
    return { code: 'client-certificate-rejected', detail: { is: 'client-certificate-rejected', verifyCode } };
  }
  const system = systemCodeOf(error) ?? '';
  switch (system) {
    case 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE':
      return { code: 'client-certificate-required', detail: { is: 'client-certificate-missing' } };
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_UNEXPECTED_MESSAGE':
      return { code: 'not-tls', detail: { is: 'not-tls' } };
    case 'ERR_SSL_HTTP_REQUEST':
      return { code: 'not-tls', detail: { is: 'http-without-tls' } };
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
    case 'ERR_SSL_VERSION_TOO_LOW':
      return { code: 'protocol-version', detail: { is: 'tls-version-too-old' } };
    case 'ERR_SSL_NO_SHARED_CIPHER':
      return { code: 'no-shared-cipher', detail: { is: 'no-shared-cipher' } };
    case 'ERR_SSL_NO_APPLICATION_PROTOCOL':
      return { code: 'alpn', detail: { is: 'no-shared-alpn' } };
    case 'ECONNRESET':
    case 'EPIPE':
      return { code: 'closed-in-handshake', detail: { is: 'reset-in-handshake' } };
  }
  if (
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|UNSUPPORTED_CERTIFICATE|CERTIFICATE_REVOKED)/.test(
      system,
    )
  ) {
    return {
      code: 'server-certificate-rejected',
      detail: { is: 'server-certificate-rejected', alert: alertWords(system) },
    };
  }
  return { code: 'tls-failed', detail: { is: 'tls-failed', why: alertWords(system) || firstLine(error.message) } };
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
