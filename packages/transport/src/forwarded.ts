import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { isLoopbackHost } from './host-names.ts';
import { plainAddress } from './plain-address.ts';

/** Entries of the header that are looked at: proxies in a row are few. */
const MOST_HOPS = 32;

/** Where a request comes from that a proxy on this machine has brought and nobody has named: not from this machine. */
export const UNKNOWN_SENDER = '0.0.0.0';
/** What proxies add to a request that they bring. */
const PROXY_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-forwarded-host', 'x-forwarded-proto', 'via'];

/**
 * The address that a request comes from, of which `remoteAddress` is the socket's. What comes from this machine with the headers of a
 * proxy comes from somewhere else: it is trusted as this machine is (`anonymous: loopback`, an API without a password) only where the proxy
 * is named and says from where.
 */
export function senderOf(
  remoteAddress: string,
  headers: IncomingHttpHeaders,
  isTrusted: (address: string) => boolean,
): string {
  if (isTrusted(remoteAddress)) return forwardedFor(remoteAddress, headers['x-forwarded-for'], isTrusted);
  const isBrought = isLoopbackHost(remoteAddress) && PROXY_HEADERS.some((name) => headers[name] !== undefined);
  return isBrought ? UNKNOWN_SENDER : remoteAddress;
}

/**
 * Who sent a request, when it came through proxies. `header`: X-Forwarded-For, to which each proxy has added whom it heard
 * it from. Read from the right: the first address that is no trusted proxy is the client's; what stands left of it anybody
 * could have written. A proxy that is not trusted is the client itself, and its header is passed over.
 *
 * `Forwarded` (RFC 7239) is not read: a proxy that adds to one of the two headers lets the other through as the client
 * has written it.
 */
export function forwardedFor(
  remoteAddress: string,
  header: string | readonly string[] | undefined,
  isTrusted: (address: string) => boolean,
): string {
  if (header === undefined || !isTrusted(remoteAddress)) return remoteAddress;
  const hops = (typeof header === 'string' ? header : header.join(',')).split(',');
  let client = remoteAddress;
  for (const hop of hops.slice(-MOST_HOPS).reverse()) {
    const address = addressOf(hop.trim());
    // Whoever wrote this, it is no address: the one that passed it on is all that is known.
    if (address === undefined) break;
    client = address;
    if (!isTrusted(address)) break;
  }
  return client;
}

/** `203.0.113.7`, `2001:db8::7`, and both with a port as some proxies write them. */
function addressOf(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return isIP(bare) === 0 ? undefined : plainAddress(bare.toLowerCase());
}
