import { readFileSync } from 'node:fs';
import type { Secret } from './schema/common.ts';

/** The text of a secret: itself, a file (one line break at its end does not count), or a variable. Throws Error for people. */
export function readSecret(
  secret: Secret,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  if (typeof secret === 'string') return secret;
  if ('file' in secret) {
    const text = readFileSync(secret.file, 'utf8').replace(/\r?\n$/, '');
    if (text === '') throw new Error(`the secret in ${secret.file} is empty`);
    return text;
  }
  const text = environment[secret.env];
  if (text === undefined || text === '')
    throw new Error(`the secret should be in the variable ${secret.env}, which is not set`);
  return text;
}
