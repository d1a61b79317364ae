import type { Clock } from './clock.ts';
import { Random } from './random.ts';
import { LINGER_MS } from './tcp.ts';
import type { Transport, TransportHandler, TransportInfo } from './transport.ts';

/** How a network in memory behaves. */
export interface MemoryNetworkOptions {
  /** All that happens later is scheduled here. */
  readonly clock: Clock;
  /** Decides delays, splits and breaks: the same seed and the same writes give the same run. */
  readonly seed: number;
  /** Milliseconds that a chunk is under way, least and most; without: it arrives in the next turn. */
  readonly delayMs?: readonly [least: number, most: number] | undefined;
  /** Probability, per chunk written, that the connection breaks in it: a prefix arrives, nothing after it. */
  readonly lossPerChunk?: number | undefined;
  /** Bytes arrive in pieces that have nothing to do with how they were written. */
  readonly splitting?: boolean | undefined;
  /** From this many bytes written and not yet read, `write` returns false; 64 KiB. */
  readonly bufferBytes?: number | undefined;
}

const BUFFER_BYTES = 64 * 1024;
/** What a reader finds in bytes that it kept without copying them. */
const NOT_YOURS = 0xdb;

/** Connections within one process, with the faults of real ones. A stream loses no bytes: it breaks. */
export class MemoryNetwork {
  readonly random: Random;
  readonly clock: Clock;
  delayMs: readonly [number, number];
  /** May be changed at any time: for what is written from then on. */
  lossPerChunk: number;
  splitting: boolean;
  readonly bufferBytes: number;
  readonly #links = new Set<Link>();
  #ports = 0;

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock;
    this.random = new Random(options.seed);
    this.delayMs = options.delayMs ?? [0, 0];
    this.lossPerChunk = options.lossPerChunk ?? 0;
    this.splitting = options.splitting ?? false;
    this.bufferBytes = options.bufferBytes ?? BUFFER_BYTES;
  }

  /** Two ends of one connection. */
  connect(): [Transport, Transport] {
    const link = new Link(this, ++this.#ports, () => this.#links.delete(link));
    this.#links.add(link);
    return [link.left, link.right];
  }

  /** Connections that are not gone for both ends. */
  get size(): number {
    return this.#links.size;
  }

  /** Breaks every connection: what is under way is lost, both ends notice each in its own time. */
  cutAll(): void {
    for (const link of this.#links) link.cut('the connection was cut');
  }

  delay(): number {
    const [least, most] = this.delayMs;
    return most <= 0 ? 0 : least + this.random.next() * (most - least);
  }
}

class Link {
  readonly left: MemoryTransport;
  readonly right: MemoryTransport;
  #open = 2;
  readonly #onOver: () => void;

  constructor(network: MemoryNetwork, port: number, onOver: () => void) {
    this.left = new MemoryTransport(network, this, port);
    this.right = new MemoryTransport(network, this, port);
    this.left.peer = this.right;
    this.right.peer = this.left;
    this.#onOver = onOver;
  }

  cut(text: string): void {
    this.left.breakOff(new Error(text));
    this.right.breakOff(new Error(text));
  }

  onClosed(): void {
    this.#open--;
    if (this.#open === 0) this.#onOver();
  }
}

/** Bytes on their way to a transport; `end`: the peer has ended. */
interface Arrival {
  readonly bytes: Uint8Array;
  readonly atMs: number;
  readonly end: boolean;
  /** The connection breaks when so many of these bytes have arrived. */
  readonly breaksAt: number | undefined;
}

const NO_BYTES = new Uint8Array(0);

class MemoryTransport implements Transport {
  readonly info: TransportInfo;
  /** The other end; itself until the Link has set it. */
  peer: MemoryTransport = this;
  readonly #network: MemoryNetwork;
  readonly #link: Link;
  #handler: TransportHandler | undefined;
  /** What is on its way to here, or here and not read. */
  #arrivals: Arrival[] = [];
  /** Bytes of the first arrival that were read. */
  #readOfFirst = 0;
  #pendingBytes = 0;
  #isScheduled = false;
  #isPaused = false;
  /** `write` returned false. */
  #isBlocked = false;
  #hasEnded = false;
  #isEndDelivered = false;
  #hasPeerEnded = false;
  /** Nothing comes or goes any more; `onClose` has been called or will be. */
  #isDead = false;
  #isClosed = false;
  #error: Error | undefined;
  #cancelLinger: (() => void) | undefined;

  constructor(network: MemoryNetwork, link: Link, port: number) {
    this.#network = network;
    this.#link = link;
    this.info = { kind: 'memory', remoteAddress: 'memory', remotePort: port, tls: undefined };
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    if (this.#isClosed) this.#network.clock.defer(() => handler.onClose(this.#error));
    else this.#schedule();
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const peer = this.peer;
    if (this.#hasEnded || this.#isDead) return true;
    for (const chunk of chunks) if (chunk.length > 0) peer.#expect(chunk, false);
    if (peer.#pendingBytes < this.#network.bufferBytes) return true;
    this.#isBlocked = true;
    return false;
  }

  pause(): void {
    if (!this.#hasEnded) this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  end(): void {
    if (this.#hasEnded || this.#isDead) return;
    this.#hasEnded = true;
    this.peer.#expect(NO_BYTES, true);
    // What comes now is thrown away, but it is read.
    this.#isPaused = false;
    this.#schedule();
    const clock = this.#network.clock;
    this.#cancelLinger = clock.setTimer(clock.now() + LINGER_MS, () => this.destroy());
  }

  destroy(): void {
    if (this.#isDead) return;
    this.#die(undefined, 0);
    this.peer.breakOff(new Error('the peer reset the connection'));
  }

  /** The connection is broken; this end notices it after a while. */
  breakOff(error: Error): void {
    if (!this.#isDead) this.#die(error, this.#network.delay());
  }

  #die(error: Error | undefined, afterMs: number): void {
    this.#isDead = true;
    this.#error = error;
    this.#arrivals = [];
    this.#pendingBytes = 0;
    this.#cancelLinger?.();
    const clock = this.#network.clock;
    if (afterMs > 0) clock.setTimer(clock.now() + afterMs, () => this.#close());
    else clock.defer(() => this.#close());
  }

  #close(): void {
    this.#isClosed = true;
    this.#link.onClosed();
    this.#handler?.onClose(this.#error);
  }

  /** The peer has written, or ended. */
  #expect(bytes: Uint8Array, end: boolean): void {
    if (this.#isDead) return;
    const { clock, random, lossPerChunk } = this.#network;
    const atMs = Math.max(this.#arrivals.at(-1)?.atMs ?? 0, clock.now() + this.#network.delay());
    const breaksAt = !end && random.chance(lossPerChunk) ? random.integer(0, bytes.length) : undefined;
    this.#arrivals.push({ bytes, atMs, end, breaksAt });
    this.#pendingBytes += bytes.length;
    this.#schedule();
  }

  #schedule(): void {
    const first = this.#arrivals[0];
    if (this.#isScheduled || first === undefined || this.#handler === undefined || this.#isPaused) return;
    this.#isScheduled = true;
    const { clock } = this.#network;
    const run = (): void => {
      this.#isScheduled = false;
      if (this.#isDead || this.#isPaused) return;
      this.#takeNext();
      this.#schedule();
    };
    if (first.atMs > clock.now()) clock.setTimer(first.atMs, run);
    else clock.defer(run);
  }

  #takeNext(): void {
    const first = this.#arrivals[0];
    if (first === undefined || first.atMs > this.#network.clock.now()) return;
    if (first.end) {
      this.#arrivals.shift();
      this.#onPeerEnd();
      return;
    }
    const piece = this.#read(this.#pieceLength());
    if (piece.length > 0 && !this.#hasEnded) {
      this.#handler?.onData(piece);
      // The bytes were the handler's during the call only: who kept them is to notice.
      piece.fill(NOT_YOURS);
    }
    this.peer.#onRead();
    const next = this.#arrivals[0];
    if (next?.breaksAt !== undefined && this.#readOfFirst >= next.breaksAt) this.#link.cut('the connection broke');
  }

  /** How many bytes are read next: up to where the connection breaks. */
  #pieceLength(): number {
    const now = this.#network.clock.now();
    let available = -this.#readOfFirst;
    for (const arrival of this.#arrivals) {
      if (arrival.end || arrival.atMs > now) break;
      available += arrival.breaksAt ?? arrival.bytes.length;
      if (arrival.breaksAt !== undefined || !this.#network.splitting) break;
    }
    if (!this.#network.splitting || available < 1) return available;
    const { random } = this.#network;
    // Small pieces often: they are where a parser goes wrong.
    return random.integer(1, random.chance(0.5) ? Math.min(8, available) : available);
  }

  #read(length: number): Uint8Array {
    const piece = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const { bytes, breaksAt } = this.#arrivals[0] as Arrival;
      const count = Math.min(length - at, bytes.length - this.#readOfFirst);
      piece.set(bytes.subarray(this.#readOfFirst, this.#readOfFirst + count), at);
      at += count;
      this.#readOfFirst += count;
      if (this.#readOfFirst < bytes.length || breaksAt !== undefined) break;
      this.#arrivals.shift();
      this.#readOfFirst = 0;
    }
    this.#pendingBytes -= length;
    return piece;
  }

  /** The peer has read some of what was written here. */
  #onRead(): void {
    const pending = this.peer.#pendingBytes;
    if (!this.#isBlocked || this.#isDead || pending > this.#network.bufferBytes / 2) return;
    this.#isBlocked = false;
    this.#network.clock.defer(() => {
      if (!this.#isDead && !this.#hasEnded) this.#handler?.onDrain();
    });
  }

  #onPeerEnd(): void {
    this.#hasPeerEnded = true;
    const peer = this.peer;
    peer.#isEndDelivered = true;
    peer.#closeWhenOver();
    this.end();
    this.#closeWhenOver();
  }

  #closeWhenOver(): void {
    if (this.#hasPeerEnded && this.#isEndDelivered && !this.#isDead) this.#die(undefined, 0);
  }
}
