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
  type PingrespPacket,
  packetName,
  ReasonCode,
  reasonCodeName,
  returnCodeName,
  type SubackPacket,
  type UnsubackPacket,
  violation,
} from '@hawser/codec';
import { Connection, type ConnectionOptions, type ConnectionSink } from './connection.ts';
import { InboundAliases, OutboundAliases } from './topic-aliases.ts';

/** What a client does with a server's packets. */
export interface ClientSink extends ConnectionSink {
  /** Success or refusal; after a refusal `onClosed` follows. */
  onConnack(packet: ConnackPacket, now: number): void;
  onAuth(packet: AuthPacket, now: number): void;
  /** SUBACK or UNSUBACK. */
  onAnswer(packet: SubackPacket | UnsubackPacket, now: number): void;
}

export interface ClientConnectionOptions extends ConnectionOptions {
  readonly connect: ConnectPacket;
}

/** What a client asked for it takes, however deep the topic. */
const LIMITS = { ...defaultDecodeLimits, topicLevels: Number.POSITIVE_INFINITY };

/** A client's side of one Network Connection: begins with its CONNECT, keeps itself alive, obeys what was granted. */
export class ClientConnection extends Connection {
  protected readonly direction: Direction = 'to-client';
  protected readonly sink: ClientSink;
  /** The CONNACK has come. */
  isConnected = false;
  /** Seconds in force: asked for, or the server's Server Keep Alive [MQTT5-3.1.2-21]; 0: off. */
  keepAlive: number;
  /** Receive Maximum of the server. */
  peerReceiveMaximum = 65_535;
  /** Of the server's DISCONNECT. */
  serverReference: string | undefined;
  isReadingPaused = false;
  readonly #cleanStart: boolean;
  /** When the PINGREQ under way was sent; Infinity: none is. */
  #pingSentMs = Number.POSITIVE_INFINITY;

  constructor(options: ClientConnectionOptions, sink: ClientSink, now: number) {
    super(options, now);
    this.sink = sink;
    const { protocolVersion, keepAlive, cleanStart, properties } = options.connect;
    this.version = protocolVersion;
    this.keepAlive = keepAlive;
    this.#cleanStart = cleanStart;
    if (protocolVersion === 5) {
      this.receiveMaximum = properties?.receiveMaximum ?? 65_535;
      this.inboundAliases = new InboundAliases(properties?.topicAliasMaximum ?? 0);
    }
    this.write(options.connect);
  }

