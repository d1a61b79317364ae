import { reasonCodeName } from '@hawser/codec';
import type { ClientConnection } from '@hawser/protocol';
import { RefusedError } from '../errors.ts';

/** What the server has refused, or would: it says the code in words. */
export function refusal(what: string, reasonCode: number, reasonString?: string): RefusedError {
  const code = reasonCodeName(reasonCode);
  return new RefusedError(code, reasonCode, `${what}: ${code}${reasonString ? ` (${reasonString})` : ''}`);
}

/** What is over the server's Maximum Packet Size is never sent. */
export function tooLarge(what: string, size: number, { peerMaximumPacketSize }: ClientConnection): RefusedError {
  return refusal(`${what} has ${size} bytes, this server takes up to ${peerMaximumPacketSize}`, 0x95);
}
