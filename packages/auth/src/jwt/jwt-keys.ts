import { createPublicKey, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, createRemoteJWKSet, type JWTVerifyGetKey } from 'jose';
import { isLoopbackHost } from '../http/url.ts';
import { WatchedFile } from '../watched-file.ts';

/** Where the keys come from: exactly one. */
export type JwtKeySource =
  | { readonly kind: 'secret'; readonly secret: string | Uint8Array }
  | { readonly kind: 'public-key'; readonly pem: string }
  | { readonly kind: 'jwks-file'; readonly path: string; readonly onFault?: (text: string) => void }
  | { readonly kind: 'jwks-url'; readonly url: string; readonly timeoutMs?: number };

/** Keys, and the algorithms that they are for. */
export interface JwtKeys {
  readonly algorithms: readonly string[];
  readonly key: JWTVerifyGetKey;
}

const HS = ['HS256', 'HS384', 'HS512'];
const RS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const ES = ['ES256', 'ES384', 'ES512'];
const ED = ['EdDSA', 'Ed25519'];
const ASYMMETRIC = [...RS, ...ES, ...ED];

/**
 * A source's keys. A public key is never tried as a secret: each source has its algorithms, and those asked for must be
 * among them. Throws RangeError for a combination that is none.
 */
export function jwtKeys(source: JwtKeySource, wanted?: readonly string[]): JwtKeys {
  const { possible, key } = open(source);
  for (const algorithm of wanted ?? []) {
    if (!possible.includes(algorithm)) {
      throw new RangeError(`the algorithm ${algorithm} is not for this key: it takes ${possible.join(', ')}`);
    }
  }
  return { algorithms: wanted ?? possible, key };
}

function open(source: JwtKeySource): { readonly possible: readonly string[]; readonly key: JWTVerifyGetKey } {
  switch (source.kind) {
    case 'secret': {
      const secret = typeof source.secret === 'string' ? new TextEncoder().encode(source.secret) : source.secret;
      if (secret.length < 32)
        throw new RangeError('a secret for tokens needs 32 bytes at least: shorter ones can be guessed');
      return { possible: HS, key: () => secret };
    }
    case 'public-key': {
      const key = readPublicKey(source.pem);
      return { possible: algorithmsOf(key), key: () => key };
    }
    case 'jwks-file': {
      const file = new WatchedFile(source.path, { parse: parseJwks, onFault: source.onFault });
      return { possible: ASYMMETRIC, key: (header, token) => file.value(header, token) };
    }
    case 'jwks-url': {
      const url = new URL(source.url);
      if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))) {
        throw new RangeError('keys are fetched by https alone: whoever can change them on the way can make tokens');
      }
      return { possible: ASYMMETRIC, key: createRemoteJWKSet(url, { timeoutDuration: source.timeoutMs ?? 3000 }) };
    }
  }
}

function readPublicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new RangeError('the public key is not PEM text of a public key or a certificate', { cause: error });
  }
}

function algorithmsOf(key: KeyObject): readonly string[] {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return RS;
    case 'ec': {
      const curves: Record<string, string> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
      const algorithm = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
      if (algorithm !== undefined) return [algorithm];
      throw new RangeError('an elliptic curve that JWT does not know');
    }
    case 'ed25519':
      return ED;
    default:
      throw new RangeError(`a key of the type ${key.asymmetricKeyType ?? 'unknown'} is not for tokens`);
  }
}

/** Secrets (`oct`) in a set of public keys are left out: the set may be public. */
function parseJwks(text: string): JWTVerifyGetKey {
  const set: unknown = JSON.parse(text);
  const keys =
    typeof set === 'object' && set !== null && 'keys' in set && Array.isArray(set.keys) ? set.keys : undefined;
  if (keys === undefined) throw new RangeError('a JWKS is an object with a list `keys`');
  const isPublic = (key: unknown): key is { readonly kty: string } =>
    typeof key === 'object' && key !== null && 'kty' in key && typeof key.kty === 'string' && key.kty !== 'oct';
  return createLocalJWKSet({ keys: keys.filter(isPublic) });
}
