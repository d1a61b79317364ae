import { createHmac, randomBytes } from 'node:crypto';
import { CheckQueue } from './check-queue.ts';
import { hashPassword, type PasswordHash, parseHash } from './hash.ts';
import type { Users } from './password-file.ts';

/** Bounds of the work that passwords cost. */
export interface PasswordCheckerOptions {
  /** Checks under way at once; 2. */
  readonly checksAtOnce?: number;
  /** Logins that may wait for a check; over it they are turned away. 128. */
  readonly maximumWaiting?: number;
  /** Logins that were right are remembered (as an HMAC with a key of this process), so many; 10,000. */
  readonly remembered?: number;
}

/**
 * Checks passwords, a few at a time. A user that does not exist takes as long as a wrong password: the password is then
 * checked against a hash that nobody has.
 */
export class PasswordChecker {
  readonly #queue: CheckQueue;
  readonly #remembered: RememberedLogins;
  readonly #decoys = new Decoys();

  constructor(options: PasswordCheckerOptions = {}) {
    this.#queue = new CheckQueue(options.checksAtOnce ?? 2, options.maximumWaiting ?? 128);
    this.#remembered = new RememberedLogins(options.remembered ?? 10_000);
  }

  /** Turned away since the start. */
  get refused(): number {
    return this.#queue.refused;
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
    if (known !== undefined && this.#remembered.has(username, password, known)) return true;
    return this.#queue
      .run(() => hash.matches(password), signal)
      ?.then((matches) => {
        if (matches !== true || known === undefined) return false;
        this.#remembered.add(username, password, known);
        return true;
      });
  }
}

/** After an outage ten thousand devices come at once, and a core checks twenty passwords a second. */
class RememberedLogins {
  readonly #key = randomBytes(32);
  readonly #seen = new Set<string>();
  readonly #maximum: number;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  has(username: string, password: Uint8Array, hash: PasswordHash): boolean {
    return this.#maximum > 0 && this.#seen.has(this.#digest(username, password, hash));
  }

  add(username: string, password: Uint8Array, hash: PasswordHash): void {
    if (this.#maximum === 0) return;
    if (this.#seen.size >= this.#maximum) {
      const [oldest] = this.#seen;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    this.#seen.add(this.#digest(username, password, hash));
  }

  /** With the hash: another password of the same user is another login. */
  #digest(username: string, password: Uint8Array, { text }: PasswordHash): string {
    const digest = createHmac('sha256', this.#key).update(`${username.length}:${username}${text.length}:${text}`);
    return digest.update(password).digest('base64');
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
