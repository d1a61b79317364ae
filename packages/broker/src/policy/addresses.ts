import { BlockList, isIP } from 'node:net';
import { plainAddress } from '@hawser/transport';

/** Whether an address belongs to a set of addresses and networks. An address that is not one belongs to none. */
export type AddressSet = (address: string) => boolean;

/** `10.0.0.0/8`, `2001:db8::/32`, `192.168.1.7`, `loopback`. Throws RangeError for what is neither. */
export function addressSet(entries: readonly string[]): AddressSet {
  const list = new BlockList();
  for (const entry of entries) addTo(list, entry);
  return (address) => {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  };
}

function addTo(list: BlockList, entry: string): void {
  if (entry === 'loopback') {
    list.addSubnet('127.0.0.0', 8, 'ipv4');
    list.addAddress('::1', 'ipv6');
    return;
  }
  const [address = '', bits, more] = entry.split('/');
  const family = isIP(address);
  const width = family === 6 ? 128 : 32;
  const length = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (family === 0 || more !== undefined || !(length <= width)) {
    throw new RangeError(
      `'${entry}' is no address and no network, such as 10.1.2.3, 10.0.0.0/8, 2001:db8::/32 or loopback`,
    );
  }
  // A network of IPv4 addresses as IPv6 writes them is one of IPv4.
  const plain = plainAddress(address);
  if (family === 6 && isIP(plain) === 4 && length >= 96) list.addSubnet(plain, length - 96, 'ipv4');
  else list.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4');
}

/** This machine. */
export const isLoopback: AddressSet = addressSet(['loopback']);

/** What one subscriber of the internet has: an IPv4 address, or the first half of an IPv6 address. */
export function subscriberOf(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':')) return plain;
  const [head = '', tail = ''] = plain.split('%', 1)[0]?.split('::') ?? [];
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const groups = plain.includes('::')
    ? [...front, ...Array(Math.max(0, 8 - front.length - back.length)).fill('0'), ...back]
    : front;
  return `${groups
    .slice(0, 4)
    .map((group: string) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
