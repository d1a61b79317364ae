import { type DirtyListener, PingScanner, type ServerConnection } from '@hawser/protocol';
import { type Transport, type TransportHandler, WebSocketError } from '@hawser/transport';
import type { Timed } from './deadlines.ts';
import type { DriverNode, InputPool } from './driver-node.ts';
import type { Flushable } from './flush-queue.ts';
import type { Sliced } from './turn-budget.ts';
import { WORK_OF_WRITE, Work, WRITTEN_BYTES_TO_WORK } from './work-kinds.ts';

/** What the arrays of a packet that came in parts take beside its bytes. */
const BYTES_OF_PARTS = 256;

/** Told what a driver does besides what the Connection's sink is told. */
export interface DriverListener {
  /** The peer takes bytes again after it did not. */
  onWritable(now: number): void;
  /** The peer is not read for now: it does not take the answers to what it sends, or the disk is behind. */
  onAhead?(): void;
  /** Something that is no fault of the peer's was thrown while its bytes were handled: tell it, and end the Connection. */
  onFault?(error: unknown): void;
  /** Too many parts of packets are held, and this connection has brought some: its Connection is to be ended. */
  onInputOverflow?(): void;
  /** The connection ends for what the peer sent below MQTT: its Connection should end with that, before it is told of the network. */
  onTransportFault?(error: WebSocketError): void;
  /** The network connection is gone; the Connection's end has been told before. */
  onGone(): void;
}

/** What a driver does with a connection; a ServerConnection. */
export type Driven = Pick<
  ServerConnection,
  | 'output'
  | 'reader'
  | 'answerPings'
  | 'receive'
  | 'receiveEnd'
  | 'resume'
  | 'closeCause'
  | 'nextTimeout'
  | 'handleTimeout'
  | 'lastSentMs'
  | 'lastReceivedMs'
  | 'suspended'
  | 'yielded'
  | 'yieldTurn'
  | 'continueTurn'
  | 'bytesStay'
  | 'isAhead'
  | 'onDrained'
>;

/**
 * The one shell of a server between a Connection, which has no I/O, and a Transport, a clock and the turns of the event loop: bytes
 * in, one write per turn out, deadlines, the end.
 */
export class ConnectionDriver implements TransportHandler, DirtyListener, Flushable, Timed, Sliced {
  readonly transport: Transport;
  readonly #connection: Driven;
  readonly #node: DriverNode;
  #listener: DriverListener;
  #dirty = false;
  #pausedBy = 0;
  #ending = false;
  #heldBytes = 0;
  #input: InputPool;
  #gone = false;
  /** What it has brought waits for its next go in the turn. */
  #isWaiting = false;
  /** The network has gone while something it had brought still waits; what the system said. */
  #isLost = false;
  /** The peer sends faster than it may. */
  #throttled: Throttled | undefined;
  #lostBy: Error | undefined;

  constructor(connection: Driven, transport: Transport, node: DriverNode, listener: DriverListener) {
    this.#connection = connection;
    this.transport = transport;
    this.#node = node;
    this.#input = node.strangerInput;
    this.#listener = listener;
    connection.output.listener = this;
    connection.bytesStay = transport.bytesStay === true;
  }

