import type { Framing, OpenSource, Output } from '@hawser/protocol';
import type { Flushable, FlushQueue } from '../node/flush-queue.ts';
import type { TurnBudget } from '../node/turn-budget.ts';

/** A connection that shares bytes with others. */
export interface Member {
  readonly output: Output;
  /** Writes what has collected. */
  flushOutput(now: number): void;
}

/** The buffers of all groups of a node. */
export interface SegmentPool {
  /** What they have in all. */
  bytes: number;
  /** Over this (`fanout.segmentBytes`) a group gives its buffer back after every turn. */
  limit: number;
}

const FIRST_BYTES = 4096;
const MOST_BYTES = 1024 * 1024;
const NO_BYTES = new Uint8Array(0);

/**
 * Connections that get the very same bytes, frames of a WebSocket too: a packet is appended once to the group's segment, and each
 * member's output has an open reference into it. Members do not change while the group lives; one that writes bytes of its own closes its
 * reference, and the group's next frame opens it again. The order of bytes on each connection is exact.
 */
export class FanoutGroup implements OpenSource, Flushable {
  bytes: Uint8Array = NO_BYTES;
  end = 0;
  frames = 0;
  readonly members: readonly Member[];
  /** Routes that use it. */
  uses = 0;
  /** A member does not read, and what waits for it is over its bound: publishers should wait. */
  congested = false;
  /** Of all its members: what they share has its frames already. */
  readonly #framing: Framing | undefined;
  readonly #flushQueue: FlushQueue;
  readonly #turn: TurnBudget;
  readonly #pool: SegmentPool;
  #detached: Output[];
  #dirty = false;
  #turnStart = 0;
  #lastTurnBytes = 0;
  /** Members that were flushed already, when a turn had no time for all of them. */
  #flushed = 0;
  /** Frames came after the first of the members were flushed. */
  #isAppended = false;

  constructor(members: readonly Member[], flushQueue: FlushQueue, turn: TurnBudget, pool: SegmentPool) {
    this.members = members;
    this.#framing = members[0]?.output.framing;
    this.#turn = turn;
    this.#pool = pool;
    this.#flushQueue = flushQueue;
    this.#detached = members.map((member) => member.output);
  }

  /** Room for a packet in `this.bytes`, at the offset returned; it is part of every member's output from now on. */
  append(size: number): number {
    const framing = this.#framing;
    const whole = framing === undefined ? size : size + framing.headerBytes(size);
    if (!this.#dirty) {
      this.#dirty = true;
      this.#turnStart = this.end;
      this.#flushQueue.add(this);
    } else if (this.#flushed > 0) this.#isAppended = true;
    if (this.end + whole > this.bytes.length) this.#renew(whole);
    if (this.#detached.length > 0) this.#attach();
    const end = this.end + whole;
    this.end = end;
    this.frames++;
    if (framing !== undefined) framing.writeHeader(this.bytes, end - size, size);
    return end - size;
  }

  onDetached(output: Output): void {
    this.#detached.push(output);
  }

  flush(now: number): boolean {
    const { members } = this;
    if (this.#flushed === 0) this.congested = false;
    while (this.#flushed < members.length) {
      if (this.#turn.isOver) return true;
      const member = members[this.#flushed++] as Member;
      const output = member.output;
      // One that is not attached has bytes of its own and is flushed for itself.
      if (output.source === this) member.flushOutput(now);
      if (output.congested) this.congested = true;
    }
    this.#flushed = 0;
    if (this.#isAppended) {
      this.#isAppended = false;
      return true;
    }
    this.#dirty = false;
    this.#lastTurnBytes = Math.max(this.#lastTurnBytes >> 1, this.end - this.#turnStart);
    const isFull = this.bytes.length - this.end < Math.max(this.#lastTurnBytes, 1024);
    if (isFull || this.uses === 0 || this.#pool.bytes > this.#pool.limit) this.#close();
    return false;
  }

  /** No route uses it any more. What it has in this turn still goes out. */
  retire(): void {
    if (!this.#dirty) this.#close();
  }

  #attach(): void {
    const detached = this.#detached;
    this.#detached = [];
    for (const output of detached) output.open(this);
  }

  /** Nobody has an open reference any more; what was covered stays with the members. */
  #close(): void {
    for (const member of this.members) if (member.output.source === this) member.output.detach();
    this.#pool.bytes -= this.bytes.length;
    this.bytes = NO_BYTES;
    this.end = 0;
    this.#turnStart = 0;
  }

  #renew(size: number): void {
    const used = this.end - this.#turnStart;
    this.#close();
    const wanted = Math.max(FIRST_BYTES, size * 2, Math.min(MOST_BYTES, 2 * Math.max(used, this.#lastTurnBytes)));
    this.#lastTurnBytes = Math.max(this.#lastTurnBytes, used);
    this.bytes = new Uint8Array(wanted);
    this.#pool.bytes += wanted;
  }
}
