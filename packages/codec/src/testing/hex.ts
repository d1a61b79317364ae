/** Bytes from hexadecimal digits; blanks are ignored, and `'text'` stands for its ASCII. For tests. */
export function hexBytes(text: string): Uint8Array {
  const digits = text.replaceAll(/'([^']*)'/g, (_, ascii: string) =>
    Array.from(ascii, (character) => character.charCodeAt(0).toString(16).padStart(2, '0')).join(''),
  );
  const packed = digits.replaceAll(/\s/g, '');
  if (packed.length % 2 !== 0 || /[^0-9a-fA-F]/.test(packed)) throw new Error(`not hexadecimal: ${text}`);
  const bytes = new Uint8Array(packed.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(packed.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}

/** The other way: lower case digits without blanks. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
