import type { Detail } from './sentences.ts';

/** Characters of one text that are kept; what peers say goes into texts. */
export const MOST_TEXT = 400;

/** A text of somebody else's, not longer than a record has room for. */
export function clipText(text: string): string {
  // A slice would keep the whole text in memory; this is a copy.
  return text.length > MOST_TEXT ? Buffer.from(`${text.slice(0, MOST_TEXT - 1)}…`).toString() : text;
}

/** A detail whose texts are not longer than a record has room for; mostly it is itself. */
export function clipDetail(detail: Detail): Detail {
  return clipObject(detail);
}

function clipObject<T extends object>(object: T): T {
  const entries = Object.entries(object).map(([name, value]) => [name, clipValue(value)] as const);
  const isSame = entries.every(([name, value]) => value === (object as Readonly<Record<string, unknown>>)[name]);
  return isSame ? object : (Object.fromEntries(entries) as T);
}

function clipValue(value: unknown): unknown {
  if (typeof value === 'string') return clipText(value);
  return typeof value === 'object' && value !== null ? clipObject(value) : value;
}
