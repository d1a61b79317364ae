import {
  type ConnackPacket,
  hex,
  type ProtocolVersion,
  reasonCodeName,
  returnCodeName,
  versionName,
} from '@hawser/codec';
import * as ConnackReturnCode from '@hawser/codec/connack-return-code';
import * as ReasonCode from '@hawser/codec/reason-code';
import type { ClientCloseCause } from '@hawser/protocol';
import { ConnectError, type ConnectEvidence, type ConnectStage, type Retry } from '../errors.ts';
import type { DialFailure } from '../platform.ts';
import type { Link } from './link.ts';

/** A CONNACK's code: what passes by itself (unavailable, busy, shutting down, over a quota or a rate). Others must be changed by somebody. */
const REFUSED_FOR_NOW: readonly number[] = [
  ConnackReturnCode.ServerUnavailable,
  ReasonCode.ServerUnavailable,
  ReasonCode.ServerBusy,
  ReasonCode.ServerShuttingDown,
  ReasonCode.QuotaExceeded,
  ReasonCode.ConnectionRateExceeded,
];

/** What was seen of an attempt, with the address. */
export interface Seen extends ConnectEvidence {
  readonly url: string;
}

/** What `Platform.dial` has rejected with. */
export function explainDial(error: unknown, seen: Seen): Error {
  if (error instanceof ConnectError) return error;
  if (isDialFailure(error)) {
    const { stage, code, message, retry = 'yes', cause = error } = error;
    return new ConnectError({ stage, code, message, retry, evidence: { ...seen, ...error.evidence }, cause });
  }
  const message = `could not connect to ${seen.url}: ${wordsOf(error)}`;
  return new ConnectError({ stage: 'tcp', code: 'tcp-failed', message, retry: 'yes', evidence: seen, cause: error });
}

function isDialFailure(error: unknown): error is DialFailure {
  return (error as Partial<DialFailure> | undefined)?.evidence !== undefined;
}

/** What the code of a timeout begins with. */
const TIMEOUTS: Readonly<Partial<Record<ConnectStage, string>>> = {
  dns: 'dns-',
  tls: 'handshake-',
  websocket: 'upgrade-',
  connack: 'connack-',
  auth: 'authentication-',
};

/** The connect timeout is over: names the stage that was under way. Authentication before there is a link is its provider's. */
export function explainTimeout(stage: ConnectStage, isUnlinked: boolean, timeoutMs: number, seen: Seen): ConnectError {
  const code = `${isUnlinked && stage === 'auth' ? 'provider-' : (TIMEOUTS[stage] ?? '')}timeout`;
  return new ConnectError({
    stage,
    code,
    message: `${seen.url}: ${code.replace('-', ' ')} after ${timeoutMs / 1000} s (connectTimeout)`,
    retry: 'yes',
    evidence: seen,
  });
}

/** A CONNACK that refuses. */
export function explainConnack(
  { reasonCode, properties: { reasonString, serverReference, userProperties } = {} }: ConnackPacket,
  version: ProtocolVersion,
  seen: Seen,
  authentication: { readonly method: string } | undefined,
): ConnectError {
  // A server of 3.x answers a CONNECT of 5.0 in its own words.
  const name = version === 5 && reasonCode > 5 ? reasonCodeName(reasonCode) : returnCodeName(reasonCode);
  const isMethod = reasonCode === ReasonCode.BadAuthenticationMethod;
  const method = isMethod ? `; authentication method: ${authentication?.method ?? 'none'}` : '';
  const said = reasonString === undefined ? '' : `: ${reasonString}`;
  return new ConnectError({
    stage: isMethod ? 'auth' : 'connack',
    code: isMethod ? 'method-not-supported' : name,
    message: `${seen.url} refused the connection: ${name} (${hex(reasonCode)}, MQTT ${versionName(version)}${method})${said}`,
    retry: REFUSED_FOR_NOW.includes(reasonCode) ? 'yes' : reasonCode === ReasonCode.Banned ? 'no' : 'after-change',
    evidence: { ...seen, reasonCode, reasonString, serverReference, userProperties },
    reasonCode,
  });
}

/** The connection ended before its CONNACK. */
export function explainClose(
  { code, by, reasonCode, text }: ClientCloseCause,
  link: Link | undefined,
  seen: Seen,
): ConnectError {
  const cause = link?.error;
  const received = printable(link?.firstBytes ?? []);
  const failed = (code: string, retry: Retry, what: string, reasonCode?: number): ConnectError =>
    new ConnectError({
      stage: 'connack',
      code,
      message: `${seen.url}: ${what}`,
      retry,
      evidence: { ...seen, ...(received !== '' && { received }) },
      reasonCode,
      cause,
    });
  if (code === 'not-mqtt') {
    return failed(code, 'after-change', `not MQTT; the answer began with ${received.slice(0, 24)}`);
  }
  if (by === 'network') {
    const how = cause === undefined ? '' : ` (${cause.message})`;
    const text = `closed before the CONNACK${how}`;
    return failed('closed-before-connack', 'yes', text);
  }
  return failed(code, 'after-change', `broke the protocol: ${text}`, reasonCode);
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function printable(bytes: Iterable<number>): string {
  return String.fromCharCode(...bytes).replace(/[^\n -~]/g, '.');
}
