import {
  ownOperation,
  type Store,
  type StoreContents,
  type StoredQueueEntry,
  StoreError,
  type StoreOperation,
  type StoreSpace,
  StoreState,
  storedMessageSize,
  Tickets,
} from '@hawser/broker';
import type { Ticket } from '@hawser/protocol';

/**
 * A durable store whose disk is the test: nothing is committed until `commit()` or `commitAll()` says so, `crash()` is the
 * power going, `fail()` is a disk that refuses. What leaves the broker before its commit shows at once.
 */
export class HeldStore implements Store {
  readonly durable = true;
  onCommitted: ((committed: Ticket) => void) | undefined = undefined;
  onFault: ((fault: Error | undefined) => void) | undefined = undefined;
  /** All that was appended: what queues are read from. */
  readonly #live: StoreState;
  /** What a crash leaves. */
  readonly #disk: StoreState;
  /** What has one ticket is in one array. */
  #pending: StoreOperation[][] = [];
  readonly #tickets = new Tickets();
  #fault: Error | undefined;
  /** What `measure` answers; a test says what it is to be. */
  space: StoreSpace | undefined = undefined;
  /** Set before `open`: queues are counted when `finishCounting` says so, as those of a large store are. */
  countsLater = false;
  #finishCounting: (() => void) | undefined;
  /** How often it was asked to give back room. */
  compacted = 0;
  #pendingBytes = 0;
  #isOpen = false;
  #isCrashed = false;

  /** @param disk What is on the disk already; it is copied. */
  constructor(disk: StoreState = new StoreState()) {
    this.#live = disk.clone();
    this.#disk = disk.clone();
  }

  get committed(): Ticket {
    return this.#tickets.last - this.#pending.length;
  }

  get fault(): Error | undefined {
    return this.#fault;
  }

  /** Says what queues held when the store was opened. */
  finishCounting(): void {
    this.#finishCounting?.();
  }

  /** About what the operations of a LevelStore would take. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  async measure(): Promise<StoreSpace | undefined> {
    return this.space;
  }

  async compact(): Promise<void> {
    this.compacted++;
  }

  /** What was appended and is not committed, in order. */
  get pending(): readonly StoreOperation[] {
    return this.#pending.flat();
  }

  /** Ticket of the operation that was appended last. */
  get appended(): Ticket {
    return this.#tickets.last;
  }

  async open(): Promise<StoreContents> {
    if (this.#isOpen) throw new StoreError('store-not-open', 'This store is open already.');
    if (this.#isCrashed) throw new StoreError('store-not-open', 'This store has crashed: open what crash() returned.');
    this.#isOpen = true;
    const contents = this.#live.contents();
    if (!this.countsLater) return contents;
    const counting = new Promise<StoreContents['queues']>((resolve) => {
      this.#finishCounting = () => resolve(contents.queues);
    });
    return { ...contents, queues: [], counting };
  }

  append(operation: StoreOperation): Ticket {
    // Whoever lived before a crash may go on for a while, as a process that does not know yet that it is dead.
    if (this.#isCrashed) return this.#tickets.next();
    if (!this.#isOpen) throw new StoreError('store-not-open', 'The store is not open: call open() first.');
    const own = ownOperation(operation);
    const { isJoining } = this.#tickets;
    const ticket = this.#tickets.next();
    this.#live.apply(own);
    this.#pendingBytes += bytesOf(own);
    if (isJoining) this.#pending.at(-1)?.push(own);
    else this.#pending.push([own]);
    return ticket;
  }

  begin(): void {
    this.#tickets.begin();
  }

  end(): Ticket {
    return this.#tickets.end();
  }

  async readQueue(
    session: number,
    afterSequence: number,
    limit: { readonly messages: number; readonly bytes: number },
  ): Promise<readonly StoredQueueEntry[]> {
    if (this.#isCrashed) return [];
    if (!this.#isOpen) throw new StoreError('store-not-open', 'The store is not open: call open() first.');
    return this.#live.readQueue(session, afterSequence, limit);
  }

  /** Commits everything up to a ticket (all, by default) and tells it. Nothing happens during a fault. */
  commit(upTo: Ticket = this.#tickets.last): void {
    if (this.#fault !== undefined || this.#isCrashed) return;
    const count = Math.min(upTo, this.#tickets.last) - this.committed;
    if (count <= 0) return;
    for (const operation of this.#pending.slice(0, count).flat()) {
      this.#disk.apply(operation);
      this.#pendingBytes -= bytesOf(operation);
    }
    this.#pending = this.#pending.slice(count);
    this.onCommitted?.(this.committed);
  }

  /** Commits everything that was appended, also what is appended because of it. */
  commitAll(): void {
    while (this.#pending.length > 0 && this.#fault === undefined && !this.#isCrashed) this.commit();
  }

  /**
   * The power goes. This store commits nothing any more and tells nothing; the one returned (not open yet) holds what was
   * committed, and of what was not the first `survives` tickets: what was not synced may have reached the disk all the
   * same, but never a later operation without an earlier one, and a group whole or not at all.
   */
  crash(options: { readonly survives?: number } = {}): HeldStore {
    const disk = this.#disk.clone();
    for (const operation of this.#pending.slice(0, options.survives ?? 0).flat()) disk.apply(operation);
    this.#isCrashed = true;
    this.#isOpen = false;
    this.#pending = [];
    return new HeldStore(disk);
  }

  /** The disk refuses from now on: nothing is committed until `heal()`. */
  fail(error: Error = new StoreError('store-failed', 'The disk is full (a test says so).')): void {
    this.#fault = error;
    this.onFault?.(error);
  }

  /** The disk works again. What waits is committed by the next `commit()`. */
  heal(): void {
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    this.onFault?.(undefined);
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.commitAll();
    this.#isOpen = false;
    const lost = this.pending.length;
    if (lost > 0)
      throw new StoreError('store-failed', `${lost} operations could not be written.`, { cause: this.#fault });
  }
}

function bytesOf(operation: StoreOperation): number {
  return operation.kind === 'putQueued' ? 64 + storedMessageSize(operation.entry.message) : 64;
}
