import type { TlsInfo } from './transport.ts';

/** Whom a balancer has connected, as its PROXY header says. */
export interface ProxyHeader {
  /** Bytes of the header; what comes after it is the client's. */
  readonly length: number;
  /** Undefined: the connection is the balancer's own, to see whether somebody is there. */
  readonly source: { readonly address: string; readonly port: number } | undefined;
  /** What the balancer has found out in its TLS handshake with the client. */
  readonly tls: TlsInfo | undefined;
}

/** `more`: the header is not whole yet. `invalid`: it is none, and says why. */
export type ParsedProxyHeader = ProxyHeader | 'more' | { readonly invalid: string };

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V1_MAXIMUM = 107;
const V2_MAXIMUM = 4096;
const TYPE_AUTHORITY = 0x02;
const TYPE_SSL = 0x20;
const SSL_VERSION = 0x21;
const SSL_COMMON_NAME = 0x22;
const SSL_CIPHER = 0x23;
/** The client has used TLS; it has shown a certificate, now or in the session that this one resumes. */
const CLIENT_SSL = 0x01;
const CLIENT_CERTIFICATE = 0x06;

/** Reads a header of the PROXY protocol, version 1 (text) or 2 (binary), from the first bytes of a connection. */
export function parseProxyHeader(bytes: Uint8Array): ParsedProxyHeader {
  if (bytes.length === 0) return 'more';
  return bytes[0] === SIGNATURE[0] ? parseV2(bytes) : parseV1(bytes);
}

function parseV1(bytes: Uint8Array): ParsedProxyHeader {
  const text = latin1(bytes.subarray(0, V1_MAXIMUM));
  const start = 'PROXY ';
  if (!text.startsWith(start.slice(0, text.length))) return { invalid: 'what came is no PROXY header' };
  const end = text.indexOf('\r\n');
  if (end < 0) return text.length >= V1_MAXIMUM ? { invalid: 'a PROXY header without an end' } : 'more';
  const line = text.slice(0, end);
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN '))
    return { length: end + 2, source: undefined, tls: undefined };
  const found = /^PROXY (TCP4|TCP6) (\S+) \S+ (\d{1,5}) \d{1,5}$/.exec(line);
  const [, family, address = '', port] = found ?? [];
  if (found === null || Number(port) > 65_535 || !isAddress(address, family === 'TCP6')) {
    return { invalid: 'a PROXY header that cannot be read' };
  }
  return { length: end + 2, source: { address, port: Number(port) }, tls: undefined };
}

function parseV2(bytes: Uint8Array): ParsedProxyHeader {
  for (let i = 0; i < Math.min(bytes.length, SIGNATURE.length); i++) {
    if (bytes[i] !== SIGNATURE[i]) return { invalid: 'what came is no PROXY header' };
  }
  if (bytes.length < 16) return 'more';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const command = view.getUint8(12);
  const family = view.getUint8(13) >> 4;
  const length = 16 + view.getUint16(14);
  if (command !== 0x20 && command !== 0x21) return { invalid: 'a PROXY header of a version that is not known' };
  if (length > V2_MAXIMUM) return { invalid: `a PROXY header of ${length} bytes` };
  if (bytes.length < length) return 'more';
  if (command === 0x20) return { length, source: undefined, tls: undefined };
  const width = family === 1 ? 4 : family === 2 ? 16 : 0;
  if (width === 0) return { length, source: undefined, tls: undefined };
  const afterAddresses = 16 + 2 * width + 4;
  if (length < afterAddresses) return { invalid: 'a PROXY header that is too short for its addresses' };
  const address = width === 4 ? bytes.subarray(16, 20).join('.') : ipv6(view, 16);
  const source = { address, port: view.getUint16(16 + 2 * width) };
  const fields = readFields(bytes.subarray(afterAddresses, length));
  return fields === undefined
    ? { invalid: 'a PROXY header whose fields do not fit' }
    : { length, source, tls: tlsOf(fields) };
}

/** Type, length, value; undefined: they do not fit. */
function readFields(bytes: Uint8Array): Map<number, Uint8Array> | undefined {
  const fields = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    const type = bytes[at] ?? 0;
    const length = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    if (at + 3 + length > bytes.length) return undefined;
    fields.set(type, bytes.subarray(at + 3, at + 3 + length));
    at += 3 + length;
  }
  return fields;
}

function tlsOf(fields: ReadonlyMap<number, Uint8Array>): TlsInfo | undefined {
  const ssl = fields.get(TYPE_SSL);
  if (ssl === undefined || ssl.length < 5 || ((ssl[0] ?? 0) & CLIENT_SSL) === 0) return undefined;
  const below = readFields(ssl.subarray(5));
  if (below === undefined) return undefined;
  // The name counts only when a certificate was shown and the balancer has verified it: `verify` is 0 then.
  const shown = ((ssl[0] ?? 0) & CLIENT_CERTIFICATE) !== 0;
  const verified = shown && ssl.subarray(1, 5).every((byte) => byte === 0);
  const commonName = textOf(below.get(SSL_COMMON_NAME));
  return {
    protocol: textOf(below.get(SSL_VERSION)) ?? 'unknown',
    cipher: textOf(below.get(SSL_CIPHER)) ?? 'unknown',
    authorized: verified,
    peerSubject: commonName === undefined ? undefined : `CN=${commonName}`,
    peerCommonName: commonName,
    peerCertificate: undefined,
    serverName: textOf(fields.get(TYPE_AUTHORITY)),
  };
}

function isAddress(text: string, six: boolean): boolean {
  if (six) return text.includes(':') && /^[0-9a-f:.]{2,45}$/i.test(text);
  return /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split('.').every((part) => Number(part) <= 255);
}

function ipv6(view: DataView, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(at + 2 * i).toString(16));
  return groups.join(':');
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
