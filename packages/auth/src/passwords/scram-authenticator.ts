import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type AuthenticationDecision, BAD_CREDENTIALS, type ContinueConnect, type DenyConnect } from '@hawser/broker';
import { ReasonCode } from '@hawser/codec';
import type { AuthenticatorLink } from '../chain.ts';
import type { Users } from './password-file.ts';
import { hmac, parseScram, type ScramCredentials, sha256 } from './scram-credentials.ts';
import { ScramDecoys } from './scram-decoys.ts';

export const SCRAM_SHA_256 = 'SCRAM-SHA-256';

/** Where the salted passwords are. */
export interface ScramOptions {
  /** Users by name; those whose hash is not SCRAM-SHA-256 cannot come in this way. */
  readonly users: () => Users;
  /**
   * Salts of users that do not exist are made of it: the same after a restart, and nobody's to know. Absent: of the first line of the file, which
   * is the same as long as that line is.
   */
  readonly secret?: Uint8Array | undefined;
  /** This side's part of the nonce; tests hand in their own. */
  readonly nonce?: () => string;
}

const MALFORMED: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.NotAuthorized,
  reason: 'the SCRAM message is not one that RFC 5802 knows, or asks for channel binding, which MQTT has not',
});

/** What the first message said. */
interface ClientFirst {
  readonly gs2Header: string;
  readonly username: string;
  readonly nonce: string;
  /** Without the GS2 header: part of what is signed. */
  readonly bare: string;
}

/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) as enhanced authentication [MQTT5-4.12]: client-first in the CONNECT, server-first in
 * an AUTH, client-final in an AUTH, server-final in the CONNACK; the same again for re-authentication. A user that does
 * not exist gets a salt of its own, always the same, and fails at the end like a wrong password.
 */
export function scram(options: ScramOptions): AuthenticatorLink {
  const nonce = options.nonce ?? (() => base64(randomBytes(18)));
  const decoys = new ScramDecoys(options.secret);
  return (request) => {
    if (request.authenticationMethod !== SCRAM_SHA_256) return undefined;
    const first = parseClientFirst(textOf(request.authenticationData));
    if (first === undefined) return MALFORMED;
    // Whoever authenticates again is who it was: a proof of another user's password is not even looked at.
    if (request.again && first.username !== request.client.username) return BAD_CREDENTIALS;
    const users = options.users();
    const hash = users.get(first.username);
    const known = hash === undefined ? undefined : parseScram(hash.text);
    const credentials = known ?? decoys.of(users, first.username);
    return exchange(first, credentials, known !== undefined, nonce());
  };
}

function exchange(
  first: ClientFirst,
  credentials: ScramCredentials,
  known: boolean,
  ownNonce: string,
): ContinueConnect {
  const nonce = first.nonce + ownNonce;
  const serverFirst = `r=${nonce},s=${base64(credentials.salt)},i=${credentials.iterations}`;
  return {
    kind: 'continue',
    authenticationData: bytesOf(serverFirst),
    next(data): AuthenticationDecision {
      const found = /^(c=([\w+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[a-zA-Z]=[^,]*)*),p=([\w+/]+=*)$/.exec(textOf(data));
      if (found === null) return MALFORMED;
      const [, withoutProof = '', binding = '', answered = '', proof = ''] = found;
      if (Buffer.from(binding, 'base64').toString() !== first.gs2Header || answered !== nonce) return MALFORMED;
      const message = `${first.bare},${serverFirst},${withoutProof}`;
      const isRight = proofIsRight(credentials, message, Buffer.from(proof, 'base64'));
      if (!isRight || !known) return BAD_CREDENTIALS;
      const signature = base64(hmac(credentials.serverKey, message));
      return { kind: 'allow', username: first.username, authenticationData: bytesOf(`v=${signature}`) };
    },
  };
}

/** The proof is ClientKey XOR ClientSignature: with the signature taken off, its hash is the StoredKey. */
function proofIsRight({ storedKey }: ScramCredentials, message: string, proof: Uint8Array): boolean {
  const signature = hmac(storedKey, message);
  if (proof.length !== signature.length) return false;
  const clientKey = proof.map((byte, i) => byte ^ (signature[i] ?? 0));
  return timingSafeEqual(sha256(clientKey), storedKey);
}

/** `n,,n=user,r=nonce`; an authorization identity has to be the user's own. */
function parseClientFirst(text: string): ClientFirst | undefined {
  const found = /^([ny],(?:a=([^,]*))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]{8,256})(?:,[a-zA-Z]=[^,]*)*)$/.exec(text);
  if (found === null) return undefined;
  const [, gs2Header = '', authorizationId, bare = '', name = '', nonce = ''] = found;
  const username = unescapeName(name);
  if (username === undefined || username === '') return undefined;
  if (authorizationId !== undefined && unescapeName(authorizationId) !== username) return undefined;
  return { gs2Header, username, nonce, bare };
}

/** `=2C` is a comma and `=3D` an equals sign; any other `=` is an error. */
function unescapeName(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replace(/=2C/g, ',').replace(/=3D/g, '=');
}

function textOf(data: Uint8Array | undefined): string {
  return data === undefined || data.length > 4096 ? '' : Buffer.from(data).toString('utf8');
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
