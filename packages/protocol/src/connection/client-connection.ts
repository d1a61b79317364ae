import {
  type AuthPacket,
  type ClientPacket,
  type ConnackPacket,
  type ConnectPacket,
  checkFirstByte,
  type Direction,
  type DisconnectPacket,
  type DisconnectProperties,
  decodeAuth,
  decodeConnack,
  decodeDisconnect,
  decodePingresp,
  decodePublish,
  decodeSuback,
  decodeUnsuback,
  defaultDecodeLimits,
  encodeClientPacket,
  MalformedPacketError,
  type Packet,
  PacketType,
  ProtocolError,
  ReasonCode,
  reasonCodeName,
  returnCodeName,
  type SubackPacket,
  type UnsubackPacket,
} from '@hawser/codec';
import { Connection, type ConnectionOptions, type ConnectionSink } from './connection.ts';
import { InboundAliases, OutboundAliases } from './topic-aliases.ts';

/** What a client does with a server's packets. */
export interface ClientSink extends ConnectionSink {
  /** Success or refusal; after a refusal `onClosed` follows. */
  onConnack(packet: ConnackPacket, now: number): void;
  onAuth(packet: AuthPacket, now: number): void;
  onSuback(packet: SubackPacket, now: number): void;
  onUnsuback(packet: UnsubackPacket, now: number): void;
  /** A DISCONNECT of the server (5.0); `onClosed` follows. */
  onDisconnect(packet: DisconnectPacket, now: number): void;
}

export interface ClientConnectionOptions extends ConnectionOptions {
  readonly connect: ConnectPacket;
}

/** What a client asked for it takes, however deep the topic. */
const LIMITS = { ...defaultDecodeLimits, topicLevels: Number.POSITIVE_INFINITY };

/** `await-connack`: CONNECT is sent; `connected`: between CONNACK and the end. */
type ClientState = 'await-connack' | 'connected';

/** A client's side of one Network Connection: begins with its CONNECT, keeps itself alive, obeys what was granted. */
export class ClientConnection extends Connection {
  protected readonly direction: Direction = 'to-client';
  protected readonly sink: ClientSink;
  state: ClientState = 'await-connack';
  /** Seconds in force: asked for, or the server's Server Keep Alive [MQTT5-3.1.2-21]; 0: off. */
  keepAlive: number;
  /** Receive Maximum of the server. */
  peerReceiveMaximum = 65_535;
  readonly #connect: ConnectPacket;
  /** When the PINGREQ under way was sent; Infinity: none is. */
  #pingSentMs = Number.POSITIVE_INFINITY;
  #isReadingPaused = false;

  constructor(options: ClientConnectionOptions, sink: ClientSink, now: number) {
    super(options, now);
    this.sink = sink;
    this.#connect = options.connect;
    this.version = options.connect.protocolVersion;
    this.keepAlive = options.connect.keepAlive;
    const properties = options.connect.properties;
    if (this.version === 5) {
      this.receiveMaximum = properties?.receiveMaximum ?? 65_535;
      const aliases = properties?.topicAliasMaximum ?? 0;
      if (aliases > 0) this.inboundAliases = new InboundAliases(aliases);
    }
    this.write(options.connect);
  }

  get isConnected(): boolean {
    return this.state === 'connected' && this.closeCause === undefined;
  }

