import type { LossCause } from '../causes/losses.ts';
import type { Negotiated } from './observer.ts';
import type { LossTotal, RecordedEvent, RecordedWarning } from './recorded-event.ts';

/**
 * Where a Recorder writes down what must survive a restart, line by line. Bounded by itself: it forgets its oldest lines.
 * Nothing waits for it and nothing fails with it.
 */
export interface RecorderLog {
  /** What earlier runs have left, oldest first; a line that was cut off may be among them. Called once, before any `append`. */
  open(): Promise<Iterable<string>>;
  /** Adds one line, without its end, some time soon. */
  append(line: string): void;
  /** The oldest lines are about to be forgotten: whoever has a state that is spread over them writes it down anew. */
  onRotated: (() => void) | undefined;
  /** Lines that could not be written, or came too fast. */
  readonly dropped: number;
  /** Writes what is left. */
  close(): Promise<void>;
}

/** A line of the log. */
export type LogLine =
  | { readonly t: 'event'; readonly id?: string; readonly e: RecordedEvent; readonly n?: Negotiated }
  | { readonly t: 'lost'; readonly id: string; readonly cause: LossCause; readonly total: LossTotal }
  | { readonly t: 'warning'; readonly w: RecordedWarning }
  /** The broker was stopped in good order. */
  | { readonly t: 'stopped'; readonly at: number };

export function encodeLine(line: LogLine): string {
  return JSON.stringify(line);
}

/** An event with what was negotiated, which is JSON already. */
export function encodeConnected(id: string, e: RecordedEvent, negotiated: string | undefined): string {
  if (negotiated === undefined) return encodeLine({ t: 'event', id, e });
  return `{"t":"event","id":${JSON.stringify(id)},"e":${JSON.stringify(e)},"n":${negotiated}}`;
}

/** Undefined: it is no line of the log, or only a part of one. */
export function decodeLine(text: string): LogLine | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof line !== 'object' || line === null || !('t' in line)) return undefined;
  switch (line.t) {
    case 'event':
      return 'e' in line && isDated(line.e) ? (line as LogLine) : undefined;
    case 'lost':
      return 'total' in line && 'id' in line && 'cause' in line && isCounted(line.total)
        ? (line as LogLine)
        : undefined;
    case 'warning':
      return 'w' in line && isDated(line.w) ? (line as LogLine) : undefined;
    case 'stopped':
      return line as LogLine;
    default:
      return undefined;
  }
}

function isDated(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'at' in value && typeof value.at === 'number' && 'code' in value
  );
}

function isCounted(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'count' in value && typeof value.count === 'number';
}
