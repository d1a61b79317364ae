import type { Framing } from './framing.ts';
import { Slab } from './slab.ts';

/** Bytes of the first and the largest buffer of an output that is blocked. Its buffers are not shared: it holds no more than what waits in it. */
const FIRST_CHUNK = 256;
const LARGEST_CHUNK = 16 * 1024;

const NO_BYTES = new Uint8Array(0);

/**
 * Bytes that several connections share. They are only appended to, so `[start, end)` never changes. When an output closes its reference
 * (because it writes a packet that only it sends, or leaves), the source is told, and opens the reference again with its next frame.
 */
export interface OpenSource {
  /** The buffer in use. It changes only when no output has an open reference into it. */
  readonly bytes: Uint8Array;
  /** End of what has been appended so far. */
  readonly end: number;
  /** Frames appended since the source began; counters of members come from it. */
  readonly frames: number;
  /** `output` has closed its reference. */
  onDetached(output: Output): void;
}

/** Takes what an Output has, piece by piece, in order. */
export interface Drain {
  add(bytes: Uint8Array, start: number, end: number): void;
}

/** Told when an Output that was empty has something to send. */
export interface DirtyListener {
  onDirty(): void;
}

/**
 * The bytes a connection is to send, in order: pieces of buffers, and at most one *open* reference into a source's
 * segment that grows while the source appends. Nothing is copied here.
 */
export class Output {
  /** The buffer in which `reserve` found room; only until the next `drain`, for an idle connection must not hold one back. */
  target: Uint8Array = NO_BYTES;
  /** The source of the open reference. */
  source: OpenSource | undefined;
  /** The transport takes nothing now. Set by the code that drains: with `block` and `unblock` where the bound of a node counts. */
  blocked = false;
  /** Bytes the transport was given last and has not taken, and when that was. */
  handedBytes = 0;
  blockedSinceMs = 0;
  /** Over this many pending bytes, a blocked output is `congested`. */
  limit = 1024 * 1024;
  /** Is told once each time that the output becomes non-empty by reserved bytes, and is to drain it. */
  listener: DirtyListener | undefined;
  /** Frames (Control Packets) that were put into this output, sent or not. */
  framesOut = 0;
  /** Bytes that were drained. */
  bytesOut = 0;
  /** Each packet stands in a frame of the transport's; none: they are one stream. */
  readonly framing: Framing | undefined;
  readonly #slab: Slab;
  #slabWhileBlocked: Slab | undefined;
  #accountedBytes = 0;
  /** Triples: buffer, start, end. */
  readonly #pieces: (Uint8Array | number)[] = [];
  #closedBytes = 0;
  #openStart = 0;
  #openFrames = 0;

  constructor(slab: Slab, framing?: Framing) {
    this.#slab = slab;
    this.framing = framing;
  }

  /** Bytes that wait to be drained. */
  get pendingBytes(): number {
    const source = this.source;
    return source === undefined ? this.#closedBytes : this.#closedBytes + source.end - this.#openStart;
  }

  /** The peer does not read, and more bytes wait for it than its bound or its share of the node's bound allows. */
  get congested(): boolean {
    return this.blocked && this.pendingBytes > this.#slab.boundOf(this.limit);
  }

  /** The transport has taken no more than it could hold: nothing is drained before `unblock`. */
  block(handedBytes: number, now: number): void {
    this.blocked = true;
    this.handedBytes = handedBytes;
    this.blockedSinceMs = now;
    this.account();
  }

  /** The transport has sent what it was given. */
  unblock(): void {
    this.blocked = false;
    this.handedBytes = 0;
    this.#slabWhileBlocked = undefined;
    this.account();
  }

  /** Tells the node how many bytes wait here now. For reserved bytes and closed references this class calls it; for an open one, the caller. */
  account(): void {
    const bytes = this.blocked ? this.pendingBytes + this.handedBytes : 0;
    const before = this.#accountedBytes;
    if (bytes === before) return;
    const slab = this.#slab;
    this.#accountedBytes = bytes;
    slab.waitingBytes += bytes - before;
    if (before === 0) slab.waitingOutputs++;
    else if (bytes === 0) slab.waitingOutputs--;
  }

