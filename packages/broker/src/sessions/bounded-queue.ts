import type { Delivery } from '../messages/delivery.ts';
import { MessageQueue, type QueueBounds, type QueueMemory } from './message-queue.ts';

/**
 * Why a message did not reach the session it was for. `superseded`: a newer one of its topic took its place
 * (`keep-last-per-topic`); `no-longer-permitted`: its receiver may not have it any more; `too-old`: it waited for longer than messages are kept for who is not connected.
 */
export type DropCause =
  | 'queue-full'
  | 'superseded'
  | 'too-old'
  | 'expired'
  | 'packet-too-large'
  | 'slow-consumer'
  | 'rejected-by-receiver'
  | 'no-longer-permitted';

/** Whom a queue tells what becomes of its messages, and who reads for it what is only in the store. */
export interface QueueHost {
  /** A message has left it for good. */
  storeDequeued(delivery: Delivery): void;
  /**
   * The queue goes on in the store after this sequence: answer with `Session.onPage`, later, or `queue.onPageFailed`.
   * `messages`: so many are wanted at least, however large a page is.
   */
  requestPage(afterSequence: number, messages: number): void;
  /** A message was lost. */
  onDropped(cause: DropCause, delivery: Delivery): void;
}

export interface QueueOptions {
  readonly bounds: QueueBounds;
  /** Messages of the queue that are held in memory while nobody reads them; the others are in the store. Infinity: all. */
  readonly pageSize: number;
  /** What all queues of the node hold in memory; absent: nobody counts. */
  readonly memory?: QueueMemory;
}

/**
 * A session's queue with its bounds and its policy. The oldest messages are in memory, up to a page; the others are only in the
 * store and are read as those in front leave. What comes behind them and is not stored (the store takes nothing more, or the
 * session ends with its connection) waits in memory until they are read. What a bound drops is told to the host, each message once.
 */
export class BoundedQueue extends MessageQueue {
  /** Somebody is connected to take what is in it. */
  isServed = false;
  readonly #host: QueueHost;
  readonly #bounds: QueueBounds;
  readonly #pageSize: number;
  /** The last message that was brought into memory, and the last that is only in the store. */
  #lastSequence = 0;
  #tailSequence = 0;
  #tailWhenRequested = 0;
  #pageRequested = false;
  #isCounted = true;

  constructor(host: QueueHost, options: QueueOptions) {
    super(options.memory);
    this.#host = host;
    this.#bounds = options.bounds;
    this.#pageSize = options.pageSize;
  }

  get policy(): QueueBounds['policy'] {
    return this.#bounds.policy;
  }

  /** How much is only in the store is known. */
  get isCounted(): boolean {
    return this.#isCounted;
  }

  /** Part of it is only in the store. */
  get isBehind(): boolean {
    return this.#tailSequence > this.#lastSequence;
  }

  /** Another message of this size is over a bound: its own or, where it cannot wait in the store alone, the node's. */
  isFull(size: number): boolean {
    const { messages, bytes } = this.#bounds;
    return this.length >= messages || this.bytes + size > bytes || this.#isMemoryOver;
  }

  /** Whether a message may join, which older ones then leave. False: it is the one that is dropped, and that is told. */
  admits(delivery: Delivery, now: number): boolean {
    const { policy, messages, bytes } = this.#bounds;
    // One that would not fit an empty queue drives nobody out.
    const fits = messages > 0 && delivery.size <= bytes;
    if (fits && !this.isFull(delivery.size)) return true;
    this.dropStale(now);
    if (fits && (policy === 'drop-oldest' || policy === 'keep-last-per-topic' || !this.isFull(delivery.size)))
      return true;
    this.#host.onDropped('queue-full', delivery);
    return false;
  }

