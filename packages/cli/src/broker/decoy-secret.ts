import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'decoy-secret';
const BYTES = 32;

/**
 * The secret of a data directory that salts of users who do not exist are made of (SCRAM), made when there is none. Undefined: there is no
 * directory, or it cannot be written; then they are made of the password file.
 */
export function decoySecret(dataDirectory: string | undefined): Uint8Array | undefined {
  if (dataDirectory === undefined) return undefined;
  const file = join(dataDirectory, FILE);
  return readSecret(file) ?? makeSecret(dataDirectory, file);
}

function readSecret(file: string): Uint8Array | undefined {
  try {
    const secret = readFileSync(file);
    return secret.length === BYTES ? secret : undefined;
  } catch {
    return undefined;
  }
}

function makeSecret(dataDirectory: string, file: string): Uint8Array | undefined {
  const secret = randomBytes(BYTES);
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    writeFileSync(file, secret, { mode: 0o600 });
    return secret;
  } catch {
    return undefined;
  }
}
