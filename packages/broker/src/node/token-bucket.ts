/** A rate: so many a second, as many at once as there are in a second. */
export class TokenBucket {
  readonly rate: number;
  readonly #burst: number;
  #level: number;
  #atMs: number;

  constructor(rate: number, now: number) {
    this.rate = rate;
    this.#burst = Math.max(1, rate);
    this.#level = this.#burst;
    this.#atMs = now;
  }

  /** Takes one if there is one. */
  take(now: number): boolean {
    this.#fill(now);
    if (this.#level < 1) return false;
    this.#level--;
    return true;
  }

  /** Takes what was used in any case. Returns the milliseconds until the rate holds again; 0: it does. */
  spend(amount: number, now: number): number {
    this.#fill(now);
    this.#level -= amount;
    return this.#level >= 0 ? 0 : (-this.#level / this.rate) * 1000;
  }

  /** Nothing was taken of late: it can be forgotten. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#level >= this.#burst;
  }

  #fill(now: number): void {
    this.#level = Math.min(this.#burst, this.#level + ((now - this.#atMs) * this.rate) / 1000);
    this.#atMs = now;
  }
}