  /** Room for one packet of `size` bytes that only this connection sends: its offset in `this.target`. */
  reserve(size: number): number {
    if (this.source !== undefined) this.detach();
    const framing = this.framing;
    const whole = framing === undefined ? size : size + framing.headerBytes(size);
    const slab = this.blocked ? this.#slabOfBlocked() : this.#slab;
    const at = slab.reserve(whole);
    const end = at + whole;
    const bytes = slab.bytes;
    this.target = bytes;
    if (framing !== undefined) framing.writeHeader(bytes, end - size, size);
    const pieces = this.#pieces;
    const last = pieces.length - 1;
    if (last >= 0 && pieces[last] === at && pieces[last - 2] === bytes) pieces[last] = end;
    else pieces.push(bytes, at, end);
    if (this.#closedBytes === 0) this.listener?.onDirty();
    this.#closedBytes += whole;
    this.framesOut++;
    if (this.blocked) this.account();
    return end - size;
  }

  /** Room for a PUBLISH that only this connection sends. The node counts it. */
  reservePublish(size: number, payloadBytes: number): number {
    this.#slab.publishes++;
    this.#slab.payloadBytes += payloadBytes;
    return this.reserve(size);
  }

  /** Opens a reference at the source's end: from now on what it appends is part of this output. */
  open(source: OpenSource): void {
    if (this.source !== undefined) this.detach();
    this.source = source;
    this.#openStart = source.end;
    this.#openFrames = source.frames;
  }

  /** Closes the open reference: what it covers stays, in its place. */
  detach(): void {
    const source = this.source;
    if (source === undefined) return;
    this.source = undefined;
    const length = source.end - this.#openStart;
    this.framesOut += source.frames - this.#openFrames;
    if (length > 0) {
      if (this.blocked && length * 2 < source.bytes.length) {
        // These bytes may wait for long, and a small part of a segment keeps the whole segment in memory: copy it.
        this.#pieces.push(source.bytes.slice(this.#openStart, source.end), 0, length);
      } else this.#pieces.push(source.bytes, this.#openStart, source.end);
      if (this.#closedBytes === 0) this.listener?.onDirty();
      this.#closedBytes += length;
      if (this.blocked) this.account();
    }
    source.onDetached(this);
  }

  /** Hands over all bytes up to now. The open reference stays open and continues from here. */
  drain(into: Drain): void {
    const pieces = this.#pieces;
    for (let i = 0; i < pieces.length; i += 3) {
      into.add(pieces[i] as Uint8Array, pieces[i + 1] as number, pieces[i + 2] as number);
    }
    pieces.length = 0;
    this.target = NO_BYTES;
    this.bytesOut += this.#closedBytes;
    this.#closedBytes = 0;
    const source = this.source;
    if (source === undefined || source.end === this.#openStart) return;
    into.add(source.bytes, this.#openStart, source.end);
    this.bytesOut += source.end - this.#openStart;
    this.framesOut += source.frames - this.#openFrames;
    this.#openStart = source.end;
    this.#openFrames = source.frames;
  }

  /** Copies what waits into a buffer of its own, so that a reader stuck at few bytes does not hold large shared ones. */
  compact(): void {
    this.detach();
    const size = this.#closedBytes;
    if (size === 0) return;
    const copy = new Uint8Array(size);
    const pieces = this.#pieces;
    let at = 0;
    for (let i = 0; i < pieces.length; i += 3) {
      const start = pieces[i + 1] as number;
      const end = pieces[i + 2] as number;
      copy.set((pieces[i] as Uint8Array).subarray(start, end), at);
      at += end - start;
    }
    pieces.length = 0;
    pieces.push(copy, 0, size);
  }

  /** Throws away what waits: the connection is gone. */
  clear(): void {
    this.detach();
    this.#pieces.length = 0;
    this.#closedBytes = 0;
    this.unblock();
  }

  #slabOfBlocked(): Slab {
    this.#slabWhileBlocked ??= new Slab(FIRST_CHUNK, LARGEST_CHUNK);
    return this.#slabWhileBlocked;
  }
}
