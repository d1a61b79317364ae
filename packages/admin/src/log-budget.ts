/** Lines of one cause that are written in one window; the rest is counted. */
const LINES = 50;
const WINDOW_MS = 10_000;
/** Causes that are counted by themselves. */
const MOST_CAUSES = 500;

interface Spent {
  endsAtMs: number;
  written: number;
  left: number;
}

/** Keeps an attack, or a fault that meets everybody, from filling the log: so many lines of one cause, then their number. */
export class LogBudget {
  readonly #now: () => number;
  readonly #tell: (cause: string, count: number, seconds: number) => void;
  readonly #causes = new Map<string, Spent>();
  #nextEndMs = Number.POSITIVE_INFINITY;

  /** @param tell Called once a window is over in which lines were left out, with the next event of whatever kind. */
  constructor(now: () => number, tell: (cause: string, count: number, seconds: number) => void) {
    this.#now = now;
    this.#tell = tell;
  }

  /** Whether a line about `cause` may be written now; false: it is counted. */
  take(cause: string): boolean {
    const now = this.#now();
    if (now >= this.#nextEndMs) this.#settle(now);
    let spent = this.#causes.get(cause);
    if (spent === undefined) {
      if (this.#causes.size >= MOST_CAUSES) return false;
      spent = { endsAtMs: now + WINDOW_MS, written: 0, left: 0 };
      this.#causes.set(cause, spent);
      this.#nextEndMs = Math.min(this.#nextEndMs, spent.endsAtMs);
    }
    if (spent.written < LINES) {
      spent.written++;
      return true;
    }
    spent.left++;
    return false;
  }

  #settle(now: number): void {
    this.#nextEndMs = Number.POSITIVE_INFINITY;
    for (const [cause, { endsAtMs, left }] of this.#causes) {
      if (now < endsAtMs) {
        this.#nextEndMs = Math.min(this.#nextEndMs, endsAtMs);
        continue;
      }
      this.#causes.delete(cause);
      if (left > 0) this.#tell(cause, left, WINDOW_MS / 1000);
    }
  }
}
