import {
  type AckPacket,
  type DecodeLimits,
  type Direction,
  decodeAck,
  MalformedPacketError,
  type Packet,
  PacketReader,
  PacketType,
  ProtocolError,
  type ProtocolVersion,
  type PublishPacket,
  publishSize,
  type QoS,
  ReasonCode,
  type TopicCache,
  writePublishInto,
} from '@hawser/codec';
import type { Ticket } from '../ticket.ts';
import { AckQueue, type AckWriter } from './ack-queue.ts';
import type { CloseCause } from './close-cause.ts';
import type { Output } from './output.ts';
import type { InboundAliases, OutboundAliases } from './topic-aliases.ts';

/** What is on disk; the store. */
export interface Commits {
  readonly committed: Ticket;
}

/** Both sides get these from a Connection. All are called from within `receive`, `receiveEnd`, `handleTimeout` or a command. */
export interface ConnectionSink {
  /** A PUBLISH, its Topic Alias resolved. Payload and binary properties are views: what is kept must be copied. */
  onPublish(packet: PublishPacket, now: number): void;
  onPuback(packetIdentifier: number, reasonCode: number, now: number): void;
  onPubrec(packetIdentifier: number, reasonCode: number, now: number): void;
  onPubrel(packetIdentifier: number, reasonCode: number, now: number): void;
  onPubcomp(packetIdentifier: number, reasonCode: number, now: number): void;
  /** Acknowledgements wait for a commit: call `releaseAcks` once the store has reached `acks.headTicket`. */
  onAcksWaiting(): void;
  /** The connection has ended; once, and nothing after it. What is left in the output is still to be sent. */
  onClosed(cause: CloseCause, now: number): void;
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

/** What both sides hand in. */
export interface ConnectionOptions {
  /** Absent: the peer is read whatever it does with its answers. */
  readonly answers?: AnswerBounds;
  /** What one packet may make this side do; absent: what the codec allows. */
  readonly decodeLimits?: DecodeLimits | undefined;
  readonly output: Output;
  readonly commits: Commits;
  /** Absent: each Topic Name is decoded anew. */
  readonly topics?: TopicCache | undefined;
  /** Bytes of a whole packet that this side takes. */
  readonly maximumPacketSize: number;
}

/**
 * MQTT on one Network Connection, without I/O and without a clock: bytes and time go in, packets come out at the sink,
 * bytes collect in `output`. The peer's bytes never throw out of here: they close the connection with a Reason Code.
 */
export abstract class Connection implements AckWriter {
  version: ProtocolVersion = 5;
  readonly output: Output;
  readonly acks = new AckQueue();
  readonly reader: PacketReader;
  /** Set once the connection has ended. */
  closeCause: CloseCause | undefined;
  /** A policy is being asked: nothing further is handled until `resume`. */
  suspended = false;
  /** It has had its share of this turn of the event loop: what is left in the reader waits for `continueTurn`. */
  yielded = false;
  /** Milliseconds, as the caller counts them. */
  lastReceivedMs = 0;
  lastSentMs = 0;
  bytesIn = 0;
  packetsIn = 0;
  /** Bytes of a whole packet that the peer takes [MQTT5-3.1.2-24]. */
  peerMaximumPacketSize = 268_435_460;
  /** PUBLISH packets with QoS 1 and 2 from the peer that have not been acknowledged to the end. */
  unacknowledged = 0;
  /** Receive Maximum that this side announced; Infinity: none. */
  receiveMaximum = Number.POSITIVE_INFINITY;
  protected inboundAliases: InboundAliases | undefined;
  protected outboundAliases: OutboundAliases | undefined;
  protected readonly topics: TopicCache | undefined;
  protected readonly commits: Commits;
  /** Bytes of answers since the peer stopped to read. */
  #answerBytes = 0;
  /** `bytesIn` when everything had been answered. */
  #answeredBytesIn = 0;
  readonly #answers: AnswerBounds;
  protected readonly decodeLimits: DecodeLimits | undefined;

  constructor(options: ConnectionOptions, now: number) {
    this.output = options.output;
    this.commits = options.commits;
    this.topics = options.topics;
    this.#answers = options.answers ?? UNBOUNDED;
    this.decodeLimits = options.decodeLimits;
    // [MQTT5-3.2.2-15]
    this.reader = new PacketReader(options.maximumPacketSize);
    this.lastReceivedMs = now;
    this.lastSentMs = now;
  }

  protected abstract readonly direction: Direction;
  protected abstract readonly sink: ConnectionSink;
  protected abstract handlePacket(type: number, now: number): void;
  /** One packet in an array of its own, by the encoder that has what this side sends. */
  protected abstract encode(packet: Packet): Uint8Array;
  /** Bytes that can't be MQTT are refused from the first one on, before anything is buffered. */
  protected abstract checkFirstBytes(bytes: Uint8Array): void;
  /** Puts the side's last packet (DISCONNECT, CONNACK) into the output. */
  protected abstract writeFarewell(reasonCode: number, text: string): void;
  /** When `handleTimeout` is to be called next; Infinity: never. */
  abstract nextTimeout(): number;
  abstract handleTimeout(now: number): void;

