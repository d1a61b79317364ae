import type { Delivery } from './message.ts';

/** First in, first out, with the first element found in constant time. */
export class Fifo<T> {
  /** Made with the first item: most queues never have one. */
  #items: (T | undefined)[] | undefined;
  #head = 0;

  get length(): number {
    return this.#items === undefined ? 0 : this.#items.length - this.#head;
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
    if (items === undefined || this.#head === items.length) return undefined;
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
    if (this.#items !== undefined) this.#items.length = 0;
    this.#head = 0;
  }

  *[Symbol.iterator](): Iterator<T> {
    const items = this.#items ?? [];
    for (let i = this.#head; i < items.length; i++) yield items[i] as T;
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
}

/**
 * Messages that wait for a session, bounded by count and by bytes. Those in memory are the front of it; `paged` more,
 * with `pagedBytes`, are only in the store, behind them.
 */
export class MessageQueue {
  readonly front = new Fifo<Delivery>();
  paged = 0;
  pagedBytes = 0;
  #frontBytes = 0;

  get length(): number {
    return this.front.length + this.paged;
  }

  get bytes(): number {
    return this.#frontBytes + this.pagedBytes;
  }

  push(delivery: Delivery): void {
    this.front.push(delivery);
    this.#frontBytes += delivery.size;
  }

  shift(): Delivery | undefined {
    const delivery = this.front.shift();
    if (delivery !== undefined) this.#frontBytes -= delivery.size;
    return delivery;
  }

  isFull(bounds: QueueBounds, size: number): boolean {
    return this.length >= bounds.messages || this.bytes + size > bounds.bytes;
  }

  removeWhere(drop: (delivery: Delivery) => boolean): Delivery[] {
    const removed = this.front.removeWhere(drop);
    for (const delivery of removed) this.#frontBytes -= delivery.size;
    return removed;
  }

  clear(): void {
    this.front.clear();
    this.#frontBytes = 0;
    this.paged = 0;
    this.pagedBytes = 0;
  }
}
