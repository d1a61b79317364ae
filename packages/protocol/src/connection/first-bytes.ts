/** What came to an MQTT port in place of a CONNECT, for people. */
export function describeFirstBytes(bytes: Uint8Array): string {
  const head = Array.from(bytes.subarray(0, 8), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
  );
  const ascii = head.join('');
  if (/^(GET|POST|PUT|HEAD|OPTIONS) /.test(ascii)) {
    return 'an HTTP request came to an MQTT port; MQTT over WebSocket has a port of its own';
  }
  if (isTlsHandshake(bytes)) return 'a TLS handshake came to a port without TLS';
  return `the first packet is not a CONNECT; it begins with byte 0x${(bytes[0] ?? 0).toString(16).padStart(2, '0').toUpperCase()}`;
}

/** A record of TLS with a handshake. As a CONNECT it would be three bytes long, which none is. */
export function isTlsHandshake(bytes: Uint8Array): boolean {
  return bytes[0] === 0x16 && bytes[1] === 3;
}
