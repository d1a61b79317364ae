import type { PacketOutput } from '@hawser/protocol';

/** What is too large for the buffer gets another; a larger one is not kept for what comes next. */
const BUFFER_BYTES = 16 * 1024;
/** Over this many bytes that the network does not take, messages wait in their queue. */
const CONGESTED_BYTES = 1024 * 1024;

/**
 * What a connection is to send at the end of the turn. Bytes that were taken out are never written over: the network may hold
 * them for as long as it likes.
 */
export class SendBuffer implements PacketOutput {
  /** What has not been taken out yet, and room behind it. */
  target: Uint8Array = new Uint8Array(0);
  /** The network takes nothing now. */
  blocked = false;
  readonly #onDirty: () => void;
  #length = 0;

  /** `onDirty`: it was empty, and is not any more. */
  constructor(onDirty: () => void) {
    this.#onDirty = onDirty;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get congested(): boolean {
    return this.blocked && this.#length > CONGESTED_BYTES;
  }

  own(size: number): number {
    const at = this.#length;
    if (at === 0) this.#onDirty();
    this.#length += size;
    if (this.#length > this.target.length) {
      const waiting = this.target.subarray(0, at);
      this.target = new Uint8Array(Math.max(BUFFER_BYTES, 2 * at, this.#length));
      this.target.set(waiting);
    }
    return at;
  }

  /** All that waits. */
  take(): Uint8Array {
    const bytes = this.target.subarray(0, this.#length);
    this.target = this.target.subarray(this.#length > BUFFER_BYTES ? this.target.length : this.#length);
    this.#length = 0;
    return bytes;
  }
}
