import type { Message } from '../messages/message.ts';

interface Entry {
  message: Message;
  at: number;
}

/** Messages with an end, by Topic Name, the first to expire in front: a heap that knows where each is, so that nothing dead lies in it. */
export class ExpiryHeap {
  readonly #heap: Entry[] = [];
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#heap.length;
  }

  /** The message that expires first. */
  get first(): Message | undefined {
    return this.#heap[0]?.message;
  }

  /** A topic has this message now, which may have no end. */
  set(message: Message): void {
    const { name } = message.topic;
    if (message.expiresAtMs === Number.POSITIVE_INFINITY) {
      this.delete(name);
      return;
    }
    const known = this.#entries.get(name);
    if (known !== undefined) {
      known.message = message;
      this.#settle(known);
      return;
    }
    const entry = { message, at: this.#heap.length };
    this.#entries.set(name, entry);
    this.#heap.push(entry);
    this.#settle(entry);
  }

  delete(topic: string): void {
    const entry = this.#entries.get(topic);
    if (entry === undefined) return;
    this.#entries.delete(topic);
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    this.#put(last, entry.at);
    this.#settle(last);
  }

  /** Moves an entry to where it belongs. */
  #settle(entry: Entry): void {
    const heap = this.#heap;
    const { expiresAtMs } = entry.message;
    while (entry.at > 0) {
      const above = heap[(entry.at - 1) >> 1] as Entry;
      if (above.message.expiresAtMs <= expiresAtMs) break;
      const { at } = above;
      this.#put(above, entry.at);
      this.#put(entry, at);
    }
    for (;;) {
      const left = heap[entry.at * 2 + 1];
      const right = heap[entry.at * 2 + 2];
      if (left === undefined) return;
      const sooner = right !== undefined && right.message.expiresAtMs < left.message.expiresAtMs ? right : left;
      if (sooner.message.expiresAtMs >= expiresAtMs) return;
      const { at } = sooner;
      this.#put(sooner, entry.at);
      this.#put(entry, at);
    }
  }

  #put(entry: Entry, at: number): void {
    entry.at = at;
    this.#heap[at] = entry;
  }
}
