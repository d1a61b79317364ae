import type { Direction, ProtocolVersion } from '../types.ts';
import { openPacket } from '../wire/body-reader.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';

/** Says that the client is alive (section 3.12). */
export interface PingreqPacket {
  type: 'pingreq';
}

/** Says that the server is (section 3.13). */
export interface PingrespPacket {
  type: 'pingresp';
}

/*
 * fixed header  1100 0000 or 1101 0000, Remaining Length 0
 */

/** Decodes a PINGREQ, which has no body. */
export function decodePingreq(packet: PacketBytes, version: ProtocolVersion, direction: Direction): PingreqPacket {
  openPacket(packet, version, direction).finish();
  return { type: 'pingreq' };
}

/** Decodes a PINGRESP, which has no body. */
export function decodePingresp(packet: PacketBytes, version: ProtocolVersion, direction: Direction): PingrespPacket {
  openPacket(packet, version, direction).finish();
  return { type: 'pingresp' };
}
