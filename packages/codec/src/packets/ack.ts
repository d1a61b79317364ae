import { MalformedPacketError } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import { allowedReasonCodes } from '../reason-codes.ts';
import { type Direction, type ProtocolVersion, versionName } from '../types.ts';
import { BodyReader } from '../wire/body-reader.ts';
import { checkFirstByte } from '../wire/first-byte.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import { decodeProperties, hasNoProperties, type ReasonProperties, writeProperties } from '../wire/properties.ts';
import {
  checkReasonCode,
  packetIdentifierZero,
  requirePacketIdentifier,
  requireReasonCode,
  truncated,
} from './checks.ts';

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

type AckName = 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP';

const names: readonly AckName[] = ['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'];
const types: readonly AckPacket['type'][] = ['puback', 'pubrec', 'pubrel', 'pubcomp'];

/** The type number of PUBACK; the others follow in order. */
const FIRST_ACK = 4;

/*
 * fixed header     0100 0000, 0101 0000, 0110 0010, 0111 0000; Remaining Length
 * variable header  Packet Identifier  two bytes
 *                  Reason Code        byte, 5.0; may be missing when it is 0 and no properties follow
 *                  Properties         5.0; may be missing when there are none
 */

/** Decodes a PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function decodeAck(
  firstByte: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): AckPacket {
  checkFirstByte(firstByte, version, direction);
  const index = (firstByte >> 4) - FIRST_ACK;
  const length = end - start;
  if (length < 2) throw truncated(names[index] as AckName, 'Packet Identifier', 2, length);
  const packetIdentifier = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  // [MQTT311-2.3.1-1] [MQTT5-2.2.1-3]
  if (packetIdentifier === 0) throw packetIdentifierZero(names[index] as AckName);
  let reasonCode = 0;
  let properties: ReasonProperties | undefined;
  if (length > 2) {
    const name = names[index] as AckName;
    if (version !== 5) {
      throw new MalformedPacketError(
        'trailing-bytes',
        `${name}: ${length} bytes; in MQTT ${versionName(version)} it has 2`,
      );
    }
    reasonCode = bytes[start + 2] as number;
    // [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1] [MQTT5-3.7.2-1]
    if (reasonCode !== 0) checkReasonCode(reasonCode, allowedReasonCodes[name], name);
    if (length > 3) {
      const reader = new BodyReader(name, bytes, start + 3, end);
      properties = decodeProperties(reader, name, limits);
      reader.finish();
    }
  }
  return { type: types[index], packetIdentifier, reasonCode, properties } as AckPacket;
}

/**
 * Appends a whole PUBACK, PUBREC, PUBREL or PUBCOMP in its shortest form. 3.x has no Reason Code: it is not written, and the peer
 * takes any of them for success. Throws UsageError.
 */
export function writeAck(writer: PacketWriter, packet: AckPacket, version: ProtocolVersion): void {
  const index = types.indexOf(packet.type);
  const name = names[index] as AckName;
  const firstByte = ((index + FIRST_ACK) << 4) | (name === 'PUBREL' ? 2 : 0);
  const { packetIdentifier, reasonCode, properties } = packet;
  requirePacketIdentifier(packetIdentifier, name);
  writer.u8(firstByte);
  const mark = writer.beginLength();
  writer.u16(packetIdentifier);
  if (version === 5) {
    // [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1] [MQTT5-3.7.2-1]
    requireReasonCode(reasonCode, allowedReasonCodes[name], name);
    const empty = hasNoProperties(properties);
    if (reasonCode !== 0 || !empty) writer.u8(reasonCode);
    if (!empty) writeProperties(writer, name, properties);
  }
  writer.endLength(mark);
}
