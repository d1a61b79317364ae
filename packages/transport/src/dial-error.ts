/** The stages of a connection below MQTT. */
export type DialStage = 'dns' | 'tcp' | 'tls' | 'websocket';

/** A certificate that a server has shown. */
export interface CertificateEvidence {
  /** `CN=broker.example.com,O=Acme`. */
  readonly subject: string;
  readonly issuer: string;
  /** Host names and addresses it is for. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly validFromMs: number;
  readonly validToMs: number;
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint: string;
}

/** What an HTTP server answered instead of a WebSocket, or with it. */
export interface HttpEvidence {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The beginning of what it said, at most 1,024 bytes. */
  readonly body: string;
}

/** What was seen on the way to a connection, as far as it came. */
export interface DialEvidence {
  readonly host: string;
  readonly port: number;
  /** Addresses that the name stands for, in the order in which they are tried. */
  addresses: readonly string[];
  /** The address that answered. */
  peerAddress?: string;
  /** `TLSv1.3`, … */
  tlsVersion?: string;
  cipher?: string;
  /** Application protocol (ALPN) that the server chose. */
  alpn?: string;
  /** The server's first, then those of its issuers. */
  certificates?: readonly CertificateEvidence[];
  /** The server has asked for a client certificate: this side has none, or has given it. Absent: it has not asked. */
  clientCertificate?: 'missing' | 'given';
  http?: HttpEvidence;
  /** What the system called it: `ECONNREFUSED`. */
  systemCode?: string;
}

/** Stable names of what can go wrong below MQTT (docs/connect.md). */
export type DialErrorCode =
  | 'host-not-found'
  | 'dns-timeout'
  | 'dns-failed'
  | 'refused'
  | 'timeout'
  | 'unreachable'
  | 'reset'
  | 'tcp-failed'
  | 'not-tls-here'
  | 'tls-expected'
  | 'untrusted-issuer'
  | 'self-signed'
  | 'hostname-mismatch'
  | 'expired'
  | 'not-yet-valid'
  | 'revoked'
  | 'certificate-invalid'
  | 'own-certificate-invalid'
  | 'client-certificate-required'
  | 'client-certificate-rejected'
  | 'protocol-version'
  | 'no-shared-cipher'
  | 'alpn'
  | 'handshake-timeout'
  | 'tls-failed'
  | 'wrong-path'
  | 'http-not-websocket'
  | 'http-unavailable'
  | 'subprotocol-refused'
  | 'forbidden'
  | 'upgrade-timeout'
  | 'websocket-failed'
  | 'aborted';

/** No connection came about. `cause`: what the system or library said. */
export class DialError extends Error {
  override readonly name = 'DialError';
  readonly stage: DialStage;
  readonly code: DialErrorCode;
  readonly evidence: DialEvidence;

  constructor(stage: DialStage, code: DialErrorCode, message: string, evidence: DialEvidence, cause?: unknown) {
    super(message, { cause });
    this.stage = stage;
    this.code = code;
    this.evidence = evidence;
  }
}
