import { violation } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import * as ReasonCode from '../reason-code.ts';
import type { Direction, ProtocolVersion } from '../types.ts';
import { openPacket } from '../wire/body-reader.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import type { AuthProperties } from '../wire/property-lists.ts';
import { readReason, writeReason } from './checks.ts';

/** A step of an authentication with several, 5.0 only (section 3.15). */
export interface AuthPacket {
  type: 'auth';
  reasonCode: number;
  properties: AuthProperties | undefined;
}

/*
 * fixed header     1111 0000, Remaining Length
 * variable header  Reason Code  byte; may be missing when it is 0 and no properties follow
 *                  Properties   with an Authentication Method
 */

/** Decodes an AUTH. Binary properties are copies: an exchange outlives its packets. */
export function decodeAuth(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): AuthPacket {
  const reader = openPacket(packet, version, direction, true);
  // [MQTT5-3.15.2-1]
  const { reasonCode, properties } = readReason(reader, PacketType.AUTH, version, direction, limits);
  if (lacksMethod(reasonCode, properties)) {
    // Section 3.15.2.2.2
    throw violation('AUTH', 'authentication-method-missing');
  }
  return { type: 'auth', reasonCode, properties };
}

/** The bare success is legal by section 3.15.2.1; everything else needs the method. */
export function lacksMethod(reasonCode: number, properties: AuthProperties | undefined): boolean {
  if (properties?.authenticationMethod !== undefined) return false;
  return reasonCode !== ReasonCode.Success || properties !== undefined;
}

/** Appends what follows an AUTH's fixed header. Throws UsageError for a Reason Code and properties that cannot be. */
export function writeAuthBody(writer: PacketWriter, { reasonCode, properties }: AuthPacket): void {
  writeReason(writer, PacketType.AUTH, reasonCode, properties);
}
