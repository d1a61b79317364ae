import type { ClientConnection, DirtyListener, Drain } from '@hawser/protocol';
import type { Clock, Transport, TransportHandler } from '@hawser/transport';

/** Bytes of the answer that are kept until the CONNACK, to say what it is when it is not MQTT. */
const KEPT_BYTES = 64;

/** Told what a Link does besides what the ClientConnection's sink is told. */
export interface LinkListener {
  /** The server takes bytes again after it did not. */
  onWritable(now: number): void;
  /** Something was received or a deadline has passed, and all of it is handled. */
  onTurn(now: number): void;
}

/**
 * The shell between a ClientConnection, which has no I/O, and a Transport: bytes in, one write per turn out, one timer. The
 * server's ConnectionDriver does the same for thousands of connections at once, and needs Node; this one runs in a browser.
 */
export class Link implements TransportHandler, DirtyListener {
  readonly transport: Transport;
  /** What the system said when the network connection went. */
  error: Error | undefined;
  /** The beginning of what the server sent. */
  firstBytes: Uint8Array = new Uint8Array(0);
  listener: LinkListener | undefined;
  /** Resolves when the network connection is gone. */
  readonly gone: Promise<void>;
  #resolveGone: () => void = () => {};
  readonly #connection: ClientConnection;
  readonly #clock: Clock;
  #isDirty = false;
  #isEnding = false;
  #isGone = false;
  #cancelTimer: (() => void) | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  readonly #flush = (): void => this.#write();

  constructor(connection: ClientConnection, transport: Transport, clock: Clock) {
    this.#connection = connection;
    this.transport = transport;
    this.#clock = clock;
    connection.output.listener = this;
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
  }

  start(): void {
    this.transport.start(this);
    if (this.#connection.output.pendingBytes > 0) this.onDirty();
  }

  onData(bytes: Uint8Array): void {
    if (this.#isEnding || this.#isGone) return;
    if (this.firstBytes.length < KEPT_BYTES && this.#connection.state !== 'connected') {
      const kept = new Uint8Array(Math.min(KEPT_BYTES, this.firstBytes.length + bytes.length));
      kept.set(this.firstBytes);
      kept.set(bytes.subarray(0, kept.length - this.firstBytes.length), this.firstBytes.length);
      this.firstBytes = kept;
    }
    this.#connection.receive(bytes, this.#clock.now());
    this.afterTurn();
  }

  onDrain(): void {
    if (this.#isGone || !this.#connection.output.blocked) return;
    this.#connection.output.blocked = false;
    this.onDirty();
    this.listener?.onWritable(this.#clock.now());
  }

  onClose(error: Error | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.error = error;
    this.#cancelTimer?.();
    const text = error === undefined ? undefined : `the network connection broke: ${error.message}`;
    this.#connection.receiveEnd(this.#clock.now(), text);
    this.#connection.output.clear();
    this.#resolveGone();
  }

  onDirty(): void {
    if (this.#isDirty || this.#isGone) return;
    this.#isDirty = true;
    this.#clock.defer(this.#flush);
  }

  /** Call after anything was done to the connection from outside `onData`: sees to its end and its deadline. */
  afterTurn(): void {
    const connection = this.#connection;
    if (connection.closeCause !== undefined && !this.#isEnding) {
      this.#isEnding = true;
      this.onDirty();
    }
    this.#watchDeadline();
    if (connection.closeCause === undefined) this.listener?.onTurn(this.#clock.now());
  }

  /** Stops reading while those who get the messages do not keep up; the connection is kept alive meanwhile. */
  setPaused(paused: boolean): void {
    const connection = this.#connection;
    if (connection.isReadingPaused === paused || this.#isGone) return;
    connection.setReadingPaused(paused, this.#clock.now());
    if (paused) this.transport.pause();
    else this.transport.resume();
    this.#watchDeadline();
  }

  /** Cuts off the network connection without ado. */
  destroy(): void {
    if (!this.#isGone) this.transport.destroy();
  }

  #write(): void {
    this.#isDirty = false;
    if (this.#isGone) return;
    const connection = this.#connection;
    const output = connection.output;
    if (!output.blocked && output.pendingBytes > 0) {
      const chunks = new Chunks();
      output.drain(chunks);
      connection.lastSentMs = this.#clock.now();
      output.blocked = !this.transport.write(chunks.list);
    }
    // What the server has not taken by now it never will.
    if (this.#isEnding) this.transport.end();
  }

  /** One timer: a deadline that moves away is looked at again when its old time comes. */
  #watchDeadline(): void {
    const atMs = this.#isGone ? Number.POSITIVE_INFINITY : this.#connection.nextTimeout();
    if (atMs === Number.POSITIVE_INFINITY || (this.#cancelTimer !== undefined && this.#timerAtMs <= atMs)) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = this.#clock.setTimer(atMs, () => {
      this.#cancelTimer = undefined;
      if (this.#isGone) return;
      this.#connection.handleTimeout(this.#clock.now());
      this.afterTurn();
    });
  }
}

class Chunks implements Drain {
  readonly list: Uint8Array[] = [];

  add(bytes: Uint8Array, start: number, end: number): void {
    this.list.push(bytes.subarray(start, end));
  }
}
