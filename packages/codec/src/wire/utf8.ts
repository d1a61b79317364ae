import { shortAscii, utf8Bytes } from '#short-loops';
import { type MalformedPacketError, malformed, misuse } from '../errors.ts';

/** The longest UTF-8 Encoded String, in bytes (section 1.5.4). */
export const MAXIMUM_STRING_BYTES = 65_535;

// Every platform this runs on has them; neither Node's nor the browser's types are loaded here.
declare const TextDecoder: new (
  label: 'utf-8',
  options: { ignoreBOM: boolean; fatal: boolean },
) => { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

// ignoreBOM means: leave U+FEFF where it is [MQTT311-1.5.3-3] [MQTT5-1.5.4-3].
const decoderOf = (fatal: boolean) => new TextDecoder('utf-8', { ignoreBOM: true, fatal });
const strict = decoderOf(true);

/**
 * Decodes UTF-8 as MQTT wants it: no overlong form, nothing cut off, no surrogate [MQTT311-1.5.3-1] [MQTT5-1.5.4-1], no
 * U+0000 [MQTT311-1.5.3-2] [MQTT5-1.5.4-2]. Control characters and non-characters pass, U+FEFF stays.
 * `field` names the string in the MalformedPacketError (`invalid-utf8`, `surrogate-in-string`, `null-in-string`).
 */
export function decodeUtf8Strict(bytes: Uint8Array, start: number, end: number, field = 'string'): string {
  const short = shortAscii(bytes, start, end);
  if (short !== undefined) return short;
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
  try {
    const text = strict.decode(view);
    if (!text.includes('\0')) return text;
  } catch {
    // The decoder does not say where.
  }
  throw faultOf(view, field);
}

/** Where the string is not what a decoder that mends it makes of it, and what stands there. */
function faultOf(view: Uint8Array, field: string): MalformedPacketError {
  const mended = new TextEncoder().encode(decoderOf(false).decode(view));
  let at = 0;
  while (mended[at] && mended[at] === view[at]) at++;
  const byte = view[at];
  // ED A0 to ED BF
  const isSurrogate = byte === 0xed && (view[at + 1] as number) >> 5 === 5;
  const code = byte === 0 ? 'null-in-string' : isSurrogate ? 'surrogate-in-string' : 'invalid-utf8';
  return malformed(field, code, `byte ${at}`);
}

/**
 * Encodes a string for the wire. Throws a UsageError for what MQTT forbids: U+0000 (`null-in-string`), a lone surrogate
 * (`surrogate-in-string`), more than 65,535 bytes (`string-too-long`). `field` names the string in it.
 */
export function encodeUtf8(text: string, field = 'string'): Uint8Array {
  const bytes = utf8Bytes(text, field);
  if (bytes.length > MAXIMUM_STRING_BYTES) throw misuse(field, 'string-too-long', `${bytes.length} bytes`);
  return bytes;
}
