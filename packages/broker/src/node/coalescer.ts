import type { Drain } from '@hawser/protocol';

/** A piece of at least this many bytes goes out where it lies; smaller ones are copied together. */
const COPY_BELOW = 2048;
/** A whole flush under this many bytes is copied, so that a stuck reader holds no large shared buffer. */
const COPY_ALL_BELOW = 1024;

/** Makes the chunks of one write out of the pieces of an Output. One for a node, reused for each flush. */
export class Coalescer implements Drain {
  readonly #bytes: Uint8Array[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #count = 0;
  #total = 0;
  /** The view made last: members of a group send the same one. */
  #view: Uint8Array = Buffer.alloc(0);
  #viewOf: Uint8Array = this.#view;
  #viewStart = -1;
  #viewEnd = -1;

  add(bytes: Uint8Array, start: number, end: number): void {
    const at = this.#count++;
    this.#bytes[at] = bytes;
    this.#starts[at] = start;
    this.#ends[at] = end;
    this.#total += end - start;
  }

  /** Bytes added since the last `take`. */
  get total(): number {
    return this.#total;
  }

  /** What was added, in order, in as few chunks as is cheap. */
  take(): readonly Uint8Array[] {
    const count = this.#count;
    const total = this.#total;
    const chunks: Uint8Array[] = [];
    if (total < COPY_ALL_BELOW) {
      if (total > 0) chunks.push(this.#copy(0, count, total));
    } else {
      let from = 0;
      let run = 0;
      for (let i = 0; i < count; i++) {
        const length = (this.#ends[i] as number) - (this.#starts[i] as number);
        if (length < COPY_BELOW) {
          run += length;
          continue;
        }
        if (run > 0) chunks.push(this.#copy(from, i, run));
        chunks.push(this.#viewAt(i));
        run = 0;
        from = i + 1;
      }
      if (run > 0) chunks.push(this.#copy(from, count, run));
    }
    this.#count = 0;
    this.#total = 0;
    this.#bytes.length = 0;
    return chunks;
  }

  #copy(from: number, to: number, size: number): Uint8Array {
    const copy = Buffer.allocUnsafeSlow(size);
    let at = 0;
    for (let i = from; i < to; i++) {
      const bytes = this.#bytes[i] as Uint8Array;
      const start = this.#starts[i] as number;
      const end = this.#ends[i] as number;
      if (end - start < 24) for (let j = start; j < end; j++) copy[at++] = bytes[j] as number;
      else {
        copy.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start), at);
        at += end - start;
      }
    }
    return copy;
  }

  #viewAt(i: number): Uint8Array {
    const bytes = this.#bytes[i] as Uint8Array;
    const start = this.#starts[i] as number;
    const end = this.#ends[i] as number;
    if (this.#viewOf !== bytes || this.#viewStart !== start || this.#viewEnd !== end) {
      this.#view = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset + start, end - start);
      this.#viewOf = bytes;
      this.#viewStart = start;
      this.#viewEnd = end;
    }
    return this.#view;
  }
}
