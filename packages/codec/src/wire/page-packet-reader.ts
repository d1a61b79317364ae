import { copyBytes } from '#short-loops';
import { malformed, violation } from '../errors.ts';
import * as ReasonCode from '../reason-code.ts';
import { MAXIMUM_PACKET_SIZE } from '../types.ts';

const NOTHING = new Uint8Array(0);

/**
 * The PacketReader of pages (`imports` in package.json): as that one, and short where it is frugal. Chunks wait until they make a packet, and are
 * joined once.
 */
export class PacketReader {
  maximumPacketSize: number;
  firstByte = 0;
  bytes: Uint8Array = NOTHING;
  start = 0;
  bodyStart = 0;
  end = 0;
  bufferedBytes = 0;

  #waiting: Uint8Array[] = [];
  /** So many bytes must be there before it is worth another look. */
  #needed = 1;
  #failure: Error | undefined;

  constructor(maximumPacketSize: number = MAXIMUM_PACKET_SIZE) {
    this.maximumPacketSize = maximumPacketSize;
  }

  get heldBytes(): number {
    return this.bufferedBytes;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    // One that has to wait may be taken back before it is looked at.
    this.#waiting.push(this.bufferedBytes > 0 ? new Uint8Array(chunk) : chunk);
    this.bufferedBytes += chunk.length;
  }

  keep(): void {
    this.bytes = new Uint8Array(this.bytes);
  }

  next(): boolean {
    if (this.#failure) throw this.#failure;
    while (this.bufferedBytes >= this.#needed) {
      if (this.bytes.length - this.end < this.#needed) this.#join();
      const size = this.#measure();
      if (this.bytes.length - this.end >= size) {
        this.start = this.end;
        this.end += size;
        this.firstByte = this.bytes[this.start] as number;
        this.bufferedBytes -= size;
        this.#needed = 1;
        return true;
      }
      this.#needed = size;
    }
    // A tail of three bytes must not keep its chunk alive.
    this.bytes = new Uint8Array(this.bytes.subarray(this.end));
    this.end = 0;
    return false;
  }

  /** The next chunk behind what is left of the last; all of them, where that is anything. */
  #join(): void {
    const rest = this.bytes.subarray(this.end);
    this.end = 0;
    if (rest.length === 0) {
      this.bytes = this.#waiting.shift() ?? NOTHING;
      return;
    }
    this.bytes = new Uint8Array(this.bufferedBytes);
    let at = 0;
    for (const part of [rest, ...this.#waiting.splice(0)]) at = copyBytes(this.bytes, at, part);
  }

  /** The size of the packet that begins at `end`; one byte more than there are where that cannot be told yet. */
  #measure(): number {
    let remaining = 0;
    this.bodyStart = this.end + 1;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.bytes[this.bodyStart++];
      if (byte === undefined) return this.bytes.length - this.end + 1;
      remaining |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        // [MQTT5-1.5.5-1], section 2.2.3 of 3.1.1
        if (byte === 0 && shift > 0) this.#fail(malformed('Remaining Length', 'non-minimal-length', remaining));
        const size = this.bodyStart - this.end + remaining;
        if (size > this.maximumPacketSize) {
          const seen = `${size} bytes; ${this.maximumPacketSize} are accepted here`;
          this.#fail(violation('Remaining Length', 'packet-too-large', seen, ReasonCode.PacketTooLarge));
        }
        return size;
      }
    }
    return this.#fail(malformed('Remaining Length', 'invalid-length', 'over four bytes'));
  }

  #fail(error: Error): never {
    this.#failure = error;
    this.#waiting = [];
    this.bytes = NOTHING;
    this.bufferedBytes = 0;
    throw error;
  }
}
