import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { hashPassword } from './hash.ts';
import { editPasswordFile } from './password-file.ts';
import { hashScram } from './scram-credentials.ts';

/** A user's line of a password file, changed. */
export interface PasswdRequest {
  readonly file: string;
  readonly user: string;
  /** Undefined: the user is taken out. */
  readonly password: string | undefined;
  /** `scram`: the line serves SCRAM-SHA-256 and logins with the password alike. */
  readonly kind?: 'argon2id' | 'scram';
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
}: PasswdRequest): 'added' | 'changed' | 'removed' {
  if (user === '' || user.startsWith('#') || /[:\r\n\0]/.test(user)) {
    throw new RangeError(`'${user}' cannot be a user name in a password file: no colon, no line break, no # in front`);
  }
  if (password === '') throw new RangeError('an empty password is none');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const without = editPasswordFile(before, user, undefined);
  const isKnown = without !== before;
  if (password === undefined) {
    if (!isKnown) throw new RangeError(`there is no user ${user} in ${file}`);
    replaceFile(file, without);
    return 'removed';
  }
  const hash = kind === 'scram' ? hashScram(password) : hashPassword(password);
  replaceFile(file, editPasswordFile(before, user, hash));
  return isKnown ? 'changed' : 'added';
}

function replaceFile(file: string, text: string): void {
  const mode = existsSync(file) ? statSync(file).mode & 0o777 : 0o600;
  const beside = `${file}.${process.pid}.new`;
  writeFileSync(beside, text, { mode });
  chmodSync(beside, mode);
  renameSync(beside, file);
}
