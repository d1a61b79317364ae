/** A record ended where more had to come, or holds what cannot be. Whoever opened it says which one it was. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

/** Reads what a RecordWriter wrote, from one record. Throws RecordError at its end. */
export class RecordReader {
  #bytes: Buffer;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.byteLength) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  get at(): number {
    return this.#at;
  }

  uint8(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  uint56(): number {
    const at = this.#take(7);
    return this.#bytes.readUIntBE(at, 3) * 2 ** 32 + this.#bytes.readUInt32BE(at + 3);
  }

  float64(): number {
    return this.#bytes.readDoubleBE(this.#take(8));
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.uint8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RecordError('a length has no end');
  }

  /** UTF-8 to the end of the record. */
  utf8(): string {
    const at = this.#take(this.left);
    return this.#bytes.toString('utf8', at, this.#end);
  }

  string(): string {
    const length = this.varint();
    const at = this.#take(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** A view, not a copy: values that LevelDB hands out have bytes of their own. */
  binary(): Uint8Array {
    const length = this.varint();
    const at = this.#take(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw new RecordError('it ends too early');
    this.#at = at + count;
    return at;
  }
}
