import type { Duplex } from 'node:stream';
import { SocketTransport } from './tcp.ts';
import type { Transport, TransportHandler, TransportInfo } from './transport.ts';
import { closeFrame, FrameReader, SERVER_FRAMING } from './ws-frames.ts';

/** A Transport over a WebSocket that a client has opened: what is written stands in frames already, what comes is taken out of them. */
export class ServerWebSocketTransport implements Transport, TransportHandler {
  readonly info: TransportInfo;
  readonly framing = SERVER_FRAMING;
  readonly #socket: SocketTransport;
  readonly #reader = new FrameReader();
  #handler: TransportHandler | undefined;
  #error: Error | undefined;
  /** The socket takes no more for now: what a peer asks for that reads nothing is not answered. */
  #blocked = false;
  #ended = false;

  /** `socket`: its upgrade is answered. What came after the request has been put back into it. */
  constructor(socket: Duplex, info: TransportInfo) {
    this.info = info;
    this.#socket = new SocketTransport(socket, info);
  }

  /** Frames are taken off in the chunk before its payload is given, and it is not touched again. */
  get bytesStay(): boolean {
    return this.#socket.bytesStay;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    this.#socket.start(this);
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const taken = this.#socket.write(chunks);
    this.#blocked = !taken;
    return taken;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (!this.#ended) this.#endWith(closeFrame());
  }

  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  /** Called by the socket, as the next two are. */
  onData(bytes: Uint8Array): void {
    if (this.#ended) return;
    const reader = this.#reader;
    const payload = reader.take(bytes);
    if (payload.length > 0) this.#handler?.onData(payload);
    const pong = reader.takePong();
    if (this.#ended) return;
    if (pong !== undefined && !this.#blocked) this.#blocked = !this.#socket.write([pong]);
    const { end } = reader;
    if (end === undefined) return;
    this.#error = end.error;
    this.#endWith(end.answer);
  }

  onDrain(): void {
    this.#blocked = false;
    if (!this.#ended) this.#handler?.onDrain();
  }

  onClose(error: Error | undefined): void {
    this.#ended = true;
    this.#handler?.onClose(this.#error ?? error);
  }

  /** A server closes the connection first [RFC 6455, 7.1.1]; the socket reads on, so that the peer gets what was sent. */
  #endWith(frame: Uint8Array): void {
    this.#ended = true;
    this.#socket.write([frame]);
    this.#socket.end();
  }
}
