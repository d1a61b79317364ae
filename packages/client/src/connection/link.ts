import { ClientConnection, type ClientConnectionOptions, type ClientSink } from '@hawser/protocol';
import type { Clock, Transport, TransportHandler } from '@hawser/transport';
import { SendBuffer } from './send-buffer.ts';

/** Bytes of the answer that are kept until the CONNACK, to say what it is when it is not MQTT. */
const KEPT_BYTES = 64;

/** Told what a Link does besides what the ClientConnection's sink is told. */
export interface LinkListener {
  /** The server takes bytes again after it did not. */
  onWritable(): void;
  /** Something was received or a deadline has passed, and all of it is handled. */
  onTurn(): void;
}

/**
 * The shell between a ClientConnection, which has no I/O, and a Transport: bytes in, one write per turn out, one timer. The
 * server's ConnectionDriver does the same for thousands of connections at once, and needs Node; this one runs in a browser.
 */
export class Link implements TransportHandler {
  readonly connection: ClientConnection;
  readonly output: SendBuffer = new SendBuffer(() => this.#flushSoon());
  /** What the system said when the network connection went. */
  error: Error | undefined;
  /** The beginning of what the server sent. */
  firstBytes: Uint8Array = new Uint8Array(0);
  listener: LinkListener | undefined;
  readonly #gone = Promise.withResolvers<void>();
  /** Resolves when the network connection is gone. */
  readonly gone: Promise<void> = this.#gone.promise;
  readonly #transport: Transport;
  readonly #clock: Clock;
  #isDirty = false;
  #isEnding = false;
  #isGone = false;
  #cancelTimer: (() => void) | undefined;
  /** Infinity: there is no timer. */
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(transport: Transport, clock: Clock, options: Omit<ClientConnectionOptions, 'output'>, sink: ClientSink) {
    this.#transport = transport;
    this.#clock = clock;
    this.connection = new ClientConnection({ ...options, output: this.output }, sink, clock.now());
  }

  start(): void {
    this.#transport.start(this);
  }

  onData(bytes: Uint8Array): void {
    const { firstBytes, connection } = this;
    if (connection.closeCause) return;
    if (!connection.isConnected)
      this.firstBytes = Uint8Array.of(...firstBytes, ...bytes.subarray(0, KEPT_BYTES - firstBytes.length));
    connection.receive(bytes, this.#clock.now());
    this.afterTurn();
  }

  onDrain(): void {
    this.output.blocked = false;
    this.#flushSoon();
    this.listener?.onWritable();
  }

  onClose(error: Error | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.error = error;
    this.#cancelTimer?.();
    this.connection.receiveEnd(this.#clock.now(), error && `the network connection broke: ${error.message}`);
    this.#gone.resolve();
  }

  /** Call after anything was done to the connection from outside `onData`: sees to its end and its deadline. */
  afterTurn(): void {
    if (!this.connection.closeCause) this.listener?.onTurn();
    else if (!this.#isEnding) {
      this.#isEnding = true;
      this.#flushSoon();
    }
    this.#watchDeadline();
  }

  /** Stops reading while those who get the messages do not keep up; the connection is kept alive meanwhile. */
  setPaused(paused: boolean): void {
    if (this.connection.isReadingPaused === paused) return;
    this.connection.setReadingPaused(paused, this.#clock.now());
    if (paused) this.#transport.pause();
    else this.#transport.resume();
    this.#watchDeadline();
  }

  /** Cuts off the network connection without ado. */
  destroy(): void {
    if (!this.#isGone) this.#transport.destroy();
  }

  #flushSoon(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#clock.defer(() => this.#flush());
  }

  #flush(): void {
    this.#isDirty = false;
    if (this.#isGone) return;
    const { output } = this;
    // The end is not waited for: what is there goes to the system before it.
    if ((!output.blocked || this.#isEnding) && !output.isEmpty) {
      this.connection.lastSentMs = this.#clock.now();
      output.blocked = !this.#transport.write([output.take()]);
    }
    if (this.#isEnding) this.#transport.end();
  }

  /** One timer: a deadline that moves away is looked at again when its old time comes. */
  #watchDeadline(): void {
    const atMs = this.connection.nextTimeout();
    if (this.#timerAtMs <= atMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = this.#clock.setTimer(atMs, () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.connection.handleTimeout(this.#clock.now());
      this.afterTurn();
    });
  }
}
