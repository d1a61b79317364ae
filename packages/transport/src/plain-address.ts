import { isIPv6 } from 'node:net';

const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * The one form of an address that everything compares, counts and bans by: IPv6 as RFC 5952 writes it, and an IPv4 address that came in over an
 * IPv6 socket or in a header (`::ffff:203.0.113.7`, `0:0:0:0:0:ffff:cb00:7107`) as the IPv4 address that it is. What is no address stays as it is.
 */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  if (!address.includes(':')) return address;
  const [bare = '', zone] = address.split('%', 2);
  if (!isIPv6(bare)) return address;
  const written = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(written) ?? [];
  if (high !== undefined && low !== undefined) {
    const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
    return bits.flatMap((half) => [half >> 8, half & 0xff]).join('.');
  }
  return zone === undefined ? written : `${written}%${zone}`;
}
