/** Work that costs a core for a moment each: so many at a time, so many waiting, the rest turned away. */
export class CheckQueue {
  readonly #atOnce: number;
  readonly #maximumWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** Turned away since the start. */
  refused = 0;

  constructor(atOnce: number, maximumWaiting: number) {
    this.#atOnce = atOnce;
    this.#maximumWaiting = maximumWaiting;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Undefined: too many are waiting. Work whose `signal` has aborted by the time of its turn is not begun. */
  run<T>(work: () => Promise<T>, signal: Pick<AbortSignal, 'aborted'>): Promise<T | undefined> | undefined {
    if (this.#running >= this.#atOnce && this.#waiting.length >= this.#maximumWaiting) {
      this.refused++;
      return undefined;
    }
    return this.#run(work, signal);
  }

  async #run<T>(work: () => Promise<T>, signal: Pick<AbortSignal, 'aborted'>): Promise<T | undefined> {
    if (this.#running >= this.#atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return signal.aborted ? undefined : await work();
    } finally {
      // The place goes straight to who waits, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
