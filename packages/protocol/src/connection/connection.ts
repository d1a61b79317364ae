import {
  MalformedPacketError,
  type Packet,
  PacketReader,
  ProtocolError,
  type ProtocolVersion,
  type PublishPacket,
  publishSize,
  type QoS,
  type TopicCache,
  violation,
  writePublishInto,
} from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import * as ReasonCode from '@hawser/codec/reason-code';
import type { ClosedBy } from './close-cause.ts';
import { InboundAliases, type OutboundAliases } from './topic-aliases.ts';

/** Where a connection puts the bytes it is to send. */
export interface PacketOutput {
  /** Room for one packet of `size` bytes: its offset in `target`. */
  reserve(size: number): number;
  readonly target: Uint8Array;
}

/** Why a connection ended: each side says in its way what there is to say about it. */
export interface Ended {
  readonly code: string;
  /** MQTT 5.0 Reason Code. */
  readonly reasonCode: number;
  readonly by: ClosedBy;
}

/** Both sides get these from a Connection. All are called from within `receive`, `receiveEnd`, `handleTimeout` or a command. */
export interface ConnectionSink<Cause extends Ended> {
  /** A PUBLISH, its Topic Alias resolved. Payload and binary properties are views: what is kept must be copied. */
  onPublish(packet: PublishPacket, now: number): void;
  /** `type`: PUBACK, PUBREC, PUBREL or PUBCOMP. `reasonString`: what a server says to it, for people. */
  onAck(type: number, packetIdentifier: number, reasonCode: number, now: number, reasonString?: string): void;
  /** The connection has ended; once, and nothing after it. What is left in the output is still to be sent. */
  onClosed(cause: Cause, now: number): void;
}

/** What both sides hand in. */
export interface ConnectionOptions {
  readonly output: PacketOutput;
  /** Absent: each Topic Name is decoded anew. */
  readonly topics?: TopicCache | undefined;
  /** Bytes of a whole packet that this side takes; absent: as large as the protocol has them. */
  readonly maximumPacketSize?: number | undefined;
}

/** Who has announced no Topic Alias Maximum takes none. */
const NO_ALIASES = /* @__PURE__ */ new InboundAliases(0);

/**
 * MQTT on one Network Connection, without I/O and without a clock: bytes and time go in, packets come out at the sink,
 * bytes collect in `output`. The peer's bytes never throw out of here: they close the connection with a Reason Code.
 */
export abstract class Connection<Cause extends Ended = Ended> {
  version: ProtocolVersion = 5;
  declare readonly output: PacketOutput;
  declare readonly reader: PacketReader;
  /** Set once the connection has ended. */
  closeCause: Cause | undefined;
  /** Milliseconds, as the caller counts them. */
  declare lastReceivedMs: number;
  declare lastSentMs: number;
  bytesIn = 0;
  packetsIn = 0;
  /** Bytes of a whole packet that the peer takes [MQTT5-3.1.2-24]. */
  peerMaximumPacketSize = 268_435_460;
  /** PUBLISH packets with QoS 1 and 2 from the peer that have not been acknowledged to the end. */
  unacknowledged = 0;
  /** Receive Maximum that this side announced; Infinity: none. */
  receiveMaximum = Number.POSITIVE_INFINITY;
  /** Topic Aliases that this side assigns; undefined: the peer takes none. */
  aliases: OutboundAliases | undefined;
  protected inboundAliases: InboundAliases = NO_ALIASES;
  declare protected readonly topics: TopicCache | undefined;
  /** What comes is kept, and nothing of it is handled. */
  #isHeld = false;

  constructor(options: ConnectionOptions, now: number) {
    this.output = options.output;
    this.topics = options.topics;
    // [MQTT5-3.2.2-15]
    this.reader = new PacketReader(options.maximumPacketSize);
    this.lastReceivedMs = now;
    this.lastSentMs = now;
  }

  protected abstract readonly sink: ConnectionSink<Cause>;
  protected abstract handlePacket(type: number, now: number): void;
  /** One packet in an array of its own, by the encoder that has what this side sends. */
  protected abstract encode(packet: Packet): Uint8Array;
  /** Bytes that can't be MQTT are refused from the first one on, before anything is buffered. */
  protected abstract checkFirstBytes(bytes: Uint8Array): void;
  /** Throws when a packet of this type may not come in the state the connection is in. */
  protected abstract checkMayReceive(type: number): void;
  /** Puts the side's last packet (DISCONNECT, CONNACK) into the output. */
  protected abstract writeFarewell(cause: Cause): void;
  /** What the peer has sent cannot stand. */
  protected abstract causeOf(error: MalformedPacketError | ProtocolError): Cause;
  /** The network is gone; `why`: what the system or the WebSocket says of it. */
  abstract receiveEnd(now: number, why?: string): void;
  /** When `handleTimeout` is to be called next; Infinity: never. */
  abstract nextTimeout(): number;
  abstract handleTimeout(now: number): void;

