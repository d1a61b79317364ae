import { MalformedPacketError, ProtocolError } from '../errors.ts';
import { hex } from '../reason-codes.ts';
import { strictnessOf } from '../strictness.ts';
import { type Direction, PacketType, type ProtocolVersion, versionName } from '../types.ts';

const names = [
  'reserved',
  'CONNECT',
  'CONNACK',
  'PUBLISH',
  'PUBACK',
  'PUBREC',
  'PUBREL',
  'PUBCOMP',
  'SUBSCRIBE',
  'SUBACK',
  'UNSUBSCRIBE',
  'UNSUBACK',
  'PINGREQ',
  'PINGRESP',
  'DISCONNECT',
  'AUTH',
] as const;

/** A packet's name as the specification writes it, from its first byte. */
export function packetName(firstByte: number): string {
  return names[(firstByte >> 4) & 15] ?? 'reserved';
}

/**
 * Checks all that a packet's first byte can be wrong about, before the rest has come. Flags (`reserved-flags`,
 * `invalid-qos`, `dup-with-qos-0`) [MQTT311-2.2.2-2] [MQTT5-2.1.3-1] and AUTH below 5.0 (`reserved-packet-type`) are
 * MalformedPacketErrors; type 0 (`reserved-packet-type`) and a packet only the other side may send (`wrong-direction`) are
 * ProtocolErrors. A CONNECT's flags are left to `decodeConnect`: whether they matter depends on the version in its body.
 */
export function checkFirstByte(firstByte: number, version: ProtocolVersion, direction: Direction): void {
  const type = firstByte >> 4;
  const flags = firstByte & 15;
  switch (type) {
    case PacketType.PUBLISH:
      checkPublishFlags(flags);
      return;
    case PacketType.PUBREL:
      checkRequestFlags(firstByte, version);
      return;
    case PacketType.SUBSCRIBE:
    case PacketType.UNSUBSCRIBE:
      checkRequestFlags(firstByte, version);
      if (direction !== 'to-server') throw wrongDirection(firstByte, direction);
      return;
    case PacketType.CONNECT:
      // Its version, and with it whether the flags matter, stands in its body: `decodeConnect` judges them.
      if (direction !== 'to-server') throw wrongDirection(firstByte, direction);
      return;
    case PacketType.PINGREQ:
      if (flags !== 0) throw reservedFlags(firstByte, '0000');
      if (direction !== 'to-server') throw wrongDirection(firstByte, direction);
      return;
    case PacketType.CONNACK:
    case PacketType.SUBACK:
    case PacketType.UNSUBACK:
      if (flags !== 0) throw reservedFlags(firstByte, '0000');
      if (direction !== 'to-client') throw wrongDirection(firstByte, direction);
      return;
    case PacketType.PINGRESP:
      if (direction !== 'to-client') throw wrongDirection(firstByte, direction);
      if (flags !== 0) throw reservedFlags(firstByte, '0000');
      return;
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBCOMP:
      if (flags !== 0) throw reservedFlags(firstByte, '0000');
      return;
    case PacketType.DISCONNECT:
      if (flags !== 0) throw reservedFlags(firstByte, '0000');
      // [MQTT311-3.14.1-1] [MQTT5-3.14.1-1]
      // Only 5.0 lets a server send it.
      if (direction !== 'to-server' && version !== 5) throw wrongDirection(firstByte, direction);
      return;
    case PacketType.AUTH:
      if (version !== 5) {
        // [MQTT5-3.15.1-1]
        throw new MalformedPacketError('reserved-packet-type', `AUTH does not exist in MQTT ${versionName(version)}`);
      }
      if (flags !== 0) throw reservedFlags(firstByte, '0000');
      return;
    default:
      // The specifications forbid type 0 and leave the Reason Code open; 0x82 is what other brokers answer.
      throw new ProtocolError('reserved-packet-type', `packet type 0 (${hex(firstByte)}) does not exist`);
  }
}

/** The flags of PUBLISH: no QoS 3 [MQTT311-3.3.1-4] [MQTT5-3.3.1-4], no DUP with QoS 0 [MQTT311-3.3.1-2] [MQTT5-3.3.1-2]. */
export function checkPublishFlags(flags: number): void {
  const qos = flags & 0b0110;
  if (qos === 0b0110) {
    throw new MalformedPacketError('invalid-qos', 'PUBLISH: both QoS bits are set; QoS is 0, 1 or 2');
  }
  if (qos === 0 && (flags & 0b1000) !== 0) {
    throw new MalformedPacketError('dup-with-qos-0', 'PUBLISH: DUP is set with QoS 0, which is never sent again');
  }
}

/** PUBREL, SUBSCRIBE, UNSUBSCRIBE: 0010 [MQTT311-3.6.1-1] [MQTT311-3.8.1-1] [MQTT311-3.10.1-1] [MQTT5-3.6.1-1] [MQTT5-3.8.1-1] [MQTT5-3.10.1-1]. */
function checkRequestFlags(firstByte: number, version: ProtocolVersion): void {
  if ((firstByte & strictnessOf(version).requestFlagsMask) !== 0b0010) throw reservedFlags(firstByte, '0010');
}

/** The MalformedPacketError for flags that are not what the packet's must be. */
export function reservedFlags(firstByte: number, allowed: string): MalformedPacketError {
  // [MQTT311-2.2.2-1] [MQTT311-2.2.2-2] [MQTT5-2.1.3-1]
  const found = (firstByte & 15).toString(2).padStart(4, '0');
  return new MalformedPacketError(
    'reserved-flags',
    `${packetName(firstByte)}: the flags of the first byte are ${found}; they must be ${allowed}`,
  );
}

function wrongDirection(firstByte: number, direction: Direction): ProtocolError {
  const name = packetName(firstByte);
  return new ProtocolError(
    'wrong-direction',
    direction === 'to-server'
      ? `${name} came from a client; only a server sends it`
      : `${name} came from a server; only a client sends it`,
  );
}
