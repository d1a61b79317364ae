import type { AllowConnect, AuthenticationDecision, DenyConnect } from '@hawser/broker';
import { ReasonCode } from '@hawser/codec';
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { AuthenticatorLink } from '../chain.ts';
import { parseAclClaim, withAcl } from './acl-claim.ts';
import { type JwtKeySource, jwtKeys } from './jwt-keys.ts';

/** Which tokens are taken and what their claims say. */
export interface JwtOptions {
  readonly keys: JwtKeySource;
  /** Absent: all that the kind of key is for. Never `none`. */
  readonly algorithms?: readonly string[];
  /** Where the client puts its token. */
  readonly from?: 'password' | 'username';
  readonly issuer?: string;
  readonly audience?: string;
  /** Claim that is the user name; `sub`. */
  readonly usernameClaim?: string;
  /** Claim that is the only Client Identifier the token is good for; absent: any. */
  readonly clientIdClaim?: string;
  /** Claim with permissions; `acl`. */
  readonly aclClaim?: string;
  /** Claims and what they have to be; `%c` and `%u` stand for Client Identifier and user name of the CONNECT. */
  readonly claims?: Readonly<Record<string, string>>;
  /** Tokens without `exp` are refused; true. */
  readonly requireExpiry?: boolean;
  /** Seconds by which clocks may differ; 0. */
  readonly clockTolerance?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Told when keys could not be had: a fault of this side, not of the client. */
  readonly onFault?: (text: string) => void;
}

const LOOKS_LIKE_A_TOKEN = /^[\w-]+\.[\w-]*\.[\w-]*$/;
const LONGEST_TOKEN = 16_384;

/** It says what is wrong with the token: who has one made it, or has it made, and the key is what cannot be guessed. */
function refused(reason: string): DenyConnect {
  return { kind: 'deny', reasonCode: ReasonCode.BadUserNameOrPassword, reason };
}
const NO_KEYS: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.ServerUnavailable,
  reason: 'the server could not check the token; try again later',
});

/**
 * JSON Web Tokens (RFC 7519), checked by jose: the algorithm must be on the list, the key comes from the configuration
 * alone (`kid` only chooses among those; `jwk`, `jku`, `x5c` and `x5u` in a header are not looked at), `exp` ends the
 * connection. What does not look like a token, or is another issuer's, is the next link's.
 */
export function jwt(options: JwtOptions): AuthenticatorLink {
  const { algorithms, key } = jwtKeys(options.keys, options.algorithms);
  const required = options.requireExpiry === false ? [] : ['exp'];
  return (request) => {
    if (request.authenticationMethod !== undefined) return undefined;
    const { client, password } = request;
    const token = options.from === 'username' ? (client.username ?? '') : textOf(password);
    if (!isToken(token) || isOfAnother(token, options.issuer)) return undefined;
    const verified = jwtVerify(token, key, {
      algorithms: [...algorithms],
      requiredClaims: required,
      clockTolerance: options.clockTolerance ?? 0,
      ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
      ...(options.audience === undefined ? {} : { audience: options.audience }),
      ...(options.now === undefined ? {} : { currentDate: new Date(options.now()) }),
    });
    return verified.then(
      ({ payload }) => decide(payload, options, client.clientId, client.username ?? ''),
      (error: unknown) => refusalFor(error, options),
    );
  };
}

function decide(payload: JWTPayload, options: JwtOptions, clientId: string, username: string): AuthenticationDecision {
  const { usernameClaim = 'sub', clientIdClaim, aclClaim = 'acl', claims = {} } = options;
  for (const [name, wanted] of Object.entries(claims)) {
    const value = wanted.replace(/%[cu]/g, (placeholder) => (placeholder === '%c' ? clientId : username));
    if (!Object.hasOwn(payload, name)) return refused(`the token has no \`${name}\``);
    if (String(payload[name]) !== value) return refused(`the \`${name}\` of the token is not what it has to be here`);
  }
  const name = payload[usernameClaim];
  const ownClientId = clientIdClaim === undefined ? undefined : payload[clientIdClaim];
  if (typeof name !== 'string' || name === '') return refused(`the token has no \`${usernameClaim}\``);
  if (clientIdClaim !== undefined && (typeof ownClientId !== 'string' || ownClientId === ''))
    return refused(`the token has no \`${clientIdClaim}\``);
  let attributes: AllowConnect['attributes'] = { claims: payload };
  if (Object.hasOwn(payload, aclClaim)) {
    try {
      attributes = withAcl(attributes, parseAclClaim(payload[aclClaim]));
    } catch (error) {
      options.onFault?.(`a token of ${name} has permissions that cannot be read: ${messageOf(error)}`);
      return refused('the permissions in the token cannot be read');
    }
  }
  return {
    kind: 'allow',
    username: name,
    attributes,
    ...(typeof ownClientId === 'string' ? { clientId: ownClientId } : {}),
    ...(payload.exp === undefined ? {} : { expiresAt: (payload.exp + (options.clockTolerance ?? 0)) * 1000 }),
  };
}

/** Three parts are not enough: a password may have dots in it. */
function isToken(text: string): boolean {
  if (text.length > LONGEST_TOKEN || !LOOKS_LIKE_A_TOKEN.test(text)) return false;
  try {
    return typeof decodeProtectedHeader(text) === 'object';
  } catch {
    return false;
  }
}

/** Read without trust, and only to find out whose it is. */
function isOfAnother(token: string, issuer: string | undefined): boolean {
  if (issuer === undefined) return false;
  try {
    return decodeJwt(token).iss !== issuer;
  } catch {
    return true;
  }
}

/** What is wrong with a token; undefined: nothing is, it could not be checked. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (reason === 'missing') return `the token has no \`${claim}\``;
    if (claim === 'nbf') return 'the token is not valid yet (`nbf`)';
    return `the \`${claim}\` of the token is not what it has to be here`;
  }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return 'the token was signed with another key than the one that is known here';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'the token names no key that is known here (`kid`, `alg`)';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the algorithm of the token is not taken here';
  const isMalformed =
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSENotSupported ||
    // What fetch throws is a TypeError too, with a cause.
    (error instanceof TypeError && error.cause === undefined);
  return isMalformed ? 'the token is none that can be read' : undefined;
}

function refusalFor(error: unknown, options: JwtOptions): DenyConnect {
  const reason = reasonOf(error);
  if (reason !== undefined) return refused(reason);
  options.onFault?.(`a token could not be checked: ${messageOf(error)}`);
  return NO_KEYS;
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined || bytes.length > LONGEST_TOKEN ? '' : Buffer.from(bytes).toString('latin1');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
