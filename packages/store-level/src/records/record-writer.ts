/**
 * Bytes that grow at their end: a whole batch's keys and values one after the other, so that the hot path allocates
 * nothing. Numbers are big-endian, which makes their keys sort.
 */
export class RecordWriter {
  bytes: Buffer;
  /** How many of `bytes` are written. */
  length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  uint8(value: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = value;
  }

  uint16(value: number): void {
    this.#reserve(2);
    const bytes = this.bytes;
    bytes[this.length++] = value >>> 8;
    bytes[this.length++] = value;
  }

  uint32(value: number): void {
    this.#reserve(4);
    const bytes = this.bytes;
    bytes[this.length++] = value >>> 24;
    bytes[this.length++] = value >>> 16;
    bytes[this.length++] = value >>> 8;
    bytes[this.length++] = value;
  }

  /** Seven bytes: every safe integer from 0. */
  uint56(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.#reserve(7);
    const bytes = this.bytes;
    bytes[this.length++] = high >>> 16;
    bytes[this.length++] = high >>> 8;
    bytes[this.length++] = high;
    this.uint32(value >>> 0);
  }

  float64(value: number): void {
    this.#reserve(8);
    this.length = this.bytes.writeDoubleBE(value, this.length);
  }

  /** Seven bits a byte, lowest first, up to 2^32 - 1. */
  varint(value: number): void {
    this.#reserve(5);
    let left = value >>> 0;
    while (left >= 0x80) {
      this.bytes[this.length++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.bytes[this.length++] = left;
  }

  /** UTF-8 without its length: the end of a key. */
  utf8(text: string): void {
    this.#reserve(text.length * 3);
    const start = this.length;
    if (text.length <= 64) {
      const bytes = this.bytes;
      let at = 0;
      for (; at < text.length; at++) {
        const unit = text.charCodeAt(at);
        if (unit >= 0x80) break;
        bytes[start + at] = unit;
      }
      if (at === text.length) {
        this.length = start + at;
        return;
      }
    }
    this.length = start + this.bytes.write(text, start, 'utf8');
  }

  /** UTF-8 with its length in front. */
  string(text: string): void {
    if (text.length * 3 >= 0x80) {
      this.varint(Buffer.byteLength(text));
      this.utf8(text);
      return;
    }
    this.uint8(0);
    const start = this.length;
    this.utf8(text);
    this.bytes[start - 1] = this.length - start;
  }

  /** Bytes with their length in front. */
  binary(bytes: Uint8Array): void {
    this.varint(bytes.byteLength);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength);
    this.bytes.set(bytes, this.length);
    this.length += bytes.byteLength;
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    if (needed > this.bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
