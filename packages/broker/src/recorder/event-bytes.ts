import type { HistoryEntry, RecordedEvent } from './recorded-event.ts';

/** An object with its fields, those of a detail too. */
const OBJECT_BYTES = 240;

/** What an event takes in memory: texts at two bytes a character, as the engine has them at worst. */
export function bytesOfEvent(event: RecordedEvent): number {
  let characters = 0;
  for (const value of Object.values(event)) if (typeof value === 'string') characters += value.length;
  return OBJECT_BYTES + 2 * characters + (event.detail === undefined ? 0 : bytesOfDetail(event.detail));
}

export function bytesOfEntry({ event }: HistoryEntry): number {
  return bytesOfEvent(event);
}

function bytesOfDetail(detail: object): number {
  let bytes = 80;
  for (const value of Object.values(detail)) {
    if (typeof value === 'string') bytes += 2 * value.length;
    else if (typeof value === 'object' && value !== null) bytes += bytesOfDetail(value);
  }
  return bytes;
}
