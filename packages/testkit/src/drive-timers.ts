import type { FakeClock } from './fake-clock.ts';

type Callback = (...given: unknown[]) => void;

/** What is replaced. */
interface Timers {
  setTimeout: unknown;
  setInterval: unknown;
  clearTimeout: unknown;
  clearInterval: unknown;
  readonly Date: { now: () => number };
  readonly performance: { now: () => number };
}

/** What Node gives for a timer, as far as programs use it; a number where one is wanted. */
class DrivenTimer {
  readonly #id: number;
  cancel: () => void = () => {};

  constructor(id: number) {
    this.#id = id;
  }

  ref(): this {
    return this;
  }

  /** Nothing keeps a test's process alive by this clock. */
  unref(): this {
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.#id;
  }
}

/**
 * Lets a FakeClock drive the timers of the program under test too: `setTimeout`, `setInterval`, `Date.now()` and `performance.now()` are the clock's until this is disposed:
 * `using timers = driveTimers(clock)`. Not together with a test runner's own fake timers. Files, sockets and `node:timers/promises` know nothing of it.
 */
export function driveTimers(clock: FakeClock): Disposable {
  const globals = globalThis as unknown as Timers;
  const { setTimeout, setInterval, clearTimeout, clearInterval } = globals;
  const dateNow = globals.Date.now;
  const performanceNow = globals.performance.now;
  const timers = new Map<number, DrivenTimer>();
  let lastId = 0;

  const start = (callback: Callback, ms: unknown, isRepeated: boolean, given: unknown[]): DrivenTimer => {
    const id = ++lastId;
    const timer = new DrivenTimer(id);
    // As Node and pages have it.
    const delayMs = Math.max(1, Number(ms) || 0);
    const run = (): void => {
      if (isRepeated) set();
      else timers.delete(id);
      callback(...given);
    };
    const set = (): void => {
      timer.cancel = clock.setTimer(clock.now() + delayMs, run);
    };
    timers.set(id, timer);
    set();
    return timer;
  };
  const clear = (given: unknown): void => {
    const id = Number(given);
    timers.get(id)?.cancel();
    timers.delete(id);
  };

  globals.setTimeout = (callback: Callback, ms?: unknown, ...given: unknown[]) => start(callback, ms, false, given);
  globals.setInterval = (callback: Callback, ms?: unknown, ...given: unknown[]) => start(callback, ms, true, given);
  globals.clearTimeout = clear;
  globals.clearInterval = clear;
  globals.Date.now = () => clock.wallNow();
  globals.performance.now = () => clock.now();

  return {
    [Symbol.dispose]() {
      for (const timer of timers.values()) timer.cancel();
      Object.assign(globals, { setTimeout, setInterval, clearTimeout, clearInterval });
      globals.Date.now = dateNow;
      globals.performance.now = performanceNow;
    },
  };
}
