import type { StoredQueueEntry } from './store.ts';
import { storedMessageSize } from './stored-message.ts';

/** One session's queue in memory, in order of sequence: cheap at both ends, which is where queues are touched. */
export class QueueModel {
  readonly #entries = new Map<number, StoredQueueEntry>();
  /** Ascending. May still name entries that were deleted. */
  #order: number[] = [];
  #head = 0;
  #bytes = 0;

  get messages(): number {
    return this.#entries.size;
  }

  /** Bytes of topics and payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  put(entry: StoredQueueEntry): void {
    const before = this.#entries.get(entry.sequence);
    if (before !== undefined) {
      this.#bytes -= storedMessageSize(before.message);
    } else {
      const at = this.#position(entry.sequence);
      if (this.#order[at] !== entry.sequence) {
        if (at === this.#order.length) this.#order.push(entry.sequence);
        else this.#order.splice(at, 0, entry.sequence);
      }
    }
    this.#entries.set(entry.sequence, entry);
    this.#bytes += storedMessageSize(entry.message);
  }

  /** The entry that was there. */
  delete(sequence: number): StoredQueueEntry | undefined {
    const entry = this.#entries.get(sequence);
    if (entry === undefined) return undefined;
    this.#entries.delete(sequence);
    this.#bytes -= storedMessageSize(entry.message);
    this.#skipDeleted();
    return entry;
  }

  /** How much it holds beside these. */
  without(sequences: ReadonlySet<number>): { readonly messages: number; readonly bytes: number } {
    let messages = this.#entries.size;
    let bytes = this.#bytes;
    for (const sequence of sequences) {
      const entry = this.#entries.get(sequence);
      if (entry === undefined) continue;
      messages--;
      bytes -= storedMessageSize(entry.message);
    }
    return { messages, bytes };
  }

  /** At most `messages` entries after a sequence, and no further ones after `bytes` are reached. */
  page(
    afterSequence: number,
    limit: { readonly messages: number; readonly bytes: number },
  ): readonly StoredQueueEntry[] {
    const page: StoredQueueEntry[] = [];
    let bytes = 0;
    for (let at = this.#position(afterSequence + 1); at < this.#order.length; at++) {
      if (page.length >= limit.messages || (page.length > 0 && bytes >= limit.bytes)) break;
      const entry = this.#entries.get(this.#order[at] ?? 0);
      if (entry === undefined) continue;
      page.push(entry);
      bytes += storedMessageSize(entry.message);
    }
    return page;
  }

  clone(): QueueModel {
    const copy = new QueueModel();
    for (const sequence of this.#order.slice(this.#head)) {
      const entry = this.#entries.get(sequence);
      if (entry !== undefined) copy.put(entry);
    }
    return copy;
  }

  #skipDeleted(): void {
    while (this.#head < this.#order.length && !this.#entries.has(this.#order[this.#head] ?? 0)) this.#head++;
    const dead = this.#order.length - this.#entries.size;
    if (dead > 64 && dead > this.#entries.size) {
      this.#order = this.#order.slice(this.#head).filter((sequence) => this.#entries.has(sequence));
      this.#head = 0;
    }
  }

  /** Index of the first sequence that is not below this one, from the head on: in front of it are only deleted ones. */
  #position(sequence: number): number {
    const last = this.#order.at(-1);
    if (last === undefined || last < sequence) return this.#order.length;
    let low = this.#head;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle] ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
