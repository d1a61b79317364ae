const SLAB_BYTES = 64 * 1024;

/**
 * Where connections write their own bytes: one for the whole node, never a buffer per connection. Append-only; a full
 * one is left to the garbage collector, which frees it when the last connection has drained its pieces.
 *
 * It also knows what waits, in all, in outputs whose peers do not read, so that the node's bound can be held.
 */
export class Slab {
  /** The buffer that the last `reserve` gave a place in. */
  bytes: Uint8Array;
  /** Bytes that wait in outputs whose peers do not read, and how many such outputs there are. */
  waitingBytes = 0;
  waitingOutputs = 0;
  /** PUBLISH packets that connections wrote for themselves, and bytes of their payloads. */
  publishes = 0;
  payloadBytes = 0;
  /** What may wait in all (`limits.outputBytesNode`). */
  limit = Number.POSITIVE_INFINITY;
  #chunk: number;
  readonly #largestChunk: number;
  #used = 0;

  /** Buffers begin with `firstChunk` bytes and double up to `largestChunk`. */
  constructor(firstChunk: number = SLAB_BYTES, largestChunk: number = SLAB_BYTES) {
    this.#chunk = firstChunk;
    this.#largestChunk = largestChunk;
    this.bytes = new Uint8Array(firstChunk);
  }

  /** More than half of what may wait in all does: from here on every waiting output has an equal share of the rest. */
  get isShort(): boolean {
    return this.waitingBytes > this.limit / 2;
  }

  /** What may wait in one output: its own bound, or less when there is little left. */
  boundOf(limit: number): number {
    return this.isShort ? Math.min(limit, this.limit / 2 / Math.max(1, this.waitingOutputs)) : limit;
  }

  /** A place for `size` bytes in `this.bytes`: its offset. Large pieces get a buffer of their own. */
  reserve(size: number): number {
    let at = this.#used;
    if (at + size > this.bytes.length) {
      this.#chunk = Math.min(this.#chunk * 2, this.#largestChunk);
      this.bytes = new Uint8Array(Math.max(this.#chunk, size));
      at = 0;
    }
    this.#used = at + size;
    return at;
  }
}
