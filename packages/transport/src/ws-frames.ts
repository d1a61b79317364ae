import type { PacketFraming } from './transport.ts';
import { WebSocketError } from './websocket-error.ts';

const FIN = 0x80;
const MASKED = 0x80;
/** A control frame has no more [RFC 6455, 5.5]. */
const MOST_CONTROL_BYTES = 125;
/** The longest header: two bytes, eight of the length, four of the mask. */
const MOST_HEADER_BYTES = 14;

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** Codes with which a WebSocket is closed [RFC 6455, 7.4.1]. */
const CLOSE_NORMAL = 1000;
const CLOSE_PROTOCOL_ERROR = 1002;
const CLOSE_UNSUPPORTED_DATA = 1003;
/** Those that say nothing but that it is over. */
export const PLAIN_CLOSE: ReadonlySet<number> = new Set([CLOSE_NORMAL, 1001, 1005, 1006]);

/**
 * A server's frames: each packet in one of its own, not masked. Packets may share a frame and cross frames [MQTT5-6.0.0-2], but there
 * are clients that wait for ever when they do (Paho C).
 */
export const SERVER_FRAMING: PacketFraming = {
  headerBytes: (size) => (size < 126 ? 2 : size < 65_536 ? 4 : 10),
  writeHeader(target, at, size) {
    if (size < 126) {
      target[at - 2] = FIN | BINARY;
      target[at - 1] = size;
    } else if (size < 65_536) {
      target[at - 4] = FIN | BINARY;
      target[at - 3] = 126;
      target[at - 2] = size >> 8;
      target[at - 1] = size & 0xff;
    } else {
      // No packet needs more than four bytes of the eight.
      target.fill(0, at - 8, at - 4);
      target[at - 10] = FIN | BINARY;
      target[at - 9] = 127;
      target[at - 4] = size >>> 24;
      target[at - 3] = (size >>> 16) & 0xff;
      target[at - 2] = (size >>> 8) & 0xff;
      target[at - 1] = size & 0xff;
    }
  },
};

/** A server's control frame. `payload`: 125 bytes at most. */
function controlFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(2 + payload.length);
  frame[0] = FIN | opcode;
  frame[1] = payload.length;
  frame.set(payload, 2);
  return frame;
}

/** Ends a WebSocket from this side. */
export function closeFrame(code: number = CLOSE_NORMAL, reason = ''): Uint8Array {
  const payload = Buffer.from(`..${reason}`);
  payload.writeUInt16BE(code);
  return controlFrame(CLOSE, payload.subarray(0, MOST_CONTROL_BYTES));
}

/** How a WebSocket ends by what came over it. */
export interface FrameEnd {
  /** The Close frame that answers it. */
  readonly answer: Uint8Array;
  /** What was wrong, or with which words the peer closed; undefined: it closed as one does. */
  readonly error: Error | undefined;
}

/**
 * Takes a client's frames off a stream of bytes. Nothing of a payload waits here until its frame or its message has come whole: what is
 * unfinished costs what its packet costs, and is counted with it.
 */
export class FrameReader {
  readonly #header = new Uint8Array(MOST_HEADER_BYTES);
  #headerBytes = 0;
  /** Of the frame that is being read; below 0: its header has not come whole. */
  #opcode = -1;
  /** Bytes of its payload that have not come. */
  #left = 0;
  /** Bytes of its payload that have come: where in the mask the next one is. */
  #taken = 0;
  #control: number[] = [];
  /** A message has begun whose last frame has not come. */
  #isWithinMessage = false;
  #ping: Uint8Array | undefined;
  #end: FrameEnd | undefined;

  /** What came is the end: nothing is read any more. */
  get end(): FrameEnd | undefined {
    return this.#end;
  }

  /** The Pong that is owed: of several Pings that came at once the last is answered [RFC 6455, 5.5.3]. */
  takePong(): Uint8Array | undefined {
    const ping = this.#ping;
    this.#ping = undefined;
    return ping === undefined ? undefined : controlFrame(PONG, ping);
  }

