import { misuse, UsageError } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import { reasonCodesOf } from '../reason-codes.ts';
import type { Direction, ProtocolVersion } from '../types.ts';
import { openPacket } from '../wire/body-reader.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import { writeProperties } from '../wire/properties.ts';
import type { ReasonProperties } from '../wire/property-lists.ts';
import { checkReasonCode } from './checks.ts';
import { decodeAnswer } from './suback.ts';

/** Answers an UNSUBSCRIBE (section 3.11). */
export interface UnsubackPacket {
  type: 'unsuback';
  packetIdentifier: number;
  properties: ReasonProperties | undefined;
  /** 5.0: one for each Topic Filter, in order. 3.x: empty. */
  reasonCodes: number[];
}

/*
 * fixed header     1011 0000, Remaining Length
 * variable header  Packet Identifier  two bytes
 *                  Properties         5.0
 * payload          Reason Codes       5.0, one byte for each Topic Filter
 */

/** Decodes an UNSUBACK. */
export function decodeUnsuback(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): UnsubackPacket {
  const reader = openPacket(packet, version, direction);
  const allowed = version === 5 ? reasonCodesOf(PacketType.UNSUBACK, direction) : [];
  return { type: 'unsuback', ...decodeAnswer(reader, PacketType.UNSUBACK, version, allowed, limits) };
}

/** Appends what follows an UNSUBACK's fixed header. 3.x has no Reason Codes: they are not written. Throws UsageError. */
export function writeUnsubackBody(writer: PacketWriter, packet: UnsubackPacket, version: ProtocolVersion): void {
  writer.u16(packet.packetIdentifier);
  if (version !== 5) return;
  if (packet.reasonCodes.length === 0) {
    throw new UsageError('no-reason-codes', 'UNSUBACK needs at least one Reason Code');
  }
  writeProperties(writer, PacketType.UNSUBACK, packet.properties);
  for (const code of packet.reasonCodes) {
    checkReasonCode(code, reasonCodesOf(PacketType.UNSUBACK, 'to-client'), 'UNSUBACK', misuse);
    writer.u8(code);
  }
}
