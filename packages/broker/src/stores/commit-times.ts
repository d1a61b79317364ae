import { NO_TICKET, type Ticket } from '@hawser/protocol';
import type { Clock } from '@hawser/transport';

/** Upper bounds of the buckets, milliseconds. */
const BUCKETS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 1000, 5000];

/** How long the store took from an operation to its commit: one is timed at a time, so that a busy store costs no more. */
export class CommitTimes {
  count = 0;
  sumMs = 0;
  readonly #counts = BUCKETS_MS.map(() => 0);
  #ticket: Ticket = NO_TICKET;
  #beganMs = 0;

  begin(ticket: Ticket, clock: Clock): void {
    if (this.#ticket !== NO_TICKET) return;
    this.#ticket = ticket;
    this.#beganMs = clock.now();
  }

  end(committed: Ticket, now: number): void {
    if (this.#ticket === NO_TICKET || this.#ticket > committed) return;
    this.#ticket = NO_TICKET;
    const tookMs = now - this.#beganMs;
    this.count++;
    this.sumMs += tookMs;
    const bucket = BUCKETS_MS.findIndex((bound) => tookMs <= bound);
    if (bucket >= 0) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** Upper bounds in milliseconds, with how many were not over them. */
  get buckets(): readonly (readonly [boundMs: number, count: number])[] {
    let sum = 0;
    return BUCKETS_MS.map((bound, i) => {
      sum += this.#counts[i] ?? 0;
      return [bound, sum] as const;
    });
  }
}
