import { misuse, type UsageError } from '../errors.ts';
import { MAXIMUM_REMAINING_LENGTH } from '../types.ts';
import { encodeUtf8, MAXIMUM_STRING_BYTES } from './utf8.ts';

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
 * Collects the bytes of a packet, and knows the integers and strings of MQTT. For all but PUBLISH, which `writePublishInto` writes in
 * place: the others are short. A caller error throws UsageError.
 */
export class PacketWriter {
  #bytes: number[] = [];

  /** All that was written. */
  take(): Uint8Array {
    return new Uint8Array(this.#bytes);
  }

  u8(value: number): void {
    this.#bytes.push(value);
  }

  u16(value: number): void {
    this.#bytes.push(value >>> 8, value);
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value);
  }

  /** A Variable Byte Integer, 0 to 268,435,455, in its shortest form [MQTT5-1.5.5-1]: a length, but for one property that is checked before. */
  varint(value: number): void {
    if (value < 0 || value > MAXIMUM_REMAINING_LENGTH) throw packetTooLarge(value);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.u8((rest & 0x7f) | 0x80);
    this.u8(rest);
  }

  /** A UTF-8 Encoded String: two bytes of length, then the text. `field` names it in a UsageError. */
  string(text: string, field = 'string'): void {
    this.binary(encodeUtf8(text, field));
  }

  /** Binary Data: two bytes of length, then the bytes. */
  binary(data: Uint8Array, field = 'binary data'): void {
    if (data.length > MAXIMUM_STRING_BYTES) {
      throw misuse(field, 'binary-too-long', `${data.length} bytes`);
    }
    this.u16(data.length);
    for (let i = 0; i < data.length; i++) this.#bytes.push(data[i] as number);
  }

  /** Begins something whose length stands before it, as a Variable Byte Integer. Hand the result to `endLength`. */
  beginLength(): number {
    return this.#bytes.length;
  }

  /** Writes the length of all that came after `beginLength` in front of it. */
  endLength(mark: number): void {
    const content = this.#bytes.splice(mark);
    this.varint(content.length);
    this.#bytes = this.#bytes.concat(content);
  }
}
