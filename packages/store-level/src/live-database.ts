import { StoreError } from '@hawser/broker';
import type { Schedule } from './commit/group-commit.ts';
import { type LevelDatabase, toStoreError } from './database.ts';

/** What LiveDatabase needs of its owner. */
export interface LiveDatabaseOptions {
  readonly directory: string;
  readonly schedule: Schedule;
  /** Opens LevelDB where it was. */
  reopen(): Promise<LevelDatabase>;
  /** Rejects when what was opened again is not what was left. */
  assertOurs(database: LevelDatabase): Promise<void>;
  /** It is open again: what could not be written is to be written now. */
  onReopened(): void;
  /** Undefined: it works again. */
  onFault(fault: StoreError | undefined): void;
  /** Whether a try that has failed is followed by another; otherwise its error is thrown. */
  isOpen(): boolean;
}

/** First wait before a store that cannot write is opened again; it doubles up to the last. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 10_000;

/**
 * LevelDB through its faults. After an error it refuses everything, and what it writes behind a half-written record would be lost: only
 * opening it again helps, so that is tried again and again until a batch has been written.
 */
export class LiveDatabase {
  readonly #options: LiveDatabaseOptions;
  #current: LevelDatabase | undefined;
  #fault: StoreError | undefined;
  #retryMs = FIRST_RETRY_MS;
  #cancelRetry: (() => void) | undefined;
  #retrying: Promise<void> | undefined;
  /** Those who want to read while there is a fault. */
  #waiters: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];

  constructor(options: LiveDatabaseOptions) {
    this.#options = options;
  }

  /** Another one after each fault; undefined: it is closed, or about to be opened again. */
  get current(): LevelDatabase | undefined {
    return this.#current;
  }

  get fault(): StoreError | undefined {
    return this.#fault;
  }

  /** It was opened for the first time. */
  begin(database: LevelDatabase): void {
    this.#current = database;
    this.#fault = undefined;
    this.#retryMs = FIRST_RETRY_MS;
  }

  /** Resolves when there is no fault any more. Rejects when it is closed. */
  async whenHealthy(): Promise<LevelDatabase> {
    if (this.#fault !== undefined) {
      await new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    }
    if (this.#current === undefined) throw storeClosed();
    return this.#current;
  }

  /** A batch could not be written. `isLast`: nobody waits for another try. */
  fail(error: unknown, isLast: boolean): void {
    this.#setFault(error);
    if (!isLast) this.#retryLater();
  }

  /** A batch was written: whatever there was is over. */
  heal(): void {
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    this.#retryMs = FIRST_RETRY_MS;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.resolve();
    this.#options.onFault(undefined);
  }

  /** Tries no more later: once more now, where there is a fault. Rejects when that fails. */
  async tryLast(): Promise<void> {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    await this.#retrying;
    if (this.#fault !== undefined) await this.#retry();
  }

  async close(): Promise<void> {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(storeClosed());
    await this.#retrying;
    const database = this.#current;
    this.#current = undefined;
    await database?.close();
  }

  #setFault(error: unknown): void {
    const fault = toStoreError(error, this.#options.directory);
    const isNew = this.#fault?.message !== fault.message;
    this.#fault = fault;
    if (isNew) this.#options.onFault(fault);
  }

  #retryLater(): void {
    const delay = this.#retryMs;
    this.#retryMs = Math.min(delay * 2, LAST_RETRY_MS);
    this.#cancelRetry = this.#options.schedule(() => {
      this.#cancelRetry = undefined;
      this.#retrying = this.#retry().finally(() => {
        this.#retrying = undefined;
      });
    }, delay);
  }

  /** The batch that failed is written once more then, whether or not it had reached the disk. */
  async #retry(): Promise<void> {
    try {
      const before = this.#current;
      this.#current = undefined;
      await before?.close();
      const database = await this.#options.reopen();
      this.#current = database;
      await this.#options.assertOurs(database);
      this.#options.onReopened();
    } catch (error) {
      this.#setFault(error);
      if (this.#options.isOpen()) this.#retryLater();
      else throw error;
    }
  }
}

export function storeClosed(): StoreError {
  return new StoreError('store-not-open', 'The store has been closed.');
}
