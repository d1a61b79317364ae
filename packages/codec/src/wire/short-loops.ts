import { misuse } from '../errors.ts';

// Of the few bytes there mostly are, a loop makes less than a call into the platform costs.

const SLASH = 0x2f;

/** The levels of a Topic Name or Topic Filter: the slashes plus one. */
export function topicLevels(topic: string): number {
  let levels = 1;
  for (let i = 0; i < topic.length; i++) if (topic.charCodeAt(i) === SLASH) levels++;
  return levels;
}

/** Below this, a loop copies faster than `set`. */
const SHORT_COPY = 32;

/** Copies `source` to `target` at `offset` and returns the offset behind it. */
export function copyBytes(target: Uint8Array, offset: number, source: Uint8Array): number {
  const length = source.length;
  if (length < SHORT_COPY) {
    for (let i = 0; i < length; i++) target[offset + i] = source[i] as number;
  } else {
    target.set(source, offset);
  }
  return offset + length;
}

/** Below this, a loop is faster than a call into the decoder. */
const SHORT = 12;

/** The text where it is short and has nothing but ASCII and no U+0000. */
export function shortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > SHORT) return undefined;
  let text = '';
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0 || byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
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

/** A string in UTF-8. Throws UsageError for U+0000 and lone surrogates. */
export function utf8Bytes(text: string, field: string): Uint8Array {
  const target = new Uint8Array(utf8Length(text));
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0 && unit < 0x80) {
      target[at++] = unit;
      continue;
    }
    const point = text.codePointAt(i) as number;
    if (point === 0) throw misuse(field, 'null-in-string', `position ${i}`);
    if (point >= 0xd800 && point <= 0xdfff) {
      throw misuse(field, 'surrogate-in-string', `position ${i}`);
    }
    if (point < 0x800) target[at++] = 0xc0 | (point >> 6);
    else {
      if (point < 0x1_0000) target[at++] = 0xe0 | (point >> 12);
      else {
        target[at++] = 0xf0 | (point >> 18);
        target[at++] = 0x80 | ((point >> 12) & 0x3f);
        i++;
      }
      target[at++] = 0x80 | ((point >> 6) & 0x3f);
    }
    target[at++] = 0x80 | (point & 0x3f);
  }
  return target;
}
