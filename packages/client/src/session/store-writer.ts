import { NO_TICKET, type Ticket } from '@hawser/protocol';
import type { SessionStore, StoreChange } from './session-store.ts';

/**
 * Writes changes to a store in order, one batch at a time, and says how far it has come. Without a store everything counts as
 * written.
 */
export class StoreWriter {
  /** What is on disk. */
  committed: Ticket = NO_TICKET;
  readonly #store: SessionStore | undefined;
  readonly #clientId: () => string;
  readonly #onCommitted: () => void;
  readonly #onError: (error: unknown) => void;
  #filling: StoreChange[] = [];
  #ticket = 1;
  #writing: Promise<void> | undefined;

  constructor(
    store: SessionStore | undefined,
    clientId: () => string,
    onCommitted: () => void,
    onError: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#clientId = clientId;
    this.#onCommitted = onCommitted;
    this.#onError = onError;
  }

  get isDurable(): boolean {
    return this.#store !== undefined;
  }

  /** `value` undefined: removes. The ticket of the batch it goes with. */
  put(key: string, value: Uint8Array | undefined): Ticket {
    if (this.#store === undefined) return NO_TICKET;
    this.#filling.push({ key, value });
    this.#writing ??= this.#write(this.#store);
    return this.#ticket;
  }

  /** Resolves when all that was put is written, or could not be. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #write(store: SessionStore): Promise<void> {
    // What else comes in this turn goes with it.
    await Promise.resolve();
    while (this.#filling.length > 0) {
      const batch = this.#filling;
      const ticket = this.#ticket++;
      this.#filling = [];
      try {
        await store.write(this.#clientId(), batch);
      } catch (error) {
        // The client goes on: what the program gave it is still in memory, only a restart would lose it.
        this.#onError(error);
      }
      this.committed = ticket;
      this.#onCommitted();
    }
    this.#writing = undefined;
  }
}
