import type { Clock } from '@hawser/transport/clock';

/** Between two warnings about the same loss. */
const AGAIN_MS = 1000;

/** How many messages a bound has cost. A burst is told by one warning with its number. */
export interface Tally {
  readonly total: number;
  add(): void;
  /** Tells what has not been told. */
  close(): void;
}

/** `tell` is called at the end of the turn in which something was added, and then once a second at most. */
export function tallyOf(clock: Clock, tell: (total: number) => void): Tally {
  let total = 0;
  let told = 0;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let isDue = false;
  let cancel: (() => void) | undefined;

  const tellNow = (): void => {
    cancel?.();
    cancel = undefined;
    isDue = false;
    if (told === total) return;
    told = total;
    toldAtMs = clock.now();
    tell(total);
  };

  return {
    get total() {
      return total;
    },

    add() {
      total++;
      if (isDue) return;
      isDue = true;
      const atMs = toldAtMs + AGAIN_MS;
      if (atMs <= clock.now()) clock.defer(tellNow);
      else cancel = clock.setTimer(atMs, tellNow);
    },

    close: tellNow,
  };
}
