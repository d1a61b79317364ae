import { misuse } from '../errors.ts';

// What short-loops.ts does with loops of its own, by the platform's calls: for pages, where short is better than fast (`imports` in package.json).

declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const encoder = /* @__PURE__ */ new TextEncoder();

export function topicLevels(topic: string): number {
  return topic.split('/').length;
}

export function copyBytes(target: Uint8Array, offset: number, source: Uint8Array): number {
  target.set(source, offset);
  return offset + source.length;
}

export function shortAscii(_bytes: Uint8Array, _start: number, _end: number): undefined {}

export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

export function utf8Bytes(text: string, field: string): Uint8Array {
  const at = text.search(/[\0\p{Cs}]/u);
  if (at >= 0) throw misuse(field, text[at] === '\0' ? 'null-in-string' : 'surrogate-in-string', `position ${at}`);
  return encoder.encode(text);
}
