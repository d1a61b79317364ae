import { type AckPacket, type DecodeLimits, decodeAck, type Packet, shortAckIdentifier } from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import type { Ticket } from '../ticket.ts';
import { AckQueue, type AckWriter } from './ack-queue.ts';
import { Connection, type ConnectionOptions, type ConnectionSink, type Ended } from './connection.ts';
import type { Output } from './output.ts';

/** What is on disk; the store. */
export interface Commits {
  readonly committed: Ticket;
}

export interface AnsweringSink<Cause extends Ended> extends ConnectionSink<Cause> {
  /** Acknowledgements wait for a commit: call `releaseAcks` once the store has reached `acks.headTicket`. */
  onAcksWaiting(): void;
}

/** How far a peer may get ahead of the answers to what it sends before it is not read any more. */
export interface AnswerBounds {
  /** Acknowledgements that wait for the disk. */
  readonly acks: number;
  /** Bytes that have come since none waited. */
  readonly unansweredBytes: number;
  /** Bytes of answers that the peer does not read. */
  readonly bytes: number;
}

const UNBOUNDED: AnswerBounds = {
  acks: Number.POSITIVE_INFINITY,
  unansweredBytes: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
};

export interface AnsweringConnectionOptions extends ConnectionOptions {
  /** What one packet may make this side do; absent: what the codec allows. */
  readonly decodeLimits?: DecodeLimits | undefined;
  readonly output: Output;
  readonly commits: Commits;
  /** Absent: the peer is read whatever it does with its answers. */
  readonly answers?: AnswerBounds;
}

/**
 * A Connection whose answers wait: acknowledgements for the disk, everything for policies and for others that have a turn
 * of the event loop too; and which knows how far its peer has got ahead of them. A client needs none of that.
 */
export abstract class AnsweringConnection<Cause extends Ended = Ended> extends Connection<Cause> implements AckWriter {
  declare readonly output: Output;
  readonly acks = new AckQueue();
  /** A policy is being asked: nothing further is handled until `resume`. */
  suspended = false;
  /** It has had its share of this turn of the event loop: what is left in the reader waits for `continueTurn`. */
  yielded = false;
  /** Whoever calls `receive` does not change its bytes later: what waits for a turn needs no copy. */
  bytesStay = false;
  protected abstract override readonly sink: AnsweringSink<Cause>;
  protected readonly decodeLimits: DecodeLimits | undefined;
  readonly #commits: Commits;
  /** Bytes of answers since the peer stopped to read. */
  #answerBytes = 0;
  /** `bytesIn` when everything had been answered. */
  #answeredBytesIn = 0;
  readonly #answers: AnswerBounds;

  constructor(options: AnsweringConnectionOptions, now: number) {
    super(options, now);
    this.decodeLimits = options.decodeLimits;
    this.#commits = options.commits;
    this.#answers = options.answers ?? UNBOUNDED;
  }

