import { WatchedFile } from '../watched-file.ts';
import { type ConsoleRole, type ConsoleUsers, parseConsoleUsers } from './console-users.ts';
import { hashPasswordLater } from './hash.ts';
import { changeLine, checkUserName } from './passwd.ts';

/** What is to be another; a new user needs both. */
export interface ConsoleUserChange {
  readonly role?: ConsoleRole | undefined;
  readonly password?: string | undefined;
}

/** Users of the console in a file of lines, which others may change too: it is read again within a second. */
export class ConsoleUsersFile {
  readonly #file: WatchedFile<ConsoleUsers>;

  /** Throws PasswordFileError, or the system's error. `onFault`: it has changed and is no good, what it said before stays. */
  constructor(path: string, onFault?: (text: string) => void) {
    this.#file = new WatchedFile(path, { parse: parseConsoleUsers, onFault });
  }

  get users(): ConsoleUsers {
    return this.#file.value;
  }

  /** Adds or changes a user. Throws RangeError for a name that cannot be one, and for a new user without role or password. */
  async put(name: string, { role, password }: ConsoleUserChange): Promise<void> {
    checkUserName(name);
    const hashed = password === undefined ? undefined : await hashPasswordLater(password);
    // Others may have changed it meanwhile.
    this.#file.reload();
    const known = this.#file.value.get(name);
    const hash = hashed ?? known?.text;
    const kept = role ?? known?.role;
    if (hash === undefined || kept === undefined) throw new RangeError(`${name} is new: give a role and a password`);
    this.#write(name, `${kept}:${hash}`);
  }

  /** False: there is no such user. */
  remove(name: string): boolean {
    this.#file.reload();
    if (!this.#file.value.has(name)) return false;
    this.#write(name, undefined);
    return true;
  }

  #write(name: string, rest: string | undefined): void {
    changeLine(this.#file.path, name, rest);
    this.#file.reload();
  }
}
