import { malformed, violation } from '../errors.ts';
import * as ReasonCode from '../reason-code.ts';
import { MAXIMUM_PACKET_SIZE } from '../types.ts';

const NOTHING = new Uint8Array(0);

/** The first allocation for a packet that came in parts, in bytes, unless more has arrived. */
const FIRST_ALLOCATION = 256;

/** A fixed header has at most five bytes. */
const LONGEST_HEADER = 5;

/**
 * Cuts a stream of bytes into Control Packets. A packet that lies whole in a chunk is described where it lies; one that
 * spans chunks is copied into memory that grows with what has really arrived, so that neither an announced length nor a
 * tail of three bytes costs more than itself.
 *
 * `push` chunks, then call `next` until it returns false. `bytes` belongs to who pushed it: what is kept longer than the
 * chunk may live must be copied.
 */
export class PacketReader {
  /** The largest whole packet accepted, in bytes, fixed header included. Read anew for every packet. */
  maximumPacketSize: number;

  /** After `next` returned true: type and flags. */
  firstByte = 0;
  /** After `next` returned true: the array the packet lies in. */
  bytes: Uint8Array = NOTHING;
  /** Where the fixed header begins. */
  start = 0;
  /** Where the variable header begins. */
  bodyStart = 0;
  /** The offset behind the packet's last byte. */
  end = 0;

  #chunk: Uint8Array = NOTHING;
  /** The chunk, where it is a copy that `keep` made. */
  #copy: Uint8Array = NOTHING;
  #position = 0;
  #waiting: Uint8Array[] = [];
  #waitingFrom = 0;
  #waitingBytes = 0;
  /** The packet that came in parts so far; `totalLength` is 0 until its length is known. */
  #partial: Uint8Array = NOTHING;
  #partialLength = 0;
  /** What `measure` found: 0 in `headerLength` means more bytes are needed. */
  #headerLength = 0;
  #totalLength = 0;
  #failure: Error | undefined;

  constructor(maximumPacketSize: number = MAXIMUM_PACKET_SIZE) {
    this.maximumPacketSize = maximumPacketSize;
  }

  /** Bytes held and not yet part of a packet that `next` described. */
  get bufferedBytes(): number {
    return this.#partialLength + (this.#chunk.length - this.#position) + this.#waitingBytes;
  }

  /** Memory that these take: arrays that grow with what comes are larger than what is in them. */
  get heldBytes(): number {
    return this.#partial.length + this.#chunk.length + this.#waitingBytes;
  }

  /** Hands over the next bytes of the stream. They must not change until they are consumed. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#position === this.#chunk.length && this.#waitingBytes === 0) {
      this.#chunk = chunk;
      this.#position = 0;
    } else {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
    }
  }

  /**
   * Copies what is not consumed, and the packet that was described last: whoever pushed the chunk takes it back. Views of
   * that packet that were handed out still lie in the chunk.
   */
  keep(): void {
    if (this.#chunk.length > 0 && this.#chunk !== this.#copy) {
      const isDescribed = this.bytes === this.#chunk;
      const from = isDescribed ? this.start : this.#position;
      this.#copy = new Uint8Array(this.#chunk.subarray(from));
      this.#chunk = this.#copy;
      this.#position -= from;
      if (isDescribed) {
        this.bytes = this.#copy;
        this.start = 0;
        this.bodyStart -= from;
        this.end -= from;
      }
    }
  }

  /**
   * Finds the next whole packet. True: the public fields describe it, until the next call. False: more bytes are needed.
   * Throws MalformedPacketError (`invalid-length`, `non-minimal-length`) and ProtocolError (`packet-too-large`, 0x95) as
   * soon as the length is known, and the same error at every later call: there is no way back into the stream.
   */
  next(): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    for (;;) {
      if (this.#position === this.#chunk.length && !this.#nextChunk()) return this.#nothing();
      if (this.#partialLength > 0) {
        if (this.#continuePartial()) return true;
        continue;
      }
      const chunk = this.#chunk;
      const start = this.#position;
      this.#measure(chunk, start, chunk.length);
      const total = this.#totalLength;
      if (this.#headerLength !== 0 && start + total <= chunk.length) {
        this.#describe(chunk, start);
        this.#position = this.end;
        return true;
      }
      this.#beginPartial();
    }
  }

  /** An idle connection must not keep its last chunk alive. */
  #nothing(): false {
    this.bytes = NOTHING;
    this.#chunk = NOTHING;
    this.#copy = NOTHING;
    this.#position = 0;
    return false;
  }

