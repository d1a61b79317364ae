import { randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a change must be asked with, and where people find it. */
export interface ApiToken {
  readonly value: string;
  /** The file it stands in, readable for its owner alone; undefined: nowhere, so that it must be shown. */
  readonly file: string | undefined;
}

const FILE = 'api-token';

/** The token of a data directory, made when there is none or when others could have read it. Without a directory: a new one each time. */
export function apiToken(dataDirectory: string | undefined): ApiToken {
  if (dataDirectory === undefined) return { value: newToken(), file: undefined };
  const file = join(dataDirectory, FILE);
  const known = readPrivate(file);
  if (known !== undefined) return { value: known, file };
  const value = newToken();
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${value}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return { value, file };
}

/** Whether two secrets are the same, in a time that does not tell how much of them is. */
export function isSame(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

function readPrivate(file: string): string | undefined {
  try {
    const isPrivate = process.platform === 'win32' || (statSync(file).mode & 0o077) === 0;
    const text = readFileSync(file, 'utf8').trim();
    return isPrivate && text.length >= 32 ? text : undefined;
  } catch {
    return undefined;
  }
}
