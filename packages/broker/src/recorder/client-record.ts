import type { LossCause } from '../causes/losses.ts';
import type { LossLedger, LossTotal, RecordedEvent } from './recorded-event.ts';
import { Ring } from './ring.ts';

/** What is remembered of one Client Identifier. */
export class ClientRecord {
  readonly clientId: string;
  readonly events: Ring<RecordedEvent>;
  losses: LossLedger | undefined;
  /** What the last connection asked for and got, as JSON; see `Recorder.intern`. */
  negotiated: string | undefined;
  /** It was connected at some time, not only refused. */
  hasConnected = false;
  isConnected = false;
  takeovers = 0;

  constructor(clientId: string, events: number) {
    this.clientId = clientId;
    this.events = new Ring(events);
  }

  /** False: it is the same as the last one once more, which counts it now. */
  add(event: RecordedEvent): boolean {
    const { last } = this.events;
    if (last !== undefined && isRepetition(last, event)) {
      countRepetition(last, event);
      return false;
    }
    this.events.push(event);
    return true;
  }

  lose(cause: LossCause, topic: string, count: number, at: number): LossTotal {
    this.losses ??= {};
    const known = this.losses[cause];
    if (known === undefined) {
      const total: LossTotal = { count, firstAt: at, lastAt: at, topic };
      this.losses[cause] = total;
      return total;
    }
    known.count += count;
    known.lastAt = at;
    known.topic = topic;
    return known;
  }
}

/** Whether an event is what was recorded last, from the same address: an attempt that is made again and again. */
export function isRepetition(last: RecordedEvent, event: RecordedEvent): boolean {
  return (
    event.kind === last.kind &&
    (event.kind === 'refused' || event.kind === 'subscribe-refused') &&
    event.code === last.code &&
    event.remoteAddress === last.remoteAddress &&
    event.text === last.text &&
    JSON.stringify(event.detail) === JSON.stringify(last.detail)
  );
}

export function countRepetition(last: RecordedEvent, event: RecordedEvent): void {
  // A line of the log may stand for many.
  last.repeated = Math.max((last.repeated ?? 1) + 1, event.repeated ?? 0);
  last.lastAt = event.lastAt ?? event.at;
}
