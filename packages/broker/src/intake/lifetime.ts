import type { Deadlines, Timed } from '../node/deadlines.ts';

/** A connection whose credentials end. */
export interface Credentialed {
  readonly connection: { readonly closeCause: object | undefined };
  /** They have ended. */
  onCredentialsExpired(): void;
}

/** The end of a connection whose credentials end. */
export class Lifetime implements Timed {
  readonly #deadlines: Pick<Deadlines, 'watch' | 'unwatch'>;
  readonly #client: Credentialed;
  readonly #endsAtMs: number;

  constructor(deadlines: Pick<Deadlines, 'watch' | 'unwatch'>, client: Credentialed, endsAtMs: number) {
    this.#deadlines = deadlines;
    this.#client = client;
    this.#endsAtMs = endsAtMs;
    deadlines.watch(this);
  }

  stop(): void {
    this.#deadlines.unwatch(this);
  }

  nextTimeout(): number {
    return this.#client.connection.closeCause === undefined ? this.#endsAtMs : Number.POSITIVE_INFINITY;
  }

  handleTimeout(): void {
    this.#client.onCredentialsExpired();
  }
}
