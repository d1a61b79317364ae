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

const SCHEMES: Readonly<Record<string, Address['transport']>> = {
  mqtt: 'mqtt',
  tcp: 'mqtt',
  mqtts: 'mqtts',
  tls: 'mqtts',
  ssl: 'mqtts',
  ws: 'ws',
  wss: 'wss',
};
const PORTS: Readonly<Record<Address['transport'], number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };
const DEFAULT_PATH = '/mqtt';

const SHAPE = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?(\[[^\]]*\]|[^:/?#]*)(?::([^/?#]*))?([^#]*)/i;

/** Takes a URL apart. `path` replaces the URL's. Throws AddressError: `unknown-scheme` `bad-host` `bad-port` `bad-userinfo`. */
export function parseAddress(url: string, path?: string): Address {
  const shown = withoutPassword(url);
  const fail = (code: string, text: string): AddressError =>
    new AddressError(code, text, { url: shown, option: 'url' });
  const parts = SHAPE.exec(url);
  if (parts === null) {
    const text = `the address '${shown}' has no scheme: write mqtt://${/^[\w.-]+(:\d+)?$/.test(url) ? url : 'host:1883'}, or mqtts:// for TLS, ws:// or wss:// for WebSocket`;
    throw fail('unknown-scheme', text);
  }
  const scheme = (parts[1] ?? '').toLowerCase();
  const transport = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (transport === undefined) {
    const meant = scheme === 'http' ? 'ws' : scheme === 'https' ? 'wss' : nearest(scheme, Object.keys(SCHEMES));
    const hint = meant === undefined ? '' : `; did you mean ${meant}://?`;
    throw fail('unknown-scheme', `the scheme ${scheme}:// is not known; mqtt, mqtts, ws and wss are${hint}`);
  }
  const [username, password] = userInfo(parts[2], fail);
  const port = portOf(parts[4], PORTS[transport], fail);
  const host = hostOf(parts[3] ?? '', fail);
  const rest = parts[5] ?? '';
  return {
    transport,
    host,
    port,
    path:
      path === undefined
        ? rest === '' || rest === '/'
          ? DEFAULT_PATH
          : rest.startsWith('?')
            ? DEFAULT_PATH + rest
            : rest
        : slashed(path),
    username,
    password,
  };
}

/** The address out of single options. */
export function addressOf(options: {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly transport?: string | undefined;
  readonly path?: string | undefined;
}): Address {
  const transport = SCHEMES[options.transport ?? 'mqtt'] ?? 'mqtt';
  const host = options.host ?? 'localhost';
  return {
    transport,
    host: host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host,
    port: options.port ?? PORTS[transport],
    path: slashed(options.path ?? DEFAULT_PATH),
    username: undefined,
    password: undefined,
  };
}

/** A Server Reference (section 4.11): `host`, `host:port`, several apart by spaces; the first counts. Undefined: not understood. */
export function followReference(from: Address, reference: string): Address | undefined {
  const first = reference.trim().split(/\s+/)[0] ?? '';
  if (first === '') return undefined;
  try {
    if (first.includes('://')) {
      const to = parseAddress(first);
      // What was encrypted stays so: who answers may not talk the client out of it.
      return isEncrypted(from) && !isEncrypted(to)
        ? undefined
        : { ...to, username: from.username, password: from.password };
    }
    const to = parseAddress(`${from.transport}://${first}`);
    return { ...from, host: to.host, port: /:\d+$/.test(first) ? to.port : from.port };
  } catch {
    return undefined;
  }
}

/** `mqtt://host:1883`, with the path of a WebSocket, without user info. */
export function formatAddress({ transport, host, port, path }: Address): string {
  const where = `${transport}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return transport === 'ws' || transport === 'wss' ? where + path : where;
}

export function isEncrypted({ transport }: Address): boolean {
  return transport === 'mqtts' || transport === 'wss';
}

/** Nobody else hears what goes over the loopback interface. */
export function isLoopback({ host }: Address): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.') || host.endsWith('.localhost');
}

type Fail = (code: string, text: string) => AddressError;

function userInfo(text: string | undefined, fail: Fail): [string | undefined, string | undefined] {
  if (text === undefined || text === '') return [undefined, undefined];
  if (text.includes('@'))
    throw fail('bad-userinfo', 'the user name or password in the address holds an @: write it as %40');
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  try {
    return [decodeURIComponent(name), colon < 0 ? undefined : decodeURIComponent(text.slice(colon + 1))];
  } catch {
    throw fail(
      'bad-userinfo',
      'the user name or password in the address holds a % that is no percent-encoding: write it as %25',
    );
  }
}

function hostOf(text: string, fail: Fail): string {
  if (text === '') throw fail('bad-host', 'the address has no host');
  try {
    // The URL standard's host parser: names in other scripts, addresses in other notations.
    const { hostname } = new URL(`http://${text}`);
    return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  } catch {
    throw fail(
      'bad-host',
      `'${text}' is no host name or address${text.includes(' ') ? ': there is a space in it' : ''}`,
    );
  }
}

function portOf(text: string | undefined, otherwise: number, fail: Fail): number {
  if (text === undefined || text === '') return otherwise;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  const ipv6 = text.includes(':') ? '; an IPv6 address stands in brackets: mqtt://[::1]:1883' : '';
  throw fail('bad-port', `'${text}' is no port: 1 to 65,535${ipv6}`);
}

function slashed(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function withoutPassword(url: string): string {
  return url.replace(/:\/\/([^/?#]*)@/, (_all, info: string) => `://${info.split(':')[0]}@`);
}
