import type { Batch } from './commit/batch.ts';
import type { LevelDatabase } from './database.ts';
import { deleteKey, deleteQueued } from './encode-operation.ts';
import { keyReader, messageKey, Prefix, rangeOfSession } from './records/keys.ts';
import type { StoreIndex } from './store-index.ts';

/** What GarbageCollector needs of its owner. */
export interface GarbageCollectorOptions {
  readonly index: StoreIndex;
  /** Resolves with the database, once it works. */
  database(): Promise<LevelDatabase>;
  /** Resolves when all that was appended is on disk. */
  flush(): Promise<void>;
  /** Puts something into the filling batch; resolves when it is on disk. */
  commit(encode: (batch: Batch) => void): Promise<void>;
  onError(error: unknown): void;
}

const PAGE = 500;
const prefixes = [Prefix.queued, Prefix.subscription, Prefix.outbound, Prefix.inbound, Prefix.lost] as const;

/**
 * Clears in the background what is left under the numbers of ended sessions, and messages that nobody waits for. A page
 * at a time, each waiting for the one before, so that it never fills a batch on its own. What a crash leaves is found
 * at the next start.
 */
export class GarbageCollector {
  readonly #options: GarbageCollectorOptions;
  readonly #sessions: number[] = [];
  #messages: readonly number[] = [];
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: GarbageCollectorOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  addSession(session: number): void {
    this.#sessions.push(session);
    this.#running ??= this.#run();
  }

  addMessages(sequences: readonly number[]): void {
    if (sequences.length === 0) return;
    this.#messages = [...this.#messages, ...sequences];
    this.#running ??= this.#run();
  }

  /** Resolves when it no longer touches the database. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      // Never within the call that made the garbage.
      await Promise.resolve();
      while ((this.#messages.length > 0 || this.#sessions.length > 0) && !this.#isStopped) {
        await this.#clearMessages();
        const session = this.#sessions.shift();
        if (session === undefined) continue;
        // What was queued just before the session ended is garbage too, once it is there to be found.
        await this.#options.flush();
        for (const prefix of prefixes) await this.#clear(prefix, session);
      }
    } catch (error) {
      if (!this.#isStopped) this.#options.onError(error);
    } finally {
      this.#running = undefined;
    }
  }

  async #clear(prefix: (typeof prefixes)[number], session: number): Promise<void> {
    const { index, commit } = this.#options;
    while (!this.#isStopped && !index.isLive(session)) {
      const database = await this.#options.database();
      const keys = await database.keys({ ...rangeOfSession(prefix, session), limit: PAGE, fillCache: false }).all();
      if (keys.length === 0) return;
      await commit((batch) => {
        if (index.isLive(session)) return;
        for (const key of keys) {
          if (prefix === Prefix.queued) deleteQueued(batch, index, session, sequenceOf(key));
          else deleteKey(batch, key);
        }
      });
      if (keys.length < PAGE) return;
    }
  }

  async #clearMessages(): Promise<void> {
    const { index, commit } = this.#options;
    const messages = this.#messages;
    this.#messages = [];
    for (let at = 0; at < messages.length && !this.#isStopped; at += PAGE) {
      const page = messages.slice(at, at + PAGE);
      await commit((batch) => {
        for (const sequence of page) if (!index.references.has(sequence)) deleteKey(batch, messageKey(sequence));
      });
    }
  }
}

function sequenceOf(key: Buffer): number {
  const reader = keyReader(key);
  reader.uint56();
  return reader.uint56();
}
