import { ClientConnection, type ClientConnectionOptions, type ClientSink } from '@hawser/protocol';
import type { Clock } from '@hawser/transport/clock';
import type { Transport } from '@hawser/transport/transport';
import { type SendBuffer, sendBufferOf } from './send-buffer.ts';

/** Bytes of the answer that are kept until the CONNACK, to say what it is when it is not MQTT. */
const KEPT_BYTES = 64;

/** After so many flushes a turn has to end. */
const MOST_EARLY = 16;

/** Told what a Link does besides what the ClientConnection's sink is told. */
export interface LinkListener {
  /** The server takes bytes again after it did not. */
  onWritable(): void;
  /** All that was written has been handed to the transport. */
  onFlushed(): void;
  /** Something was received or a deadline has passed, and all of it is handled. */
  onTurn(): void;
}

/** A connection with its network. */
export interface Link {
  readonly connection: ClientConnection;
  readonly output: SendBuffer;
  /** What the system said when the network connection went. */
  error: Error | undefined;
  /** The network connection is gone: what was written and not handed over will not be sent. */
  readonly isLost: boolean;
  /** The beginning of what the server sent. */
  firstBytes: Uint8Array;
  listener: LinkListener | undefined;
  /** Resolves when the network connection is gone. */
  readonly gone: Promise<void>;
  /** Call after anything was done to the connection from outside: sees to its end and its deadline. */
  afterTurn(): void;
  /**
   * Hands over what there is before the turn ends: a program that waits for one message after the other need not wait for as many turns. Not for what
   * comes in one go, and only so often in a turn.
   */
  flushEarly(): void;
  /** Stops reading while those who get the messages do not keep up; the connection is kept alive meanwhile. */
  setPaused(paused: boolean): void;
  /** Cuts off the network connection without ado. */
  destroy(): void;
}

/**
 * The shell between a ClientConnection, which has no I/O, and a Transport: bytes in, one write per turn out, one timer. The
 * server's ConnectionDriver does the same for thousands of connections at once, and needs Node; this one runs in a browser.
 */
export function linkOf(
  transport: Transport,
  clock: Clock,
  options: Omit<ClientConnectionOptions, 'output'>,
  sink: ClientSink,
): Link {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  let isDirty = false;
  /** Flushes of this turn before its end. */
  let early = 0;
  /** One has been made since the last microtask. */
  let isJustFlushed = false;
  let isEnding = false;
  let isGone = false;
  let thrown: Error | undefined;
  let cancelTimer: (() => void) | undefined;
  /** Infinity: there is no timer. */
  let timerAtMs = Number.POSITIVE_INFINITY;

  const endTurn = (): void => {
    isDirty = false;
    early = 0;
    flush();
  };

  const flush = (): void => {
    if (isGone || thrown) return;
    // The end is not waited for: what is there goes to the system before it.
    const bytes = output.take(isEnding);
    try {
      if (bytes) {
        connection.lastSentMs = clock.now();
        output.blocked = !transport.write([bytes]);
        link.listener?.onFlushed();
      }
      if (isEnding) transport.end();
    } catch (error) {
      breakOff(error);
    }
  };

  const forgetFlush = (): void => {
    isJustFlushed = false;
  };

  /** The transport has thrown: nobody knows what it has sent, and it is not asked for anything more. */
  const breakOff = (error: unknown): void => {
    thrown = error instanceof Error ? error : new Error(String(error));
    output.blocked = true;
    try {
      transport.destroy();
    } catch {
      // It has failed already, and that is what is told.
    }
    // Whatever has called it goes on with a connection.
    clock.defer(() => lose(thrown));
  };

  /** The network connection is gone. */
  const lose = (seen: Error | undefined): void => {
    if (isGone) return;
    isGone = true;
    const error = thrown ?? seen;
    link.error = error;
    cancelTimer?.();
    connection.receiveEnd(clock.now(), error?.message);
    resolve();
  };

  const flushSoon = (): void => {
    if (isDirty) return;
    isDirty = true;
    clock.defer(endTurn);
  };

  /** One timer: a deadline that moves away is looked at again when its old time comes. */
  const watchDeadline = (): void => {
    const atMs = connection.nextTimeout();
    if (timerAtMs <= atMs) return;
    cancelTimer?.();
    timerAtMs = atMs;
    cancelTimer = clock.setTimer(atMs, () => {
      timerAtMs = Number.POSITIVE_INFINITY;
      connection.handleTimeout(clock.now());
      link.afterTurn();
    });
  };

  const output = sendBufferOf(flushSoon, flush);
  const connection = new ClientConnection({ ...options, output }, sink, clock.now());
  const link: Link = {
    connection,
    output,
    error: undefined,

    get isLost() {
      return isGone;
    },

    firstBytes: new Uint8Array(0),
    listener: undefined,
    gone,

    afterTurn() {
      if (!connection.closeCause) link.listener?.onTurn();
      else if (!isEnding) {
        isEnding = true;
        flushSoon();
      }
      watchDeadline();
    },

    flushEarly() {
      if (isJustFlushed || early >= MOST_EARLY || output.blocked) return;
      early++;
      isJustFlushed = true;
      queueMicrotask(forgetFlush);
      flush();
    },

    setPaused(paused) {
      if (connection.isReadingPaused === paused) return;
      connection.setReadingPaused(paused, clock.now());
      try {
        if (paused) transport.pause();
        else transport.resume();
      } catch (error) {
        breakOff(error);
      }
      watchDeadline();
    },

    destroy() {
      if (isGone) return;
      try {
        transport.destroy();
      } catch (error) {
        breakOff(error);
      }
    },
  };

  transport.start({
    onData(bytes) {
      const { firstBytes } = link;
      if (connection.closeCause) return;
      if (!connection.isConnected)
        link.firstBytes = Uint8Array.of(...firstBytes, ...bytes.subarray(0, KEPT_BYTES - firstBytes.length));
      connection.receive(bytes, clock.now());
      link.afterTurn();
    },

    onDrain() {
      output.blocked = false;
      flushSoon();
      link.listener?.onWritable();
    },

    onClose: lose,
  });
  return link;
}
