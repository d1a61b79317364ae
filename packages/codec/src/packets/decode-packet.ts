import type { DecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import type { Direction, ProtocolVersion } from '../types.ts';
import { checkFirstByte } from '../wire/first-byte.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import type { TopicCache } from '../wire/topic-cache.ts';
import { decodeAuth } from './auth.ts';
import { decodeConnack } from './connack.ts';
import { decodeConnect } from './connect.ts';
import { decodeDisconnect } from './disconnect.ts';
import { decodeAck, decodePublish } from './hot-decoders.ts';
import type { Packet } from './packet.ts';
import { decodePingreq, decodePingresp } from './ping.ts';
import { decodeSuback } from './suback.ts';
import { decodeSubscribe } from './subscribe.ts';
import { decodeUnsuback } from './unsuback.ts';
import { decodeUnsubscribe } from './unsubscribe.ts';

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
