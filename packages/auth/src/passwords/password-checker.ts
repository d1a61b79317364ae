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
 * Checks passwords, a few at a time; logins with the same user and password share the check that is under way. All logins
 * that are wrong take as long, whoever they are for.
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

  /**
   * Whether it is the user's password. `address`: where the login comes from; addresses take turns. Undefined, at once or in the end: too many are
   * waiting.
   */
  check(
    users: Users,
    username: string,
    password: Uint8Array,
    signal: AbortSignal,
    address = '',
  ): true | Promise<boolean | undefined> | undefined {
    const known = users.get(username);
    const login = this.#digest(username, password, known?.text ?? '');
    if (known !== undefined && this.#remembered.has(login)) return true;
    const work = (): Promise<boolean> => matchesOrCosts(known, this.#decoys.of(users), password);
    return this.#checks.run(login, address, work, signal)?.then((matches) => {
      if (matches === true) this.#remembered.add(login);
      return matches;
    });
  }

  /** An HMAC: passwords do not lie about in memory. With the hash: another password of the same user is another login. */
  #digest(username: string, password: Uint8Array, text: string): string {
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

/** Kinds of hash that a wrong login is checked against, in all: a file has one or two. */
const MOST_COSTS = 4;

/** For each cost that a hash of the file has, one hash that costs it. */
class Decoys {
  #users: Users | undefined;
  #decoys: ReadonlyMap<string, PasswordHash> = new Map();

  of(users: Users): ReadonlyMap<string, PasswordHash> {
    if (this.#users !== users) {
      this.#users = users;
      this.#decoys = decoysLike([...users.values()]);
    }
    return this.#decoys;
  }
}

/**
 * A login that is wrong costs one hash of each kind that the file has: the user's own and decoys for the others, or decoys alone where there is no
 * such user. So all of them look alike, also those whose hash is cheap. A decoy that matches is no way in.
 */
async function matchesOrCosts(
  known: PasswordHash | undefined,
  decoys: ReadonlyMap<string, PasswordHash>,
  password: Uint8Array,
): Promise<boolean> {
  if (known !== undefined && (await known.matches(password))) return true;
  const paid = known === undefined ? undefined : costOf(known);
  for (const [cost, decoy] of decoys) if (cost !== paid) await decoy.matches(password);
  return false;
}

/** What a hash takes: its kind and its parameters. */
function costOf({ text }: PasswordHash): string {
  const scram = /^SCRAM-SHA-256\$\d+/.exec(text);
  return scram === null ? text.split('$').slice(1, -2).join('$') : scram[0];
}

/** One of each cost, those that most users have; of our own where there are none. */
function decoysLike(hashes: readonly PasswordHash[]): ReadonlyMap<string, PasswordHash> {
  const counts = new Map<string, { count: number; hash: PasswordHash }>();
  for (const hash of hashes) {
    const cost = costOf(hash);
    const entry = counts.get(cost) ?? { count: 0, hash };
    entry.count++;
    counts.set(cost, entry);
  }
  const most = [...counts].sort(([, a], [, b]) => b.count - a.count).slice(0, MOST_COSTS);
  if (most.length > 0) return new Map(most.map(([cost, { hash }]) => [cost, hash]));
  const made = parseHash(hashPassword(randomBytes(16)));
  if (made === undefined) throw new Error('a hash of our own cannot be read');
  return new Map([[costOf(made), made]]);
}
