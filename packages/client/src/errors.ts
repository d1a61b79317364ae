import { CodedError, UsageError } from '@hawser/codec';
import type { Grant } from './results.ts';

export { CodedError, MalformedPacketError, ProtocolError, UsageError } from '@hawser/codec';

/** How far an attempt came. */
export type ConnectStage = 'address' | 'dns' | 'tcp' | 'tls' | 'websocket' | 'connack' | 'auth';

/** Whether trying again makes sense: as it is, never, or after somebody has changed something. */
export type Retry = 'yes' | 'no' | 'after-change';

/** What was seen until an attempt failed, as far as it came. A DialEvidence of Node is one. */
export interface ConnectEvidence {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly url?: string | undefined;
  /** Addresses that the name stands for. */
  readonly addresses?: readonly string[] | undefined;
  readonly peerAddress?: string | undefined;
  readonly tlsVersion?: string | undefined;
  /** The server's certificate first. */
  readonly certificates?: readonly CertificateSeen[] | undefined;
  /** The server has asked for a client certificate: this side has none, or has given it. Absent: it has not asked. */
  readonly clientCertificate?: 'missing' | 'given' | undefined;
  readonly http?: HttpSeen | undefined;
  readonly systemCode?: string | undefined;
  /** Of the CONNACK or DISCONNECT. */
  readonly reasonCode?: number | undefined;
  readonly reasonString?: string | undefined;
  readonly serverReference?: string | undefined;
  readonly userProperties?: readonly (readonly [string, string])[] | undefined;
  /** The beginning of an answer that is not MQTT, printable characters only. */
  readonly received?: string | undefined;
  /** The option that is wrong. */
  readonly option?: string | undefined;
}

export interface CertificateSeen {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly validFromMs: number;
  readonly validToMs: number;
  readonly fingerprint: string;
}

export interface HttpSeen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ConnectErrorInit {
  readonly stage: ConnectStage;
  readonly code: string;
  readonly message: string;
  readonly retry: Retry;
  readonly evidence?: ConnectEvidence | undefined;
  readonly reasonCode?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Connecting failed: in which stage, why, what was seen, whether to try again. What a person can do about it is in
 * `@hawser/client/hints`: `hintFor(error, 'en' | 'zh')`. What is wrong before anything is opened (stage `address`) is a UsageError at the same
 * time; `instanceof ConnectError` holds for it too.
 */
export class ConnectError extends CodedError {
  override readonly name = 'ConnectError';
  declare readonly stage: ConnectStage;
  declare readonly retry: Retry;
  declare readonly evidence: ConnectEvidence;
  /**
   * Of the server's CONNACK, where it gave one; then `evidence.reasonCode` is the same. Without that one: what this client would say of
   * bytes that break the protocol, 0x81 (malformed packet) or 0x82 (protocol error).
   */
  declare readonly reasonCode: number | undefined;
  /** What to do about it, in English; set in Node. Elsewhere, and in Chinese: `hintFor` of `@hawser/client/hints`. */
  declare hint: string | undefined;

  constructor(init: ConnectErrorInit) {
    super(init.code, init.message, init);
    Object.assign(this, init, { evidence: init.evidence ?? {} });
  }

  /** By the stage: an AddressError is a UsageError, and has one too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof CodedError && 'stage' in value;
  }
}

/** Address or options are wrong: nothing was opened. A UsageError and a ConnectError. */
export class AddressError extends UsageError {
  readonly stage: ConnectStage = 'address';
  readonly retry: Retry = 'after-change';
  declare readonly evidence: ConnectEvidence;
  declare readonly reasonCode: number | undefined;
  declare hint: string | undefined;

  constructor(code: string, message: string, evidence: ConnectEvidence = {}) {
    super(code, message);
    this.evidence = evidence;
  }
}

/** The server, or a limit it has announced, does not allow what was asked for. The connection goes on. */
export class RefusedError extends CodedError {
  override readonly name = 'RefusedError';
  declare readonly reasonCode: number;
  /** Of a SUBSCRIBE: each filter's. */
  declare readonly grants: readonly Grant[] | undefined;

  /** `code`: stable, in kebab case: the Reason Code's name, or `queue-full`, `message-expired`. */
  constructor(code: string, reasonCode: number, message: string, grants?: readonly Grant[]) {
    super(code, message);
    this.reasonCode = reasonCode;
    this.grants = grants;
  }
}

/** No answer in time. */
export class TimeoutError extends CodedError {
  override readonly name = 'TimeoutError';
}

/**
 * The client is closed, or was while this waited. `code`: `client-closed` after `disconnect()`, else why it has stopped:
 * `session-taken-over`, `not-authorized`, …
 */
export class ClosedError extends CodedError {
  override readonly name = 'ClosedError';
  declare readonly reasonCode: number;

  constructor(code: string, message: string, reasonCode = 0, cause?: unknown) {
    super(code, message, { cause });
    this.reasonCode = reasonCode;
  }

  /** What those who wait are told when this has stopped the client. */
  static by(error: Error): ClosedError {
    if (error instanceof ClosedError) return error;
    if (error instanceof ConnectError) return new ClosedError(error.code, error.message, error.reasonCode ?? 0, error);
    return new ClosedError('client-closed', error.message, 0, error);
  }
}
