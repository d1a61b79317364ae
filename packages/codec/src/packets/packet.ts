import type { DecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import type { Direction, ProtocolVersion } from '../types.ts';
import { checkFirstByte } from '../wire/first-byte.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import { PacketWriter } from '../wire/packet-writer.ts';
import type { TopicCache } from '../wire/topic-cache.ts';
import { type AckPacket, writeAckBody } from './ack.ts';
import { type AuthPacket, decodeAuth } from './auth.ts';
import { writeClientPacket, writeFramed } from './client-packet.ts';
import { type ConnackPacket, decodeConnack, writeConnackBody } from './connack.ts';
import { type ConnectPacket, decodeConnect } from './connect.ts';
import { type DisconnectPacket, decodeDisconnect } from './disconnect.ts';
import { decodeAck, decodePublish } from './hot-decoders.ts';
import { decodePingreq, decodePingresp, type PingreqPacket, type PingrespPacket } from './ping.ts';
import { encodePublish, type PublishPacket } from './publish.ts';
import { requireEncodable } from './require-encodable.ts';
import { decodeSuback, type SubackPacket, writeSubackBody } from './suback.ts';
import { decodeSubscribe, type SubscribePacket } from './subscribe.ts';
import { decodeUnsuback, type UnsubackPacket, writeUnsubackBody } from './unsuback.ts';
import { decodeUnsubscribe, type UnsubscribePacket } from './unsubscribe.ts';

/** Any Control Packet, told apart by `type`. Every member is there; what the wire did not carry is `undefined`. */
export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;

/**
 * Decodes one packet: a PacketReader that has found one, or whatever says where it lies. `version` is the connection's, and is ignored
 * for a CONNECT. Throws MalformedPacketError and ProtocolError, nothing else. Payload and binary properties are views of
 * `bytes`, except in CONNECT, CONNACK and AUTH.
 */
export function decodePacket(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  topics?: TopicCache,
  limits?: DecodeLimits,
): Packet {
  switch (packet.firstByte >> 4) {
    case PacketType.CONNECT:
      return decodeConnect(packet, version, direction, limits);
    case PacketType.CONNACK:
      return decodeConnack(packet, version, direction, limits);
    case PacketType.PUBLISH:
      return decodePublish(packet, version, direction, topics, limits);
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return decodeAck(packet, version, direction, limits);
    case PacketType.SUBSCRIBE:
      return decodeSubscribe(packet, version, direction, limits);
    case PacketType.SUBACK:
      return decodeSuback(packet, version, direction, limits);
    case PacketType.UNSUBSCRIBE:
      return decodeUnsubscribe(packet, version, direction, limits);
    case PacketType.UNSUBACK:
      return decodeUnsuback(packet, version, direction, limits);
    case PacketType.PINGREQ:
      return decodePingreq(packet, version, direction);
    case PacketType.PINGRESP:
      return decodePingresp(packet, version, direction);
    case PacketType.DISCONNECT:
      return decodeDisconnect(packet, version, direction, limits);
    case PacketType.AUTH:
      return decodeAuth(packet, version, direction, limits);
    default:
      // Type 0 [MQTT5-2.1.3-1]: this always throws, and says so better than a second message here would.
      checkFirstByte(packet.firstByte, version, direction);
      throw new Error('unreachable: packet type 0 passed checkFirstByte');
  }
}

/**
 * One packet in an array of its own. `version` is the connection's; a CONNECT goes out in its own `protocolVersion`. In 3.x properties
 * and the Reason Codes of acks are not written; what would mean something else without them is refused. Throws UsageError.
 */
export function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array {
  requireEncodable(packet, version);
  if (packet.type === 'publish') return encodePublish(packet, version);
  const writer = new PacketWriter();
  append(writer, packet, version);
  return writer.take();
}

function append(writer: PacketWriter, packet: Exclude<Packet, PublishPacket>, version: ProtocolVersion): void {
  switch (packet.type) {
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      writeFramed(writer, packet, version, writeAckBody);
      return;
    case 'connack':
      writeFramed(writer, packet, version, writeConnackBody);
      return;
    case 'suback':
      writeFramed(writer, packet, version, writeSubackBody);
      return;
    case 'unsuback':
      writeFramed(writer, packet, version, writeUnsubackBody);
      return;
    case 'pingresp':
      writeFramed(writer, packet, version, () => {});
      return;
    default:
      writeClientPacket(writer, packet, version);
  }
}
