import { MalformedPacketError, ProtocolError, UsageError } from '../errors.ts';
import { hex } from '../reason-codes.ts';
import type { BodyReader } from '../wire/body-reader.ts';

/**
 * Reads the Packet Identifier of SUBSCRIBE, UNSUBSCRIBE and their answers, which is never 0 [MQTT311-2.3.1-1] [MQTT5-2.2.1-3].
 * The specification leaves the Reason Code for a 0 open: here it is 0x81, in a PUBLISH and its acks 0x82, as other brokers have it.
 */
export function decodePacketIdentifier(reader: BodyReader, packet: string): number {
  const packetIdentifier = reader.u16('Packet Identifier');
  if (packetIdentifier === 0) throw new MalformedPacketError('packet-identifier-zero', identifierZero(packet));
  return packetIdentifier;
}

/** The ProtocolError for a Packet Identifier of 0 in a PUBLISH or one of its acks. */
export function packetIdentifierZero(packet: string): ProtocolError {
  return new ProtocolError('packet-identifier-zero', identifierZero(packet));
}

function identifierZero(packet: string): string {
  return `${packet}: Packet Identifier is 0; 1 to 65535 are allowed`;
}

/** The MalformedPacketError for a packet that ends before a field does. */
export function truncated(packet: string, field: string, needed: number, left: number): MalformedPacketError {
  return new MalformedPacketError('truncated', `${packet}: ${field} needs ${needed} bytes, ${left} are left`);
}

/** Throws ProtocolError `reason-code-not-allowed` for a Reason Code the packet's table does not have. */
export function checkReasonCode(code: number, allowed: readonly number[], packet: string): void {
  if (allowed.includes(code)) return;
  throw new ProtocolError(
    'reason-code-not-allowed',
    `${packet}: ${hex(code)} is no Reason Code of this packet; it may be ${allowed.map(hex).join(', ')}`,
  );
}

/** The same for a caller: UsageError. */
export function requireReasonCode(code: number, allowed: readonly number[], packet: string): void {
  if (allowed.includes(code)) return;
  throw new UsageError(
    'reason-code-not-allowed',
    `${packet} cannot carry Reason Code ${hex(code)}; it may be ${allowed.map(hex).join(', ')}`,
  );
}

/** UsageError unless the caller's Packet Identifier is 1 to 65,535. */
export function requirePacketIdentifier(packetIdentifier: number, packet: string): void {
  if (Number.isInteger(packetIdentifier) && packetIdentifier >= 1 && packetIdentifier <= 0xffff) return;
  throw new UsageError(
    'packet-identifier-out-of-range',
    `${packet}: Packet Identifier is ${packetIdentifier}; it must be an integer from 1 to 65535`,
  );
}

/** UsageError unless the caller's QoS is 0, 1 or 2. */
export function requireQoS(qos: number, field: string): void {
  if (qos === 0 || qos === 1 || qos === 2) return;
  throw new UsageError('invalid-qos', `${field} is ${qos}; it must be 0, 1 or 2`);
}

/** Authentication Data without an Authentication Method is a Protocol Error (sections 3.1.2.11.10, 3.15.2.2.3). */
export function checkAuthentication(
  properties: { authenticationMethod?: string | undefined; authenticationData?: Uint8Array | undefined } | undefined,
  packet: string,
): void {
  if (properties?.authenticationData === undefined || properties.authenticationMethod !== undefined) return;
  throw new ProtocolError(
    'authentication-data-without-method',
    `${packet}: Authentication Data stands without an Authentication Method`,
  );
}

/** The same for a caller: UsageError. */
export function requireAuthentication(
  properties: { authenticationMethod?: string | undefined; authenticationData?: Uint8Array | undefined } | undefined,
  packet: string,
): void {
  if (properties?.authenticationData === undefined || properties.authenticationMethod !== undefined) return;
  throw new UsageError(
    'authentication-data-without-method',
    `${packet}: authenticationData needs an authenticationMethod`,
  );
}