  /** Topic Aliases that this side assigns; undefined: the peer takes none. */
  get aliases(): OutboundAliases | undefined {
    return this.outboundAliases;
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

  /** Bytes from the peer. Handles every whole packet in them, unless a policy suspends it. */
  receive(bytes: Uint8Array, now: number): void {
    if (this.closeCause !== undefined) return;
    this.lastReceivedMs = now;
    if (this.acks.length === 0) this.#answeredBytesIn = this.bytesIn;
    if (this.bytesIn === 0) {
      try {
        this.checkFirstBytes(bytes);
      } catch (error) {
        this.bytesIn += bytes.length;
        this.failWith(error, now);
        return;
      }
    }
    this.bytesIn += bytes.length;
    if (this.suspended || this.yielded) {
      this.reader.push(new Uint8Array(bytes));
      return;
    }
    this.reader.push(bytes);
    this.#run(now);
  }

  /** The policy has answered: goes on with what was kept. Time suspended is not counted against the peer. */
  resume(now: number): void {
    if (!this.suspended) return;
    this.suspended = false;
    this.lastReceivedMs = now;
    if (this.closeCause === undefined && !this.yielded) this.#run(now);
  }

  /** From within a sink's call: what this peer asks for has taken long enough, others come first now. */
  yieldTurn(): void {
    this.yielded = true;
    this.reader.keep();
  }

  /** A later turn: goes on with what was left. */
  continueTurn(now: number): void {
    this.yielded = false;
    if (this.closeCause === undefined && !this.suspended) this.#run(now);
  }

  /** From within a sink's call: nothing further is handled until `resume`. */
  suspend(): void {
    this.suspended = true;
    this.reader.keep();
  }

  /** The network is gone; `text` says how, for people. */
  receiveEnd(now: number, text = 'the network connection ended without a DISCONNECT'): void {
    this.close({ code: 'network-lost', reasonCode: ReasonCode.UnspecifiedError, text, by: 'network' }, now);
  }

  /** Ends the connection with a Reason Code that the peer is told where the version has a way to. */
  fail(code: string, reasonCode: number, text: string, now: number): void {
    if (this.closeCause !== undefined) return;
    // [MQTT5-4.13.1-1] [MQTT5-4.13.2-1] [MQTT311-4.8.0-1]
    this.writeFarewell(reasonCode, text);
    this.close({ code, reasonCode, text, by: 'self' }, now);
  }

  /** Releases what the disk has reached. */
  releaseAcks(): void {
    // Nothing may follow the last packet [MQTT5-3.14.4-1].
    if (this.acks.length === 0 || this.closeCause !== undefined) return;
    this.unacknowledged = Math.max(0, this.unacknowledged - this.acks.release(this.commits.committed, this));
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
      const text = `the ${packet.type} of ${bytes.length} bytes is larger than the Maximum Packet Size ${this.peerMaximumPacketSize}`;
      this.fail('packet-too-large', ReasonCode.PacketTooLarge, text, now);
    }
  }

  writeAck(type: number, packetIdentifier: number, reasonCode: number, reasonString: string | undefined): void {
    if (this.version === 5 && (reasonCode !== 0 || reasonString !== undefined)) {
      this.writeLongAck(type, packetIdentifier, reasonCode, reasonString);
      return;
    }
    const at = this.ownAnswer(4);
    const target = this.output.target;
    // [MQTT311-2.3.1-6] [MQTT5-2.2.1-5]
    target[at] = type === PacketType.PUBREL ? 0x62 : type << 4;
    target[at + 1] = 2;
    target[at + 2] = packetIdentifier >> 8;
    target[at + 3] = packetIdentifier & 0xff;
  }

  writeEncoded(packet: Uint8Array): void {
    const at = this.ownAnswer(packet.length);
    this.output.target.set(packet, at);
  }

  /** Room for something that the peer itself has caused. */
  protected ownAnswer(size: number): number {
    if (this.output.blocked) this.#answerBytes += size;
    return this.output.own(size);
  }

  /** Puts a packet into the output at once, past the acknowledgements that wait. */
  write(packet: Packet): void {
    this.writeEncoded(this.encode(packet));
  }

  /** A Reason String may go only to who wants it [MQTT5-3.1.2-29]. */
  protected get sendsProblemInformation(): boolean {
    return this.version === 5;
  }

