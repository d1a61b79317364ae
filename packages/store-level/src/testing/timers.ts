import type { Schedule } from '../commit/group-commit.ts';

/** Timers that a test fires. */
export class HeldTimers {
  readonly #timers = new Set<{ readonly callback: () => void; readonly ms: number }>();

  readonly schedule: Schedule = (callback, ms) => {
    const timer = { callback, ms };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** The waits under way, milliseconds. */
  get waits(): readonly number[] {
    return [...this.#timers].map((timer) => timer.ms);
  }

  /** Fires all that wait now. */
  fire(): void {
    for (const timer of [...this.#timers]) {
      this.#timers.delete(timer);
      timer.callback();
    }
  }
}
