import { BlockList, isIPv6 } from 'node:net';

/** Nobody else hears what goes over it. */
export function isLoopbackAddress(address: string): boolean {
  return address === 'localhost' || contains(loopback, address);
}

/** Not reachable from the whole Internet: RFC 1918, RFC 4193, link-local. */
export function isPrivateAddress(address: string): boolean {
  return isLoopbackAddress(address) || contains(privateNetworks, address);
}

const loopback = listOf(['127.0.0.0', 8], ['::1', 128]);
const privateNetworks = listOf(
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['fc00::', 7],
  ['fe80::', 10],
);

function listOf(...networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of networks) list.addSubnet(address, prefix, familyOf(address));
  return list;
}

function contains(list: BlockList, address: string): boolean {
  try {
    return list.check(address, familyOf(address));
  } catch {
    return false;
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