  /** After 0.8 of the Keep Alive with nothing sent or nothing received; then the end of the time an answer may take. */
  nextTimeout(): number {
    const interval = this.keepAlive * 800;
    if (this.closeCause || !this.isConnected || interval === 0) return Number.POSITIVE_INFINITY;
    // Whoever does not read sees no answer: only what is sent counts.
    if (this.isReadingPaused) return this.lastSentMs + interval;
    if (this.#pingSentMs === Number.POSITIVE_INFINITY) return Math.min(this.lastSentMs, this.lastReceivedMs) + interval;
    return this.#pingSentMs + Math.min(10_000, Math.max(1000, this.keepAlive * 500));
  }

  handleTimeout(now: number): void {
    if (now < this.nextTimeout()) return;
    if (this.#pingSentMs !== Number.POSITIVE_INFINITY && !this.isReadingPaused) {
      const text = `no answer to PINGREQ within ${((now - this.#pingSentMs) / 1000).toFixed(1)} s`;
      this.close('ping-timeout', ReasonCode.KeepAliveTimeout, text, 'network', now);
      return;
    }
    this.#pingSentMs = now;
    this.lastSentMs = now;
    this.write({ type: 'pingreq' });
  }

  /** The caller stops reading from the network, or goes on: time in which it does not read is not held against the server. */
  setReadingPaused(paused: boolean, now: number): void {
    this.isReadingPaused = paused;
    if (paused) return;
    this.lastReceivedMs = now;
    if (this.#pingSentMs !== Number.POSITIVE_INFINITY) this.#pingSentMs = now;
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP; at once. */
  acknowledge(type: number, packetIdentifier: number, reasonCode: number): void {
    if (this.closeCause) return;
    if (type === PacketType.PUBACK || type === PacketType.PUBCOMP || (type === PacketType.PUBREC && reasonCode >= 0x80))
      this.unacknowledged = Math.max(0, this.unacknowledged - 1);
    this.writeShortAck(type, packetIdentifier, reasonCode);
  }

  /**
   * DISCONNECT, then the end. 3.x has no Reason Code: one that asks for the Will (anything but 0) closes the network
   * connection without DISCONNECT, which has the same effect [MQTT311-3.1.2-8].
   */
  disconnect(reasonCode: number, now: number, properties?: DisconnectProperties): void {
    if (this.closeCause) return;
    if (this.version === 5 || reasonCode === 0) this.#writeDisconnect(reasonCode, properties);
    this.close(reasonCodeName(reasonCode), reasonCode, 'this client disconnected', 'self', now);
  }

  /** Throws TypeError for a packet that only a server sends. */
  protected encode(packet: Packet): Uint8Array {
    return encodeClientPacket(packet as ClientPacket, this.version);
  }

  protected checkFirstBytes(bytes: Uint8Array): void {
    if (bytes[0] === 0x20 || (bytes[0] === 0xf0 && this.version === 5)) return;
    throw new MalformedPacketError('not-mqtt', 'the answer is not MQTT: it begins with no CONNACK');
  }

  protected checkMayReceive(type: number): void {
    if (!this.isConnected) throw violation(packetName(type << 4), 'not-connected');
  }

  protected handlePacket(type: number, now: number): void {
    const { firstByte, bytes, bodyStart, end } = this.reader;
    if (type !== PacketType.CONNACK && type !== PacketType.AUTH) this.checkMayReceive(type);
    if (type === PacketType.PUBLISH) {
      const packet = decodePublish(firstByte, bytes, bodyStart, end, this.version, 'to-client', this.topics, LIMITS);
      this.admitPublish(packet);
      this.sink.onPublish(packet, now);
      return;
    }
    const decode = DECODERS[type];
    if (decode === undefined) {
      // Throws for what only a client may send; without the decoders of those packets a page loads less.
      checkFirstByte(firstByte, this.version, 'to-client');
      throw violation(packetName(firstByte), 'unexpected-packet');
    }
    const packet = decode(firstByte, bytes, bodyStart, end, this.version, 'to-client');
    switch (packet.type) {
      case 'connack':
        this.#handleConnack(packet, now);
        return;
      case 'auth':
        this.sink.onAuth(packet, now);
        return;
      case 'disconnect':
        this.serverReference = packet.properties?.serverReference;
        this.#endByServer(reasonCodeName(packet.reasonCode), packet, 'disconnected', now);
        return;
      case 'pingresp':
        this.#pingSentMs = Number.POSITIVE_INFINITY;
        return;
      default:
        this.sink.onAnswer(packet, now);
    }
  }

  protected writeFarewell(reasonCode: number, text: string): void {
    if (this.version === 5) this.#writeDisconnect(reasonCode, { reasonString: text.slice(0, 1024) });
  }

  /** Properties that do not fit stay away [MQTT5-3.14.2-3]; in 3.x there are none. */
  #writeDisconnect(reasonCode: number, properties: DisconnectProperties | undefined): void {
    if (!this.isConnected) return;
    const given = this.version === 5 ? properties : undefined;
    if (!this.write({ type: 'disconnect', reasonCode, properties: given }))
      this.write({ type: 'disconnect', reasonCode, properties: undefined });
  }

  #handleConnack(packet: ConnackPacket, now: number): void {
    if (this.isConnected) throw violation('CONNACK', 'second-connack');
    const { reasonCode, properties } = packet;
    if (reasonCode === 0) {
      if (packet.sessionPresent && this.#cleanStart) throw violation('CONNACK', 'session-present-unexpected');
      this.isConnected = true;
      this.keepAlive = properties?.serverKeepAlive ?? this.keepAlive;
      this.peerReceiveMaximum = properties?.receiveMaximum ?? 65_535;
      this.peerMaximumPacketSize = properties?.maximumPacketSize ?? this.peerMaximumPacketSize;
      const aliases = properties?.topicAliasMaximum ?? 0;
      if (aliases > 0) this.outboundAliases = new OutboundAliases(aliases);
    }
    this.sink.onConnack(packet, now);
    if (reasonCode === 0) return;
    // A server that speaks 3.x only answers a CONNECT of 5.0 with a Return Code of its own.
    const code = reasonCode > 5 ? reasonCodeName(reasonCode) : returnCodeName(reasonCode);
    this.#endByServer(code, packet, 'refused the connection', now);
  }

  #endByServer(
    code: string,
    { reasonCode, properties }: ConnackPacket | DisconnectPacket,
    how: string,
    now: number,
  ): void {
    const said = properties?.reasonString;
    this.close(code, reasonCode, `the server ${how}: ${code}${said ? ` (${said})` : ''}`, 'peer', now);
  }
}

type Decode = (
  ...packet: Parameters<typeof decodePingresp>
) => ConnackPacket | SubackPacket | UnsubackPacket | PingrespPacket | DisconnectPacket | AuthPacket;

/** Of what a server may send beside PUBLISH and its acknowledgements. */
const DECODERS: Readonly<Record<number, Decode>> = {
  [PacketType.CONNACK]: decodeConnack,
  [PacketType.SUBACK]: decodeSuback,
  [PacketType.UNSUBACK]: decodeUnsuback,
  [PacketType.PINGRESP]: decodePingresp,
  [PacketType.DISCONNECT]: decodeDisconnect,
  [PacketType.AUTH]: decodeAuth,
};
