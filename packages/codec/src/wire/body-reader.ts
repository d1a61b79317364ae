import { MalformedPacketError, malformed } from '../errors.ts';
import type { Direction, ProtocolVersion } from '../types.ts';
import { checkFirstByte, packetName } from './first-byte.ts';
import type { PacketBytes } from './packet-bytes.ts';
import { decodeUtf8Strict } from './utf8.ts';

/**
 * Reads the fields of one packet in their order. Each read names its field, so that an error can. What a field reaches
 * beyond `end` is a MalformedPacketError `truncated`, what is left at the end one `trailing-bytes`.
 */
export class BodyReader {
  declare readonly bytes: Uint8Array;
  declare position: number;
  /** Where reading ends; narrowed while a property list is read. */
  declare end: number;
  /** Its name, for errors. */
  declare readonly packet: string;
  readonly #copies: boolean;

  /** `copies`: binary fields are copies instead of views, for packets whose fields outlive the chunk they came in. */
  constructor(packet: string, bytes: Uint8Array, start: number, end: number, copies = false) {
    this.packet = packet;
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.#copies = copies;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  u8(field: string): number {
    this.need(1, field);
    return this.bytes[this.position++] as number;
  }

  u16(field: string): number {
    this.need(2, field);
    return (this.u8(field) << 8) | this.u8(field);
  }

  u32(field: string): number {
    const high = this.u16(field);
    return high * 0x1_0000 + this.u16(field);
  }

  /** A Variable Byte Integer of at most four bytes, in its shortest form [MQTT5-1.5.5-1]. */
  varint(field: string): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8(field);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) {
          throw malformed(this.packet, 'non-minimal-length', field);
        }
        return value;
      }
    }
    throw malformed(this.packet, 'invalid-length', field);
  }

  /** A UTF-8 Encoded String (section 1.5.4). */
  string(field: string): string {
    const start = this.#skip(field);
    return decodeUtf8Strict(this.bytes, start, this.position, `${this.packet}: ${field}`);
  }

  /** Binary Data (section 1.5.6). */
  binary(field: string): Uint8Array {
    const start = this.#skip(field);
    const view = new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + start, this.position - start);
    return this.#copies ? view.slice() : view;
  }

  /** To be called when the last field was read. */
  finish(): void {
    if (this.position === this.end) return;
    throw malformed(this.packet, 'trailing-bytes', this.remaining);
  }

  /** Throws `truncated` unless `size` bytes are left. */
  need(size: number, field: string): void {
    if (size > this.remaining) throw truncated(this.packet, field, size, this.remaining);
  }

  /** Passes over a field behind its length of two bytes; returns where it begins. */
  #skip(field: string): number {
    const length = this.u16(field);
    this.need(length, field);
    const start = this.position;
    this.position += length;
    return start;
  }
}

/** Checks a packet's first byte, and begins to read behind its fixed header. */
export function openPacket(
  { firstByte, bytes, bodyStart, end }: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  copies = false,
): BodyReader {
  checkFirstByte(firstByte, version, direction);
  return new BodyReader(packetName(firstByte), bytes, bodyStart, end, copies);
}

/** The MalformedPacketError for a packet that ends before a field does. */
export function truncated(packet: string, field: string, needed: number, left: number): MalformedPacketError {
  return new MalformedPacketError('truncated', `${packet}: ${field} needs ${needed} bytes, ${left} are left`);
}
