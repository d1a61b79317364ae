import { type Address, formatAddress, isEncrypted, parseAddress } from '../connection/address.ts';
import { AddressError } from '../errors.ts';
import type { ConnectOptions } from '../options.ts';

/** What an address has without a path of its own. */
const DEFAULT_PATH = '/mqtt';

/**
 * Throws AddressError for options that the way to the server has no use for, instead of ignoring them: TLS options without TLS
 * (`conflicting-options`), half of a client certificate (`missing-option`), a path without WebSocket (`conflicting-options`), a `host` that is
 * more than a host (`bad-host`). `addresses`: what the options say, `servers` too; one that an option is for is enough.
 */
export function checkTransportOptions(options: ConnectOptions, addresses: readonly Address[]): void {
  checkHost(options.host);
  checkTls(options.tls, addresses);
  checkPath(options.path, addresses);
}

function checkHost(host: string | undefined): void {
  // IPv6 has more colons than one.
  if (host === undefined || !/[/@]|\]:|^[^:]*:[^:]*$/.test(host)) return;
  const words = 'host: takes a name or an IP address alone, without scheme, user or port';
  throw new AddressError('bad-host', `${words}; ${insteadOf(host)}`, { option: 'host' });
}

function insteadOf(host: string): string {
  const isUrl = host.includes('://');
  try {
    const { host: name, port, transport } = parseAddress(isUrl ? host : `mqtt://${host}`);
    return isUrl ? `write url: '${transport}://${name}:${port}'` : `write host: '${name}', port: ${port}`;
  } catch {
    return "write url: 'mqtt://localhost:1883', or host: 'localhost', port: 1883";
  }
}

function checkTls(tls: ConnectOptions['tls'], addresses: readonly Address[]): void {
  const given = new Map(Object.entries(typeof tls === 'object' ? tls : {}).filter(([, value]) => isGiven(value)));
  const [member] = given.keys();
  const option = typeof tls === 'function' ? 'tls' : member && `tls.${member}`;
  const [first] = addresses;
  if (option !== undefined && first !== undefined && !addresses.some(isEncrypted)) {
    const text = `${option}: ${formatAddress(first)} has no TLS; write ${first.transport}s:// or leave it out`;
    throw new AddressError('conflicting-options', text, { url: formatAddress(first), option });
  }
  needs(given, 'cert', 'key', 'a certificate is shown with its key, which may be in the same file');
  needs(given, 'key', 'cert', 'a key is there for its certificate');
  needs(given, 'passphrase', 'key', 'a passphrase is there for its key');
}

/** `insecure: false` is what holds anyway. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false;
}

function needs(given: ReadonlyMap<string, unknown>, member: string, other: string, why: string): void {
  if (!given.has(member) || given.has(other)) return;
  const option = `tls.${other}`;
  throw new AddressError('missing-option', `${option}: missing: ${why}`, { option });
}

function checkPath(path: string | undefined, addresses: readonly Address[]): void {
  const plain = addresses.filter(({ transport }) => !transport.startsWith('ws'));
  const isIdle = path !== undefined && plain.length === addresses.length;
  // Without the option a path stands in the address itself.
  const address = isIdle ? plain[0] : plain.find((one) => path === undefined && one.path !== DEFAULT_PATH);
  if (address === undefined) return;
  const url = formatAddress(address);
  const option = isIdle ? 'path' : 'url';
  const text = `${option}: ${url} has no path; '${address.path}' is for ws:// and wss:// (a topic is given when publishing or subscribing)`;
  throw new AddressError('conflicting-options', text, { url, option });
}
