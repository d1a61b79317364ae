import type { Transport, TransportHandler, TransportInfo } from '@hawser/transport';

/** Over this many bytes that the browser has not sent, `write` returns false. */
const HIGH_WATER = 64 * 1024;
/** A browser tells nobody that its buffer is empty: it is asked. */
const POLL_MS = 20;
/** How long a server that does not close in turn is waited for. */
const LINGER_MS = 2000;
const PLAIN_CLOSES: readonly number[] = [1000, 1001, 1005, 1006];

/**
 * A Transport over a browser's WebSocket that is open. A browser's WebSocket cannot be told to stop reading: what comes while
 * it is paused is kept.
 */
export class BrowserWebSocketTransport implements Transport {
  readonly info: TransportInfo;
  readonly #socket: WebSocket;
  #handler: TransportHandler | undefined;
  readonly #waiting: Uint8Array[] = [];
  #isPaused = true;
  #isEnded = false;
  #isGone = false;
  #closeError: Error | undefined;

  constructor(socket: WebSocket, info: TransportInfo) {
    this.#socket = socket;
    this.info = info;
    socket.onmessage = ({ data }) => {
      if (this.#isEnded) return;
      // Text frames are no MQTT [MQTT5-6.0.0-1].
      if (typeof data === 'string') {
        this.#closeError = new Error('a text frame came over the WebSocket; MQTT is binary');
        socket.close(1000);
        return;
      }
      this.#waiting.push(new Uint8Array(data as ArrayBuffer));
      this.#give();
    };
    socket.onclose = ({ code, reason }) => {
      const words = reason === '' ? '' : ` (${reason})`;
      const error = PLAIN_CLOSES.includes(code)
        ? undefined
        : new Error(`the WebSocket was closed with code ${code}${words}`);
      this.#gone(this.#closeError ?? error);
    };
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    const isGone = this.#isGone;
    queueMicrotask(() => (isGone ? handler.onClose(this.#closeError) : this.resume()));
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (this.#isEnded || socket.readyState !== socket.OPEN) return true;
    for (const chunk of chunks) socket.send(chunk as Uint8Array<ArrayBuffer>);
    if (socket.bufferedAmount < HIGH_WATER) return true;
    this.#pollBuffer();
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#give();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#socket.close(1000);
    setTimeout(() => this.#gone(undefined), LINGER_MS);
  }

  destroy(): void {
    this.#isEnded = true;
    this.#socket.close();
    queueMicrotask(() => this.#gone(undefined));
  }

  #give(): void {
    while (!this.#isPaused && !this.#isEnded && this.#handler !== undefined) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) return;
      this.#handler.onData(bytes);
    }
  }

  #pollBuffer(): void {
    setTimeout(() => {
      if (this.#isGone || this.#isEnded) return;
      if (this.#socket.bufferedAmount < HIGH_WATER) this.#handler?.onDrain();
      else this.#pollBuffer();
    }, POLL_MS);
  }

  #gone(error: Error | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#closeError = error;
    this.#handler?.onClose(error);
  }
}