  /** Begins to read. */
  start(): void {
    this.transport.start(this);
    this.#node.deadlines.watch(this);
    if (this.#connection.output.pendingBytes > 0) this.onDirty();
  }

  onData(bytes: Uint8Array): void {
    if (this.#ending || this.#gone) return;
    if (this.#throttled !== undefined && this.#keepThrottled(bytes, this.#throttled)) return;
    const { clock, turn } = this.#node;
    const now = clock.now();
    // It has had no go since it brought something: no more for now.
    if (this.#isWaiting) this.#setPaused(PAUSED_BY_TURN, true);
    else if (turn.isCrowded) this.#connection.yieldTurn();
    else turn.begin(now);
    try {
      this.#connection.receive(bytes, now);
    } catch (error) {
      this.#onFault(error);
    }
    this.afterTurn();
  }

  onDrain(): void {
    if (this.#gone || !this.#connection.output.blocked) return;
    this.#connection.output.unblock();
    this.#connection.onDrained();
    this.#resumeWhenAnswered();
    this.onDirty();
    this.#listener.onWritable(this.#node.clock.now());
  }

  onClose(error: Error | undefined): void {
    if (this.#gone) return;
    this.#giveThrottled();
    if (this.#isWaiting && this.#connection.closeCause === undefined) {
      // What it had sent before is handled first: a DISCONNECT may be among it.
      this.#isLost = true;
      this.#lostBy = error;
      return;
    }
    this.#gone = true;
    this.#node.deadlines.unwatch(this);
    this.#hold(0);
    if (error instanceof WebSocketError) this.#listener.onTransportFault?.(error);
    this.#connection.receiveEnd(this.#node.clock.now(), error?.message);
    this.#connection.output.clear();
    this.#listener.onGone();
  }

  onDirty(): void {
    if (this.#dirty || this.#gone) return;
    this.#dirty = true;
    this.#node.flushQueue.add(this);
  }

  nextTimeout(): number {
    return this.#pausedBy > 0 && this.#connection.closeCause === undefined
      ? Number.POSITIVE_INFINITY
      : this.#connection.nextTimeout();
  }

  handleTimeout(now: number): void {
    this.#connection.handleTimeout(now);
    this.afterTurn();
  }

  /** An error of this side's own must cost one connection, not all of them; but whoever is not told of it, it stops. */
  #onFault(error: unknown): void {
    if (this.#listener.onFault === undefined) throw error;
    this.#listener.onFault(error);
    if (this.#connection.closeCause === undefined) this.destroy();
  }

  /** Call after anything was done to the Connection from outside `onData`: sees to its end and to reading. */
  afterTurn(): void {
    const connection = this.#connection;
    const { heldBytes } = connection.reader;
    this.#hold(connection.closeCause === undefined ? heldBytes : 0);
    if (connection.closeCause !== undefined) {
      if (!this.#ending) {
        this.#ending = true;
        this.onDirty();
      }
      return;
    }
    this.#setPaused(PAUSED_BY_POLICY, connection.suspended);
    if (connection.yielded) this.#continueLater();
    if (!connection.isAhead || (this.#pausedBy & PAUSED_BY_ANSWERS) !== 0) return;
    this.#setPaused(PAUSED_BY_ANSWERS, true);
    this.#listener.onAhead?.();
  }

  /** A policy has answered: goes on with what was kept meanwhile, now or after those that wait already. */
  resume(): void {
    const { clock, turn } = this.#node;
    const now = clock.now();
    if (turn.isCrowded) this.#connection.yieldTurn();
    else turn.begin(now);
    this.#connection.resume(now);
    this.afterTurn();
  }

  /** Stops or resumes reading because what this connection sends has nowhere to go. */
  setBackpressure(paused: boolean): void {
    this.#setPaused(PAUSED_BY_BACKPRESSURE, paused);
  }

  /** Stops or resumes handling because the peer sends faster than it may. A little of what comes meanwhile is read, for the PINGREQ in it. */
  setThrottled(paused: boolean): void {
    if (paused) {
      this.#throttled ??= { scanner: undefined, chunks: [], bytes: 0 };
      return;
    }
    this.#giveThrottled();
    this.#setPaused(PAUSED_BY_RATE, false);
  }

  /** False: it goes to the connection, behind what that has not handled yet; nothing more is read then. */
  #keepThrottled(bytes: Uint8Array, throttled: Throttled): boolean {
    const connection = this.#connection;
    if (throttled.scanner === undefined) {
      const isAtPacket = connection.reader.bufferedBytes === 0 && !connection.yielded && !connection.suspended;
      if (!isAtPacket) {
        this.#setPaused(PAUSED_BY_RATE, true);
        return false;
      }
      throttled.scanner = new PingScanner();
    }
    throttled.chunks.push(bytes.slice());
    throttled.bytes += bytes.length;
    if (throttled.bytes > MOST_THROTTLED) this.#setPaused(PAUSED_BY_RATE, true);
    connection.lastReceivedMs = this.#node.clock.now();
    const pings = throttled.scanner.scan(bytes);
    if (pings > 0) connection.answerPings(pings);
    return true;
  }

  #giveThrottled(): void {
    const chunks = this.#throttled?.chunks ?? [];
    this.#throttled = undefined;
    // In one piece: should it be too fast once more, the PINGREQ in the rest would be looked for, and answered, again.
    if (chunks.length > 0) this.onData(Buffer.concat(chunks));
  }

  /** The deadline of the Connection has come nearer (the CONNACK sets the Keep Alive). */
  watchDeadline(): void {
    this.#node.deadlines.watch(this);
  }

  /** Goes on with what the peer has sent; the turn has given it a go. */
  runSlice(now: number): boolean {
    const connection = this.#connection;
    try {
      connection.continueTurn(now);
    } catch (error) {
      this.#onFault(error);
    }
    this.#isWaiting = connection.yielded && connection.closeCause === undefined;
    if (!this.#isWaiting && !this.#gone) this.#setPaused(PAUSED_BY_TURN, false);
    this.afterTurn();
    if (this.#isLost && !this.#isWaiting) {
      this.#isLost = false;
      this.onClose(this.#lostBy);
    }
    return this.#isWaiting;
  }

  flush(now: number): boolean {
    this.#dirty = false;
    if (this.#gone) return false;
    const connection = this.#connection;
    const output = connection.output;
    if (!output.blocked && output.pendingBytes > 0) {
      const coalescer = this.#node.coalescer;
      output.drain(coalescer);
      connection.lastSentMs = now;
      const handed = coalescer.total;
      this.#node.turn.spend(Work.write, WORK_OF_WRITE + (handed >> WRITTEN_BYTES_TO_WORK));
      if (!this.transport.write(coalescer.take())) output.block(handed, now);
    }
    this.#resumeWhenAnswered();
    if (output.blocked && output.pendingBytes > 0) {
      if (output.pendingBytes < COMPACT_BELOW) output.compact();
      output.account();
    }
    if (this.#ending) {
      // What the peer has not taken by now it never will: the last packet goes with what can still go.
      this.#node.deadlines.unwatch(this);
      this.transport.end();
    }
    return false;
  }

  /** Cuts off the network connection without ado. */
  destroy(): void {
    if (!this.#gone) this.transport.destroy();
  }

  /** It has been let in: `listener` is told from here on, and what is held counts with that of the clients. */
  admit(listener: DriverListener): void {
    this.#listener = listener;
    this.#input.bytes -= this.#heldBytes;
    this.#input = this.#node.input;
    this.#input.bytes += this.#heldBytes;
  }

  /** `bytes`: what the reader keeps; 0: nothing. */
  #hold(bytes: number): void {
    const input = this.#input;
    const held = bytes === 0 ? 0 : bytes + BYTES_OF_PARTS;
    const isMore = held > this.#heldBytes;
    input.bytes += held - this.#heldBytes;
    this.#heldBytes = held;
    if (!isMore || held <= input.little || input.bytes <= input.limit) return;
    // What waits for this side is no fault of the peer's.
    if (this.#connection.yielded || this.#connection.suspended) return;
    this.#listener.onInputOverflow?.();
    input.bytes -= held;
    this.#heldBytes = 0;
  }

  /** What is left of what the peer has sent is handled after others have had their go. */
  #continueLater(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#node.turn.later(this);
  }

  #resumeWhenAnswered(): void {
    if ((this.#pausedBy & PAUSED_BY_ANSWERS) !== 0 && !this.#connection.isAhead)
      this.#setPaused(PAUSED_BY_ANSWERS, false);
  }

  #setPaused(by: number, paused: boolean): void {
    const before = this.#pausedBy;
    this.#pausedBy = paused ? before | by : before & ~by;
    if (before === 0 && this.#pausedBy !== 0) this.transport.pause();
    else if (before !== 0 && this.#pausedBy === 0) {
      // While this side does not read, packets of the peer may wait in the socket: that time does not count for its Keep Alive.
      this.#connection.lastReceivedMs = this.#node.clock.now();
      this.#node.deadlines.watch(this);
      this.transport.resume();
    }
  }
}

/** What has come from a peer that is not handled because of its rate. */
interface Throttled {
  /** Undefined: nothing has come since. */
  scanner: PingScanner | undefined;
  readonly chunks: Uint8Array[];
  bytes: number;
}

/** Bytes that are read from a peer whose packets are not handled because of its rate. */
const MOST_THROTTLED = 16 * 1024;

const PAUSED_BY_POLICY = 1;
const PAUSED_BY_BACKPRESSURE = 2;
const PAUSED_BY_ANSWERS = 4;
const PAUSED_BY_TURN = 8;
const PAUSED_BY_RATE = 16;
const COMPACT_BELOW = 1024;
