import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { type ConsoleRole, splitRole } from './console-users.ts';
import { hashPassword } from './hash.ts';
import { editPasswordFile, lineOf } from './password-file.ts';
import { hashScram } from './scram-credentials.ts';

/** A user's line of a password file, changed. */
export interface PasswdRequest {
  readonly file: string;
  readonly user: string;
  /** Undefined: the user is taken out. */
  readonly password: string | undefined;
  /** `scram`: the line serves SCRAM-SHA-256 and logins with the password alike. */
  readonly kind?: 'argon2id' | 'scram';
  /** The file is one of users of the console, and this is what the user may do; a user that has a role keeps it. */
  readonly role?: ConsoleRole | undefined;
}

/**
 * Puts a user into a password file, changes its password, or takes it out; a file that is not there is made, readable by
 * its owner alone. Written beside and renamed: a broker never reads half a file. Throws RangeError, or the system's error.
 */
export function changePassword({
  file,
  user,
  password,
  kind = 'argon2id',
  role,
}: PasswdRequest): 'added' | 'changed' | 'removed' {
  checkUserName(user);
  if (password === '') throw new RangeError('an empty password is none');
  const known = lineOf(readIfThere(file), user);
  if (password === undefined) {
    if (known === undefined) throw new RangeError(`there is no user ${user} in ${file}`);
    changeLine(file, user, undefined);
    return 'removed';
  }
  const hash = kind === 'scram' ? hashScram(password) : hashPassword(password);
  const kept = role ?? splitRole(known ?? '').role;
  changeLine(file, user, kept === undefined ? hash : `${kept}:${hash}`);
  return known === undefined ? 'added' : 'changed';
}

/** Throws RangeError for a name that would not be one in a file of lines. */
export function checkUserName(user: string): void {
  if (user === '' || user.startsWith('#') || /[:\r\n\0]/.test(user)) {
    throw new RangeError(`'${user}' cannot be a user name in a password file: no colon, no line break, no # in front`);
  }
}

/** Puts a user's line into a file, changes it, or (rest undefined) takes it out. */
export function changeLine(file: string, user: string, rest: string | undefined): void {
  replaceFile(file, editPasswordFile(readIfThere(file), user, rest));
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function replaceFile(file: string, text: string): void {
  const mode = existsSync(file) ? statSync(file).mode & 0o777 : 0o600;
  const beside = `${file}.${process.pid}.new`;
  writeFileSync(beside, text, { mode });
  chmodSync(beside, mode);
  renameSync(beside, file);
}
