import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Transport, TransportHandler, TransportInfo } from './transport.ts';

/** How long a peer that does not read or close in turn is waited for after `end`. */
export const LINGER_MS = 2000;

const TRANSPORT = Symbol('transport');

/** A socket that knows its transport: its events cost one function for all sockets, not a closure for each. */
interface AdoptedSocket extends Duplex {
  [TRANSPORT]?: SocketTransport;
}

/** A Transport over a TCP or TLS socket that is connected, or over another stream that a program has in the place of one. */
export class SocketTransport implements Transport {
  readonly info: TransportInfo;
  readonly #socket: AdoptedSocket;
  #handler: TransportHandler | undefined;
  #error: Error | undefined;
  #ended = false;

  constructor(socket: Duplex, info: TransportInfo) {
    this.#socket = socket;
    this.info = info;
    this.#socket[TRANSPORT] = this;
    if (socket instanceof Socket) socket.setNoDelay(true);
    socket.on('error', onError);
  }

  get bytesStay(): boolean {
    return true;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    const socket = this.#socket;
    if (socket.closed) {
      process.nextTick(() => this.onClose());
      return;
    }
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('drain', onDrain);
    socket.on('close', onClose);
  }

  /** Called by the socket's events, as the next four are. */
  onData(chunk: Uint8Array): void {
    if (!this.#ended) this.#handler?.onData(chunk);
  }

  onDrain(): void {
    if (!this.#ended) this.#handler?.onDrain();
  }

  onError(error: Error): void {
    this.#error ??= error;
  }

  onClose(): void {
    this.#handler?.onClose(this.#error);
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (this.#ended || !socket.writable) return true;
    if (chunks.length === 1) {
      socket.write(chunks[0] as Uint8Array);
    } else {
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.uncork();
    }
    // A write that the system took whole asks for no patience, however large it was.
    return socket.writableLength === 0 || !socket.writableNeedDrain;
  }

  pause(): void {
    if (!this.#ended) this.#socket.pause();
  }

  resume(): void {
    if (this.#handler !== undefined) this.#socket.resume();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const socket = this.#socket;
    socket.end();
    if (socket.destroyed) return;
    // What comes now is thrown away, but it is read: unread bytes would turn the end into a reset, and take from the
    // peer what was sent last.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function onData(this: AdoptedSocket, chunk: Uint8Array): void {
  this[TRANSPORT]?.onData(chunk);
}

/** The peer sends no more: what was written still goes out, and that is the end. */
function onEnd(this: AdoptedSocket): void {
  this[TRANSPORT]?.end();
}

function onDrain(this: AdoptedSocket): void {
  this[TRANSPORT]?.onDrain();
}

function onError(this: AdoptedSocket, error: Error): void {
  this[TRANSPORT]?.onError(error);
}

function onClose(this: AdoptedSocket): void {
  this[TRANSPORT]?.onClose();
}
