import type { Users } from './password-file.ts';
import { hmac, parseScram, SCRAM_ITERATIONS, type ScramCredentials, sha256 } from './scram-credentials.ts';

const DEFAULT_SALT_BYTES = 16;

/**
 * What users that do not exist are shown in place of a salt: the same for the same name, after a restart and when the file has changed too, and
 * with as many iterations as most users have.
 */
export class ScramDecoys {
  readonly #secret: Uint8Array | undefined;
  #users: Users | undefined;
  #iterations = SCRAM_ITERATIONS;
  #saltBytes = DEFAULT_SALT_BYTES;
  #made: Uint8Array = new Uint8Array(32);

  constructor(secret: Uint8Array | undefined) {
    this.#secret = secret;
  }

  of(users: Users, username: string): ScramCredentials {
    if (users !== this.#users) this.#look(users);
    const secret = this.#secret ?? this.#made;
    const salt = hmac(secret, `salt ${username}`).subarray(0, this.#saltBytes);
    const key = hmac(secret, `key ${username}`);
    return { iterations: this.#iterations, salt, storedKey: key, serverKey: key };
  }

  #look(users: Users): void {
    this.#users = users;
    const [first] = users.values();
    this.#made = sha256(new TextEncoder().encode(`hawser decoys ${first?.text ?? ''}`));
    const counts = new Map<string, { count: number; iterations: number; saltBytes: number }>();
    for (const { text } of users.values()) {
      const credentials = parseScram(text);
      if (credentials === undefined) continue;
      const { iterations, salt } = credentials;
      const key = `${iterations} ${salt.length}`;
      const entry = counts.get(key) ?? { count: 0, iterations, saltBytes: Math.min(salt.length, 32) };
      entry.count++;
      counts.set(key, entry);
    }
    const [most] = [...counts.values()].sort((a, b) => b.count - a.count);
    this.#iterations = most?.iterations ?? SCRAM_ITERATIONS;
    this.#saltBytes = most?.saltBytes ?? DEFAULT_SALT_BYTES;
  }
}
