import { type ConnackPacket, type ProtocolVersion, reasonCodeName, returnCodeName, versionName } from '@hawser/codec';
import type { CloseCause } from '@hawser/protocol';
import { AddressError, ConnectError, type ConnectEvidence, type ConnectStage, type Retry } from '../errors.ts';
import type { DialFailure } from '../platform.ts';
import { type Address, formatAddress } from './address.ts';
import type { Link } from './link.ts';

/** Below MQTT: what somebody must change first. What is not here passes by itself. */
const AFTER_CHANGE: ReadonlySet<string> = new Set([
  'host-not-found',
  'not-tls-here',
  'tls-expected',
  'untrusted-issuer',
  'self-signed',
  'hostname-mismatch',
  'expired',
  'not-yet-valid',
  'revoked',
  'certificate-invalid',
  'own-certificate-invalid',
  'client-certificate-required',
  'client-certificate-rejected',
  'protocol-version',
  'no-shared-cipher',
  'alpn',
  'wrong-path',
  'http-not-websocket',
  'subprotocol-refused',
  'forbidden',
]);

/** A CONNACK's code by its name: what passes by itself. Others must be changed by somebody. */
const REFUSED_FOR_NOW: ReadonlySet<string> = new Set([
  'server-unavailable',
  'server-busy',
  'quota-exceeded',
  'connection-rate-exceeded',
  'server-shutting-down',
]);

/** What `Platform.dial` has rejected with. */
export function explainDial(error: unknown, address: Address, evidence: ConnectEvidence): Error {
  if (error instanceof AddressError || error instanceof ConnectError) return error as Error;
  const where = formatAddress(address);
  if (isDialFailure(error)) {
    const retry: Retry = AFTER_CHANGE.has(error.code) ? 'after-change' : 'yes';
    const cause = error.cause ?? error;
    const { stage, code, message } = error;
    return new ConnectError({ stage, code, message, retry, evidence: { url: where, ...error.evidence }, cause });
  }
  const said = error instanceof Error ? error.message : String(error);
  const message = `could not connect to ${where}: ${said}`;
  return new ConnectError({ stage: 'tcp', code: 'tcp-failed', message, retry: 'yes', evidence, cause: error });
}

function isDialFailure(error: unknown): error is DialFailure {
  return typeof error === 'object' && error !== null && 'stage' in error && 'code' in error && 'evidence' in error;
}

const TIMEOUTS: Readonly<Record<ConnectStage, readonly [string, string]>> = {
  address: ['timeout', 'reading the address of'],
  dns: ['dns-timeout', 'looking up the name of'],
  tcp: ['timeout', 'waiting for an answer (TCP) of'],
  tls: ['handshake-timeout', 'the TLS handshake with'],
  websocket: ['upgrade-timeout', 'the WebSocket upgrade at'],
  connack: ['connack-timeout', 'waiting for the CONNACK of'],
  auth: ['authentication-timeout', 'the exchange of AUTH packets with'],
};

/** The connect timeout is over: names the stage that was under way. */
export function explainTimeout(
  stage: ConnectStage,
  phase: 'credentials' | 'network' | 'connack',
  timeoutMs: number,
  address: Address,
  evidence: ConnectEvidence,
): ConnectError {
  const [code, doing] = phase === 'credentials' ? ['provider-timeout', 'waiting for credentials for'] : TIMEOUTS[stage];
  const message = `${doing} ${formatAddress(address)} took more than the ${timeoutMs / 1000} s there were to connect`;
  return new ConnectError({
    stage,
    code,
    message,
    retry: 'yes',
    evidence: { url: formatAddress(address), ...evidence },
  });
}