  /**
   * Puts a PUBLISH into the output. False: it is larger than the peer takes, and was not sent [MQTT5-3.1.2-24].
   * `properties`: the encoded list without its length, for 5.0 only.
   */
  writePublish(
    topic: Uint8Array,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetIdentifier: number,
    properties: Uint8Array | undefined,
  ): boolean {
    const size = publishSize(topic.length, payload.length, qos, this.version, properties);
    // [MQTT5-3.1.2-25]
    if (size > this.peerMaximumPacketSize) return false;
    const at = this.output.ownPublish(size, payload.length);
    writePublishInto(
      this.output.target,
      at,
      topic,
      payload,
      qos,
      retain,
      dup,
      packetIdentifier,
      this.version,
      properties,
    );
    return true;
  }

  protected close(cause: CloseCause, now: number): void {
    if (this.closeCause !== undefined) return;
    // [MQTT5-3.14.4-1] [MQTT5-3.14.4-2]
    this.closeCause = cause;
    this.sink.onClosed(cause, now);
  }

  #run(now: number): void {
    const reader = this.reader;
    try {
      while (this.closeCause === undefined && !this.suspended && !this.yielded && reader.next()) {
        this.packetsIn++;
        this.#handle(reader.firstByte, now);
      }
    } catch (error) {
      this.failWith(error, now);
    }
    if (this.closeCause === undefined) this.releaseSoon();
  }

  #handle(firstByte: number, now: number): void {
    const type = firstByte >> 4;
    if (type >= PacketType.PUBACK && type <= PacketType.PUBCOMP) this.#handleAck(firstByte, type, now);
    else this.handlePacket(type, now);
  }

  #handleAck(firstByte: number, type: number, now: number): void {
    const { bytes, bodyStart, end } = this.reader;
    let packetIdentifier = 0;
    let reasonCode = 0;
    if (end - bodyStart === 2 && firstByte === (type === PacketType.PUBREL ? 0x62 : type << 4)) {
      packetIdentifier = ((bytes[bodyStart] as number) << 8) | (bytes[bodyStart + 1] as number);
    }
    if (packetIdentifier === 0) {
      const packet: AckPacket = decodeAck(
        firstByte,
        bytes,
        bodyStart,
        end,
        this.version,
        this.direction,
        this.decodeLimits,
      );
      packetIdentifier = packet.packetIdentifier;
      reasonCode = packet.reasonCode;
    }
    this.checkMayReceive(type);
    switch (type) {
      case PacketType.PUBACK:
        this.sink.onPuback(packetIdentifier, reasonCode, now);
        break;
      case PacketType.PUBREC:
        this.sink.onPubrec(packetIdentifier, reasonCode, now);
        break;
      case PacketType.PUBREL:
        this.sink.onPubrel(packetIdentifier, reasonCode, now);
        break;
      default:
        this.sink.onPubcomp(packetIdentifier, reasonCode, now);
    }
  }

  /** Throws when a packet of this type may not come in the state the connection is in. */
  protected abstract checkMayReceive(type: number): void;

  /** Alias and quota of a PUBLISH that was decoded. */
  protected admitPublish(packet: PublishPacket): void {
    const alias = packet.properties?.topicAlias;
    if (alias !== undefined) {
      if (this.inboundAliases === undefined) {
        throw new ProtocolError(
          'topic-alias-invalid',
          `Topic Alias ${alias} was used, but the Topic Alias Maximum announced is 0`,
          ReasonCode.TopicAliasInvalid,
        );
      }
      packet.topic = this.inboundAliases.resolve(alias, packet.topic);
    }
    if (packet.qos === 0) return;
    if (this.unacknowledged >= this.receiveMaximum) {
      // [MQTT5-3.3.4-7], [MQTT5-3.3.4-8]
      throw new ProtocolError(
        'receive-maximum-exceeded',
        `more than ${this.receiveMaximum} QoS 1 and 2 messages unacknowledged: the Receive Maximum announced was exceeded`,
        ReasonCode.ReceiveMaximumExceeded,
      );
    }
    this.unacknowledged++;
  }

  protected failWith(error: unknown, now: number): void {
    if (error instanceof MalformedPacketError || error instanceof ProtocolError) {
      this.fail(error.code, error.reasonCode, error.message, now);
    } else throw error;
  }

  protected writeLongAck(type: number, packetIdentifier: number, reasonCode: number, text: string | undefined): void {
    const properties = text === undefined || !this.sendsProblemInformation ? undefined : { reasonString: text };
    const packet: AckPacket = { type: ackName(type), packetIdentifier, reasonCode, properties };
    const bytes = this.encode(packet);
    // A Reason String that does not fit stays away [MQTT5-3.4.2-2].
    // [MQTT5-3.5.2-2]
    if (bytes.length > this.peerMaximumPacketSize && properties !== undefined) {
      this.write({ ...packet, properties: undefined });
    } else this.writeEncoded(bytes);
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
