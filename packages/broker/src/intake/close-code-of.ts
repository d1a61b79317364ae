import { reasonCodeName } from '@hawser/codec';
import type { CloseCode } from '@hawser/protocol';
import { CAUSES } from '../causes/close-codes.ts';

/** The code of an end for which there is no more than a Reason Code, which a policy may have chosen. */
export function closeCodeOf(reasonCode: number): CloseCode {
  const name = reasonCodeName(reasonCode);
  return isCloseCode(name) ? name : 'unspecified-error';
}

function isCloseCode(name: string): name is CloseCode {
  return Object.hasOwn(CAUSES, name);
}
