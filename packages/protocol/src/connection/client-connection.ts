import {
  type AuthPacket,
  type ClientPacket,
  type ConnackPacket,
  type ConnectPacket,
  type DisconnectPacket,
  type DisconnectProperties,
  decodeAck,
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
  type ProtocolError,
  packetName,
  reasonCodeName,
  returnCodeName,
  type SubackPacket,
  type UnsubackPacket,
  violation,
} from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import * as ReasonCode from '@hawser/codec/reason-code';
import type { ClientCloseCause } from './close-cause.ts';
import { Connection, type ConnectionOptions, type ConnectionSink } from './connection.ts';
import { InboundAliases, OutboundAliases } from './topic-aliases.ts';

/** What a client does with a server's packets. */
export interface ClientSink extends ConnectionSink<ClientCloseCause> {
  /** Success or refusal; after a refusal `onClosed` follows. */
  onConnack(packet: ConnackPacket, now: number): void;
  onAuth(packet: AuthPacket, now: number): void;
  /** SUBACK or UNSUBACK. */
  onAnswer(packet: SubackPacket | UnsubackPacket, now: number): void;
}

/** The CONNECT says how large a packet this side takes. */
export interface ClientConnectionOptions extends Omit<ConnectionOptions, 'maximumPacketSize'> {
  readonly connect: ConnectPacket;
}

/** What a client asked for it takes, however deep the topic. */
const LIMITS = { ...defaultDecodeLimits, topicLevels: Number.POSITIVE_INFINITY };

/** A client's side of one Network Connection: begins with its CONNECT, keeps itself alive, obeys what was granted. */
export class ClientConnection extends Connection<ClientCloseCause> {
  declare protected readonly sink: ClientSink;
  /** The CONNACK has come. */
  isConnected = false;
  /** Seconds in force: asked for, or the server's Server Keep Alive [MQTT5-3.1.2-21]; 0: off. */
  declare keepAlive: number;
  /** Receive Maximum of the server. */
  peerReceiveMaximum = 65_535;
  /** Of the server's DISCONNECT. */
  serverReference: string | undefined;
  isReadingPaused = false;
  readonly #cleanStart: boolean;
  /** When the PINGREQ under way was sent; Infinity: none is. */
  #pingSentMs = Number.POSITIVE_INFINITY;

  constructor(options: ClientConnectionOptions, sink: ClientSink, now: number) {
    const { protocolVersion, keepAlive, cleanStart, properties = {} } = options.connect;
    const { receiveMaximum = 65_535, topicAliasMaximum = 0, maximumPacketSize } = properties;
    super({ ...options, maximumPacketSize }, now);
    this.sink = sink;
    this.version = protocolVersion;
    this.keepAlive = keepAlive;
    this.#cleanStart = cleanStart;
    // In 3.x there are no more Packet Identifiers than that.
    this.receiveMaximum = protocolVersion === 5 ? receiveMaximum : 65_535;
    this.inboundAliases = new InboundAliases(topicAliasMaximum);
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
      this.close({ code: 'ping-timeout', reasonCode: ReasonCode.KeepAliveTimeout, text, by: 'network' }, now);
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
    // With PUBREC it goes on, unless that refuses.
    if (type !== PacketType.PUBREL && (type !== PacketType.PUBREC || reasonCode >= 0x80))
      this.unacknowledged = Math.max(0, this.unacknowledged - 1);
    this.writeShortAck(type, packetIdentifier, reasonCode);
  }

  /**
   * DISCONNECT, then the end. 3.x has no Reason Code: one that asks for the Will (anything but 0) closes the network
   * connection without DISCONNECT, which has the same effect [MQTT311-3.1.2-8].
   */
  disconnect(reasonCode: number, now: number, properties?: DisconnectProperties): void {
    if (this.closeCause) return;
    this.#writeDisconnect(reasonCode, properties);
    const text = 'this client disconnected';
    this.close({ code: reasonCodeName(reasonCode), reasonCode, text, by: 'self' }, now);
  }

