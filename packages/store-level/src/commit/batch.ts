import type { Ticket } from '@hawser/protocol';
import { crc32c } from '../records/crc32c.ts';
import { RecordWriter } from '../records/record-writer.ts';
import { RECORD_VERSION } from '../records/sealed-record.ts';

/** Where a batch's operations go in the end: a chained batch of LevelDB's. */
export interface BatchTarget {
  put(key: Uint8Array, value: Uint8Array): unknown;
  del(key: Uint8Array): unknown;
}

/**
 * Puts and deletes that reach the disk together, as bytes one after the other, so that they can be handed to LevelDB a
 * second time after an error.
 *
 * `key()`, then its bytes; for a put `value()`, then its bytes, then `endPut()`; for a delete `endDelete()`.
 */
export class Batch {
  readonly #writer: RecordWriter;
  /** Three of each operation: start of the key, start of the value (0: it is a delete), end. */
  #places = new Int32Array(3 * 64);
  #count = 0;
  #keyStart = 0;
  #valueStart = 0;
  /** Ticket of the last operation in it. */
  ticket: Ticket = 0;
  /** Something in it waits for the disk. */
  isForced = false;
  /** Its number, once it is sealed. */
  number = 0;

  constructor(capacity: number) {
    this.#writer = new RecordWriter(capacity);
  }

  /** Operations of LevelDB's, which are not those of the store. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#writer.length;
  }

  get capacity(): number {
    return this.#writer.bytes.length;
  }

  key(): RecordWriter {
    this.#keyStart = this.#writer.length;
    return this.#writer;
  }

  value(): RecordWriter {
    this.#valueStart = this.#writer.length;
    this.#writer.uint8(RECORD_VERSION);
    return this.#writer;
  }

  endPut(): void {
    const writer = this.#writer;
    writer.uint32(crc32c(writer.bytes, this.#keyStart, writer.length));
    this.#add(this.#valueStart);
  }

  endDelete(): void {
    this.#add(0);
  }

  /** Forgets what came after a place (`count` and `bytes` as they were). */
  rollBack(count: number, bytes: number): void {
    this.#count = count;
    this.#writer.length = bytes;
  }

  writeTo(target: BatchTarget): void {
    const bytes = this.#writer.bytes;
    for (let index = 0; index < this.#count * 3; index += 3) {
      const keyStart = this.#places[index] ?? 0;
      const valueStart = this.#places[index + 1] ?? 0;
      const end = this.#places[index + 2] ?? 0;
      if (valueStart === 0) target.del(bytes.subarray(keyStart, end));
      else target.put(bytes.subarray(keyStart, valueStart), bytes.subarray(valueStart, end));
    }
  }

  /** Empty again, to be filled anew. */
  clear(): void {
    this.rollBack(0, 0);
    this.ticket = 0;
    this.isForced = false;
    this.number = 0;
  }

  #add(valueStart: number): void {
    const at = this.#count * 3;
    if (at === this.#places.length) {
      const grown = new Int32Array(at * 2);
      grown.set(this.#places);
      this.#places = grown;
    }
    this.#places[at] = this.#keyStart;
    this.#places[at + 1] = valueStart;
    this.#places[at + 2] = this.#writer.length;
    this.#count++;
  }
}
