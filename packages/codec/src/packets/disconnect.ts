import { violation } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import type { Direction, ProtocolVersion } from '../types.ts';
import { openPacket } from '../wire/body-reader.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import type { DisconnectProperties } from '../wire/property-lists.ts';
import { readReason, writeReason } from './checks.ts';

/** The last packet (section 3.14). Only 5.0 lets a server send it. */
export interface DisconnectPacket {
  type: 'disconnect';
  /** 0 in 3.x. */
  reasonCode: number;
  properties: DisconnectProperties | undefined;
}

/*
 * fixed header     1110 0000, Remaining Length
 * variable header  Reason Code  byte, 5.0; may be missing when it is 0 and no properties follow
 *                  Properties   5.0; may be missing when there are none
 */

/** Decodes a DISCONNECT. */
export function decodeDisconnect(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): DisconnectPacket {
  const reader = openPacket(packet, version, direction);
  // [MQTT5-3.14.2-1]
  const reason = readReason(reader, PacketType.DISCONNECT, version, direction, limits);
  // [MQTT5-3.14.2-2]
  if (direction === 'to-client' && reason.properties?.sessionExpiryInterval !== undefined) {
    throw violation('DISCONNECT', 'session-expiry-from-server');
  }
  return { type: 'disconnect', ...reason };
}

/**
 * Appends what follows a DISCONNECT's fixed header, in its shortest form. Which codes and properties fit depends on who
 * sends it, which is not known here: those of both directions pass. 3.x has no Reason Code.
 */
export function writeDisconnectBody(writer: PacketWriter, packet: DisconnectPacket, version: ProtocolVersion): void {
  if (version === 5) writeReason(writer, PacketType.DISCONNECT, packet.reasonCode, packet.properties);
}