  /** Bytes from the peer. Handles every whole packet in them, unless it is held. */
  receive(bytes: Uint8Array, now: number): void {
    if (this.closeCause) return;
    this.lastReceivedMs = now;
    const first = this.bytesIn === 0 ? bytes : undefined;
    this.bytesIn += bytes.length;
    this.reader.push(this.#isHeld ? this.kept(bytes) : bytes);
    this.#run(now, first);
  }

  /** From within a sink's call: nothing further is handled until `proceed`. */
  hold(): void {
    this.#isHeld = true;
    this.keep();
  }

  /** Sees to it that what the reader has outlives the call that brought it. */
  protected keep(): void {
    this.reader.keep();
  }

  /** Bytes that outlive the call that brought them. */
  protected kept(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(bytes);
  }

  /** Goes on with what was kept. */
  proceed(now: number): void {
    this.#isHeld = false;
    this.#run(now);
  }

  /** Ends the connection with a Reason Code that the peer is told where the version has a way to. */
  protected failFor(cause: Cause, now: number): void {
    if (this.closeCause) return;
    // [MQTT5-4.13.1-1] [MQTT5-4.13.2-1] [MQTT311-4.8.0-1]
    this.writeFarewell(cause);
    this.close(cause, now);
  }

  /** `type`: PUBACK, PUBREC, PUBREL or PUBCOMP. Puts it into the output at once. */
  protected writeShortAck(type: number, packetIdentifier: number, reasonCode: number): void {
    const size = this.version === 5 && reasonCode !== 0 ? 5 : 4;
    const at = this.reserve(size);
    const target = this.output.target;
    // [MQTT311-2.3.1-6] [MQTT5-2.2.1-5]
    target[at] = type === PacketType.PUBREL ? 0x62 : type << 4;
    target[at + 1] = size - 2;
    target[at + 2] = packetIdentifier >> 8;
    target[at + 3] = packetIdentifier & 0xff;
    if (size === 5) target[at + 4] = reasonCode;
  }

  writeEncoded(packet: Uint8Array): void {
    const at = this.reserve(packet.length);
    this.output.target.set(packet, at);
  }

  /** Room for a PUBLISH with so many bytes of payload; without: for something that the peer itself has caused. */
  protected reserve(size: number, _payloadBytes?: number): number {
    return this.output.reserve(size);
  }

  /**
   * Puts a packet into the output at once, past the acknowledgements that wait. False: it is larger than the peer takes, and was
   * not sent [MQTT5-3.1.2-24].
   */
  write(packet: Packet): boolean {
    const bytes = this.encode(packet);
    if (bytes.length > this.peerMaximumPacketSize) return false;
    this.writeEncoded(bytes);
    return true;
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
    const at = this.reserve(size, payload.length);
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

  protected close(cause: Cause, now: number): void {
    if (this.closeCause) return;
    // [MQTT5-3.14.4-1] [MQTT5-3.14.4-2]
    this.closeCause = cause;
    this.tellClosed(cause, now);
  }

  protected tellClosed(cause: Cause, now: number): void {
    this.sink.onClosed(cause, now);
  }

  /** `first`: what came first of all, which may be anything. */
  #run(now: number, first?: Uint8Array): void {
    const reader = this.reader;
    try {
      if (first) this.checkFirstBytes(first);
      while (!this.closeCause && !this.#isHeld && reader.next()) {
        this.packetsIn++;
        this.handlePacket(reader.firstByte >> 4, now);
      }
    } catch (error) {
      this.failWith(error, now);
    }
  }

  /** Alias and quota of a PUBLISH that was decoded. */
  protected admitPublish(packet: PublishPacket): void {
    const alias = packet.properties?.topicAlias;
    if (alias) packet.topic = this.inboundAliases.resolve(alias, packet.topic);
    if (packet.qos === 0) return;
    if (this.unacknowledged >= this.receiveMaximum) {
      // [MQTT5-3.3.4-7], [MQTT5-3.3.4-8]
      const seen = `more than ${this.receiveMaximum} QoS 1 and 2 messages unacknowledged`;
      const excess = { is: 'receive-maximum-exceeded', limit: this.receiveMaximum } as const;
      throw violation('PUBLISH', 'receive-maximum-exceeded', seen, ReasonCode.ReceiveMaximumExceeded, excess);
    }
    this.unacknowledged++;
  }

  protected failWith(error: unknown, now: number): void {
    if (error instanceof MalformedPacketError || error instanceof ProtocolError) {
      this.failFor(this.causeOf(error), now);
    } else throw error;
  }
}
