import { malformed, misuse, type ProtocolError, UsageError, violation } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import * as ReasonCode from '../reason-code.ts';
import { hex, reasonCodesOf } from '../reason-codes.ts';
import { hasConnackFlags, hasProperties } from '../strictness.ts';
import { type Direction, type ProtocolVersion, versionName } from '../types.ts';
import { openPacket } from '../wire/body-reader.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import { decodeProperties, writeProperties } from '../wire/properties.ts';
import type { ConnackProperties } from '../wire/property-lists.ts';
import { checkAuthentication, checkReasonCode } from './checks.ts';

/** The server's answer to a CONNECT (section 3.2). */
export interface ConnackPacket {
  type: 'connack';
  /** Always false in 3.1, which has no such flag. */
  sessionPresent: boolean;
  /** 5.0: a Reason Code. 3.x: a Return Code, 0 to 5. */
  reasonCode: number;
  properties: ConnackProperties | undefined;
}

/** The Return Codes of 3.x are 0 to 5. */
const LAST_RETURN_CODE = 5;

/*
 * fixed header     0010 0000, Remaining Length
 * variable header  Acknowledge Flags  byte: Session Present in the lowest bit; reserved in 3.1
 *                  Reason Code        byte; 3.x: Return Code
 *                  Properties         5.0
 */

/**
 * Decodes a CONNACK. A 5.0 client may be answered by a server that knows 3.x only, in the 3.x shape: two bytes with a
 * Return Code of 1 to 5 are understood, `properties` being `undefined` then. A 3.x client answered with a 5.0 refusal gets the
 * ProtocolError `unsupported-protocol-version`, 0x84.
 */
export function decodeConnack(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): ConnackPacket {
  const reader = openPacket(packet, version, direction, true);
  const flags = reader.u8('Acknowledge Flags');
  // [MQTT5-3.2.2-1], section 3.2.2.1 of 3.1.1
  if (hasConnackFlags(version) && flags > 1) {
    throw malformed('CONNACK', 'reserved-bits', `Acknowledge Flags ${hex(flags)}`);
  }
  const sessionPresent = hasConnackFlags(version) && flags === 1;
  const reasonCode = reader.u8('Reason Code');
  let properties: ConnackProperties | undefined;
  if (hasProperties(version)) {
    if (reader.remaining > 0 || reasonCode === 0 || reasonCode > LAST_RETURN_CODE) {
      checkReasonCode(reasonCode, reasonCodesOf(PacketType.CONNACK, direction), 'CONNACK');
      properties = decodeProperties(reader, PacketType.CONNACK, limits);
      checkAuthentication(properties, 'CONNACK');
    }
  } else if (reasonCode > LAST_RETURN_CODE) {
    throw unknownReturnCode(reasonCode, version);
  }
  // [MQTT311-3.2.2-4] [MQTT5-3.2.2-6]
  if (sessionPresent && reasonCode !== 0) {
    throw violation('CONNACK', 'session-present-with-refusal', hex(reasonCode));
  }
  reader.finish();
  return { type: 'connack', sessionPresent, reasonCode, properties };
}

function unknownReturnCode(code: number, version: ProtocolVersion): ProtocolError {
  if (code === ReasonCode.UnsupportedProtocolVersion) {
    // The server has answered with a code of 5.0.
    return violation(
      'CONNACK',
      'unsupported-protocol-version',
      `MQTT ${versionName(version)}`,
      ReasonCode.UnsupportedProtocolVersion,
    );
  }
  return violation('CONNACK', 'reason-code-not-allowed', `${hex(code)} in MQTT ${versionName(version)}`);
}

/** Appends what follows a CONNACK's fixed header. Throws UsageError. */
export function writeConnackBody(writer: PacketWriter, packet: ConnackPacket, version: ProtocolVersion): void {
  const { sessionPresent, reasonCode, properties } = packet;
  if (sessionPresent && reasonCode !== 0) {
    throw new UsageError('session-present-with-refusal', 'CONNACK: sessionPresent must be false with a refusal');
  }
  if (hasProperties(version)) {
    // [MQTT5-3.2.2-8]
    checkReasonCode(reasonCode, reasonCodesOf(PacketType.CONNACK, 'to-client'), 'CONNACK', misuse);
    checkAuthentication(properties, 'CONNACK', misuse);
  } else if (!Number.isInteger(reasonCode) || reasonCode < 0 || reasonCode > LAST_RETURN_CODE) {
    throw new UsageError(
      'reason-code-not-allowed',
      `CONNACK: MQTT ${versionName(version)} has the Return Codes 0 to 5, not ${hex(reasonCode)} (see toReturnCode)`,
    );
  }
  // [MQTT5-3.2.2-1]
  writer.u8(sessionPresent && hasConnackFlags(version) ? 1 : 0);
  writer.u8(reasonCode);
  if (hasProperties(version)) writeProperties(writer, PacketType.CONNACK, properties);
}
