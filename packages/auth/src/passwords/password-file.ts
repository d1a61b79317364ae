import { type PasswordHash, parseHash } from './hash.ts';

/** Users by name. */
export type Users = ReadonlyMap<string, PasswordHash>;

/** A line of a password file that is none. */
export class PasswordFileError extends Error {
  override readonly name = 'PasswordFileError';
  /** From 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}

/** Reads `user:hash` lines, as mosquitto_passwd writes them; empty lines and those with `#` in front are comments. */
export function parsePasswordFile(text: string): Users {
  const users = new Map<string, PasswordHash>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const { user, hash } = splitLine(line);
    if (user === '') throw new PasswordFileError(index + 1, "a line is 'user:hash'");
    const parsed = parseHash(hash);
    if (parsed === undefined) throw new PasswordFileError(index + 1, wordsFor(user, hash));
    if (users.has(user)) throw new PasswordFileError(index + 1, `the user ${user} has a line already`);
    users.set(user, parsed);
  }
  return users;
}

/** The text with a user's line put in, changed, or (hash undefined) taken out; comments and order stay. */
export function editPasswordFile(text: string, user: string, hash: string | undefined): string {
  const lines = text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
  const at = lines.findIndex((line) => !line.startsWith('#') && splitLine(line).user === user);
  const line = `${user}:${hash ?? ''}`;
  if (at >= 0) lines.splice(at, 1, ...(hash === undefined ? [] : [line]));
  else if (hash !== undefined) lines.push(line);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function splitLine(line: string): { readonly user: string; readonly hash: string } {
  const at = line.indexOf(':');
  return at < 1 ? { user: '', hash: '' } : { user: line.slice(0, at), hash: line.slice(at + 1).trim() };
}

function wordsFor(user: string, hash: string): string {
  if (hash === '') return `the user ${user} has no hash`;
  // The text of what may be a password in clear stays out of logs.
  return `the hash of ${user} is none that is known ($argon2id$, SCRAM-SHA-256$, $6$, $7$); is it a password in clear?`;
}