/** A CONNACK that refuses. */
export function explainConnack(
  connack: ConnackPacket,
  version: ProtocolVersion,
  address: Address,
  evidence: ConnectEvidence,
  authentication: { readonly method: string } | undefined,
): ConnectError {
  const { reasonCode, properties } = connack;
  // A server of 3.x answers a CONNECT of 5.0 in its own words.
  const is5 = version === 5 && reasonCode > 5;
  const name = is5 ? reasonCodeName(reasonCode) : returnCodeName(reasonCode);
  const said = properties?.reasonString === undefined ? '' : `: ${properties.reasonString}`;
  const details: ConnectEvidence = {
    url: formatAddress(address),
    ...evidence,
    reasonCode,
    reasonString: properties?.reasonString,
    serverReference: properties?.serverReference,
    userProperties: properties?.userProperties,
  };
  const where = formatAddress(address);
  const code = `0x${reasonCode.toString(16).toUpperCase().padStart(2, '0')}`;
  if (name === 'bad-authentication-method') {
    const method =
      authentication === undefined
        ? 'without an authentication method'
        : `with the authentication method ${authentication.method}`;
    return new ConnectError({
      stage: 'auth',
      code: 'method-not-supported',
      message: `${where} does not let in a client ${method} (${code} ${name})${said}`,
      retry: 'after-change',
      evidence: details,
      reasonCode,
    });
  }
  const retry: Retry = REFUSED_FOR_NOW.has(name) ? 'yes' : name === 'banned' ? 'no' : 'after-change';
  const message = `${where} refused the connection: ${name} (${code}, MQTT ${versionName(version)})${said}`;
  return new ConnectError({ stage: 'connack', code: name, message, retry, evidence: details, reasonCode });
}

/** The connection ended before its CONNACK. */
export function explainClose(
  cause: CloseCause,
  link: Link | undefined,
  address: Address,
  evidence: ConnectEvidence,
): ConnectError {
  const where = formatAddress(address);
  const first = link?.firstBytes ?? new Uint8Array(0);
  const seen: ConnectEvidence = { url: where, ...evidence, ...(first.length > 0 && { received: printable(first) }) };
  if (first[0] === 0x15 && first[1] === 0x03) {
    const message = `${where} speaks TLS and this client does not: use ${address.transport}s://`;
    return new ConnectError({ stage: 'tls', code: 'tls-expected', message, retry: 'after-change', evidence: seen });
  }
  if (cause.code === 'not-mqtt') {
    const isHttp = first[0] === 0x48 && first[1] === 0x54;
    const what = isHttp
      ? 'an HTTP server: for MQTT over WebSocket use ws://'
      : `it began with ${printable(first.subarray(0, 24))}`;
    const message = `what ${where} answered is not MQTT (${what})`;
    return new ConnectError({ stage: 'connack', code: 'not-mqtt', message, retry: 'after-change', evidence: seen });
  }
  if (cause.by === 'network') {
    const how = link?.error === undefined ? 'closed the connection' : `cut off the connection (${link.error.message})`;
    const message = `${where} ${how} before it answered the CONNECT: it may not speak this version of MQTT, expect TLS, or not be an MQTT server`;
    return new ConnectError({
      stage: 'connack',
      code: 'closed-before-connack',
      message,
      retry: 'yes',
      evidence: seen,
      cause: link?.error,
    });
  }
  const message = `${where} broke the protocol: ${cause.text}`;
  const { code, reasonCode } = cause;
  return new ConnectError({ stage: 'connack', code, message, retry: 'after-change', evidence: seen, reasonCode });
}

/** Closed without a word, where TLS may have been expected. */
export function mayExpectTls(error: unknown, address: Address): boolean {
  if (!(error instanceof ConnectError) || address.transport === 'mqtts' || address.transport === 'wss') return false;
  if (error.evidence.received !== undefined || error.evidence.http !== undefined) return false;
  return error.code === 'closed-before-connack' || (error.stage === 'websocket' && error.code === 'reset');
}

/** The server has shown that it speaks TLS. */
export function tlsExpected(error: ConnectError, address: Address): ConnectError {
  const message = `${formatAddress(address)} speaks TLS and this client does not: use ${address.transport}s://`;
  const { evidence } = error;
  return new ConnectError({
    stage: 'tls',
    code: 'tls-expected',
    message,
    retry: 'after-change',
    evidence,
    cause: error,
  });
}

function printable(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes)
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 0x0a ? '\n' : '.';
  return text;
}