  #nextChunk(): boolean {
    const chunk = this.#waiting[this.#waitingFrom];
    if (chunk === undefined) return false;
    this.#waiting[this.#waitingFrom] = NOTHING;
    this.#waitingFrom++;
    // In step with what waits, so that a queue that never runs quite empty does not grow for ever.
    if (this.#waitingFrom * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#waitingFrom);
      this.#waitingFrom = 0;
    }
    this.#waitingBytes -= chunk.length;
    this.#chunk = chunk;
    this.#position = 0;
    return true;
  }

  /** Reads the Remaining Length at `start + 1` and checks it. Leaves `headerLength` 0 when it is not complete. */
  #measure(bytes: Uint8Array, start: number, end: number): void {
    this.#headerLength = 0;
    this.#totalLength = 0;
    let remaining = 0;
    let shift = 0;
    let at = start + 1;
    for (;;) {
      // Four continuation bits in a row are wrong whatever follows, and are seen when the fourth is here.
      if (at >= end) return;
      const byte = bytes[at++] as number;
      remaining |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) {
          // [MQTT5-1.5.5-1], section 2.2.3 of 3.1.1
          throw this.#fail(malformed('Remaining Length', 'non-minimal-length', remaining));
        }
        break;
      }
      shift += 7;
      if (shift === 28) {
        throw this.#fail(malformed('Remaining Length', 'invalid-length', 'over four bytes'));
      }
    }
    const header = at - start;
    const total = header + remaining;
    if (total > this.maximumPacketSize) {
      throw this.#fail(
        violation(
          'Remaining Length',
          'packet-too-large',
          `${total} bytes; ${this.maximumPacketSize} are accepted here`,
          ReasonCode.PacketTooLarge,
          { is: 'packet-too-large', limit: this.maximumPacketSize, actual: total },
        ),
      );
    }
    this.#headerLength = header;
    this.#totalLength = total;
  }

  #fail(error: Error): Error {
    this.#failure = error;
    this.#nothing();
    this.#partial = NOTHING;
    this.#partialLength = 0;
    this.#waiting = [];
    this.#waitingFrom = 0;
    this.#waitingBytes = 0;
    return error;
  }

  #describe(bytes: Uint8Array, start: number): void {
    this.firstByte = bytes[start] as number;
    this.bytes = bytes;
    this.start = start;
    this.bodyStart = start + this.#headerLength;
    this.end = start + this.#totalLength;
  }

  /** Memory for `size` bytes of a packet, or more, but never beyond its end. */
  #allocate(size: number): Uint8Array {
    return new Uint8Array(Math.min(this.#totalLength || LONGEST_HEADER, Math.max(size, FIRST_ALLOCATION)));
  }

  /** The chunk ends within a packet whose beginning was measured: copies what there is. */
  #beginPartial(): void {
    const available = this.#chunk.length - this.#position;
    // Exactly what is known to come, when that is little; never what was merely announced.
    this.#partial = this.#allocate(available);
    this.#appendPartial(available);
  }

  /** True: the packet is whole and described. False: the chunk is used up, or the length has just become known. */
  #continuePartial(): boolean {
    const available = this.#chunk.length - this.#position;
    if (this.#totalLength === 0) {
      this.#appendPartial(1);
      this.#measure(this.#partial, 0, this.#partialLength);
    } else {
      this.#appendPartial(Math.min(available, this.#totalLength - this.#partialLength));
    }
    if (this.#partialLength !== this.#totalLength) return false;
    // The memory is the packet's from here on: a payload that is kept for a while must not be written over.
    this.#describe(this.#partial, 0);
    this.#partial = NOTHING;
    this.#partialLength = 0;
    return true;
  }

  #appendPartial(size: number): void {
    const needed = this.#partialLength + size;
    if (needed > this.#partial.length) {
      const grown = this.#allocate(Math.max(needed, this.#partial.length * 2));
      grown.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = grown;
    }
    const chunk = this.#chunk;
    const from = this.#position;
    if (size < 32) {
      for (let i = 0; i < size; i++) this.#partial[this.#partialLength + i] = chunk[from + i] as number;
    } else {
      this.#partial.set(new Uint8Array(chunk.buffer, chunk.byteOffset + from, size), this.#partialLength);
    }
    this.#partialLength = needed;
    this.#position += size;
  }
}
