import { misuse, UsageError, violation } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import { hex, reasonCodesOf } from '../reason-codes.ts';
import { hasSubackFailure } from '../strictness.ts';
import { type Direction, type ProtocolVersion, versionName } from '../types.ts';
import { type BodyReader, openPacket } from '../wire/body-reader.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import { decodeProperties, writeProperties } from '../wire/properties.ts';
import type { ReasonProperties } from '../wire/property-lists.ts';
import { checkReasonCode, decodePacketIdentifier } from './checks.ts';
import { checkFilterCount } from './subscribe.ts';

/** Answers a SUBSCRIBE: one code for each Topic Filter, in order (section 3.9). */
export interface SubackPacket {
  type: 'suback';
  packetIdentifier: number;
  properties: ReasonProperties | undefined;
  /** The QoS granted, or from 0x80 a refusal: 5.0 has several, 3.1.1 has 0x80, 3.1 none. */
  reasonCodes: number[];
}

const FAILURE = 0x80;

/*
 * fixed header     1001 0000, Remaining Length
 * variable header  Packet Identifier  two bytes
 *                  Properties         5.0
 * payload          Reason Codes       one byte for each Topic Filter; 3.x: Return Codes
 */

/** Decodes a SUBACK. */
export function decodeSuback(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): SubackPacket {
  const reader = openPacket(packet, version, direction);
  // [MQTT311-3.9.3-2]
  return { type: 'suback', ...decodeAnswer(reader, PacketType.SUBACK, version, codesOf(version), limits) };
}

/** Reads what a SUBACK and an UNSUBACK have in common, to the end: at least one Reason Code, where any are allowed. */
export function decodeAnswer(
  reader: BodyReader,
  type: 9 | 11,
  version: ProtocolVersion,
  allowed: readonly number[],
  limits: DecodeLimits,
): Omit<SubackPacket, 'type'> {
  const packetIdentifier = decodePacketIdentifier(reader);
  const properties = version === 5 ? decodeProperties(reader, type, limits) : undefined;
  const reasonCodes: number[] = [];
  if (allowed.length === 0) reader.finish();
  while (reader.remaining > 0) {
    checkFilterCount(reasonCodes.length, limits, reader.packet);
    const code = reader.u8('Reason Code');
    checkReasonCode(code, allowed, reader.packet);
    reasonCodes.push(code);
  }
  if (reasonCodes.length === 0 && allowed.length > 0) throw violation(reader.packet, 'no-reason-codes');
  return { packetIdentifier, properties, reasonCodes };
}

function codesOf(version: ProtocolVersion): readonly number[] {
  if (version === 5) return reasonCodesOf(PacketType.SUBACK, 'to-client');
  return hasSubackFailure(version) ? [0, 1, 2, FAILURE] : [0, 1, 2];
}

/**
 * Appends what follows a SUBACK's fixed header. 3.1.1 gets 0x80 for every refusal; 3.1 has no refusal, which is a UsageError.
 */
export function writeSubackBody(writer: PacketWriter, packet: SubackPacket, version: ProtocolVersion): void {
  if (packet.reasonCodes.length === 0) throw new UsageError('no-reason-codes', 'SUBACK needs at least one Reason Code');
  writer.u16(packet.packetIdentifier);
  if (version === 5) writeProperties(writer, PacketType.SUBACK, packet.properties);
  for (const code of packet.reasonCodes) {
    checkReasonCode(code, codesOf(5), 'SUBACK', misuse);
    if (code >= FAILURE && !hasSubackFailure(version)) {
      throw new UsageError(
        'reason-code-not-allowed',
        `SUBACK: MQTT ${versionName(version)} cannot refuse a subscription (${hex(code)})`,
      );
    }
    writer.u8(version !== 5 && code > FAILURE ? FAILURE : code);
  }
}
