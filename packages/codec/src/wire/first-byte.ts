import { type MalformedPacketError, malformed, violation } from '../errors.ts';
import * as PacketType from '../packet-type.ts';
import { hex } from '../reason-codes.ts';
import { requestFlagsMask } from '../strictness.ts';
import { type Direction, type ProtocolVersion, versionName } from '../types.ts';

/** By packet type. There is no type 0: it stands for a Will, which has properties of its own. */
const names =
  'WILL CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK PINGREQ PINGRESP DISCONNECT AUTH'.split(
    ' ',
  );

/** By packet type: a packet's `type`. */
export const packetTypes: readonly string[] = names.map((name) => name.toLowerCase());

/** The first byte of a packet that has no flags of its own, by its `type`. */
export function firstByteOf(packetType: string): number {
  const type = packetTypes.indexOf(packetType);
  return (type << 4) | (((REQUESTS >> type) & 1) << 1);
}

/** A packet's name as the specification writes it, from its first byte. */
export function packetName(firstByte: number): string {
  return names[firstByte >> 4] as string;
}

// Sets of packet types, one bit for each.
const REQUESTS = (1 << PacketType.PUBREL) | (1 << PacketType.SUBSCRIBE) | (1 << PacketType.UNSUBSCRIBE);
const TO_SERVER =
  (1 << PacketType.CONNECT) | (1 << PacketType.SUBSCRIBE) | (1 << PacketType.UNSUBSCRIBE) | (1 << PacketType.PINGREQ);
const TO_CLIENT =
  (1 << PacketType.CONNACK) | (1 << PacketType.SUBACK) | (1 << PacketType.UNSUBACK) | (1 << PacketType.PINGRESP);

/**
 * Checks all that a packet's first byte can be wrong about, before the rest has come. Flags (`reserved-flags`,
 * `invalid-qos`, `dup-with-qos-0`) [MQTT311-2.2.2-2] [MQTT5-2.1.3-1] and AUTH below 5.0 (`reserved-packet-type`) are
 * MalformedPacketErrors; type 0 (`reserved-packet-type`) and a packet only the other side may send (`wrong-direction`) are
 * ProtocolErrors. A CONNECT's flags are left to `decodeConnect`: whether they matter depends on the version in its body.
 */
export function checkFirstByte(firstByte: number, version: ProtocolVersion, direction: Direction): void {
  const type = firstByte >> 4;
  if (type === PacketType.PUBLISH) {
    checkPublishFlags(firstByte);
    return;
  }
  if (type === 0) {
    // The specifications forbid type 0 and leave the Reason Code open; 0x82 is what other brokers answer.
    throw violation('packet type 0', 'reserved-packet-type', hex(firstByte));
  }
  if (type === PacketType.AUTH && version !== 5) {
    // [MQTT5-3.15.1-1]
    throw malformed('AUTH', 'reserved-packet-type', `MQTT ${versionName(version)}`);
  }
  if ((REQUESTS >> type) & 1) {
    // [MQTT311-3.6.1-1] [MQTT311-3.8.1-1] [MQTT311-3.10.1-1] [MQTT5-3.6.1-1] [MQTT5-3.8.1-1] [MQTT5-3.10.1-1]
    if ((firstByte & requestFlagsMask(version)) !== 0b0010) throw reservedFlags(firstByte, '0010');
  } else if (type !== PacketType.CONNECT && (firstByte & 15) !== 0) {
    // Of a CONNECT the version stands in its body: `decodeConnect` judges them.
    throw reservedFlags(firstByte, '0000');
  }
  // [MQTT311-3.14.1-1] [MQTT5-3.14.1-1]
  // Only 5.0 lets a server send a DISCONNECT.
  const others =
    direction === 'to-server' ? TO_CLIENT : version === 5 ? TO_SERVER : TO_SERVER | (1 << PacketType.DISCONNECT);
  if ((others >> type) & 1) {
    throw violation(
      packetName(firstByte),
      'wrong-direction',
      direction === 'to-server' ? 'from a client' : 'from a server',
    );
  }
}

/** The flags of PUBLISH: no QoS 3 [MQTT311-3.3.1-4] [MQTT5-3.3.1-4], no DUP with QoS 0 [MQTT311-3.3.1-2] [MQTT5-3.3.1-2]. */
export function checkPublishFlags(flags: number): void {
  const qos = flags & 0b0110;
  if (qos === 0b0110) {
    throw malformed('PUBLISH', 'invalid-qos', 'QoS 3');
  }
  if (qos === 0 && (flags & 0b1000) !== 0) {
    throw malformed('PUBLISH', 'dup-with-qos-0');
  }
}

/** The MalformedPacketError for flags that are not what the packet's must be. */
export function reservedFlags(firstByte: number, allowed: string): MalformedPacketError {
  // [MQTT311-2.2.2-1] [MQTT311-2.2.2-2] [MQTT5-2.1.3-1]
  const found = (firstByte & 15).toString(2).padStart(4, '0');
  return malformed(packetName(firstByte), 'reserved-flags', `${found}; they must be ${allowed}`);
}
