import { nearest } from '@hawser/parameters';
import { AddressError } from '../errors.ts';

/** Where a server is and how it is spoken to. */
export interface Address {
  readonly transport: 'mqtt' | 'mqtts' | 'ws' | 'wss';
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Of the WebSocket, with its query. */
  readonly path: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

type Transport = Address['transport'];

const PORTS: Readonly<Record<Transport, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };
const SCHEMES: ReadonlyMap<string, Transport> = new Map<string, Transport>(
  Object.entries({ mqtt: 'mqtt', mqtts: 'mqtts', ws: 'ws', wss: 'wss', tcp: 'mqtt', tls: 'mqtts', ssl: 'mqtts' }),
);
const DEFAULT_PATH = '/mqtt';

const SHAPE = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?(\[[^\]]*\]|[^:/?#]*)(?::([^/?#]*))?([^#]*)/i;

/** Takes a URL apart. `path` replaces the URL's. Throws AddressError: `unknown-scheme` `bad-host` `bad-port` `bad-userinfo`. */
export function parseAddress(url: string, path?: string): Address {
  // Without its password.
  const shown = url.replace(/(:\/\/[^/?#:]*)[^/?#]*@/, '$1@');
  const fail: Fail = (code, detail) =>
    new AddressError(code, `${code.replace('-', ' ')} in the address: ${detail}`, { url: shown, option: 'url' });
  const [, given, info = '', name = '', digits = '', rest = ''] = SHAPE.exec(url) ?? [];
  if (given === undefined) {
    throw fail(
      'unknown-scheme',
      `'${shown}' has none; write mqtt://${/^[\w.-]+(:\d+)?$/.test(url) ? url : 'host:1883'}, mqtts://, ws:// or wss://`,
    );
  }
  const scheme = given.toLowerCase();
  const transport = SCHEMES.get(scheme);
  if (transport === undefined) {
    const meant = /^https?$/.test(scheme) ? scheme.replace('http', 'ws') : nearest(scheme, [...SCHEMES.keys()]);
    const hint = meant === undefined ? '' : `; did you mean ${meant}://?`;
    throw fail('unknown-scheme', `${scheme}://${hint}`);
  }
  const [username, password] = userInfo(info, fail);
  return {
    transport,
    port: digits === '' ? PORTS[transport] : portOf(digits, fail),
    host: hostOf(name, fail),
    path: path === undefined ? rest.replace(/^(\/?$|(?=\?))/, DEFAULT_PATH) : slashed(path),
    username,
    password,
  };
}

/** The address out of single options. */
export function addressOf({
  transport: scheme = 'mqtt',
  host = 'localhost',
  port,
  path = DEFAULT_PATH,
}: {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly transport?: string | undefined;
  readonly path?: string | undefined;
}): Address {
  const transport = SCHEMES.get(scheme) ?? 'mqtt';
  return {
    transport,
    host: unbracketed(host),
    port: port ?? PORTS[transport],
    path: slashed(path),
    username: undefined,
    password: undefined,
  };
}

/** A Server Reference (section 4.11): `host`, `host:port`, several apart by spaces; the first counts. Undefined: not understood. */
export function followReference(from: Address, reference: string): Address | undefined {
  const [first = ''] = reference.trim().split(/\s+/);
  try {
    const isUrl = first.includes('://');
    const to = parseAddress(isUrl ? first : `${from.transport}://${first}`);
    if (!isUrl) return { ...from, host: to.host, port: /:\d+$/.test(first) ? to.port : from.port };
    // What was encrypted stays so: who answers may not talk the client out of it.
    if (isEncrypted(from) && !isEncrypted(to)) return undefined;
    return { ...to, username: from.username, password: from.password };
  } catch {
    return undefined;
  }
}

/** `mqtt://host:1883`, with the path of a WebSocket, without user info. */
export function formatAddress({ transport, host, port, path }: Address): string {
  const where = `${transport}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return transport.startsWith('ws') ? where + path : where;
}

export function isEncrypted({ transport }: Address): boolean {
  return transport === 'mqtts' || transport === 'wss';
}

/** Nobody else hears what goes over the loopback interface. */
export function isLoopback({ host }: Address): boolean {
  return /^(127\..*|::1|(.*\.)?localhost)$/.test(host);
}

type Fail = (code: string, text: string) => AddressError;

function userInfo(text: string, fail: Fail): (string | undefined)[] {
  if (text === '') return [];
  if (text.includes('@')) throw fail('bad-userinfo', 'write @ as %40');
  try {
    // What stands behind the first colon is the password, further colons too.
    return (/^([^:]*)(?::(.*))?$/s.exec(text) ?? []).slice(1).map((part) => part && decodeURIComponent(part));
  } catch {
    throw fail('bad-userinfo', 'write % as %25');
  }
}

function hostOf(text: string, fail: Fail): string {
  try {
    // The URL standard's host parser: names in other scripts, addresses in other notations.
    return unbracketed(new URL(`http://${text}`).hostname);
  } catch {
    throw fail('bad-host', `'${text}'`);
  }
}

function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

function portOf(text: string, fail: Fail): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  const ipv6 = text.includes(':') ? '; IPv6: [::1]:1883' : '';
  throw fail('bad-port', `'${text}' is not 1 to 65,535${ipv6}`);
}

function slashed(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
