/** The last so many of what was pushed; the oldest makes room. */
export class Ring<T> {
  readonly #limit: number;
  #items: T[] = [];
  #next = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#items.length;
  }

  get last(): T | undefined {
    return this.#items.length < this.#limit
      ? this.#items.at(-1)
      : this.#items[(this.#next + this.#limit - 1) % this.#limit];
  }

  push(item: T): void {
    if (this.#items.length < this.#limit) {
      this.#items.push(item);
      return;
    }
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#limit;
  }

  /** Oldest first. */
  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.#items.length; i++) yield this.#items[(this.#next + i) % this.#items.length] as T;
  }

  /** Newest first, those that are there now. */
  *newestFirst(): Iterable<T> {
    const items = this.#items.slice();
    const next = this.#next;
    for (let i = items.length - 1; i >= 0; i--) yield items[(next + i) % items.length] as T;
  }
}
