import { CAUSES, type CauseWords, SESSION_ENDS } from './causes.ts';
import { COMPLAINTS } from './complaints.ts';
import type { RecordedEvent } from './recorded-event.ts';

/** The client has ended the connection itself, with a Reason Code that says what was wrong. */
export function isComplaint({ by, reasonCode = 0 }: RecordedEvent): boolean {
  return by === 'peer' && reasonCode >= 0x80;
}

/** What there is to say about an event's code: the same Reason Code means another thing when it is the client that says it. */
export function wordsOf(event: RecordedEvent): CauseWords | undefined {
  if (event.kind === 'session-ended') return SESSION_ENDS[event.code];
  return isComplaint(event) ? COMPLAINTS[event.code] : CAUSES[event.code];
}
