import { MalformedPacketError, UsageError } from '../errors.ts';

/** The longest UTF-8 Encoded String, in bytes (section 1.5.4). */
export const MAXIMUM_STRING_BYTES = 65_535;

// Every platform this runs on has it; neither Node's nor the browser's types are loaded here.
declare const TextDecoder: new (
  label: 'utf-8',
  options: { ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

// ignoreBOM means: leave U+FEFF where it is [MQTT311-1.5.3-3] [MQTT5-1.5.4-3].
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Below this, a loop is faster than a call into the decoder. */
const SHORT = 12;

/**
 * Decodes UTF-8 as MQTT wants it: no overlong form, nothing cut off, no surrogate [MQTT311-1.5.3-1] [MQTT5-1.5.4-1], no
 * U+0000 [MQTT311-1.5.3-2] [MQTT5-1.5.4-2]. Control characters and non-characters pass, U+FEFF stays.
 * `field` names the string in the MalformedPacketError (`invalid-utf8`, `surrogate-in-string`, `null-in-string`).
 */
export function decodeUtf8Strict(bytes: Uint8Array, start: number, end: number, field = 'string'): string {
  if (end - start <= SHORT) {
    let text = '';
    let at = start;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte === 0 || byte > 0x7f) break;
      text += String.fromCharCode(byte);
      at++;
    }
    if (at === end) return text;
  }
  validateUtf8(bytes, start, end, field);
  return decoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start));
}

/** Throws the MalformedPacketError of `decodeUtf8Strict` for what that would refuse. */
export function validateUtf8(bytes: Uint8Array, start: number, end: number, field = 'string'): void {
  let at = start;
  while (at < end) {
    const lead = bytes[at] as number;
    if (lead < 0x80) {
      if (lead === 0) throw nullCharacter(field, at - start);
      at++;
      continue;
    }
    const extra = continuationBytes(lead);
    if (extra === 0) throw invalid(field, at - start, lead);
    if (at + extra >= end) throw invalid(field, at - start, lead);
    const second = bytes[at + 1] as number;
    if (lead === 0xed && second >= 0xa0 && second <= 0xbf) {
      throw new MalformedPacketError(
        'surrogate-in-string',
        `${field}: byte ${at - start} begins an encoded surrogate (U+D800 to U+DFFF), which is not allowed in UTF-8`,
      );
    }
    // The second byte's range excludes overlong forms (E0, F0) and what lies above U+10FFFF (F4).
    const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const highest = lead === 0xf4 ? 0x8f : 0xbf;
    if (second < lowest || second > highest) throw invalid(field, at - start, lead);
    for (let i = 2; i <= extra; i++) {
      if (((bytes[at + i] as number) & 0xc0) !== 0x80) throw invalid(field, at - start, lead);
    }
    at += extra + 1;
  }
}

function continuationBytes(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 1;
  if (lead >= 0xe0 && lead <= 0xef) return 2;
  if (lead >= 0xf0 && lead <= 0xf4) return 3;
  return 0;
}

function nullCharacter(field: string, at: number): MalformedPacketError {
  return new MalformedPacketError('null-in-string', `${field}: byte ${at} is U+0000, which no MQTT string may contain`);
}

function invalid(field: string, at: number, byte: number): MalformedPacketError {
  return new MalformedPacketError(
    'invalid-utf8',
    `${field}: not UTF-8 at byte ${at} (0x${byte.toString(16).padStart(2, '0')})`,
  );
}

/** The bytes a string takes in UTF-8. A lone surrogate counts as 3. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    length += unit < 0x800 ? 1 : 2;
    if (unit >= 0xd800 && unit <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
  }
  return length;
}

/**
 * Encodes a string for the wire. Throws a UsageError for what MQTT forbids: U+0000 (`null-in-string`), a lone surrogate
 * (`surrogate-in-string`), more than 65,535 bytes (`string-too-long`). `field` names the string in it.
 */
export function encodeUtf8(text: string, field = 'string'): Uint8Array {
  if (text.length > MAXIMUM_STRING_BYTES) throw tooLong(field);
  const bytes = new Uint8Array(utf8Length(text));
  if (bytes.length > MAXIMUM_STRING_BYTES) throw tooLong(field);
  writeUtf8(bytes, 0, text, field);
  return bytes;
}

/** Writes a string into a target with room for it, three bytes for each UTF-16 unit at most. Returns the new offset. */
export function writeUtf8(target: Uint8Array, offset: number, text: string, field: string): number {
  let at = offset;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      if (unit === 0) {
        throw new UsageError('null-in-string', `${field} contains U+0000 at position ${i}; no MQTT string may`);
      }
      target[at++] = unit;
    } else if (unit < 0x800) {
      target[at++] = 0xc0 | (unit >> 6);
      target[at++] = 0x80 | (unit & 0x3f);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      target[at++] = 0xe0 | (unit >> 12);
      target[at++] = 0x80 | ((unit >> 6) & 0x3f);
      target[at++] = 0x80 | (unit & 0x3f);
    } else {
      const low = unit <= 0xdbff ? text.charCodeAt(i + 1) : 0;
      // charCodeAt past the end is NaN, and NaN & 0xfc00 is 0: the same answer as for any other wrong neighbour.
      if ((low & 0xfc00) !== 0xdc00) {
        throw new UsageError(
          'surrogate-in-string',
          `${field} contains half of a surrogate pair at position ${i}; it has no UTF-8 form`,
        );
      }
      const point = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
      target[at++] = 0xf0 | (point >> 18);
      target[at++] = 0x80 | ((point >> 12) & 0x3f);
      target[at++] = 0x80 | ((point >> 6) & 0x3f);
      target[at++] = 0x80 | (point & 0x3f);
      i++;
    }
  }
  return at;
}

/** The UsageError for a string that does not fit its two-byte length. */
export function tooLong(field: string): UsageError {
  return new UsageError('string-too-long', `${field} is longer than ${MAXIMUM_STRING_BYTES} bytes of UTF-8`);
}
