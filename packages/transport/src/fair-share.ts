/**
 * Things that are under way, so many at most, shared out among those they belong to: when there are as many as may be, a newcomer takes
 * the place of the oldest of whoever has the most. Whoever has the most has no place for another.
 */
export class FairShare<T> {
  readonly #ofOwner = new Map<string, Set<T>>();
  /** Owners by how many things they have. */
  readonly #byCount: Set<string>[] = [];
  #size = 0;
  #most = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Undefined: there is room. Otherwise what has to make room for it, or the newcomer itself: it was not taken in then. The caller sees to what
   * goes, which is forgotten here.
   */
  add(owner: string, thing: T, maximum: number): T | undefined {
    let evicted: T | undefined;
    if (this.#size >= maximum) {
      // Otherwise two owners who have the same would put out each other's things for ever.
      if ((this.#ofOwner.get(owner)?.size ?? 0) >= this.#most - 1) return thing;
      const [richest = owner] = this.#byCount[this.#most] ?? [];
      [evicted] = this.#ofOwner.get(richest) ?? [];
      if (evicted !== undefined) this.delete(richest, evicted);
    }
    let things = this.#ofOwner.get(owner);
    if (things === undefined) {
      things = new Set();
      this.#ofOwner.set(owner, things);
    }
    if (things.has(thing)) return evicted;
    things.add(thing);
    this.#size++;
    this.#move(owner, things.size - 1, things.size);
    return evicted;
  }

  /** It is done, or gone. */
  delete(owner: string, thing: T): void {
    const things = this.#ofOwner.get(owner);
    if (things?.delete(thing) !== true) return;
    this.#size--;
    this.#move(owner, things.size + 1, things.size);
    if (things.size === 0) this.#ofOwner.delete(owner);
  }

  #move(owner: string, from: number, to: number): void {
    this.#byCount[from]?.delete(owner);
    if (to > 0) {
      let owners = this.#byCount[to];
      if (owners === undefined) {
        owners = new Set();
        this.#byCount[to] = owners;
      }
      owners.add(owner);
      if (to > this.#most) this.#most = to;
    }
    while (this.#most > 0 && (this.#byCount[this.#most]?.size ?? 0) === 0) {
      this.#byCount.length = this.#most;
      this.#most--;
    }
  }
}
