/** An answer and until when it is good. */
export interface CachedDecision<T> {
  readonly value: T;
  readonly until: number;
}

/** Answers that are good for a while: so many, the oldest go first. */
export class DecisionCache<T> {
  readonly #entries = new Map<string, CachedDecision<T>>();
  readonly #maximum: number;
  readonly #now: () => number;

  constructor(maximum: number, now: () => number) {
    this.#maximum = maximum;
    this.#now = now;
  }

  get(key: string): CachedDecision<T> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#now() < entry.until) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: T, forMs: number): CachedDecision<T> {
    const entry = { value, until: this.#now() + forMs };
    if (forMs <= 0 || this.#maximum === 0) return entry;
    this.#entries.delete(key);
    if (this.#entries.size >= this.#maximum) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(key, entry);
    return entry;
  }
}
