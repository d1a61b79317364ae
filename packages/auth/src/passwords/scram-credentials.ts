import { createHash, createHmac, pbkdf2, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const pbkdf2Async = promisify(pbkdf2);

/** What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3): it proves and checks, but does not log in. */
export interface ScramCredentials {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** The client has to compute as many; RFC 7677 asks for 4096 at least. */
export const SCRAM_ITERATIONS = 15_000;

/** `SCRAM-SHA-256$15000:salt$StoredKey:ServerKey`, the notation of PostgreSQL. */
export function hashScram(
  password: string,
  iterations: number = SCRAM_ITERATIONS,
  salt: Uint8Array = randomBytes(16),
): string {
  const { storedKey, serverKey } = deriveKeys(pbkdf2Sync(normalize(password), salt, iterations, 32, 'sha256'));
  return `SCRAM-SHA-256$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`;
}

export function parseScram(text: string): ScramCredentials | undefined {
  const found = /^SCRAM-SHA-256\$(\d{4,7}):([\w+/]+=*)\$([\w+/]+=*):([\w+/]+=*)$/.exec(text);
  if (found === null) return undefined;
  const [salt, storedKey, serverKey] = found.slice(2).map((part) => Buffer.from(part, 'base64'));
  if (salt === undefined || storedKey?.length !== 32 || serverKey?.length !== 32) return undefined;
  return { iterations: Number(found[1]), salt, storedKey, serverKey };
}

/** A password in clear, checked against what is kept for SCRAM. */
export async function scramMatches(credentials: ScramCredentials, password: Uint8Array): Promise<boolean> {
  const text = normalize(new TextDecoder().decode(password));
  const salted = await pbkdf2Async(text, credentials.salt, credentials.iterations, 32, 'sha256');
  return timingSafeEqual(deriveKeys(salted).storedKey, credentials.storedKey);
}

/** ClientKey, StoredKey and ServerKey of a salted password. */
export function deriveKeys(saltedPassword: Uint8Array): {
  readonly clientKey: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
} {
  const clientKey = hmac(saltedPassword, 'Client Key');
  return { clientKey, storedKey: sha256(clientKey), serverKey: hmac(saltedPassword, 'Server Key') };
}

export function hmac(key: Uint8Array, data: string): Uint8Array {
  return createHmac('sha256', key).update(data).digest();
}

export function sha256(data: Uint8Array): Uint8Array {
  return createHash('sha256').update(data).digest();
}

/** SASLprep comes down to NFKC for the characters that people type. */
export function normalize(password: string): string {
  return password.normalize('NFKC');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
