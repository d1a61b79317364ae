import type { Consumer, Inbox } from './inbox.ts';
import type { Message } from './message.ts';

/** Over this many times its bound a buffer gets no more QoS 0 messages, where reading cannot be stopped. */
const HARD_FACTOR = 10;

interface Buffered {
  readonly message: Message;
  readonly done: () => void;
}

/**
 * Messages one by one. A message counts as dealt with, and is acknowledged, when the next one is asked for. `return()`, or leaving the `for await`
 * loop, ends it and unsubscribes.
 */
export class MessageStream implements AsyncIterableIterator<Message, undefined>, AsyncDisposable, Consumer {
  readonly filters: readonly string[];
  identifiers: ReadonlySet<number> | undefined;
  /** Messages of QoS 0 that did not fit. */
  dropped = 0;
  readonly #bound: number;
  readonly #inbox: Inbox;
  readonly #onEnd: () => Promise<void>;
  readonly #buffer: Buffered[] = [];
  #current: Buffered | undefined;
  #readers: { resolve: (result: IteratorResult<Message, undefined>) => void; reject: (error: unknown) => void }[] = [];
  #state: 'open' | 'ended' = 'open';
  #error: unknown;
  #remove: () => void;

  constructor(inbox: Inbox, filters: readonly string[], bound: number, onEnd: () => Promise<void>) {
    this.#inbox = inbox;
    this.filters = filters;
    this.#bound = bound;
    this.#onEnd = onEnd;
    this.#remove = inbox.add(this);
  }

  /** Messages that wait for the reader. */
  get buffered(): number {
    return this.#buffer.length;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Message, undefined>> {
    this.#finishCurrent();
    const next = this.#buffer.shift();
    if (next !== undefined) {
      this.#current = next;
      if (this.#buffer.length <= this.#bound / 2) this.#inbox.setFull(this, false);
      return { done: false, value: next.message };
    }
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      throw error;
    }
    if (this.#state === 'ended') return { done: true, value: undefined };
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<Message, undefined>> {
    if (this.#state === 'open') {
      this.end(undefined);
      for (const { done } of this.#buffer.splice(0)) done();
      await this.#onEnd();
    }
    this.#finishCurrent();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  deliver(message: Message): void | Promise<void> {
    const reader = this.#readers.shift();
    return new Promise((done) => {
      const buffered = { message, done };
      if (reader !== undefined) {
        this.#current = buffered;
        reader.resolve({ done: false, value: message });
        return;
      }
      if (message.qos === 0 && this.#buffer.length >= this.#bound * HARD_FACTOR) {
        this.dropped++;
        done();
        return;
      }
      this.#buffer.push(buffered);
      if (this.#buffer.length >= this.#bound) this.#inbox.setFull(this, true);
    });
  }

  /** No more will come: the client is closed, or the subscription was refused. What is buffered can still be read. */
  end(error: unknown): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#error = error;
    this.#remove();
    for (const reader of this.#readers.splice(0)) {
      if (this.#error === undefined) reader.resolve({ done: true, value: undefined });
      else {
        reader.reject(this.#error);
        this.#error = undefined;
      }
    }
  }

  #finishCurrent(): void {
    const current = this.#current;
    this.#current = undefined;
    current?.done();
  }
}
