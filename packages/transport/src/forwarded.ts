import { isIP } from 'node:net';
import { plainAddress } from './plain-address.ts';

/** Entries of the header that are looked at: proxies in a row are few. */
const MOST_HOPS = 32;

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
