import { copyBytes, writeUtf8 } from '#short-loops';
import { misuse, type UsageError } from '../errors.ts';
import { MAXIMUM_REMAINING_LENGTH } from '../types.ts';
import { MAXIMUM_STRING_BYTES, sizeOf } from './utf8.ts';

/** The bytes a Variable Byte Integer takes: 1 to 4 (section 1.5.5). */
export function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

/** The UsageError for a Remaining Length of `size` bytes. */
export function packetTooLarge(size: number): UsageError {
  return misuse('Remaining Length', 'packet-too-large', size);
}

/** Writes a Variable Byte Integer in its shortest form [MQTT5-1.5.5-1]. The value is the caller's to check. Returns the new offset. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/**
 * A buffer that grows and knows the integers and strings of MQTT. The first `length` bytes of `bytes` are what was
 * written; `bytes` is another array after it has grown. A caller error throws UsageError.
 */
export class PacketWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(initialSize = 128) {
    this.bytes = new Uint8Array(initialSize);
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value);
  }

  /** A Variable Byte Integer, 0 to 268,435,455. */
  varint(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > MAXIMUM_REMAINING_LENGTH) {
      throw misuse('Variable Byte Integer', 'integer-out-of-range', value);
    }
    this.reserve(4);
    this.length = writeVarint(this.bytes, this.length, value);
  }

  /** A UTF-8 Encoded String: two bytes of length, then the text. `field` names it in a UsageError. */
  string(text: string, field = 'string'): void {
    const most = text.length * 3;
    if (most > MAXIMUM_STRING_BYTES) sizeOf(text, field);
    this.reserve(2 + most);
    const start = this.length;
    this.length = writeUtf8(this.bytes, start + 2, text, field);
    const size = this.length - start - 2;
    this.bytes[start] = size >>> 8;
    this.bytes[start + 1] = size;
  }

  /** Binary Data: two bytes of length, then the bytes. */
  binary(data: Uint8Array, field = 'binary data'): void {
    if (data.length > MAXIMUM_STRING_BYTES) {
      throw misuse(field, 'binary-too-long', `${data.length} bytes`);
    }
    this.u16(data.length);
    this.reserve(data.length);
    this.length = copyBytes(this.bytes, this.length, data);
  }

  /** Begins something whose length stands before it, as a Variable Byte Integer. Hand the result to `endLength`. */
  beginLength(): number {
    this.u8(0);
    return this.length;
  }

  /** Writes the length of all that came after `beginLength` in front of it. */
  endLength(mark: number): void {
    const size = this.length - mark;
    if (size > MAXIMUM_REMAINING_LENGTH) {
      throw packetTooLarge(size);
    }
    const extra = varintSize(size) - 1;
    if (extra > 0) {
      // One byte was kept free. The rare longer length moves what follows.
      this.reserve(extra);
      this.bytes.copyWithin(mark + extra, mark, this.length);
      this.length += extra;
    }
    writeVarint(this.bytes, mark - 1, size);
  }
}
