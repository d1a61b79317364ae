import { Batch } from './batch.ts';

/** A timer: calls back once after so many milliseconds, unless what it returns is called before. */
export type Schedule = (callback: () => void, ms: number) => () => void;

/** Node's timers. */
export const scheduleTimeout: Schedule = (callback, ms) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

/** What GroupCommit needs of its owner. */
export interface GroupCommitOptions {
  /** The ticket up to which all is on disk at the beginning. */
  readonly committed: number;
  /** Above this a batch is sealed, and the next one waits behind it. */
  readonly maxBatchBytes: number;
  /** How long lazy operations alone wait for company. */
  readonly lazyDelayMs: number;
  readonly schedule: Schedule;
  /** The last words of a batch, before it is written for the first time. */
  seal(batch: Batch): void;
  /** Resolves when the batch is on disk. May be asked for the same batch again, after `resume()`. */
  write(batch: Batch): Promise<void>;
  onCommitted(batch: Batch): void;
  /** Writing has failed; nothing more is written until `resume()`. */
  onFailed(error: unknown): void;
}

interface Waiter {
  readonly ticket: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const BATCH_CAPACITY = 64 * 1024;
/** Batches that a large message has blown up are not kept for the next. */
const MAX_KEPT_CAPACITY = 2 * 1024 * 1024;

/**
 * Group commit: one batch is being written, the next fills meanwhile. When nothing is under way a batch starts at the
 * end of the turn of the event loop, so that all that arrived in it shares one sync. One `setImmediate` and one promise a
 * batch, none an operation.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #filling = new Batch(BATCH_CAPACITY);
  #spare: Batch | undefined;
  /** Full or being written, oldest first. */
  readonly #sealed: Batch[] = [];
  #sealedBytes = 0;
  #isWriting = false;
  #isHalted = false;
  #scheduled: NodeJS.Immediate | undefined;
  #cancelLazy: (() => void) | undefined;
  #waiters: Waiter[] = [];
  #committed: number;
  #stopped: { readonly error: unknown } | undefined;
  readonly #turnEnds = (): void => {
    this.#scheduled = undefined;
    this.#pump();
  };
  readonly #lazyIsDue = (): void => {
    this.#cancelLazy = undefined;
    this.#filling.isForced = true;
    this.#pump();
  };
  readonly #written = (): void => this.#handleWritten();
  readonly #failed = (error: unknown): void => this.#handleFailed(error);

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#committed = options.committed;
  }

  /** The batch that the next operation goes into. */
  get filling(): Batch {
    return this.#filling;
  }

  /** Bytes appended and not on disk. */
  get pendingBytes(): number {
    return this.#sealedBytes + this.#filling.bytes;
  }

  /** An operation has been put into `filling`. */
  added(ticket: number, isLazy: boolean): void {
    const batch = this.#filling;
    batch.ticket = ticket;
    if (!isLazy) {
      batch.isForced = true;
      this.#schedule();
    } else if (!batch.isForced && this.#cancelLazy === undefined) {
      this.#cancelLazy = this.#options.schedule(this.#lazyIsDue, this.#options.lazyDelayMs);
    }
  }

  /** Between operations that may be in different batches: closes one that is full. */
  endOperation(): void {
    if (this.#filling.bytes <= this.#options.maxBatchBytes) return;
    this.#seal();
    this.#schedule();
  }

  /** Resolves when everything up to a ticket is on disk. */
  flush(ticket: number): Promise<void> {
    if (ticket <= this.#committed) return Promise.resolve();
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped.error);
    this.#filling.isForced ||= this.#filling.ticket > 0;
    this.#schedule();
    return new Promise((resolve, reject) => this.#waiters.push({ ticket, resolve, reject }));
  }

  /** Goes on after a failure, with the batch that failed. */
  resume(): void {
    if (this.#stopped !== undefined) return;
    this.#isHalted = false;
    this.#pump();
  }

  /** Lets go of timers and refuses those who wait, now and later. Writes nothing any more. */
  stop(error: unknown): void {
    this.#stopped = { error };
    this.#isHalted = true;
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#cancelLazyTimer();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }

  #schedule(): void {
    if (this.#scheduled !== undefined || this.#isWriting || this.#isHalted) return;
    this.#scheduled = setImmediate(this.#turnEnds);
  }

  #pump(): void {
    if (this.#isWriting || this.#isHalted) return;
    if (this.#sealed.length === 0) {
      if (!this.#filling.isForced) return;
      this.#seal();
    }
    const batch = this.#sealed[0];
    if (batch === undefined) return;
    this.#isWriting = true;
    this.#options.write(batch).then(this.#written, this.#failed);
  }

  #seal(): void {
    const batch = this.#filling;
    this.#options.seal(batch);
    this.#sealed.push(batch);
    this.#sealedBytes += batch.bytes;
    this.#filling = this.#spare ?? new Batch(BATCH_CAPACITY);
    this.#spare = undefined;
    this.#cancelLazyTimer();
  }

  #cancelLazyTimer(): void {
    this.#cancelLazy?.();
    this.#cancelLazy = undefined;
  }

  #handleWritten(): void {
    this.#isWriting = false;
    const batch = this.#sealed.shift();
    if (batch === undefined) return;
    this.#sealedBytes -= batch.bytes;
    this.#committed = batch.ticket;
    this.#options.onCommitted(batch);
    if (batch.capacity <= MAX_KEPT_CAPACITY) {
      batch.clear();
      this.#spare = batch;
    }
    if (this.#waiters.length > 0) this.#releaseWaiters();
    // Whoever was told of the commit, or is about to be read, adds to the next batch: it starts when the turn ends.
    if (this.#sealed.length > 0) this.#pump();
    else if (this.#filling.isForced) this.#schedule();
  }

  #handleFailed(error: unknown): void {
    this.#isWriting = false;
    this.#isHalted = true;
    this.#options.onFailed(error);
  }

  #releaseWaiters(): void {
    const due = this.#waiters.filter((waiter) => waiter.ticket <= this.#committed);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.ticket > this.#committed);
    for (const waiter of due) waiter.resolve();
  }
}
