import type { RawData, WebSocket } from 'ws';
import { LINGER_MS } from './tcp.ts';
import type { Transport, TransportHandler, TransportInfo } from './transport.ts';
import { PLAIN_CLOSE } from './ws-frames.ts';

/** Over this many bytes that the system has not taken, `write` returns false. */
const HIGH_WATER = 64 * 1024;
/** Longer writes go out in several frames: peers bound what they take in one, and packets may cross frames. */
const FRAME_BYTES = 256 * 1024;
const BINARY = { binary: true, compress: false } as const;

/** A Transport over a WebSocket that this side has opened: the bytes of its binary frames are one stream [MQTT5-6.0.0-2] [MQTT311-6.0.0-2]. */
export class WebSocketTransport implements Transport {
  readonly info: TransportInfo;
  readonly #socket: WebSocket;
  #handler: TransportHandler | undefined;
  /** What came before `start`: no more than was in the chunk in which the upgrade ended. */
  #early: Uint8Array[] | undefined;
  #error: Error | undefined;
  #blocked = false;
  #paused = false;
  #ended = false;
  readonly #onSent = (): void => {
    if (!this.#blocked || this.#socket.bufferedAmount >= HIGH_WATER) return;
    this.#blocked = false;
    if (!this.#ended) this.#handler?.onDrain();
  };

  constructor(socket: WebSocket, info: TransportInfo) {
    this.#socket = socket;
    this.info = info;
    socket.pause();
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('error', (error) => {
      this.#error ??= explainError(error);
    });
    socket.on('close', (code, reason) => this.#onClose(code, reason));
  }

  get bytesStay(): boolean {
    return true;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    if (this.#socket.readyState === this.#socket.CLOSED) {
      process.nextTick(() => handler.onClose(this.#error));
      return;
    }
    const early = this.#early;
    if (early === undefined) {
      this.#socket.resume();
      return;
    }
    process.nextTick(() => {
      this.#early = undefined;
      for (const bytes of early) this.#give(bytes);
      if (!this.#paused) this.#socket.resume();
    });
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (this.#ended || socket.readyState !== socket.OPEN) return true;
    const bytes = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
    if (bytes.length <= FRAME_BYTES) socket.send(bytes, BINARY, this.#onSent);
    else {
      for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
        socket.send(bytes.subarray(at, at + FRAME_BYTES), BINARY, this.#onSent);
      }
    }
    if (socket.bufferedAmount < HIGH_WATER) return true;
    this.#blocked = true;
    return false;
  }

  pause(): void {
    if (this.#ended) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#handler !== undefined && this.#early === undefined) this.#socket.resume();
  }

  end(): void {
    this.#close(1000, '');
  }

  destroy(): void {
    this.#ended = true;
    this.#socket.terminate();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (this.#ended) return;
    if (!isBinary) {
      // Text frames are no MQTT: the connection is closed [MQTT5-6.0.0-1] [MQTT311-6.0.0-1].
      const text = 'a text frame came over the WebSocket, but MQTT is sent in binary frames';
      this.#error ??= new Error(text);
      this.#close(1003, 'MQTT is sent in binary frames');
      return;
    }
    const bytes = data as Buffer;
    if (bytes.length === 0) return;
    if (this.#handler === undefined || this.#early !== undefined) {
      this.#early ??= [];
      this.#early.push(bytes);
    } else this.#handler.onData(bytes);
  }

  #give(bytes: Uint8Array): void {
    if (!this.#ended) this.#handler?.onData(bytes);
  }

  #onClose(code: number, reason: Buffer): void {
    this.#ended = true;
    if (!PLAIN_CLOSE.has(code)) {
      const words = reason.length === 0 ? '' : ` (${reason.toString()})`;
      this.#error ??= new Error(`the WebSocket was closed with code ${code}${words}`);
    }
    this.#handler?.onClose(this.#error);
  }

  #close(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    const socket = this.#socket;
    socket.close(code, reason);
    // The peer's own close must be read.
    socket.resume();
    const timer = setTimeout(() => socket.terminate(), LINGER_MS);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }
}

/** What the library says of frames that it did not take; other errors are the network's. */
function explainError(error: Error): Error {
  const isOfFrames = 'code' in error && String(error.code).startsWith('WS_ERR_');
  return isOfFrames ? new Error(`what came is no WebSocket frame: ${error.message}`, { cause: error }) : error;
}
