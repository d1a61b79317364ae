import type { ClientConnection, DirtyListener, Output } from '@hawser/protocol';
import type { Clock, Transport, TransportHandler } from '@hawser/transport';

/** Joins a ClientConnection to a Transport: bytes in, one write for each turn out, its deadlines, its end. */
export class ClientDriver implements TransportHandler, DirtyListener {
  readonly #connection: ClientConnection & { readonly output: Output };
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #onWritable: (now: number) => void;
  #isDirty = false;
  #isGone = false;
  #cancel: (() => void) | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(
    connection: ClientConnection & { readonly output: Output },
    transport: Transport,
    clock: Clock,
    onWritable: (now: number) => void,
  ) {
    this.#connection = connection;
    this.#transport = transport;
    this.#clock = clock;
    this.#onWritable = onWritable;
    connection.output.listener = this;
  }

  start(): void {
    this.#transport.start(this);
    this.#watch();
    if (this.#connection.output.pendingBytes > 0) this.onDirty();
  }

  onData(bytes: Uint8Array): void {
    this.#connection.receive(bytes, this.#clock.now());
    this.afterTurn();
  }

  onDrain(): void {
    this.#connection.output.unblock();
    this.onDirty();
    this.#onWritable(this.#clock.now());
  }

  onClose(error: Error | undefined): void {
    this.#isGone = true;
    this.#cancel?.();
    this.#connection.receiveEnd(this.#clock.now(), error?.message);
    this.#connection.output.clear();
  }

  onDirty(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#clock.defer(() => this.#flush());
  }

  /** After each use of the Connection: sees to its end. */
  afterTurn(): void {
    if (this.#connection.closeCause !== undefined) this.onDirty();
    else this.#watch();
  }

  /** Cuts off the network connection without ado. */
  destroy(): void {
    if (!this.#isGone) this.#transport.destroy();
  }

  #flush(): void {
    this.#isDirty = false;
    if (this.#isGone) return;
    const { output } = this.#connection;
    if (!output.blocked && output.pendingBytes > 0) {
      const chunks: Uint8Array[] = [];
      output.drain({ add: (bytes, start, end) => chunks.push(bytes.slice(start, end)) });
      const now = this.#clock.now();
      this.#connection.lastSentMs = now;
      if (!this.#transport.write(chunks)) output.block(0, now);
    }
    if (this.#connection.closeCause !== undefined) this.#transport.end();
  }

  #watch(): void {
    const atMs = this.#connection.nextTimeout();
    if (atMs >= this.#timerAtMs || this.#isGone) return;
    this.#cancel?.();
    this.#timerAtMs = atMs;
    this.#cancel = this.#clock.setTimer(atMs, () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.#connection.handleTimeout(this.#clock.now());
      this.afterTurn();
    });
  }
}
