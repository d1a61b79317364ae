import { visibleLines } from '@hawser/parameters/safe-text';

/** The bytes of a payload as text: what is no UTF-8 byte by byte as `\xff`, lines and tabs as they are. */
export function visiblePayload(payload: Uint8Array): string {
  try {
    return visibleLines(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload));
  } catch {
    return Array.from(payload, byteText).join('');
  }
}

function byteText(byte: number): string {
  if (byte === 0x0a || byte === 0x09 || (byte >= 0x20 && byte < 0x7f)) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
