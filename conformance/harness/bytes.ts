/** Bytes of a hexadecimal text; white space means nothing. */
export function fromHex(hex: string): Uint8Array {
  const digits = hex.replaceAll(/\s+/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`this is no hexadecimal text: ${hex}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** Bytes as people read them: `20 02 00 00`. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A string as it goes over the wire: two bytes of length, UTF-8; or a length and any bytes. */
export function field(content: string | Uint8Array): Uint8Array {
  const bytes = typeof content === 'string' ? utf8(content) : content;
  return joined(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
}

/** A packet of any content: first byte, Remaining Length, body. */
export function framed(firstByte: number, ...body: readonly (Uint8Array | string | number)[]): Uint8Array {
  const bytes = joined(...body);
  const length: number[] = [];
  for (let rest = bytes.length; length.length === 0 || rest > 0; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? (rest % 128) | 0x80 : rest);
  }
  return joined(firstByte, Uint8Array.from(length), bytes);
}

/** Bytes, hexadecimal texts and single bytes, one after the other. */
export function joined(...parts: readonly (Uint8Array | string | number)[]): Uint8Array {
  const arrays = parts.map((part) =>
    typeof part === 'string' ? fromHex(part) : typeof part === 'number' ? Uint8Array.of(part) : part,
  );
  const all = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const bytes of arrays) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}
