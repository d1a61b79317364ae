import type { Detail } from './sentences.ts';

/** Characters of one text that are kept; what peers say goes into texts. */
const MOST_TEXT = 400;

/** A text of somebody else's, not longer than a record has room for. */
export function clipText(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT - 1)}…` : text;
}

/** A detail whose texts are not longer than a record has room for; mostly it is itself. */
export function clipDetail(detail: Detail): Detail {
  let clipped: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(detail)) {
    if (typeof value === 'string' && value.length > MOST_TEXT) {
      clipped ??= { ...detail };
      clipped[name] = clipText(value);
    }
  }
  return clipped === undefined ? detail : (clipped as Detail);
}
