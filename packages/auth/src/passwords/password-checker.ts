import { createHmac, randomBytes } from 'node:crypto';
import { hashPassword, type PasswordHash, parseHash } from './hash.ts';
import type { Users } from './password-file.ts';
import { SharedChecks } from './shared-checks.ts';

/** Bounds of the work that passwords cost. */
export interface PasswordCheckerOptions {
  /** Checks under way at once; 2. */
  readonly checksAtOnce?: number;
  /** Checks that may wait for their turn; over it logins are turned away. 128. */
  readonly maximumWaiting?: number;
  /** Logins that may wait for a check of the same user and password that another login has begun; over it they are turned away. 10,000. */
  readonly maximumSharing?: number;
  /** Logins that were right are remembered (as an HMAC with a key of this process), so many; 10,000. */
  readonly remembered?: number;
}

/**
 * Checks passwords, a few at a time; logins with the same user and password share the check that is under way. A user that does not exist takes as long as a wrong password: the password is then
 * checked against a hash that nobody has.
 */
export class PasswordChecker {
  readonly #checks: SharedChecks;
  readonly #remembered: RememberedLogins;
  readonly #decoys = new Decoys();
  readonly #key = randomBytes(32);

  constructor(options: PasswordCheckerOptions = {}) {
    const { checksAtOnce = 2, maximumWaiting = 128, maximumSharing = 10_000, remembered = 10_000 } = options;
    this.#checks = new SharedChecks({ atOnce: checksAtOnce, maximumWaiting, maximumSharing });
    this.#remembered = new RememberedLogins(remembered);
  }

  /** Turned away since the start. */
  get refused(): number {
    return this.#checks.refused;
  }

  /** Whether it is the user's password. Undefined: too many are waiting. */
  check(
    users: Users,
    username: string,
    password: Uint8Array,
    signal: AbortSignal,
  ): boolean | Promise<boolean> | undefined {
    const known = users.get(username);
    const hash = known ?? this.#decoys.for(users);
    const login = this.#digest(username, password, hash);
    if (known !== undefined && this.#remembered.has(login)) return true;
    return this.#checks
      .run(login, () => hash.matches(password), signal)
      ?.then((matches) => {
        // A decoy that matches is no way in.
        if (matches !== true || known === undefined) return false;
        this.#remembered.add(login);
        return true;
      });
  }

  /** An HMAC: passwords do not lie about in memory. With the hash: another password of the same user is another login. */
  #digest(username: string, password: Uint8Array, { text }: PasswordHash): string {
    const digest = createHmac('sha256', this.#key).update(`${username.length}:${username}${text.length}:${text}`);
    return digest.update(password).digest('base64');
  }
}

/** After an outage ten thousand devices come at once, and a core checks twenty passwords a second. */
class RememberedLogins {
  readonly #seen = new Set<string>();
  readonly #maximum: number;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  has(login: string): boolean {
    return this.#seen.has(login);
  }

  add(login: string): void {
    if (this.#maximum === 0 || this.#seen.has(login)) return;
    if (this.#seen.size >= this.#maximum) {
      const [oldest] = this.#seen;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    this.#seen.add(login);
  }
}

/** A hash of nobody's password that costs what those of the users cost. */
class Decoys {
  #users: Users | undefined;
  #decoy: PasswordHash | undefined;

  for(users: Users): PasswordHash {
    if (this.#decoy === undefined || this.#users !== users) {
      this.#users = users;
      this.#decoy = decoyLike([...users.values()]);
    }
    return this.#decoy;
  }
}

/** Like the hash of most users, with another result. */
function decoyLike(hashes: readonly PasswordHash[]): PasswordHash {
  const counts = new Map<string, { count: number; hash: PasswordHash }>();
  for (const hash of hashes) {
    const cost = hash.text.split('$').slice(1, -2).join('$');
    const entry = counts.get(cost) ?? { count: 0, hash };
    entry.count++;
    counts.set(cost, entry);
  }
  const [most] = [...counts.values()].sort((a, b) => b.count - a.count);
  const made = most?.hash ?? parseHash(hashPassword(randomBytes(16)));
  if (made === undefined) throw new Error('a hash of our own cannot be read');
  return made;
}
