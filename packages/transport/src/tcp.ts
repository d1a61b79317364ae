import type { Socket } from 'node:net';
import type { Transport, TransportHandler, TransportInfo } from './transport.ts';

/** How long a peer that does not close in turn is waited for after `end`. */
const LINGER_MS = 2000;

/** A Transport over a TCP or TLS socket that is connected. */
export class SocketTransport implements Transport {
  readonly info: TransportInfo;
  readonly #socket: Socket;
  #handler: TransportHandler | undefined;
  #error: Error | undefined;

  constructor(socket: Socket, info: TransportInfo) {
    this.#socket = socket;
    this.info = info;
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      this.#error = error;
    });
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    const socket = this.#socket;
    socket.on('data', (chunk: Uint8Array) => handler.onData(chunk));
    socket.on('end', () => socket.end());
    socket.on('drain', () => handler.onDrain());
    socket.on('close', () => handler.onClose(this.#error));
    if (socket.destroyed) process.nextTick(() => handler.onClose(this.#error));
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
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
    this.#socket.pause();
  }

  resume(): void {
    if (this.#handler !== undefined) this.#socket.resume();
  }

  end(): void {
    const socket = this.#socket;
    socket.end();
    if (!socket.destroyed) setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
