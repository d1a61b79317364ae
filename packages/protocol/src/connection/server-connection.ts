import {
  allowedReasonCodes,
  type ConnackProperties,
  type DecodeLimits,
  type DisconnectPacket,
  type DisconnectProperties,
  decodeAuth,
  decodeConnect,
  decodeDisconnect,
  decodePacket,
  decodePublish,
  decodeSubscribe,
  decodeUnsubscribe,
  encodePacket,
  MalformedPacketError,
  type Packet,
  ProtocolError,
  reasonCodeName,
  UnsupportedVersionError,
} from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import * as ReasonCode from '@hawser/codec/reason-code';
import { AnsweringConnection } from './answering-connection.ts';
import type { CloseCause, CloseCode, ComplaintCode } from './close-cause.ts';
import type { CloseDetail } from './close-detail.ts';
import { isTlsHandshake, lookAtFirstBytes } from './first-bytes.ts';
import { carriedBy, connackCode3 } from './refusal-codes.ts';
import type { AcceptOptions, ArrivalSink, EitherSink, ServerConnectionOptions, ServerSink } from './server-options.ts';
import { InboundAliases, OutboundAliases } from './topic-aliases.ts';

/** The sink of a connection without a CONNACK: `checkMayReceive` throws before it would be called. */
const NOBODY: ServerSink = {
  reasonStringOf: notAccepted,
  onAuth: notAccepted,
  onHandled: notAccepted,
  onPublish: notAccepted,
  onAck: notAccepted,
  onSubscribe: notAccepted,
  onUnsubscribe: notAccepted,
  onDisconnect: notAccepted,
  onAcksWaiting: notAccepted,
  onClosed: notAccepted,
};

function notAccepted(): never {
  throw new Error('the connection was not accepted');
}

/**
 * - `await-connect`: nothing but a CONNECT may come;
 * - `admitting`: the CONNECT is with the sink, only AUTH may come;
 * - `connected`: between CONNACK and the end.
 */
type ServerState = 'await-connect' | 'admitting' | 'connected';

const PINGREQ = PacketType.PINGREQ << 4;

/** A server's side of one Network Connection. */
export class ServerConnection extends AnsweringConnection<CloseCause> {
  /** Given with the CONNACK. */
  protected sink: ServerSink = NOBODY;
  state: ServerState = 'await-connect';
  /** Seconds, as granted; 0: off. */
  keepAlive = 0;
  /** Receive Maximum of the client. */
  peerReceiveMaximum = 65_535;
  /** Undefined from the CONNACK on. */
  #arrival: ArrivalSink | undefined;
  #deadlineMs: number;
  /** What came in place of a CONNECT. */
  #firstBytes: CloseDetail | undefined;
  #problemInformation = true;
  #answeredPings = 0;
  #peerTopicAliasMaximum = 0;
  readonly #filterLimits: DecodeLimits | undefined;
  readonly #maximumPacketSize: number;
  readonly #topicBytes: number;
  readonly #outboundAliases: number;
  readonly #connectTimeoutMs: number;

  constructor(options: ServerConnectionOptions, arrival: ArrivalSink, now: number) {
    super({ ...options, maximumPacketSize: options.connectPacketSize }, now);
    this.#arrival = arrival;
    this.#maximumPacketSize = options.maximumPacketSize;
    this.#filterLimits = options.subscribeLimits ?? options.decodeLimits;
    this.#topicBytes = options.topicBytes ?? 65_535;
    this.#outboundAliases = options.outboundAliases ?? 65_535;
    this.#connectTimeoutMs = options.connectTimeoutMs;
    this.#deadlineMs = now + options.connectTimeoutMs;
  }

  get isConnected(): boolean {
    return this.state === 'connected' && this.closeCause === undefined;
  }

  override get sendsProblemInformation(): boolean {
    return this.version === 5 && this.#problemInformation;
  }

  nextTimeout(): number {
    if (this.closeCause !== undefined) return Number.POSITIVE_INFINITY;
    if (this.state !== 'connected') return this.#deadlineMs;
    if (this.keepAlive === 0 || this.suspended) return Number.POSITIVE_INFINITY;
    return this.lastReceivedMs + this.keepAlive * 1500;
  }

