import { createHmac, randomBytes } from 'node:crypto';
import { type AllowConnect, type AuthenticationDecision, BAD_CREDENTIALS, type DenyConnect } from '@hawser/broker';
import { ReasonCode } from '@hawser/codec';
import { type AuthenticatorLink, hasCredentials } from '../chain.ts';
import { CheckQueue } from './check-queue.ts';
import { hashPassword, type PasswordHash, parseHash } from './hash.ts';
import type { Users } from './password-file.ts';

/** How passwords are checked. */
export interface PasswordOptions {
  /** Users by name, asked for at each login: a file that has changed is another map. */
  readonly users: () => Users;
  /** Another link of the chain may know a user that this one does not. */
  readonly passUnknownUsers?: boolean;
  /** Checks under way at once; 2. */
  readonly checksAtOnce?: number;
  /** Logins that may wait for a check; over it they get 0x89. 128. */
  readonly maximumWaiting?: number;
  /** Logins that were right are remembered (as an HMAC with a key of this process), so many; 10,000. */
  readonly remembered?: number;
}

const TOO_MANY: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.ServerBusy,
  reason: 'too many logins are being checked; try again in a moment',
});

/**
 * User name and password. A user that does not exist takes as long as a wrong password: the password is then checked
 * against a hash that nobody has.
 */
export function passwords(options: PasswordOptions): AuthenticatorLink {
  const queue = new CheckQueue(options.checksAtOnce ?? 2, options.maximumWaiting ?? 128);
  const remembered = new RememberedLogins(options.remembered ?? 10_000);
  const decoys = new Decoys();
  return (request, signal) => {
    const { username = '' } = request.client;
    const { password = NO_PASSWORD } = request;
    if (request.authenticationMethod !== undefined || !hasCredentials(request)) return undefined;
    const users = options.users();
    const known = users.get(username);
    if (known === undefined && options.passUnknownUsers === true) return undefined;
    const hash = known ?? decoys.for(users);
    const allow: AllowConnect = { kind: 'allow', username };
    if (known !== undefined && remembered.has(username, password, known)) return allow;
    const checked = queue.run(() => hash.matches(password), signal);
    if (checked === undefined) return TOO_MANY;
    return checked.then((matches): AuthenticationDecision => {
      if (matches !== true || known === undefined) return BAD_CREDENTIALS;
      remembered.add(username, password, known);
      return allow;
    });
  };
}

const NO_PASSWORD = new Uint8Array(0);

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
