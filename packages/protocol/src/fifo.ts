/** First in, first out, with the first element found in constant time. */
export class Fifo<T> {
  /** Made with the first item: most queues never have one. */
  #items: (T | undefined)[] | undefined;
  #head = 0;

  get length(): number {
    return this.#items ? this.#items.length - this.#head : 0;
  }

  push(item: T): void {
    this.#items ??= [];
    this.#items.push(item);
  }

  peek(): T | undefined {
    return this.#items?.[this.#head];
  }

  shift(): T | undefined {
    const items = this.#items;
    if (!items || this.#head === items.length) return undefined;
    const item = items[this.#head];
    items[this.#head++] = undefined;
    if (this.#head === items.length) this.clear();
    else if (this.#head > 1024 && this.#head * 2 > items.length) {
      this.#items = items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    if (this.#items) this.#items.length = 0;
    this.#head = 0;
  }

  /** Over those that are there now. */
  [Symbol.iterator](): Iterator<T> {
    return ((this.#items ?? []) as T[]).slice(this.#head).values();
  }

  /** Takes out all that `drop` says, keeping order; returns them. */
  removeWhere(drop: (item: T) => boolean): T[] {
    const removed: T[] = [];
    const kept: T[] = [];
    for (const item of this) (drop(item) ? removed : kept).push(item);
    if (removed.length > 0) {
      this.#items = kept;
      this.#head = 0;
    }
    return removed;
  }
}