  /** The payload that is in `bytes`, without frames and mask. It is put together where it lies: `bytes` is overwritten. */
  take(bytes: Uint8Array): Uint8Array {
    let from = 0;
    let to = 0;
    while (from < bytes.length && this.#end === undefined) {
      if (this.#opcode < 0) {
        from = this.#readHeader(bytes, from);
        continue;
      }
      const end = Math.min(bytes.length, from + this.#left);
      if (this.#opcode >= CLOSE) this.#unmaskControl(bytes, from, end);
      else to = this.#unmask(bytes, from, end, to);
      this.#taken += end - from;
      this.#left -= end - from;
      from = end;
      if (this.#left === 0) this.#endFrame();
    }
    return bytes.subarray(0, to);
  }

  /** Where the header ends, or the bytes do. */
  #readHeader(bytes: Uint8Array, from: number): number {
    const header = this.#header;
    let at = from;
    let count = this.#headerBytes;
    let needed = count < 2 ? 2 : headerBytesOf(header[1] as number);
    while (at < bytes.length && count < needed) {
      header[count++] = bytes[at++] as number;
      if (count === 2) needed = this.#checkHeader() ? headerBytesOf(header[1] as number) : 0;
    }
    this.#headerBytes = count;
    if (count < needed || this.#end !== undefined) return at;
    this.#headerBytes = 0;
    this.#opcode = (header[0] as number) & 0x0f;
    this.#taken = 0;
    this.#left = this.#readLength();
    if (this.#left === 0) this.#endFrame();
    return at;
  }

  /** Looks at the first two bytes, by the rules of RFC 6455, 5.2, 5.4 and 5.5. */
  #checkHeader(): boolean {
    const first = this.#header[0] as number;
    const second = this.#header[1] as number;
    const opcode = first & 0x0f;
    const isFinal = (first & FIN) !== 0;
    if ((first & 0x70) !== 0) return this.#fail('reserved bits are set, and no extension was agreed on');
    if ((second & MASKED) === 0) return this.#fail("a client's frame must be masked");
    if (opcode >= CLOSE) {
      if (opcode > PONG) return this.#fail(`there is no opcode ${opcode}`);
      if (!isFinal) return this.#fail('a control frame is fragmented');
      if ((second & 0x7f) > MOST_CONTROL_BYTES) return this.#fail('a control frame is longer than 125 bytes');
      return true;
    }
    if (opcode > BINARY) return this.#fail(`there is no opcode ${opcode}`);
    if ((opcode === CONTINUATION) !== this.#isWithinMessage)
      return this.#fail(
        opcode === CONTINUATION ? 'a continuation without a message' : 'a message begins within another',
      );
    if (opcode === TEXT) {
      // Text frames are no MQTT: the connection is closed [MQTT5-6.0.0-1] [MQTT311-6.0.0-1].
      const text = 'a text frame came over the WebSocket, but MQTT is sent in binary frames';
      this.#end = {
        answer: closeFrame(CLOSE_UNSUPPORTED_DATA, 'MQTT is sent in binary frames'),
        error: new WebSocketError('websocket-text-frame', text),
      };
      return false;
    }
    this.#isWithinMessage = !isFinal;
    return true;
  }

  #readLength(): number {
    const header = this.#header;
    const short = (header[1] as number) & 0x7f;
    if (short < 126) return short;
    let length = 0;
    for (let i = 2; i < (short === 126 ? 4 : 10); i++) length = length * 256 + (header[i] as number);
    if (length > Number.MAX_SAFE_INTEGER) this.#fail('a frame is longer than 2 ** 53 bytes');
    return length;
  }

  #unmask(bytes: Uint8Array, from: number, end: number, to: number): number {
    const mask = headerBytesOf(this.#header[1] as number) - 4;
    const first = this.#maskAt(mask, 0);
    const second = this.#maskAt(mask, 1);
    const third = this.#maskAt(mask, 2);
    const fourth = this.#maskAt(mask, 3);
    if ((first | second | third | fourth) === 0) {
      bytes.copyWithin(to, from, end);
      return to + end - from;
    }
    let i = from;
    let j = to;
    for (; i + 4 <= end; i += 4, j += 4) {
      bytes[j] = (bytes[i] as number) ^ first;
      bytes[j + 1] = (bytes[i + 1] as number) ^ second;
      bytes[j + 2] = (bytes[i + 2] as number) ^ third;
      bytes[j + 3] = (bytes[i + 3] as number) ^ fourth;
    }
    if (i < end) bytes[j++] = (bytes[i++] as number) ^ first;
    if (i < end) bytes[j++] = (bytes[i++] as number) ^ second;
    if (i < end) bytes[j++] = (bytes[i++] as number) ^ third;
    return j;
  }

  #unmaskControl(bytes: Uint8Array, from: number, end: number): void {
    const mask = headerBytesOf(this.#header[1] as number) - 4;
    for (let i = from; i < end; i++) this.#control.push((bytes[i] as number) ^ this.#maskAt(mask, i - from));
  }

  /** The byte of the mask for the payload's byte `offset` from here. */
  #maskAt(mask: number, offset: number): number {
    return this.#header[mask + ((this.#taken + offset) & 3)] as number;
  }

  #endFrame(): void {
    const opcode = this.#opcode;
    this.#opcode = -1;
    if (opcode < CLOSE) return;
    const payload = Uint8Array.from(this.#control);
    this.#control.length = 0;
    if (opcode === PING) this.#ping = payload;
    else if (opcode === CLOSE) this.#closedByPeer(payload);
  }

  #closedByPeer(payload: Uint8Array): void {
    if (payload.length === 0) {
      this.#end = { answer: closeFrame(), error: undefined };
      return;
    }
    const code = payload.length < 2 ? 0 : ((payload[0] as number) << 8) | (payload[1] as number);
    if (!mayBeSent(code)) {
      this.#fail('a Close frame has a code that may not be sent');
      return;
    }
    const reason = Buffer.from(payload.subarray(2)).toString();
    const words = reason === '' ? '' : ` (${reason})`;
    const error = PLAIN_CLOSE.has(code) ? undefined : new Error(`the WebSocket was closed with code ${code}${words}`);
    this.#end = { answer: closeFrame(code), error };
  }

  #fail(what: string): false {
    this.#end = {
      answer: closeFrame(CLOSE_PROTOCOL_ERROR),
      error: new WebSocketError('websocket-frame-invalid', 'what came is no WebSocket frame', what),
    };
    return false;
  }
}

/** By the second byte of it, with a mask. */
function headerBytesOf(second: number): number {
  const length = second & 0x7f;
  return length < 126 ? 6 : length === 126 ? 8 : 14;
}

/** [RFC 6455, 7.4] */
function mayBeSent(code: number): boolean {
  if (code >= 3000) return code < 5000;
  return code >= CLOSE_NORMAL && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}
