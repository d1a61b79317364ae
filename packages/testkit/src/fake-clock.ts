import type { Clock } from '@hawser/transport';

/** Turns of promises that code under test may take between two events: an `await` in a loop of this depth is seen. */
const MICROTASK_TURNS = 32;
/** Something that calls itself again without time passing would go on for ever. */
const MAXIMUM_STEPS = 1_000_000;

interface Timer {
  readonly atMs: number;
  /** Among those of the same time, the order in which they were set. */
  readonly order: number;
  callback: (() => void) | undefined;
}

export interface FakeClockOptions {
  /** What `now()` begins with; 1,000. */
  readonly nowMs?: number;
  /** What `wallNow()` begins with, milliseconds since 1970; the first of January 2026. */
  readonly wallMs?: number;
}

/**
 * A Clock that stands still until a test says so. Timers run in the order of their time, and what is deferred and
 * promised in between, so that a session of 24 hours takes milliseconds and every run is the same.
 */
export class FakeClock implements Clock {
  #nowMs: number;
  /** From `now()` to `wallNow()`. */
  #wallOffsetMs: number;
  #orders = 0;
  /** Sorted by time and order. */
  readonly #timers: Timer[] = [];
  #deferred: (() => void)[] = [];
  /** Several may let time pass at once: one takes its steps after the other. */
  #advancing: Promise<void> = Promise.resolve();

  constructor(options: FakeClockOptions = {}) {
    this.#nowMs = options.nowMs ?? 1000;
    this.#wallOffsetMs = (options.wallMs ?? Date.UTC(2026, 0, 1)) - this.#nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wallNow(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  setTimer(atMs: number, callback: () => void): () => void {
    const timer: Timer = { atMs: Math.max(atMs, this.#nowMs), order: this.#orders++, callback };
    let at = this.#timers.length;
    while (at > 0 && (this.#timers[at - 1] as Timer).atMs > timer.atMs) at--;
    this.#timers.splice(at, 0, timer);
    return () => {
      timer.callback = undefined;
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Timers that are set. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** When the next timer is due; Infinity: none is set. */
  get nextTimerMs(): number {
    return this.#timers[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** The clock on the wall is set forward or back; `now()` knows nothing of it. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Lets everything happen that needs no time: promises, what is deferred, timers that are due. */
  async settle(): Promise<void> {
    await this.advance(0);
  }

  /** Lets `ms` milliseconds pass, each timer at its own time. */
  advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    const advanced = this.#advancing.then(() => this.#advance(ms, untilMs));
    this.#advancing = advanced.catch(() => {});
    return advanced;
  }

  /** Lets time pass until `isReached` is true, at most `limitMs`; throws when it is not by then. */
  async advanceUntil(isReached: () => boolean, limitMs = 3_600_000): Promise<void> {
    const untilMs = this.#nowMs + limitMs;
    await this.settle();
    while (!isReached()) {
      const nextMs = this.nextTimerMs;
      if (nextMs > untilMs)
        throw new Error(`FakeClock: not reached within ${limitMs} ms, and no timer is set before that`);
      await this.advance(nextMs - this.#nowMs);
    }
  }

  /**
   * Lets time pass until a promise has settled, at most `limitMs`, and gives its outcome: `await clock.waitFor(client.subscribe('a'))`, or of a
   * whole program. Throws when it has not settled by then. What the system does (files, sockets, Web Crypto) knows nothing of this clock.
   */
  async waitFor<T>(promise: PromiseLike<T>, limitMs?: number): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    await this.advanceUntil(() => isSettled, limitMs);
    return promise;
  }

  async #advance(ms: number, untilMs: number): Promise<void> {
    let steps = 0;
    await this.#settleTurn();
    for (let next = this.#timers[0]; next !== undefined && next.atMs <= untilMs; next = this.#timers[0]) {
      if (++steps > MAXIMUM_STEPS)
        throw new Error(
          `FakeClock: ${MAXIMUM_STEPS} timers have run in ${ms} ms: does one set itself again without time passing?`,
        );
      this.#timers.shift();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      const { callback } = next;
      next.callback = undefined;
      callback?.();
      await this.#settleTurn();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  async #settleTurn(): Promise<void> {
    for (let steps = 0; ; steps++) {
      for (let turn = 0; turn < MICROTASK_TURNS; turn++) await Promise.resolve();
      if (this.#deferred.length === 0) return;
      if (steps > MAXIMUM_STEPS) throw new Error('FakeClock: something defers itself again and again');
      // What is deferred meanwhile is for the next turn, as with setImmediate.
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const callback of deferred) callback();
    }
  }
}
