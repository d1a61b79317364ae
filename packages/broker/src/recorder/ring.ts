/** The last so many of what was pushed, and so many bytes of them; the oldest makes room. */
export class Ring<T> {
  /** Bytes of all that it holds. */
  bytes = 0;
  #limit: number;
  #mostBytes: number;
  readonly #sizeOf: (item: T) => number;
  #items: T[] = [];
  /** Those before are forgotten. */
  #first = 0;

  constructor(limit: number, mostBytes: number = Number.POSITIVE_INFINITY, sizeOf: (item: T) => number = () => 0) {
    this.#limit = limit;
    this.#mostBytes = mostBytes;
    this.#sizeOf = sizeOf;
  }

  get length(): number {
    return this.#items.length - this.#first;
  }

  get last(): T | undefined {
    return this.length === 0 ? undefined : this.#items.at(-1);
  }

  push(item: T): void {
    this.#items.push(item);
    this.bytes += this.#sizeOf(item);
    this.#shed();
  }

  /** New bounds; what is over them is forgotten. */
  setBounds(limit: number, mostBytes: number = Number.POSITIVE_INFINITY): void {
    this.#limit = limit;
    this.#mostBytes = mostBytes;
    this.#shed();
  }

  /** Oldest first. */
  *[Symbol.iterator](): Iterator<T> {
    for (let i = this.#first; i < this.#items.length; i++) yield this.#items[i] as T;
  }

  /** Newest first, those that are there now. */
  *newestFirst(): Iterable<T> {
    yield* this.#items.slice(this.#first).reverse();
  }

  #shed(): void {
    while (this.length > this.#limit || (this.bytes > this.#mostBytes && this.length > 1)) {
      this.bytes -= this.#sizeOf(this.#items[this.#first++] as T);
    }
    // What is forgotten is let go of, now and then: each item is moved once at most.
    if (this.#first === 0 || this.#first * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#first);
    this.#first = 0;
  }
}