  /** The network is gone; `why`: what the system says of it. */
  receiveEnd(now: number, why?: string): void {
    const text = why ? `the network connection broke: ${why}` : 'the network connection ended without DISCONNECT';
    this.close({ code: 'network-lost', reasonCode: ReasonCode.UnspecifiedError, text, by: 'network' }, now);
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
    if (type !== PacketType.CONNACK && type !== PacketType.AUTH) this.checkMayReceive(type);
    if (type === PacketType.PUBLISH) {
      const packet = decodePublish(this.reader, this.version, 'to-client', this.topics, LIMITS);
      this.admitPublish(packet);
      this.sink.onPublish(packet, now);
      return;
    }
    const packet = [this.reader, this.version, 'to-client'] as const;
    switch (type) {
      case PacketType.CONNACK:
        this.#handleConnack(decodeConnack(...packet), now);
        return;
      case PacketType.SUBACK:
        this.sink.onAnswer(decodeSuback(...packet), now);
        return;
      case PacketType.UNSUBACK:
        this.sink.onAnswer(decodeUnsuback(...packet), now);
        return;
      case PacketType.PINGRESP:
        decodePingresp(...packet);
        this.#pingSentMs = Number.POSITIVE_INFINITY;
        return;
      case PacketType.DISCONNECT: {
        const disconnect = decodeDisconnect(...packet);
        this.serverReference = disconnect.properties?.serverReference;
        this.#endByServer(reasonCodeName(disconnect.reasonCode), disconnect, 'disconnected', now);
        return;
      }
      case PacketType.AUTH:
        this.sink.onAuth(decodeAuth(...packet), now);
        return;
      default: {
        // PUBACK, PUBREC, PUBREL or PUBCOMP; throws for what only a client may send, whose decoders a page need not load.
        const { packetIdentifier, reasonCode, properties } = decodeAck(...packet);
        this.sink.onAck(type, packetIdentifier, reasonCode, now, properties?.reasonString);
      }
    }
  }

  protected writeFarewell({ reasonCode, text }: ClientCloseCause): void {
    this.#writeDisconnect(reasonCode, { reasonString: text.slice(0, 1024) });
  }

  protected causeOf({ code, reasonCode, message }: MalformedPacketError | ProtocolError): ClientCloseCause {
    return { code, reasonCode, text: message, by: 'self' };
  }

  /** Properties that do not fit stay away [MQTT5-3.14.2-3]; in 3.x there are none, and no Reason Code but 0. */
  #writeDisconnect(reasonCode: number, properties: DisconnectProperties | undefined): void {
    if (!this.isConnected || (this.version !== 5 && reasonCode !== 0)) return;
    if (!this.write({ type: 'disconnect', reasonCode, properties }))
      this.write({ type: 'disconnect', reasonCode, properties: undefined });
  }

  #handleConnack(packet: ConnackPacket, now: number): void {
    if (this.isConnected) throw violation('CONNACK', 'second-connack');
    const { reasonCode, properties } = packet;
    if (reasonCode === 0) {
      if (packet.sessionPresent && this.#cleanStart) throw violation('CONNACK', 'session-present-unexpected');
      this.isConnected = true;
      const {
        serverKeepAlive = this.keepAlive,
        receiveMaximum = this.peerReceiveMaximum,
        maximumPacketSize = this.peerMaximumPacketSize,
        topicAliasMaximum,
      } = properties ?? {};
      this.keepAlive = serverKeepAlive;
      this.peerReceiveMaximum = receiveMaximum;
      this.peerMaximumPacketSize = maximumPacketSize;
      if (topicAliasMaximum) this.aliases = new OutboundAliases(topicAliasMaximum);
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
    const text = `the server ${how}: ${code}${said ? ` (${said})` : ''}`;
    this.close({ code, reasonCode, text, by: 'peer' }, now);
  }
}
