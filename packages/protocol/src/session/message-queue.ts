import type { Delivery } from './message.ts';

/** First in, first out, with the first element found in constant time. */
export class Fifo<T> {
  /** Made with the first item: most queues never have one. */
  #items: (T | undefined)[] | undefined;
  #head = 0;

  get length(): number {
    return this.#items ? this.#items.length - this.#head : 0;
  }

  push(item: T): void {
    this.#items ??= [];
    this.#items.push(item);
  }

  peek(): T | undefined {
    return this.#items?.[this.#head];
  }

  shift(): T | undefined {
    const items = this.#items;
    if (!items || this.#head === items.length) return undefined;
    const item = items[this.#head];
    items[this.#head++] = undefined;
    if (this.#head === items.length) this.clear();
    else if (this.#head > 1024 && this.#head * 2 > items.length) {
      this.#items = items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    if (this.#items) this.#items.length = 0;
    this.#head = 0;
  }

  /** Over those that are there now. */
  [Symbol.iterator](): Iterator<T> {
    return ((this.#items ?? []) as T[]).slice(this.#head).values();
  }

  /** Takes out all that `drop` says, keeping order; returns them. */
  removeWhere(drop: (item: T) => boolean): T[] {
    const removed: T[] = [];
    const kept: T[] = [];
    for (const item of this) (drop(item) ? removed : kept).push(item);
    if (removed.length > 0) {
      this.#items = kept;
      this.#head = 0;
    }
    return removed;
  }
}

/** What bounds a session's queue. */
export interface QueueBounds {
  /** Messages (`queue.messages`). */
  readonly messages: number;
  /** Bytes of topics and payloads (`queue.bytes`). */
  readonly bytes: number;
  /** What happens to who comes when it is full (`queue.policy`). */
  readonly policy: 'drop-oldest' | 'drop-newest' | 'keep-last-per-topic' | 'refuse';
  /** How long a message is kept for who is not connected, milliseconds (`queue.age`); absent: for ever. */
  readonly ageMs?: number;
}

/** What all queues of a node hold in memory, and may (`queues.memoryBytes`). One object for all of them. */
export interface QueueMemory {
  bytes: number;
  readonly maximum: number;
}

/** What a message in memory costs beside its topic and payload. */
const OVERHEAD = 160;

/**
 * Messages that wait for a session, bounded by count and by bytes. Those in memory are the front of it; `paged` more,
 * with `pagedBytes`, are only in the store, behind them.
 */
export class MessageQueue {
  readonly front = new Fifo<Delivery>();
  /** Below 0: more has been read of it than was counted so far. */
  paged = 0;
  pagedBytes = 0;
  /** No message in memory expires before this. */
  earliestExpiryMs = Number.POSITIVE_INFINITY;
  #frontBytes = 0;
  readonly #memory: QueueMemory | undefined;

  constructor(memory?: QueueMemory) {
    this.#memory = memory;
  }

  get length(): number {
    return this.front.length + Math.max(0, this.paged);
  }

  get bytes(): number {
    return this.#frontBytes + Math.max(0, this.pagedBytes);
  }

  /** All queues of the node together hold more than they may. */
  get isMemoryFull(): boolean {
    return this.#memory !== undefined && this.#memory.bytes >= this.#memory.maximum;
  }

  push(delivery: Delivery): void {
    this.front.push(delivery);
    if (delivery.message.expiresAtMs < this.earliestExpiryMs) this.earliestExpiryMs = delivery.message.expiresAtMs;
    this.#count(1, delivery.size);
  }

  shift(): Delivery | undefined {
    const delivery = this.front.shift();
    if (delivery !== undefined) this.#count(-1, -delivery.size);
    return delivery;
  }

  removeWhere(drop: (delivery: Delivery) => boolean): Delivery[] {
    const removed = this.front.removeWhere(drop);
    for (const delivery of removed) this.#count(-1, -delivery.size);
    return removed;
  }

  /** Takes out of memory what has expired. */
  removeExpired(now: number): Delivery[] {
    if (now < this.earliestExpiryMs) return [];
    const removed = this.removeWhere((delivery) => delivery.message.isExpired(now));
    this.earliestExpiryMs = Number.POSITIVE_INFINITY;
    for (const { message } of this.front) {
      if (message.expiresAtMs < this.earliestExpiryMs) this.earliestExpiryMs = message.expiresAtMs;
    }
    return removed;
  }

  /** All of it is only in the store from now on. */
  pageOut(): void {
    this.paged = this.length;
    this.pagedBytes = this.bytes;
    this.#clearFront();
  }

  clear(): void {
    this.#clearFront();
    this.paged = 0;
    this.pagedBytes = 0;
  }

  #clearFront(): void {
    this.#count(-this.front.length, -this.#frontBytes);
    this.front.clear();
    this.earliestExpiryMs = Number.POSITIVE_INFINITY;
  }

  #count(messages: number, bytes: number): void {
    this.#frontBytes += bytes;
    if (this.#memory !== undefined) this.#memory.bytes += bytes + messages * OVERHEAD;
  }
}
