import type { ProtocolVersion } from '../types.ts';
import { firstByteOf } from '../wire/first-byte.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import type { ReasonProperties } from '../wire/property-lists.ts';
import { writeReason } from './checks.ts';

interface AckFields {
  packetIdentifier: number;
  /** 0 in 3.x. */
  reasonCode: number;
  properties: ReasonProperties | undefined;
}

/** Answers a PUBLISH with QoS 1 (section 3.4). */
export interface PubackPacket extends AckFields {
  type: 'puback';
}

/** Answers a PUBLISH with QoS 2 (section 3.5). */
export interface PubrecPacket extends AckFields {
  type: 'pubrec';
}

/** Answers a PUBREC (section 3.6). */
export interface PubrelPacket extends AckFields {
  type: 'pubrel';
}

/** Answers a PUBREL, and ends the handshake (section 3.7). */
export interface PubcompPacket extends AckFields {
  type: 'pubcomp';
}

/** The four packets that carry a message to its end. */
export type AckPacket = PubackPacket | PubrecPacket | PubrelPacket | PubcompPacket;

/** By the packets' types. */
export type AckType = 4 | 5 | 6 | 7;

/*
 * fixed header     0100 0000, 0101 0000, 0110 0010, 0111 0000; Remaining Length
 * variable header  Packet Identifier  two bytes
 *                  Reason Code        byte, 5.0; may be missing when it is 0 and no properties follow
 *                  Properties         5.0; may be missing when there are none
 */

/**
 * Appends what follows the fixed header of a PUBACK, PUBREC, PUBREL or PUBCOMP, in its shortest form. 3.x has no Reason Code: it is not
 * written, and the peer takes any of them for success. Throws UsageError.
 */
export function writeAckBody(writer: PacketWriter, packet: AckPacket, version: ProtocolVersion): void {
  const { packetIdentifier, reasonCode, properties } = packet;
  writer.u16(packetIdentifier);
  // [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1] [MQTT5-3.7.2-1]
  if (version === 5) writeReason(writer, (firstByteOf(packet.type) >> 4) as AckType, reasonCode, properties);
}
