import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Attempt, Attempts } from './attempts.ts';
import { ListenError, systemCodeOf } from './listen-error.ts';
import { explainTlsRefusal } from './tls-words.ts';
import type { TlsInfo } from './transport.ts';

/** PEM text, or its bytes. */
export type Pem = string | Uint8Array;

/** A certificate and its private key. */
export interface TlsCertificate {
  /** The certificate, followed by those that lead to the CA. */
  readonly cert: Pem;
  readonly key: Pem;
  /** Of the key. */
  readonly passphrase?: string | undefined;
}

/** How a TLS listener shows itself and whom it takes. */
export interface TlsListenOptions extends TlsCertificate {
  /**
   * More certificates: a client that asks for a name (SNI) which is in one of them sees that one, all others the first
   * one. Names are the DNS names in the certificate, `*.example.org` too, or its Common Name where there are none.
   */
  readonly certificates?: readonly TlsCertificate[] | undefined;
  /** Who may have issued certificates of clients; none: those this runtime trusts. */
  readonly ca?: Pem | readonly Pem[] | undefined;
  /** Certificates that were revoked. */
  readonly crl?: Pem | readonly Pem[] | undefined;
  /**
   * `none`: clients are not asked for a certificate. `optional`: they are asked, and `TlsInfo.authorized` says whether
   * there was a valid one. `required`: those without a valid one are refused.
   */
  readonly verify: 'none' | 'optional' | 'required';
  /** By default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** In OpenSSL's notation. A list that is not valid is told as a ListenError. */
  readonly ciphers?: string | undefined;
  /** Protocols that may be negotiated with clients that offer some (ALPN); none: what clients offer is passed over. */
  readonly alpn?: readonly string[] | undefined;
}

/** What the handshake of a socket has established. */
export function tlsInfoOf(socket: TLSSocket): TlsInfo {
  const certificate = socket.getPeerX509Certificate();
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher()?.name ?? 'unknown',
    authorized: socket.authorized,
    peerSubject: certificate === undefined ? undefined : distinguishedName(certificate.subject),
    peerCommonName: certificate === undefined ? undefined : commonName(socket),
    peerCertificate: certificate?.raw,
    serverName: typeof socket.servername === 'string' && socket.servername !== '' ? socket.servername : undefined,
  };
}

/** `CN=device-7,O=Acme` (RFC 4514: the most specific first) from Node's lines, which have it the other way round. */
export function distinguishedName(lines: string | undefined): string {
  return lines === undefined ? '' : lines.split('\n').reverse().join(',');
}

function commonName(socket: TLSSocket): string | undefined {
  const name: string | string[] | undefined = socket.getPeerCertificate().subject?.CN;
  return Array.isArray(name) ? name.at(-1) : name;
}

/**
 * Makes TLS of the sockets that come in. New options are for connections to come.
 *
 * Sessions may be resumed (tickets, for five minutes) until new options are set: their keys go with the options, so that
 * nobody comes in by an old ticket whom the new CA or CRL would refuse.
 */
export class TlsStage {
  readonly #attempts: Attempts;
  readonly #onSecure: (socket: TLSSocket, attempt: Attempt) => void;
  #server: Server;

  /** Throws a ListenError when a listener could not be opened with these. */
  static check(options: TlsListenOptions): void {
    createTlsServer(options);
  }

  /** Throws a ListenError when certificate, key or CA can't be used. */
  constructor(options: TlsListenOptions, attempts: Attempts, onSecure: (socket: TLSSocket, attempt: Attempt) => void) {
    this.#attempts = attempts;
    this.#onSecure = onSecure;
    this.#server = this.#createServer(options);
  }

  /** Throws a ListenError, and goes on with the options there were. */
  setOptions(options: TlsListenOptions): void {
    this.#server = this.#createServer(options);
  }

  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  /** A server that listens nowhere: connections are handed to it, so that another can take over at any time. */
  #createServer(options: TlsListenOptions): Server {
    const server = createTlsServer(options);
    server.on('secureConnection', (socket) => {
      const attempt = this.#attempts.of(rawSocketOf(socket));
      if (attempt === undefined) socket.destroy();
      else this.#onSecure(socket, attempt);
    });
    server.on('tlsClientError', (error, socket) => {
      const attempt = this.#attempts.of(rawSocketOf(socket));
      socket.destroy();
      if (attempt === undefined) return;
      const { code, detail } = explainTlsRefusal(error, socket.authorizationError);
      this.#attempts.refuse(attempt, 'tls', code, detail);
    });
    return server;
  }
}

function createTlsServer(options: TlsListenOptions): Server {
  if (options.verify !== 'none' && options.ca === undefined) {
    const text = `certificates of clients are ${options.verify}, but no CA is named that issues them: with ca absent every public CA would be trusted; name one in ca`;
    throw new ListenError('tls-invalid', text);
  }
  try {
    return createServer(nodeTlsOptions(options));
  } catch (error) {
    throw explainTlsOptions(error);
  }
}

/** The options as `node:tls` and `node:https` have them, for servers of other protocols. Throws what Node throws for PEM that can't be used. */
export function nodeTlsOptions(options: TlsListenOptions): TlsOptions {
  const result = { ...toNodeOptions(options, options), ...byServerName(options) };
  for (const certificate of [options, ...(options.certificates ?? [])]) checkKeyPair(certificate);
  return result;
}

/**
 * Throws when the key is not that of the certificate. OpenSSL says so only of two of one kind: a key of another kind (EC beside RSA) it keeps in
 * a place of its own, and the certificate is never shown.
 */
