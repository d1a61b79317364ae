import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { plainAddress } from '@hawser/transport';
import { subscriberOf } from '../policy/addresses.ts';

/** Of a Client Identifier in a target: attackers choose them, up to 65,535 bytes. */
const MOST_ID = 128;

/** Whoever has this Client Identifier, wherever it comes from. */
export function clientTarget(clientId: string): string {
  return `client:${shortened(clientId)}`;
}

/** Whoever is this user. */
export function userTarget(username: string): string {
  return `user:${shortened(username)}`;
}

/** A Client Identifier at one address: others may have the same one elsewhere. */
export function pairTarget(clientId: string, address: string): string {
  return `pair:${shortened(clientId)}@${subscriberOf(address)}`;
}

/**
 * What a person means to ban, in the one form there is of it: an address (of IPv6 its /64), `client:ID`, `user:NAME`,
 * `pair:ID@ADDRESS`. Throws RangeError, with words, for what is none of these.
 */
export function parseBanTarget(text: string): string {
  const [, kind, name = ''] = /^(client|user|pair):(.*)$/s.exec(text) ?? [];
  switch (kind) {
    case undefined:
      return addressTarget(text);
    case 'client':
    case 'user':
      if (name === '') throw new RangeError(`'${text}' names nobody: ${SHAPES}`);
      return kind === 'client' ? clientTarget(name) : userTarget(name);
    default: {
      const at = name.lastIndexOf('@');
      if (at < 1) throw new RangeError(`'${text}' has no client or no address: ${SHAPES}`);
      return pairTarget(name.slice(0, at), addressTarget(name.slice(at + 1)).replace('::/64', '::'));
    }
  }
}

const SHAPES = 'a ban is for 203.0.113.7, 2001:db8::7 (its /64), client:ID, user:NAME or pair:ID@ADDRESS';

function addressTarget(text: string): string {
  const given = text.trim();
  const isHalf = /\/64$/.test(given);
  const address = plainAddress(given.replace(/\/64$/, '').toLowerCase());
  const family = isIP(address);
  if (family === 6 || (family === 4 && !isHalf)) return subscriberOf(address);
  const isNetwork = /^[0-9a-f.:]+\/\d+$/i.test(text);
  throw new RangeError(
    isNetwork
      ? `'${text}' is a network: bans are for one address, or one /64 of IPv6; a firewall is for the rest`
      : `'${text}' cannot be banned: ${SHAPES}`,
  );
}

function shortened(name: string): string {
  if (name.length <= MOST_ID) return name;
  return `${name.slice(0, MOST_ID / 2)}…${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}
