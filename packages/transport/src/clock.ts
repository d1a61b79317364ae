// Of the module and not the global: test runners with a document (jest's jsdom) take that one away.
import { setImmediate } from 'node:timers';

/** Time and the turns of the event loop, handed in so that tests can stand in for both. */
export interface Clock {
  /** Milliseconds that only grow, from any origin: clocks that jump change nothing. */
  now(): number;
  /** Milliseconds since 1970, for what must outlive the process. */
  wallNow(): number;
  /** Calls back once at or after `atMs` of `now()`. Returns how to cancel it. */
  setTimer(atMs: number, callback: () => void): () => void;
  /** Calls back once all input of this turn has been read. */
  defer(callback: () => void): void;
}

/** The system's time, in whole milliseconds: a fraction would cost a box on the heap wherever a time is kept. */
export const systemClock: Clock = {
  now: () => Math.trunc(performance.now()),
  wallNow: () => Date.now(),
  setTimer(atMs, callback) {
    const timer = setTimeout(callback, Math.min(2 ** 31 - 1, Math.max(0, Math.ceil(atMs - performance.now()))));
    return () => clearTimeout(timer);
  },
  defer: (callback) => {
    setImmediate(callback);
  },
};
