import { malformed } from '../errors.ts';
import type { Direction, ProtocolVersion } from '../types.ts';
import { checkFirstByte, packetName } from '../wire/first-byte.ts';

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
export function decodePingreq(
  firstByte: number,
  _bytes: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
  direction: Direction,
): PingreqPacket {
  checkFirstByte(firstByte, version, direction);
  checkEmpty(firstByte, end - start);
  return { type: 'pingreq' };
}

/** Decodes a PINGRESP, which has no body. */
export function decodePingresp(
  firstByte: number,
  _bytes: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
  direction: Direction,
): PingrespPacket {
  checkFirstByte(firstByte, version, direction);
  checkEmpty(firstByte, end - start);
  return { type: 'pingresp' };
}

function checkEmpty(firstByte: number, length: number): void {
  if (length === 0) return;
  throw malformed(packetName(firstByte), 'trailing-bytes', length);
}