  /** Adds one that was admitted, and is in the store already if it is stored. False: it waits there alone. */
  add(delivery: Delivery, canSendNow: boolean): boolean {
    const isStored = delivery.sequence > 0;
    const isHeld = !this.isBehind && (!isStored || canSendNow || this.#holdsMore);
    if (isHeld) {
      if (isStored) this.#lastSequence = delivery.sequence;
      this.#hold(delivery);
    } else if (isStored) {
      this.countPaged(delivery);
      this.#tailSequence = delivery.sequence;
    }
    // [MQTT5-4.6.0-6]
    else this.pushBack(delivery);
    if (!canSendNow) this.#enforceBounds(delivery.size);
    if (!isHeld) this.requestPageWhenDue();
    return isHeld;
  }

  /**
   * What waits in memory behind the store goes there after all, in order, as far as the store takes it: `store` gives a message its
   * sequence, or leaves it 0. To be called before another message is stored.
   */
  storeBack(store: (delivery: Delivery) => void): void {
    for (let next = this.back.peek(); next !== undefined; next = this.back.peek()) {
      store(next);
      if (next.sequence === 0) return;
      this.pageOutBack();
      this.#tailSequence = next.sequence;
    }
  }

  /** A queue of which nothing has been read yet, without handshakes under way; `lastSequence`: none of it has a higher one. */
  restore(messages: number, bytes: number, lastSequence: number): void {
    this.paged = messages;
    this.pagedBytes = bytes;
    this.#tailSequence = lastSequence;
    // The bounds may be others now.
    this.#enforceBounds();
  }

  /** A queue of which something may be in the store that nobody has counted; `onCounted` says how much. */
  restoreUncounted(lastSequence: number): void {
    this.#tailSequence = lastSequence;
    this.#isCounted = false;
  }

  /** What was in the store when it was restored. */
  onCounted(messages: number, bytes: number): void {
    if (this.#isCounted) return;
    this.#isCounted = true;
    this.paged += messages;
    this.pagedBytes += bytes;
    this.#enforceBounds();
  }

  /** A page, as it was when it was asked for; `complete`: there was nothing behind it. `skip`: it is under way, or done. */
  takePage(
    deliveries: readonly Delivery[],
    complete: boolean,
    now: number,
    skip: (delivery: Delivery) => boolean,
  ): void {
    this.#pageRequested = false;
    for (const delivery of deliveries) {
      this.#lastSequence = delivery.sequence;
      if (skip(delivery)) continue;
      this.paged--;
      this.pagedBytes -= delivery.size;
      this.#hold(delivery);
    }
    if (complete) this.#lastSequence = Math.max(this.#lastSequence, this.#tailWhenRequested);
    if (!this.isBehind) {
      this.#isCounted = true;
      this.paged = 0;
      this.pagedBytes = 0;
      for (let next = this.shiftBack(); next !== undefined; next = this.shiftBack()) this.#hold(next);
    }
    if (!this.isServed) this.dropStale(now);
    this.#enforceBounds();
    this.#lookFurther();
    if (this.isMemoryFull) this.#releaseMemory();
  }

  /** The page that was asked for cannot be read now; it is asked for again when something happens. */
  onPageFailed(): void {
    this.#pageRequested = false;
  }

  /** Looks whether something waits for longer than it may; now and then, for who is not connected. */
  sweep(now: number): void {
    if (this.isServed || this.length === 0) return;
    this.dropStale(now);
    this.#lookFurther();
  }

  /** Drops what has expired, and what has waited for too long. Of the latter those in front: they came first. */
  dropStale(now: number): void {
    for (const delivery of this.removeExpired(now)) this.drop('expired', delivery);
    const { ageMs } = this.#bounds;
    if (ageMs === undefined) return;
    for (let oldest = this.front.peek(); oldest !== undefined; oldest = this.front.peek()) {
      if (now - oldest.message.receivedAtMs < ageMs) return;
      this.shift();
      this.drop('too-old', oldest);
    }
  }

  /** A message that was taken out is lost. */
  drop(cause: DropCause, delivery: Delivery): void {
    this.#host.onDropped(cause, delivery);
    if (delivery.sequence > 0) this.#host.storeDequeued(delivery);
  }

  requestPageWhenDue(): void {
    if (!this.isBehind) return;
    if (!this.#isPaging || (this.isServed && this.front.length <= this.#pageSize / 2)) this.#requestPage();
  }

  /**
   * Keeps nothing in memory that is in the store as well, to be read again when somebody wants it. Not while it is being
   * read or sent.
   */
  #releaseMemory(): void {
    const first = this.front.peek();
    if (first === undefined || first.sequence === 0) return;
    if (this.isServed || this.#pageRequested || !this.#isPaging || this.back.length > 0) return;
    this.#tailSequence = Math.max(this.#tailSequence, this.#lastSequence);
    this.#lastSequence = first.sequence - 1;
    for (let next = this.shift(); next !== undefined; next = this.shift()) {
      if (next.sequence > 0) this.countPaged(next);
      else this.pushBack(next);
    }
  }

  /** Puts a message behind those in memory. */
  #hold(delivery: Delivery): void {
    if (this.policy === 'keep-last-per-topic' && this.front.length > 0) {
      const { name } = delivery.message.topic;
      for (const older of this.removeWhere((held) => held.message.topic.name === name)) this.drop('superseded', older);
    }
    this.push(delivery);
  }

  /**
   * The oldest go until it is within its bounds; those that are only in the store, once they have been read. For the bound of the node as
   * much goes as has come: what other sessions hold as well makes no room.
   */
  #enforceBounds(added = 0): void {
    let left = added;
    if (!this.#isOver(left) || this.policy === 'drop-newest' || this.policy === 'refuse') return;
    // What is superseded by something behind it makes room too: first all of it must be here.
    if (this.policy === 'keep-last-per-topic' && this.isBehind) {
      this.#requestPage();
      return;
    }
    while (this.#isOver(left)) {
      const oldest = this.#isOverOwnBounds ? this.shift() : this.#oldestOnlyHere();
      if (oldest === undefined) {
        if (this.isBehind) this.#requestPage();
        return;
      }
      left -= oldest.size;
      // Not a second one for the sake of a few bytes.
      if (left < oldest.size / 2) left = 0;
      this.drop('queue-full', oldest);
    }
  }

  /** `left`: bytes that are still to make room for what has come. */
  #isOver(left: number): boolean {
    if (this.#isOverOwnBounds) return true;
    if (!this.#isMemoryOver) return false;
    return this.isMemoryExceeded || (left > 0 && this.length > 1);
  }

  get #isOverOwnBounds(): boolean {
    const { messages, bytes } = this.#bounds;
    return this.length > messages || this.bytes > bytes;
  }

  /** Takes out what came first of that which the store could not give back. */
  #oldestOnlyHere(): Delivery | undefined {
    if (this.#isPaging) this.#releaseMemory();
    return this.back.length > 0 ? this.shiftBack() : this.shift();
  }

  /** The queues of the node hold too much in memory, and this one holds something that is nowhere else. */
  get #isMemoryOver(): boolean {
    return this.isMemoryFull && (this.#isPaging ? this.onlyHere > 0 : this.front.length > 0);
  }

  /** Part of it may be in the store alone. To know what supersedes what, all of it must be in memory. */
  get #isPaging(): boolean {
    return this.#pageSize !== Number.POSITIVE_INFINITY && this.policy !== 'keep-last-per-topic';
  }

  /** There is room for one more in memory. */
  get #holdsMore(): boolean {
    return !this.#isPaging || (this.front.length < this.#pageSize && !this.isMemoryFull);
  }

  /** All in memory has gone, and what is in the store may have waited for too long as well. */
  #lookFurther(): void {
    const mayBeStale = !this.isServed && this.#bounds.ageMs !== undefined;
    if (mayBeStale && this.front.length === 0 && this.isBehind) this.#requestPage();
  }

  #requestPage(): void {
    if (this.#pageRequested) return;
    this.#pageRequested = true;
    this.#tailWhenRequested = this.#tailSequence;
    // What is over the bound is read to be dropped: faster than more of it can come.
    this.#host.requestPage(this.#lastSequence, 2 * Math.max(0, this.length - this.#bounds.messages));
  }
}