  /** After 0.8 of the Keep Alive with nothing sent or nothing received; then the end of the time an answer may take. */
  nextTimeout(): number {
    if (this.closeCause !== undefined || this.state !== 'connected' || this.keepAlive === 0)
      return Number.POSITIVE_INFINITY;
    // Whoever does not read sees no answer: only what is sent counts.
    if (this.#isReadingPaused) return this.lastSentMs + this.keepAlive * 800;
    if (this.#pingSentMs !== Number.POSITIVE_INFINITY) return this.#pingSentMs + this.#pingTimeoutMs;
    return Math.min(this.lastSentMs, this.lastReceivedMs) + this.keepAlive * 800;
  }

  handleTimeout(now: number): void {
    if (now < this.nextTimeout()) return;
    if (this.#pingSentMs !== Number.POSITIVE_INFINITY && !this.#isReadingPaused) {
      const seconds = ((now - this.#pingSentMs) / 1000).toFixed(1);
      this.close(
        {
          code: 'ping-timeout',
          reasonCode: ReasonCode.KeepAliveTimeout,
          text: `no answer to PINGREQ within ${seconds} s: the server or the network between is gone`,
          by: 'network',
        },
        now,
      );
      return;
    }
    this.#pingSentMs = now;
    this.lastSentMs = now;
    this.write({ type: 'pingreq' });
  }

  get isReadingPaused(): boolean {
    return this.#isReadingPaused;
  }

  /** The caller stops reading from the network, or goes on: time in which it does not read is not held against the server. */
  setReadingPaused(paused: boolean, now: number): void {
    this.#isReadingPaused = paused;
    if (paused) return;
    this.lastReceivedMs = now;
    if (this.#pingSentMs !== Number.POSITIVE_INFINITY) this.#pingSentMs = now;
  }

  /**
   * DISCONNECT, then the end. 3.x has no Reason Code: one that asks for the Will (anything but 0) closes the network
   * connection without DISCONNECT, which has the same effect [MQTT311-3.1.2-8].
   */
  disconnect(reasonCode: number, now: number, properties?: DisconnectProperties): void {
    if (this.closeCause !== undefined) return;
    if (this.state === 'connected') {
      if (this.version === 5) this.#writeDisconnect(reasonCode, properties);
      else if (reasonCode === 0) this.write({ type: 'disconnect', reasonCode, properties: undefined });
    }
    this.close({ code: reasonCodeName(reasonCode), reasonCode, text: 'this client disconnected', by: 'self' }, now);
  }

  /** Throws TypeError for a packet that only a server sends. */
  protected encode(packet: Packet): Uint8Array {
    return encodeClientPacket(packet as ClientPacket, this.version);
  }

  protected checkFirstBytes(bytes: Uint8Array): void {
    if (bytes[0] === 0x20 || (bytes[0] === 0xf0 && this.version === 5)) return;
    throw new MalformedPacketError('not-mqtt', 'the answer is not MQTT: the first packet is no CONNACK');
  }

  protected checkMayReceive(type: number): void {
    if (this.state !== 'connected')
      throw new ProtocolError('not-connected', `packet type ${type} before CONNACK`, 0x82);
  }

  protected handlePacket(type: number, now: number): void {
    const { firstByte, bytes, bodyStart, end } = this.reader;
    if (type === PacketType.CONNACK) {
      this.#handleConnack(decodeConnack(firstByte, bytes, bodyStart, end, this.version, 'to-client'), now);
      return;
    }
    if (type !== PacketType.AUTH) this.checkMayReceive(type);
    switch (type) {
      case PacketType.PUBLISH: {
        const packet = decodePublish(firstByte, bytes, bodyStart, end, this.version, 'to-client', this.topics, LIMITS);
        this.admitPublish(packet);
        this.sink.onPublish(packet, now);
        return;
      }
      case PacketType.SUBACK:
        this.sink.onSuback(decodeSuback(firstByte, bytes, bodyStart, end, this.version, 'to-client'), now);
        return;
      case PacketType.UNSUBACK:
        this.sink.onUnsuback(decodeUnsuback(firstByte, bytes, bodyStart, end, this.version, 'to-client'), now);
        return;
      case PacketType.AUTH:
        this.sink.onAuth(decodeAuth(firstByte, bytes, bodyStart, end, this.version, 'to-client'), now);
        return;
      case PacketType.DISCONNECT:
        this.#handleDisconnect(decodeDisconnect(firstByte, bytes, bodyStart, end, this.version, 'to-client'), now);
        return;
      default:
        if (type === PacketType.PINGRESP) {
          decodePingresp(firstByte, bytes, bodyStart, end, this.version, 'to-client');
          this.#pingSentMs = Number.POSITIVE_INFINITY;
        } else {
          // Throws for what only a client may send; without the decoders of those packets a page loads less.
          checkFirstByte(firstByte, this.version, 'to-client');
          throw new ProtocolError(
            'unexpected-packet',
            `packet type ${type} is not for a client`,
            ReasonCode.ProtocolError,
          );
        }
    }
  }

  protected writeFarewell(reasonCode: number, text: string): void {
    if (this.version !== 5 || this.state !== 'connected') return;
    this.#writeDisconnect(reasonCode, { reasonString: text.slice(0, 1024) });
  }

  /** Properties that do not fit stay away [MQTT5-3.14.2-3]. */
  #writeDisconnect(reasonCode: number, properties: DisconnectProperties | undefined): void {
    const bytes = encodeClientPacket({ type: 'disconnect', reasonCode, properties }, 5);
    if (bytes.length <= this.peerMaximumPacketSize) this.writeEncoded(bytes);
    else this.write({ type: 'disconnect', reasonCode, properties: undefined });
  }

  get #pingTimeoutMs(): number {
    return Math.min(10_000, Math.max(1000, this.keepAlive * 500));
  }

  #handleConnack(packet: ConnackPacket, now: number): void {
    if (this.state === 'connected')
      throw new ProtocolError('second-connack', 'a second CONNACK', ReasonCode.ProtocolError);
    if (packet.reasonCode === 0) {
      if (packet.sessionPresent && this.#connect.cleanStart) {
        throw new ProtocolError(
          'session-present-unexpected',
          'Session Present 1 after Clean Start 1',
          ReasonCode.ProtocolError,
        );
      }
      this.state = 'connected';
      const properties = packet.properties;
      this.keepAlive = properties?.serverKeepAlive ?? this.keepAlive;
      this.peerReceiveMaximum = properties?.receiveMaximum ?? 65_535;
      this.peerMaximumPacketSize = properties?.maximumPacketSize ?? this.peerMaximumPacketSize;
      const aliases = properties?.topicAliasMaximum ?? 0;
      if (aliases > 0) this.outboundAliases = new OutboundAliases(aliases);
    }
    this.sink.onConnack(packet, now);
    if (packet.reasonCode === 0) return;
    const said = packet.properties?.reasonString;
    // A server that speaks 3.x only answers a CONNECT of 5.0 with a Return Code of its own.
    const is5 = this.version === 5 && packet.reasonCode > 5;
    const name = is5 ? reasonCodeName(packet.reasonCode) : returnCodeName(packet.reasonCode);
    const text = `the server refused the connection: ${name}${said === undefined ? '' : ` (${said})`}`;
    this.close({ code: name, reasonCode: packet.reasonCode, text, by: 'peer' }, now);
  }

  #handleDisconnect(packet: DisconnectPacket, now: number): void {
    this.sink.onDisconnect(packet, now);
    const name = reasonCodeName(packet.reasonCode);
    const said = packet.properties?.reasonString;
    const text = `the server disconnected: ${name}${said === undefined ? '' : ` (${said})`}`;
    this.close({ code: name, reasonCode: packet.reasonCode, text, by: 'peer' }, now);
  }
}
