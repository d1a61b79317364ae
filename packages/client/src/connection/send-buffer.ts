import type { PacketOutput } from '@hawser/protocol';

const FIRST_BYTES = 1024;
/** A larger buffer is not kept for what comes next. */
const KEPT_BYTES = 64 * 1024;
/** Over this many bytes that the network does not take, messages wait in their queue. */
const CONGESTED_BYTES = 1024 * 1024;

/**
 * What a connection is to send at the end of the turn. Bytes that were taken out are never written over: the network may hold
 * them for as long as it likes.
 */
export class SendBuffer implements PacketOutput {
  target: Uint8Array = new Uint8Array(FIRST_BYTES);
  /** The network takes nothing now. */
  blocked = false;
  readonly #onDirty: () => void;
  #start = 0;
  #end = 0;

  /** `onDirty`: it was empty, and is not any more. */
  constructor(onDirty: () => void) {
    this.#onDirty = onDirty;
  }

  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  get congested(): boolean {
    return this.blocked && this.#end - this.#start > CONGESTED_BYTES;
  }

  own(size: number): number {
    if (this.isEmpty) this.#onDirty();
    if (this.#end + size > this.target.length) {
      const waiting = this.target.subarray(this.#start, this.#end);
      this.target = new Uint8Array(Math.max(waiting.length + size, 2 * this.target.length));
      this.target.set(waiting);
      this.#start = 0;
      this.#end = waiting.length;
    }
    const at = this.#end;
    this.#end += size;
    return at;
  }

  /** All that waits. */
  take(): Uint8Array {
    const bytes = this.target.subarray(this.#start, this.#end);
    this.#start = this.#end;
    if (this.target.length > KEPT_BYTES) {
      this.target = new Uint8Array(FIRST_BYTES);
      this.#start = 0;
      this.#end = 0;
    }
    return bytes;
  }
}