export function checkKeyPair({ cert, key, passphrase }: TlsCertificate): void {
  const ofKey = createPrivateKey({ key: nodePem(key), ...(passphrase !== undefined && { passphrase }) });
  if (new X509Certificate(nodePem(cert)).checkPrivateKey(ofKey)) return;
  throw Object.assign(new Error('key values mismatch'), { code: MISMATCH });
}

/** What OpenSSL calls it. */
const MISMATCH = 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';

/** Node tells of a failed handshake with the TLS socket only, when that no longer knows its peer's address. */
function rawSocketOf(socket: TLSSocket): Socket | undefined {
  return (socket as TLSSocket & { readonly _parent?: Socket })._parent;
}

/** Chooses among several certificates. Node's own `addContext` takes `LOCALHOST` for another name than `localhost`. */
function byServerName(options: TlsListenOptions): TlsOptions {
  const more = (options.certificates ?? []).map((certificate) => ({
    names: namesOf(certificate).map((name) => name.toLowerCase()),
    context: createSecureContext(toNodeOptions(options, certificate)),
  }));
  if (more.length === 0) return {};
  return {
    SNICallback(serverName, done) {
      const name = serverName.toLowerCase();
      const parent = name.includes('.') ? `*${name.slice(name.indexOf('.'))}` : name;
      const found = more.find(({ names }) => names.includes(name)) ?? more.find(({ names }) => names.includes(parent));
      done(null, found?.context);
    },
  };
}

/** Names by which clients ask for a certificate. */
function namesOf({ cert }: TlsCertificate): readonly string[] {
  const certificate = new X509Certificate(nodePem(cert));
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^",]+)/g)].map(([, name = '']) => name);
  if (names.length > 0) return names;
  const commonName = /(?:^|\n)CN=([^\n]*)/.exec(certificate.subject)?.[1];
  return commonName === undefined ? [] : [commonName];
}

function toNodeOptions(options: TlsListenOptions, { cert, key, passphrase }: TlsCertificate): TlsOptions {
  const result: TlsOptions = {
    cert: nodePem(cert),
    key: nodePem(key),
    requestCert: options.verify !== 'none',
    rejectUnauthorized: options.verify === 'required',
    minVersion: options.minVersion ?? 'TLSv1.2',
    // The attempt has a clock of its own, from the first byte to the end of the last stage.
    handshakeTimeout: 2 ** 31 - 1,
    // A client of TLS 1.2 could make the broker do handshake after handshake on one connection.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  if (passphrase !== undefined) result.passphrase = passphrase;
  if (options.ca !== undefined) result.ca = authorities(options.ca);
  if (options.crl !== undefined) result.crl = nodePems(options.crl).flatMap(eachCrl);
  if (options.ciphers !== undefined) result.ciphers = options.ciphers;
  if (options.alpn !== undefined && options.alpn.length > 0) result.ALPNProtocols = [...options.alpn];
  return result;
}

/** Node passes over what is no certificate, and without any it would trust those that the runtime trusts. */
function authorities(pems: Pem | readonly Pem[]): (string | Buffer)[] {
  const found = nodePems(pems);
  if (found.length === 0) throw new Error('the list of CAs is empty');
  for (const pem of found) new X509Certificate(pem);
  return found;
}

/** Of a text with several revocation lists Node would read the first one only. */
function eachCrl(pem: string | Buffer): string[] {
  const text = pem.toString();
  return text.match(/-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g) ?? [text];
}

/** Node takes text or a Buffer. */
export function nodePem(pem: Pem): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength);
}

export function nodePems(pems: Pem | readonly Pem[]): (string | Buffer)[] {
  return typeof pems === 'string' || ArrayBuffer.isView(pems) ? [nodePem(pems)] : pems.map(nodePem);
}

function explainTlsOptions(error: unknown): ListenError {
  return new ListenError('tls-invalid', tlsOptionsWords(error), error);
}

/** What is wrong with certificate, key or CA that could not be loaded. */
export function tlsOptionsWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  switch (systemCodeOf(error)) {
    case MISMATCH:
      return 'the certificate and the key do not belong together: the certificate was issued for another key';
    case 'ERR_SSL_NO_CIPHER_MATCH':
      return 'no cipher that this runtime has is in the list of ciphers (OpenSSL notation, such as ECDHE+AESGCM)';
    case 'ERR_CRYPTO_OPERATION_FAILED':
      if (/CRL/i.test(text))
        return 'the revocation list (CRL) is not PEM text: it must have a line -----BEGIN X509 CRL-----';
      return `the certificate, the key or the CA can't be used: ${text}`;
    case 'ERR_OSSL_PEM_NO_START_LINE':
    case 'ERR_OSSL_UNSUPPORTED':
      return 'the certificate, the key or the CA is not PEM text: it must have a line -----BEGIN …-----';
    case 'ERR_MISSING_PASSPHRASE':
    case 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED':
      return 'the key is encrypted: its passphrase is needed';
    case 'ERR_OSSL_EVP_BAD_DECRYPT':
    case 'ERR_OSSL_BAD_DECRYPT':
      return 'the passphrase does not open the key';
    case 'ERR_OSSL_PEM_BAD_END_LINE':
    case 'ERR_OSSL_PEM_BAD_BASE64_DECODE':
      return 'the certificate, the key or the CA is damaged PEM text';
    default:
      return `the certificate, the key or the CA can't be used: ${text}`;
  }
}
