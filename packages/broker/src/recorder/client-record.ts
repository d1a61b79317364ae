import { clipText, MOST_TEXT } from '../causes/clip.ts';
import type { LossCause } from '../causes/losses.ts';
import { fingerprint } from '../policy/claimed-name.ts';
import { bytesOfEvent } from './event-bytes.ts';
import type { LossLedger, LossTotal, RecordedEvent } from './recorded-event.ts';
import { Ring } from './ring.ts';

/** A record without its events, and a loss with its totals. */
const RECORD_BYTES = 600;
const LOSS_BYTES = 160;

/** The name under which a Client Identifier is remembered: one that is very long has its beginning and a fingerprint. */
export function recordedName(clientId: string): string {
  return clientId.length > MOST_TEXT ? `${clipText(clientId)}${fingerprint(clientId)}` : clientId;
}

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
  #lossBytes = 0;

  constructor(clientId: string, events: number) {
    this.clientId = clientId;
    this.events = new Ring(events, Number.POSITIVE_INFINITY, bytesOfEvent);
  }

  /** What it takes in memory. */
  get bytes(): number {
    return (
      RECORD_BYTES + 2 * this.clientId.length + (this.negotiated?.length ?? 0) + this.events.bytes + this.#lossBytes
    );
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

  /** Totals that an earlier run has written down. */
  restoreLoss(cause: LossCause, { count, firstAt, lastAt, topic }: LossTotal): void {
    const total = this.lose(cause, topic, 0, lastAt);
    total.count = count;
    total.firstAt = firstAt;
  }

  lose(cause: LossCause, lostTopic: string, count: number, at: number): LossTotal {
    const topic = clipText(lostTopic);
    this.losses ??= {};
    const known = this.losses[cause];
    if (known === undefined) {
      const total: LossTotal = { count, firstAt: at, lastAt: at, topic };
      this.losses[cause] = total;
      this.#lossBytes += LOSS_BYTES + 2 * topic.length;
      return total;
    }
    this.#lossBytes += 2 * (topic.length - known.topic.length);
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
