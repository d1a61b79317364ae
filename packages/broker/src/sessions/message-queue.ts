import { Fifo } from '@hawser/protocol';
import type { Delivery } from '../messages/delivery.ts';

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

/**
 * What all sessions of a node hold of messages in memory, waiting or in flight, and may (`queues.memoryBytes`). A message that many of them
 * wait for counts once.
 */
export class QueueMemory {
  bytes = 0;
  maximum: number;

  constructor(maximum: number) {
    this.maximum = maximum;
  }

  hold(delivery: Delivery): void {
    const { message } = delivery;
    this.bytes += delivery.cost;
    if (message.holders++ === 0) this.bytes += message.cost;
  }

  release(delivery: Delivery): void {
    const { message } = delivery;
    this.bytes -= delivery.cost;
    if (--message.holders === 0) this.bytes -= message.cost;
  }
}

/** Times the maximum. */
const EXCEEDED = 1.25;

/**
 * Messages that wait for a session, bounded by count and by bytes, in three parts: `front` is in memory; behind it `paged`
 * messages with `pagedBytes` are only in the store; behind those `back` is only in memory, because the store did not take it.
 */
export class MessageQueue {
  readonly front = new Fifo<Delivery>();
  /** Empty, unless something is only in the store that came before. */
  readonly back = new Fifo<Delivery>();
  /** Below 0: more has been read of it than was counted so far. */
  paged = 0;
  pagedBytes = 0;
  /** No message in memory expires before this. */
  earliestExpiryMs = Number.POSITIVE_INFINITY;
  /** Of what is in memory. */
  #heldBytes = 0;
  /** Messages in memory that are nowhere else. */
  #onlyHere = 0;
  readonly memory: QueueMemory | undefined;

  constructor(memory?: QueueMemory) {
    this.memory = memory;
  }

  get length(): number {
    return this.front.length + Math.max(0, this.paged) + this.back.length;
  }

  get bytes(): number {
    return this.#heldBytes + Math.max(0, this.pagedBytes);
  }

  /** Messages in memory that are nowhere else. */
  get onlyHere(): number {
    return this.#onlyHere;
  }

  /** All sessions of the node together hold as much as they may. */
  get isMemoryFull(): boolean {
    return this.memory !== undefined && this.memory.bytes >= this.memory.maximum;
  }

  /** They hold so much more that giving up as much as comes does not help: others hold the same messages. */
  get isMemoryExceeded(): boolean {
    return this.memory !== undefined && this.memory.bytes >= EXCEEDED * this.memory.maximum;
  }

  push(delivery: Delivery): void {
    this.front.push(delivery);
    this.#countIn(delivery);
  }

  /** To the end, behind what is only in the store. */
  pushBack(delivery: Delivery): void {
    this.back.push(delivery);
    this.#countIn(delivery);
  }

  shift(): Delivery | undefined {
    const delivery = this.front.shift();
    if (delivery !== undefined) this.#countOut(delivery);
    return delivery;
  }

  shiftBack(): Delivery | undefined {
    const delivery = this.back.shift();
    if (delivery !== undefined) this.#countOut(delivery);
    return delivery;
  }

  removeWhere(drop: (delivery: Delivery) => boolean): Delivery[] {
    const removed = this.front.removeWhere(drop);
    if (this.back.length > 0) removed.push(...this.back.removeWhere(drop));
    for (const delivery of removed) this.#countOut(delivery);
    return removed;
  }

  /** Takes out of memory what has expired. */
  removeExpired(now: number): Delivery[] {
    if (now < this.earliestExpiryMs) return [];
    const removed = this.removeWhere((delivery) => delivery.message.isExpired(now));
    this.earliestExpiryMs = Number.POSITIVE_INFINITY;
    for (const part of [this.front, this.back]) {
      for (const { message } of part) {
        if (message.expiresAtMs < this.earliestExpiryMs) this.earliestExpiryMs = message.expiresAtMs;
      }
    }
    return removed;
  }

  /** A message that is not in memory is only in the store. */
  countPaged(delivery: Delivery): void {
    this.paged++;
    this.pagedBytes += delivery.size;
  }

  /** The first message of the back has just got its sequence, and is only in the store from now on. */
  pageOutBack(): void {
    const delivery = this.shiftBack();
    if (delivery === undefined) return;
    // It was counted when it had no sequence.
    this.#onlyHere--;
    this.countPaged(delivery);
  }

  clear(): void {
    while (this.shift() !== undefined);
    while (this.shiftBack() !== undefined);
    this.earliestExpiryMs = Number.POSITIVE_INFINITY;
    this.paged = 0;
    this.pagedBytes = 0;
  }

  #countIn(delivery: Delivery): void {
    if (delivery.message.expiresAtMs < this.earliestExpiryMs) this.earliestExpiryMs = delivery.message.expiresAtMs;
    if (delivery.sequence === 0) this.#onlyHere++;
    this.#heldBytes += delivery.size;
    this.memory?.hold(delivery);
  }

  #countOut(delivery: Delivery): void {
    if (delivery.sequence === 0) this.#onlyHere--;
    this.#heldBytes -= delivery.size;
    this.memory?.release(delivery);
  }
}
