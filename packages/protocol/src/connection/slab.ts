const SLAB_BYTES = 64 * 1024;

/**
 * Where connections write their own bytes: one for the whole node, never a buffer per connection. Append-only; a full
 * one is left to the garbage collector, which frees it when the last connection has drained its pieces.
 */
export class Slab {
  /** The buffer that the last `reserve` gave a place in. */
  bytes: Uint8Array = new Uint8Array(SLAB_BYTES);
  #used = 0;

  /** A place for `size` bytes in `this.bytes`: its offset. Large pieces get a buffer of their own. */
  reserve(size: number): number {
    let at = this.#used;
    if (at + size > this.bytes.length) {
      this.bytes = new Uint8Array(Math.max(SLAB_BYTES, size));
      at = 0;
    }
    this.#used = at + size;
    return at;
  }
}