  handleTimeout(now: number): void {
    if (this.closeCause !== undefined || now < this.nextTimeout()) return;
    if (this.state === 'await-connect') {
      const detail: CloseDetail = {
        is: 'connect-late',
        seconds: this.#connectTimeoutMs / 1000,
        bytes: this.bytesIn,
      };
      this.close(endedHere('connect-never-sent', ReasonCode.UnspecifiedError, detail), now);
    } else if (this.state === 'admitting') {
      this.refuse('connect-timeout', ReasonCode.NotAuthorized, PLAIN, now);
    } else {
      // [MQTT5-3.1.2-22] [MQTT311-3.1.2-24]
      const gapSeconds = (now - this.lastReceivedMs) / 1000;
      const detail: CloseDetail = { is: 'keep-alive-over', gapSeconds, keepAlive: this.keepAlive };
      this.fail('keep-alive-timeout', ReasonCode.KeepAliveTimeout, detail, now);
    }
  }

  /**
   * CONNACK with success [MQTT5-3.2.0-1]; from here on the client may send and be sent anything, and `sink` has what it sends. False: the
   * client does not even take the CONNACK, and the connection has ended.
   */
  accept(options: AcceptOptions, sink: ServerSink, now: number): boolean {
    const properties = this.version === 5 ? options.properties : undefined;
    const connack: Packet = { type: 'connack', sessionPresent: options.sessionPresent, reasonCode: 0, properties };
    let bytes = encodePacket(connack, this.version);
    if (bytes.length > this.peerMaximumPacketSize && properties?.userProperties !== undefined) {
      // [MQTT5-3.2.2-20]
      bytes = encodePacket({ ...connack, properties: { ...properties, userProperties: undefined } }, this.version);
    }
    if (bytes.length > this.peerMaximumPacketSize) {
      // [MQTT5-3.1.2-24]
      const { detail } = this.answerTooLarge('connack', bytes.length);
      this.refuse('packet-too-large', ReasonCode.PacketTooLarge, detail, now);
      return false;
    }
    // [MQTT311-3.2.0-1] [MQTT311-3.1.4-4] [MQTT5-3.2.0-2]
    this.state = 'connected';
    this.sink = sink;
    this.#arrival = undefined;
    this.keepAlive = options.keepAlive;
    this.reader.maximumPacketSize = this.#maximumPacketSize;
    if (this.version === 5) {
      // [MQTT5-4.9.0-1]
      this.receiveMaximum = options.receiveMaximum;
      // [MQTT5-3.2.2-17] [MQTT5-3.2.2-18] [MQTT5-3.3.2-12]
      if (options.topicAliasMaximum > 0) this.inboundAliases = new InboundAliases(options.topicAliasMaximum);
      // [MQTT5-3.1.2-27] [MQTT5-3.3.2-11]
      if (this.#peerTopicAliasMaximum > 0) this.aliases = new OutboundAliases(this.#peerTopicAliasMaximum);
    }
    this.writeEncoded(bytes);
    return true;
  }

  /** The network is gone; `why`: what the system or the WebSocket says of it. */
  receiveEnd(now: number, why?: string): void {
    const detail: CloseDetail = why === undefined ? PLAIN : { is: 'network-broke', why };
    this.close({ code: 'network-lost', reasonCode: ReasonCode.UnspecifiedError, detail, by: 'network' }, now);
  }

  /** Ends the connection with a Reason Code that the client is told where the version has a way to. */
  fail(code: CloseCode, reasonCode: number, detail: CloseDetail, now: number): void {
    this.failFor(endedHere(code, reasonCode, detail), now);
  }

  /** CONNACK with a Reason Code of 5.0 (translated for 3.x), then the end [MQTT5-3.2.2-7]. */
  refuse(code: CloseCode, reasonCode: number, detail: CloseDetail, now: number, properties?: ConnackProperties): void {
    if (this.closeCause !== undefined) return;
    const cause = endedHere(code, reasonCode, detail);
    // [MQTT311-3.2.2-4] [MQTT311-3.2.2-5] [MQTT5-3.2.2-6] [MQTT5-3.2.2-7]
    this.writeConnackRefusal(reasonCode, this.#sinkNow().reasonStringOf(cause), properties);
    this.close(cause, now);
  }

  /** DISCONNECT (5.0) with a Reason Code, then the end. In 3.x there is no such packet: just the end. */
  disconnect(
    code: CloseCode,
    reasonCode: number,
    detail: CloseDetail,
    now: number,
    properties?: DisconnectProperties,
  ): void {
    if (this.closeCause !== undefined) return;
    const cause = endedHere(code, reasonCode, detail);
    this.writeFarewell(cause, properties);
    this.close(cause, now);
  }

  protected encode(packet: Packet): Uint8Array {
    return encodePacket(packet, this.version);
  }

  protected checkFirstBytes(bytes: Uint8Array): void {
    const first = bytes[0];
    // [MQTT311-3.1.0-1] [MQTT5-3.1.0-1]
    // The other bits are not used in 3.1; which version it is, the decoder finds out.
    if (first === undefined || (first >> 4 === PacketType.CONNECT && !isTlsHandshake(bytes))) return;
    this.#firstBytes = lookAtFirstBytes(bytes);
    throw new MalformedPacketError('not-a-connect', 'the first packet is not a CONNECT');
  }

  protected checkMayReceive(type: number): void {
    if (this.state === 'connected') return;
    // [MQTT5-3.1.0-1]; after CONNECT nothing is handled before the CONNACK, for the sink suspends.
    throw new ProtocolError('not-connected', `packet type ${type} before the connection was accepted`, 0x82);
  }

  protected handlePacket(type: number, now: number): void {
    this.#handle(type, now);
    (this.#arrival ?? this.sink).onHandled(type);
  }

  protected override tellClosed(cause: CloseCause, now: number): void {
    this.#sinkNow().onClosed(cause, now);
  }

  #sinkNow(): EitherSink {
    return this.#arrival ?? this.sink;
  }

  #handle(type: number, now: number): void {
    if (type >= PacketType.PUBACK && type <= PacketType.PUBCOMP) {
      this.handleAck(type, now);
      return;
    }
    const { firstByte, bytes, bodyStart, end } = this.reader;
    if (type === PacketType.PUBLISH && this.state === 'connected') {
      this.#checkTopicLength(bytes, bodyStart, end);
      const packet = decodePublish(this.reader, this.version, 'to-server', this.topics, this.decodeLimits);
      this.admitPublish(packet);
      this.sink.onPublish(packet, now);
      return;
    }
    if (type === PacketType.CONNECT) {
      this.#handleConnect(now);
      return;
    }
    // [MQTT5-3.1.2-30]
    const mayComeBefore = type === PacketType.AUTH || type === PacketType.DISCONNECT;
    if (!mayComeBefore || this.state !== 'admitting') this.checkMayReceive(type);
    switch (type) {
      case PacketType.SUBSCRIBE:
        this.sink.onSubscribe(decodeSubscribe(this.reader, this.version, 'to-server', this.#filterLimits), now);
        return;
      case PacketType.UNSUBSCRIBE:
        this.sink.onUnsubscribe(decodeUnsubscribe(this.reader, this.version, 'to-server', this.decodeLimits), now);
        return;
      case PacketType.AUTH:
        this.#sinkNow().onAuth(decodeAuth(this.reader, this.version, 'to-server', this.decodeLimits), now);
        return;
      case PacketType.DISCONNECT:
        this.#handleDisconnect(decodeDisconnect(this.reader, this.version, 'to-server', this.decodeLimits), now);
        return;
      default:
        // Throws for what only a server may send, and for a PINGREQ that is none.
        if (firstByte !== PINGREQ || end > bodyStart) decodePacket(this.reader, this.version, 'to-server');
        // [MQTT311-3.12.4-1] [MQTT5-3.12.4-1]
        if (type === PacketType.PINGREQ) this.#onPingreq();
    }
  }

  protected writeFarewell(cause: CloseCause, properties?: DisconnectProperties): void {
    // Before the CONNECT nothing may be sent, and nobody knows the version to send it in.
    if (this.version !== 5 && this.state === 'connected') return;
    // [MQTT5-3.14.0-1] [MQTT5-4.13.1-1]
    if (this.state === 'connected')
      this.#writeDisconnect(cause.reasonCode, this.#sinkNow().reasonStringOf(cause), properties);
    else if (this.state === 'admitting')
      this.writeConnackRefusal(cause.reasonCode, this.#sinkNow().reasonStringOf(cause), undefined);
  }

  protected causeOf(error: MalformedPacketError | ProtocolError): CloseCause {
    const { code, reasonCode, message, excess } = error;
    const detail: CloseDetail =
      this.#firstBytes ?? (excess === undefined ? { is: 'packet', seen: message } : { is: 'excess', excess });
    return endedHere(code as CloseCode, reasonCode, detail);
  }

  protected answerTooLarge(packet: Packet['type'], bytes: number): CloseCause {
    const detail: CloseDetail = { is: 'answer-too-large', packet, bytes, limit: this.peerMaximumPacketSize };
    return endedHere('packet-too-large', ReasonCode.PacketTooLarge, detail);
  }

  protected override failWith(error: unknown, now: number): void {
    if (error instanceof UnsupportedVersionError && this.state === 'await-connect') {
      const code = namesMqtt(error) ? 'unsupported-protocol-version' : 'not-mqtt';
      const cause = endedHere(code, error.reasonCode, { is: 'packet', seen: error.message });
      this.#refuseVersion(error, cause);
      this.close(cause, now);
      return;
    }
    if (this.state === 'await-connect' && this.#speaksFive()) {
      // A malformed CONNECT of a 5.0 client may be told so [MQTT5-3.1.4-1]; others are just closed.
      this.version = 5;
      this.state = 'admitting';
    }
    super.failWith(error, now);
  }

  /** Before anything is made of it. */
  #checkTopicLength(bytes: Uint8Array, bodyStart: number, end: number): void {
    if (end - bodyStart <= this.#topicBytes) return;
    const length = ((bytes[bodyStart] as number) << 8) | (bytes[bodyStart + 1] as number);
    if (length <= this.#topicBytes) return;
    const text = `a Topic Name of ${length} bytes; it may have ${this.#topicBytes}`;
    const excess = { is: 'topic-name-too-long', limit: this.#topicBytes, actual: length } as const;
    throw new ProtocolError('topic-name-too-long', text, ReasonCode.TopicNameInvalid, excess);
  }

  #handleConnect(now: number): void {
    if (this.state !== 'await-connect') {
      // [MQTT5-3.1.0-2]
      // [MQTT311-3.1.0-2]
      throw new ProtocolError('second-connect', 'a second CONNECT on one network connection', ReasonCode.ProtocolError);
    }
    // [MQTT311-3.1.4-1] [MQTT5-3.1.4-1]
    const packet = decodeConnect(this.reader, this.version, 'to-server', this.decodeLimits);
    this.version = packet.protocolVersion;
    this.state = 'admitting';
    const properties = packet.properties;
    if (properties !== undefined) {
      this.peerReceiveMaximum = properties.receiveMaximum ?? 65_535;
      this.peerMaximumPacketSize = properties.maximumPacketSize ?? this.peerMaximumPacketSize;
      this.#problemInformation = properties.requestProblemInformation ?? true;
      this.#peerTopicAliasMaximum = Math.min(properties.topicAliasMaximum ?? 0, this.#outboundAliases);
    }
    this.#deadlineMs = now + this.#connectTimeoutMs;
    this.#arrival?.onConnect(packet, now);
  }

  #handleDisconnect(packet: DisconnectPacket, now: number): void {
    // [MQTT311-3.14.4-3] [MQTT5-3.14.4-3]
    if (this.state === 'connected') this.sink.onDisconnect(packet, now);
    if (this.closeCause !== undefined) return;
    const { reasonCode, properties } = packet;
    const said = properties?.reasonString;
    const detail: CloseDetail = said === undefined ? { is: 'disconnected' } : { is: 'disconnected', said };
    this.close({ code: nameOf(reasonCode), reasonCode, detail, by: 'peer' }, now);
  }

  /** So many PINGREQ have come behind packets that wait because of the client's rate: they are answered before these are handled. */
  answerPings(count: number): void {
    if (this.state !== 'connected' || this.closeCause !== undefined) return;
    this.#answeredPings += count;
    for (let i = 0; i < count; i++) this.#writePingresp();
  }

  #onPingreq(): void {
    if (this.#answeredPings > 0) this.#answeredPings--;
    else this.#writePingresp();
  }

  #writePingresp(): void {
    const at = this.reserve(2);
    this.output.target[at] = 0xd0;
    this.output.target[at + 1] = 0;
  }

  /** The CONNACK may bring a Reason String whatever was asked for [MQTT5-3.1.2-29]. */
  protected writeConnackRefusal(reasonCode: number, text: string, properties: ConnackProperties | undefined): void {
    if (this.version !== 5) {
      this.write({
        type: 'connack',
        sessionPresent: false,
        reasonCode: connackCode3(reasonCode),
        properties: undefined,
      });
      return;
    }
    const long: Packet = {
      type: 'connack',
      sessionPresent: false,
      reasonCode: carriedBy(allowedReasonCodes.CONNACK, reasonCode),
      properties: { reasonString: clip(text), ...properties },
    };
    this.#writeFitting(long, { ...long, properties });
  }

  #writeDisconnect(reasonCode: number, text: string, properties: DisconnectProperties | undefined): void {
    if (this.version !== 5) return;
    const carried = carriedBy(allowedReasonCodes['DISCONNECT to-client'], reasonCode);
    const long: Packet = {
      type: 'disconnect',
      reasonCode: carried,
      properties: { reasonString: clip(text), ...properties },
    };
    this.#writeFitting(long, { ...long, properties });
  }

  /** [MQTT5-3.2.2-19], [MQTT5-3.14.2-3]: words stay away when they would not fit. */
  #writeFitting(long: Packet, short: Packet): void {
    if (!this.write(long)) this.write(short);
  }

  /** The first bytes say Protocol Name MQTT and level 5, whatever follows is wrong with it. */
  #speaksFive(): boolean {
    const { bytes, bodyStart, end } = this.reader;
    if (end - bodyStart < 7 || this.packetsIn !== 1) return false;
    const head = [0, 4, 0x4d, 0x51, 0x54, 0x54, 5];
    return head.every((byte, i) => bytes[bodyStart + i] === byte);
  }

