import { malformed, misuse, violation } from '../errors.ts';
import type { DecodeLimits } from '../limits.ts';
import type { PacketFault } from '../packet-fault.ts';
import { hex, reasonCodesOf, reasonCodesOfBoth } from '../reason-codes.ts';
import type { Direction, ProtocolVersion } from '../types.ts';
import type { BodyReader } from '../wire/body-reader.ts';
import { packetName } from '../wire/first-byte.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import { decodeProperties, hasNoProperties, writeProperties } from '../wire/properties.ts';
import type { PropertiesOf } from '../wire/property-lists.ts';

/** What a check makes: `violation` of what a peer sent, `misuse` of what a caller gave. */
type Fault = (where: string, code: PacketFault, seen?: string | number) => Error;

/**
 * Reads the Packet Identifier of SUBSCRIBE, UNSUBSCRIBE and their answers, which is never 0 [MQTT311-2.3.1-1] [MQTT5-2.2.1-3].
 * The specification leaves the Reason Code for a 0 open: here it is 0x81, in a PUBLISH and its acks 0x82, as other brokers have it.
 */
export function decodePacketIdentifier(reader: BodyReader, fault: Fault = malformed): number {
  const packetIdentifier = reader.u16('Packet Identifier');
  if (packetIdentifier === 0) throw packetIdentifierZero(reader.packet, fault);
  return packetIdentifier;
}

/** The error for a Packet Identifier of 0. */
export function packetIdentifierZero(packet: string, fault: Fault = violation): Error {
  return fault(packet, 'packet-identifier-zero');
}

/** Throws `reason-code-not-allowed` for a Reason Code the packet's table does not have. */
export function checkReasonCode(
  code: number,
  allowed: readonly number[],
  packet: string,
  fault: Fault = violation,
): void {
  if (allowed.includes(code)) return;
  throw fault(packet, 'reason-code-not-allowed', `${hex(code)}; it may be ${allowed.map(hex).join(', ')}`);
}

/** Authentication Data without an Authentication Method is a Protocol Error (sections 3.1.2.11.10, 3.15.2.2.3). */
export function checkAuthentication(
  properties: { authenticationMethod?: string | undefined; authenticationData?: Uint8Array | undefined } | undefined,
  packet: string,
  fault: Fault = violation,
): void {
  if (properties?.authenticationData === undefined || properties.authenticationMethod !== undefined) return;
  throw fault(packet, 'authentication-data-without-method');
}

/** Reads Reason Code and Properties, which may be missing from the end, to the end of the packet; 3.x has neither. */
export function readReason<T extends keyof PropertiesOf>(
  reader: BodyReader,
  type: T,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits,
): { reasonCode: number; properties: PropertiesOf[T] | undefined } {
  let reasonCode = 0;
  let properties: PropertiesOf[T] | undefined;
  if (version === 5) {
    if (reader.remaining > 0) reasonCode = reader.u8('Reason Code');
    checkReasonCode(reasonCode, reasonCodesOf(type, direction), reader.packet);
    if (reader.remaining > 0) properties = decodeProperties(reader, type, limits);
  }
  reader.finish();
  return { reasonCode, properties };
}

/** Appends Reason Code and Properties in their shortest form: what is 0 and nothing behind it stays away. */
export function writeReason<T extends keyof PropertiesOf>(
  writer: PacketWriter,
  type: T,
  reasonCode: number,
  properties: PropertiesOf[T] | undefined,
): void {
  checkReasonCode(reasonCode, reasonCodesOfBoth(type), packetName(type << 4), misuse);
  const empty = hasNoProperties(properties);
  if (reasonCode !== 0 || !empty) writer.u8(reasonCode);
  if (!empty) writeProperties(writer, type, properties);
}