  /** The peer does not take the answers to what it sends, or the disk is behind: it should not be read for now. */
  get isAhead(): boolean {
    const bounds = this.#answers;
    const waiting = this.acks.length;
    return (
      waiting > bounds.acks ||
      (waiting > 0 && this.bytesIn - this.#answeredBytesIn > bounds.unansweredBytes) ||
      this.#answerBytes > bounds.bytes
    );
  }

  /** The peer reads again. */
  onDrained(): void {
    this.#answerBytes = 0;
  }

  override receive(bytes: Uint8Array, now: number): void {
    if (this.acks.length === 0) this.#answeredBytesIn = this.bytesIn;
    super.receive(bytes, now);
    this.#onHandled();
  }

  override proceed(now: number): void {
    super.proceed(now);
    this.#onHandled();
  }

  /** From within a sink's call: nothing further is handled until `resume`. */
  suspend(): void {
    this.suspended = true;
    this.hold();
    // It may take long: a small rest must not hold a large chunk.
    this.reader.keep();
  }

  /** The policy has answered: goes on with what was kept. Time suspended is not counted against the peer. */
  resume(now: number): void {
    if (!this.suspended) return;
    this.suspended = false;
    this.lastReceivedMs = now;
    if (!this.yielded) this.proceed(now);
  }

  /** From within a sink's call: what this peer asks for has taken long enough, others come first now. */
  yieldTurn(): void {
    if (this.yielded) return;
    this.yielded = true;
    this.hold();
  }

  /** A later turn: goes on with what was left. */
  continueTurn(now: number): void {
    this.yielded = false;
    if (!this.suspended) this.proceed(now);
  }

  protected override keep(): void {
    if (!this.bytesStay) this.reader.keep();
  }

  protected override kept(bytes: Uint8Array): Uint8Array {
    return this.bytesStay ? bytes : new Uint8Array(bytes);
  }

  /** Releases what the disk has reached. */
  releaseAcks(): void {
    // Nothing may follow the last packet [MQTT5-3.14.4-1].
    if (this.acks.length === 0 || this.closeCause !== undefined) return;
    this.unacknowledged = Math.max(0, this.unacknowledged - this.acks.release(this.#commits.committed, this));
  }

  /** Releases what it can; the sink sees to the rest. For acknowledgements that were not queued from within `receive`. */
  releaseSoon(): void {
    this.releaseAcks();
    if (this.acks.length > 0 && this.closeCause === undefined) this.sink.onAcksWaiting();
  }

  /** Queues an acknowledgement; it leaves in its order, when its ticket is committed. */
  acknowledge(type: number, packetIdentifier: number, reasonCode: number, ticket: Ticket, reasonString?: string): void {
    if (this.closeCause === undefined) this.acks.push(type, packetIdentifier, reasonCode, ticket, reasonString);
  }

  /** Queues a whole packet among the acknowledgements (SUBACK, UNSUBACK). */
  acknowledgeWith(packet: Packet, ticket: Ticket, now: number): void {
    if (this.closeCause !== undefined) return;
    const bytes = this.encode(packet);
    if (bytes.length <= this.peerMaximumPacketSize) this.acks.push(0, 0, 0, ticket, bytes);
    else {
      // [MQTT5-3.1.2-24]: an answer that cannot be sent cannot be left away either.
      this.failFor(this.answerTooLarge(packet.type, bytes.length), now);
    }
  }

  writeAck(type: number, packetIdentifier: number, reasonCode: number, reasonString: string | undefined): void {
    if (reasonString === undefined || !this.sendsProblemInformation) {
      this.writeShortAck(type, packetIdentifier, reasonCode);
      return;
    }
    const packet: AckPacket = { type: ackName(type), packetIdentifier, reasonCode, properties: { reasonString } };
    // A Reason String that does not fit stays away [MQTT5-3.4.2-2].
    // [MQTT5-3.5.2-2]
    if (!this.write(packet)) this.writeShortAck(type, packetIdentifier, reasonCode);
  }

  /** An answer of so many bytes is larger than the Maximum Packet Size of the peer. */
  protected abstract answerTooLarge(packet: Packet['type'], bytes: number): Cause;

  /** A Reason String may go only to who wants it [MQTT5-3.1.2-29]. */
  abstract get sendsProblemInformation(): boolean;

  protected override reserve(size: number, payloadBytes?: number): number {
    if (payloadBytes !== undefined) return this.output.reservePublish(size, payloadBytes);
    if (this.output.blocked) this.#answerBytes += size;
    return this.output.reserve(size);
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP. */
  protected handleAck(type: number, now: number): void {
    let packetIdentifier = shortAckIdentifier(this.reader);
    let reasonCode = 0;
    if (packetIdentifier === 0) {
      ({ packetIdentifier, reasonCode } = decodeAck(this.reader, this.version, 'to-server', this.decodeLimits));
    }
    this.checkMayReceive(type);
    this.sink.onAck(type, packetIdentifier, reasonCode, now);
  }

  /** All that has come, as far as it may be, is handled. */
  #onHandled(): void {
    if (this.closeCause === undefined) this.releaseSoon();
  }
}

function ackName(type: number): AckPacket['type'] {
  switch (type) {
    case PacketType.PUBACK:
      return 'puback';
    case PacketType.PUBREC:
      return 'pubrec';
    case PacketType.PUBREL:
      return 'pubrel';
    default:
      return 'pubcomp';
  }
}
