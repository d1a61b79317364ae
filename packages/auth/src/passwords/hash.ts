import { argon2, argon2Sync, createHash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { parseScram, scramMatches } from './scram-credentials.ts';

const pbkdf2Async = promisify(pbkdf2);

/** Cost of argon2id: OWASP's second choice, about 50 ms of one core. */
export interface Argon2Cost {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

export const ARGON2_COST: Argon2Cost = { memory: 19_456, passes: 2, parallelism: 1 };

/** A hash that was read. `matches` takes as long for a wrong password as for the right one. */
export interface PasswordHash {
  readonly text: string;
  readonly kind: 'argon2id' | 'sha512' | 'pbkdf2' | 'scram';
  matches(password: Uint8Array): Promise<boolean>;
}

/** `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`, with a fresh salt. */
export function hashPassword(
  password: string | Uint8Array,
  cost: Argon2Cost = ARGON2_COST,
  salt: Uint8Array = randomBytes(16),
): string {
  return formatArgon2(argon2Sync('argon2id', { message: password, nonce: salt, tagLength: 32, ...cost }), cost, salt);
}

/** The same while the event loop goes on. */
export function hashPasswordLater(password: string, cost: Argon2Cost = ARGON2_COST): Promise<string> {
  const salt = randomBytes(16);
  return new Promise((resolve, reject) => {
    argon2('argon2id', { message: password, nonce: salt, tagLength: 32, ...cost }, (error, hash) => {
      if (error === null || error === undefined) resolve(formatArgon2(hash, cost, salt));
      else reject(error);
    });
  });
}

function formatArgon2(hash: Uint8Array, { memory, passes, parallelism }: Argon2Cost, salt: Uint8Array): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`;
}

/**
 * Reads a hash: argon2id, SCRAM-SHA-256 as PostgreSQL writes it, and Mosquitto's `$6$` and `$7$`. Undefined: it is none
 * of these, or asks for more work than any sane one does.
 */
export function parseHash(text: string): PasswordHash | undefined {
  if (text.startsWith('$argon2id$')) return parseArgon2(text);
  if (text.startsWith('$6$')) return parseSha512(text);
  if (text.startsWith('$7$')) return parsePbkdf2(text);
  const scram = parseScram(text);
  return scram && { text, kind: 'scram', matches: (password) => scramMatches(scram, password) };
}

function parseArgon2(text: string): PasswordHash | undefined {
  const found = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,2})\$([\w+/]+)\$([\w+/]+)$/.exec(text);
  if (found === null) return undefined;
  const [memory, passes, parallelism] = [Number(found[1]), Number(found[2]), Number(found[3])];
  const nonce = Buffer.from(found[4] ?? '', 'base64');
  const wanted = Buffer.from(found[5] ?? '', 'base64');
  const sane = memory >= 8 * parallelism && memory <= 1_048_576 && passes > 0 && passes <= 100 && parallelism > 0;
  if (!sane || nonce.length < 8 || wanted.length < 16) return undefined;
  const parameters = { nonce, memory, passes, parallelism, tagLength: wanted.length };
  return {
    text,
    kind: 'argon2id',
    matches: (message) =>
      new Promise((resolve, reject) => {
        argon2('argon2id', { ...parameters, message }, (error, hash) => {
          if (error === null || error === undefined) resolve(timingSafeEqual(hash, wanted));
          else reject(error);
        });
      }),
  };
}

/** Mosquitto before 2.0: one round of SHA-512 over password and salt. */
function parseSha512(text: string): PasswordHash | undefined {
  const found = /^\$6\$([\w+/]+=*)\$([\w+/]+=*)$/.exec(text);
  const salt = Buffer.from(found?.[1] ?? '', 'base64');
  const wanted = Buffer.from(found?.[2] ?? '', 'base64');
  if (salt.length === 0 || wanted.length !== 64) return undefined;
  return {
    text,
    kind: 'sha512',
    matches: async (password) => timingSafeEqual(createHash('sha512').update(password).update(salt).digest(), wanted),
  };
}

/** Mosquitto since 2.0: PBKDF2 with HMAC-SHA-512. */
function parsePbkdf2(text: string): PasswordHash | undefined {
  const found = /^\$7\$(\d{1,7})\$([\w+/]+=*)\$([\w+/]+=*)$/.exec(text);
  const iterations = Number(found?.[1]);
  const salt = Buffer.from(found?.[2] ?? '', 'base64');
  const wanted = Buffer.from(found?.[3] ?? '', 'base64');
  if (!(iterations > 0) || salt.length === 0 || wanted.length !== 64) return undefined;
  return {
    text,
    kind: 'pbkdf2',
    matches: async (password) =>
      timingSafeEqual(await pbkdf2Async(password, salt, iterations, wanted.length, 'sha512'), wanted),
  };
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