  /** In the client's own shape: 3.x gets a 3.x CONNACK 0x01 [MQTT311-3.1.2-2], 5.0 and later 0x84 [MQTT5-3.1.2-2]. */
  #refuseVersion(error: UnsupportedVersionError, cause: CloseCause): void {
    if (!namesMqtt(error)) return;
    this.version = error.protocolLevel >= 5 ? 5 : 4;
    this.writeConnackRefusal(error.reasonCode, this.#sinkNow().reasonStringOf(cause), undefined);
  }
}

/** What came is MQTT, of whatever level. */
function namesMqtt({ protocolName }: UnsupportedVersionError): boolean {
  return protocolName === 'MQTT' || protocolName === 'MQIsdp';
}

const PLAIN: CloseDetail = { is: 'plain' };

function endedHere(code: CloseCode, reasonCode: number, detail: CloseDetail): CloseCause {
  return { code, reasonCode, detail, by: 'self' };
}

/** What a DISCONNECT of a client says; the codec lets no other Reason Code in. */
function nameOf(reasonCode: number): CloseCode | ComplaintCode {
  return reasonCode === 0 ? 'normal-disconnection' : (reasonCodeName(reasonCode) as CloseCode | ComplaintCode);
}

function clip(text: string): string {
  // A pair of surrogates may have been cut in two.
  return text.length > 1024 ? `${text.slice(0, 1023)}…`.toWellFormed() : text;
}
