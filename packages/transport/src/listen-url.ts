import { isIPv6 } from 'node:net';

/** What a listener speaks below MQTT. */
export type ListenTransport = 'tcp' | 'tls' | 'ws' | 'wss';

/** Where a listener takes connections. */
export interface ListenAddress {
  readonly transport: ListenTransport;
  /** Name or address without brackets; empty: every address of this machine. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Where WebSockets are taken; undefined for TCP and TLS. */
  readonly path: string | undefined;
}

/** Stable names of what can be wrong with the URL of a listener. */
export type ListenUrlErrorCode = 'bad-url' | 'unknown-scheme' | 'bad-host' | 'bad-port' | 'bad-userinfo' | 'bad-path';

/** The URL of a listener is not one. The message says what would be. */
export class ListenUrlError extends Error {
  override readonly name = 'ListenUrlError';
  readonly code: ListenUrlErrorCode;

  constructor(code: ListenUrlErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

const SCHEMES: ReadonlyMap<string, ListenTransport> = new Map([
  ['mqtt', 'tcp'],
  ['tcp', 'tcp'],
  ['mqtts', 'tls'],
  ['tls', 'tls'],
  ['ssl', 'tls'],
  ['ws', 'ws'],
  ['wss', 'wss'],
]);
const PORTS: Readonly<Record<ListenTransport, number>> = { tcp: 1883, tls: 8883, ws: 8083, wss: 8084 };
const URL_SCHEMES: Readonly<Record<ListenTransport, string>> = { tcp: 'mqtt', tls: 'mqtts', ws: 'ws', wss: 'wss' };

/** Where WebSockets are taken when no path is given. */
export const DEFAULT_WS_PATH = '/mqtt';

/** `scheme://` `host` `:port` `/path` and what must not be there. */
const LISTEN_URL = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(\/[^?#]*)?(.*)$/i;
const HOST_AND_PORT = /^(\[[^\]]*\]|[^:[\]]*)(?::([^:]*))?$/;
const HOST_NAME = /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$/i;

/**
 * Reads the URL of a listener: `mqtt` (or `tcp`), `mqtts` (or `tls`, `ssl`), `ws` and `wss`. Without a port it is 1883,
 * 8883, 8083 or 8084; without a path (or with `/`) WebSockets are taken at `/mqtt`; without a host, or with `*`, on
 * every address of this machine. Throws a ListenUrlError.
 */
export function parseListenUrl(text: string): ListenAddress {
  const match = LISTEN_URL.exec(text.trim());
  if (match === null) {
    throw new ListenUrlError('bad-url', `"${text}" is not the URL of a listener: write it like mqtt://localhost:1883`);
  }
  const [, scheme = '', authority = '', path = '', rest = ''] = match;
  const transport = SCHEMES.get(scheme.toLowerCase());
  if (transport === undefined) {
    throw new ListenUrlError(
      'unknown-scheme',
      `"${scheme}" in "${text}" is not a scheme of a listener: use mqtt or tcp, mqtts or tls or ssl, ws, wss`,
    );
  }
  if (authority.includes('@')) {
    throw new ListenUrlError(
      'bad-userinfo',
      `"${text}" has a user name, but a listener takes none: leave out what stands before the @`,
    );
  }
  if (rest !== '') {
    throw new ListenUrlError(
      'bad-path',
      `"${rest}" in "${text}" does not belong into the URL of a listener: end it with the path`,
    );
  }
  const { host, port } = parseHostAndPort(authority, transport, text);
  return { transport, host, port, path: parsePath(path, transport, text) };
}

/** The URL of an address, with the port that is given or its own. */
export function formatListenUrl(address: ListenAddress, port = address.port): string {
  const host = address.host === '' ? '[::]' : address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${URL_SCHEMES[address.transport]}://${host}:${port}${address.path ?? ''}`;
}

function parseHostAndPort(authority: string, transport: ListenTransport, text: string): { host: string; port: number } {
  const match = HOST_AND_PORT.exec(authority);
  if (match === null) {
    throw new ListenUrlError(
      'bad-host',
      `"${authority}" in "${text}" is not a host: an IPv6 address stands in brackets, mqtt://[::1]:1883`,
    );
  }
  const [, written = '', portText] = match;
  const host = written.startsWith('[') ? written.slice(1, -1) : written === '*' ? '' : written;
  if (written.startsWith('[') ? !isIPv6(host) : host !== '' && !HOST_NAME.test(host)) {
    throw new ListenUrlError(
      'bad-host',
      `"${written}" in "${text}" is neither a host name nor an address of this machine`,
    );
  }
  if (portText === undefined) return { host, port: PORTS[transport] };
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port > 65_535) {
    throw new ListenUrlError(
      'bad-port',
      `"${portText}" in "${text}" is not a port: use 1 to 65535, or 0 for any free one`,
    );
  }
  return { host, port };
}

function parsePath(path: string, transport: ListenTransport, text: string): string | undefined {
  if (transport === 'ws' || transport === 'wss') return path === '' || path === '/' ? DEFAULT_WS_PATH : path;
  if (path !== '' && path !== '/') {
    throw new ListenUrlError(
      'bad-path',
      `"${text}" has the path "${path}", but only ws and wss have one: leave it out`,
    );
  }
  return undefined;
}
