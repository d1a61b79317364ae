import { type ConsoleUserChange, type ConsoleUsers, PasswordChecker } from '@hawser/auth';
import { ApiError } from '../api-error.ts';
import type { GivenCredentials } from './credentials.ts';
import { LoginLimiter } from './login-limiter.ts';
import type { Principal, Session } from './principal.ts';
import type { ApiContext } from './sessions.ts';
import { isSame } from './token.ts';

/** Users of the console, and how an admin changes them. */
export interface UserStore {
  /** Asked for at each request: a file that has changed is another map. */
  readonly users: ConsoleUsers;
  /** Throws RangeError for a name that cannot be one, and for a new user without a role or a password. */
  put(name: string, change: ConsoleUserChange): Promise<void>;
  /** False: there is no such user. */
  remove(name: string): boolean;
}

/** What people and programs prove themselves with. */
export interface Secrets {
  readonly token: string;
  /** One for all, of an admin. */
  readonly password: string | undefined;
  /** Undefined: there are no users. */
  readonly users: UserStore | undefined;
}

/** Somebody who has shown who it is, and what a session of it is bound to. */
export type Identity = Pick<Session, 'kind' | 'name' | 'proof'> & Pick<Principal, 'role'>;

/** Checks tokens and passwords, and how often they are tried. */
export class Identifier {
  readonly #secrets: Secrets;
  readonly #context: ApiContext;
  readonly #limiter: LoginLimiter;
  readonly #checker = new PasswordChecker();

  constructor(secrets: Secrets, context: ApiContext) {
    this.#secrets = secrets;
    this.#context = context;
    this.#limiter = new LoginLimiter(context);
  }

  /** Nobody may do anything without having shown who it is. */
  get asksEverybody(): boolean {
    return this.#secrets.password !== undefined || this.#secrets.users !== undefined;
  }

  get users(): ConsoleUsers {
    return this.#secrets.users?.users ?? new Map();
  }

  /**
   * Who it is. Throws ApiError: 401 for what is wrong, the same whether it is the name or the password, 429 when this
   * address or all of them have tried too often.
   */
  async identify({ name, secret }: GivenCredentials, address: string, signal: AbortSignal): Promise<Identity> {
    const { token, password, users } = this.#secrets;
    // 256 random bits: nobody guesses them, so nobody has to wait for having guessed.
    if (token !== '' && isSame(secret, token)) return { kind: 'token', name: 'token', role: 'admin', proof: token };
    const wait = this.#limiter.begin(address);
    if (wait > 0)
      throw new ApiError(429, 'too-many-logins', `too many logins have failed: try again in ${wait} s`, {
        retryAfter: wait,
      });
    if (password !== undefined && isSame(secret, password)) {
      this.#limiter.succeed(address);
      return { kind: 'password', name: 'password', role: 'admin', proof: password };
    }
    const known = users?.users;
    if (known !== undefined && name !== undefined) {
      const isTheirs = await this.#checker.check(known, name, Buffer.from(secret), signal);
      const user = known.get(name);
      if (isTheirs === true && user !== undefined) {
        this.#limiter.succeed(address);
        return { kind: 'user', name, role: user.role, proof: user.text };
      }
      if (isTheirs === undefined) {
        this.#limiter.cancel(address);
        throw new ApiError(429, 'too-many-logins', 'too many logins are being checked: try again in a moment', {
          retryAfter: 1,
        });
      }
    }
    this.#context.counters.apiFailedLogins++;
    throw new ApiError(401, 'credentials-wrong', 'the name, the password or the token is wrong');
  }

  /** What a session may do now. Undefined: its user is gone, or has another password. */
  roleOf({ kind, name, proof }: Session): Principal['role'] {
    if (kind !== 'user') return 'admin';
    const user = this.users.get(name);
    return user?.text === proof ? user.role : undefined;
  }
}
