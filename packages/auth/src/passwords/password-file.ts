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
  return parseUserLines(text, "a line is 'user:hash'", (user, hash) => parseHash(hash) ?? hashWords(user, hash));
}

/** Reads lines that begin with a user and a colon. `parse` makes something of the rest, or says what is wrong with it. */
export function parseUserLines<T extends object>(
  text: string,
  shape: string,
  parse: (user: string, rest: string) => T | string,
): ReadonlyMap<string, T> {
  const users = new Map<string, T>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const { user, rest } = splitLine(line);
    if (user === '') throw new PasswordFileError(index + 1, shape);
    const parsed = parse(user, rest);
    if (typeof parsed === 'string') throw new PasswordFileError(index + 1, parsed);
    if (users.has(user)) throw new PasswordFileError(index + 1, `the user ${user} has a line already`);
    users.set(user, parsed);
  }
  return users;
}

/** What stands behind a user's colon; undefined: there is no such user. */
export function lineOf(text: string, user: string): string | undefined {
  const line = text.split(/\r?\n/).find((candidate) => isLineOf(candidate, user));
  return line === undefined ? undefined : splitLine(line).rest;
}

/** The text with a user's line put in, changed, or (rest undefined) taken out; comments and order stay. */
export function editPasswordFile(text: string, user: string, rest: string | undefined): string {
  const lines = text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
  const at = lines.findIndex((line) => isLineOf(line, user));
  const line = `${user}:${rest ?? ''}`;
  if (at >= 0) lines.splice(at, 1, ...(rest === undefined ? [] : [line]));
  else if (rest !== undefined) lines.push(line);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function isLineOf(line: string, user: string): boolean {
  return !line.startsWith('#') && splitLine(line).user === user;
}

function splitLine(line: string): { readonly user: string; readonly rest: string } {
  const at = line.indexOf(':');
  return at < 1 ? { user: '', rest: '' } : { user: line.slice(0, at), rest: line.slice(at + 1).trim() };
}

/** Why a text is no hash, for people. */
export function hashWords(user: string, hash: string): string {
  if (hash === '') return `the user ${user} has no hash`;
  // The text of what may be a password in clear stays out of logs.
  return `the hash of ${user} is none that is known ($argon2id$, SCRAM-SHA-256$, $6$, $7$); is it a password in clear?`;
}
