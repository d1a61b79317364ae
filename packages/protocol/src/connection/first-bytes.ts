import type { CloseDetail } from './close-detail.ts';

/** What came to an MQTT port in place of a CONNECT. */
export function lookAtFirstBytes(bytes: Uint8Array): CloseDetail {
  const head = Array.from(bytes.subarray(0, 8), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
  );
  if (/^(GET|POST|PUT|HEAD|OPTIONS) /.test(head.join(''))) return { is: 'http-request' };
  if (isTlsHandshake(bytes)) return { is: 'tls-handshake' };
  const firstByte = `0x${(bytes[0] ?? 0).toString(16).padStart(2, '0').toUpperCase()}`;
  return { is: 'other-packet', firstByte };
}

/** A record of TLS with a handshake. As a CONNECT it would be three bytes long, which none is. */
export function isTlsHandshake(bytes: Uint8Array): boolean {
  return bytes[0] === 0x16 && bytes[1] === 3;
}
