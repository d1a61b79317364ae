/** Bounds of a FairQueue. */
export interface FairQueueBounds {
  readonly atOnce: number;
  readonly maximumWaiting: number;
  /** One key leaves room for others among what runs: it may have as much as is still free. For work that may take long. */
  readonly keepsRoom?: boolean;
}

interface Entry {
  readonly signal: Pick<AbortSignal, 'aborted'>;
  begin(): void;
  /** It will not be begun. */
  giveUp(): void;
}

/**
 * Work that costs something: so much at a time, so much waiting, the rest turned away. Keys (addresses, clients) take turns, and when there is no
 * room for another that waits, whoever has most waiting loses its last: nobody fills the queue for all others.
 */
export class FairQueue {
  readonly #bounds: FairQueueBounds;
  /** In the order of their turns. */
  readonly #waiting = new Map<string, Entry[]>();
  readonly #runningOf = new Map<string, number>();
  #running = 0;
  #length = 0;
  /** Turned away since the start. */
  refused = 0;

  constructor(bounds: FairQueueBounds) {
    this.#bounds = bounds;
  }

  /** What waits. */
  get length(): number {
    return this.#length;
  }

  /**
   * Undefined: there is no room, at once, or in the end because others came who have had less. Work whose `signal` has aborted by the time of
   * its turn is not begun.
   */
  run<T>(
    key: string,
    work: () => Promise<T>,
    signal: Pick<AbortSignal, 'aborted'>,
  ): Promise<T | undefined> | undefined {
    if (this.#mayRun(key) && !this.#waiting.has(key)) return signal.aborted ? undefined : this.#run(key, work);
    if (this.#length >= this.#bounds.maximumWaiting && !this.#makeRoom(key)) {
      this.refused++;
      return undefined;
    }
    return new Promise<T | undefined>((resolve, reject) => {
      const entry: Entry = {
        signal,
        begin: () => void this.#run(key, work).then(resolve, reject),
        giveUp: () => resolve(undefined),
      };
      const entries = this.#waiting.get(key);
      if (entries === undefined) this.#waiting.set(key, [entry]);
      else entries.push(entry);
      this.#length++;
    });
  }

  async #run<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.#running++;
    this.#runningOf.set(key, (this.#runningOf.get(key) ?? 0) + 1);
    try {
      return await work();
    } finally {
      this.#running--;
      const left = (this.#runningOf.get(key) ?? 1) - 1;
      if (left > 0) this.#runningOf.set(key, left);
      else this.#runningOf.delete(key);
      this.#beginNext();
    }
  }

  #mayRun(key: string): boolean {
    const free = this.#bounds.atOnce - this.#running;
    if (free <= 0) return false;
    return this.#bounds.keepsRoom !== true || (this.#runningOf.get(key) ?? 0) < free;
  }

  #beginNext(): void {
    while (this.#running < this.#bounds.atOnce) {
      const found = this.#nextKey();
      if (found === undefined) return;
      const [key, entries] = found;
      const entry = entries.shift();
      this.#length--;
      // Its next turn is after that of all others.
      this.#waiting.delete(key);
      if (entries.length > 0) this.#waiting.set(key, entries);
      if (entry?.signal.aborted === true) entry.giveUp();
      else entry?.begin();
    }
  }

  #nextKey(): [string, Entry[]] | undefined {
    for (const found of this.#waiting) if (this.#mayRun(found[0])) return found;
    return undefined;
  }

  /** Room for one more of this key: of what nobody waits for any more, or of who has more than it. */
  #makeRoom(key: string): boolean {
    let most: [string, Entry[]] | undefined;
    for (const [candidate, entries] of [...this.#waiting]) {
      const left = entries.filter((entry) => {
        if (entry.signal.aborted) entry.giveUp();
        return !entry.signal.aborted;
      });
      this.#length -= entries.length - left.length;
      if (left.length === 0) this.#waiting.delete(candidate);
      else this.#waiting.set(candidate, left);
      if (left.length > (most?.[1].length ?? 0)) most = [candidate, left];
    }
    if (this.#length < this.#bounds.maximumWaiting) return true;
    const own = this.#waiting.get(key)?.length ?? 0;
    if (most === undefined || most[1].length <= own + 1) return false;
    most[1].pop()?.giveUp();
    this.#length--;
    this.refused++;
    return true;
  }
}
