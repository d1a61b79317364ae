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
  identifiers: Set<number> | undefined;
  /** From the bound on, until half of it is read. */
  isFull = false;
  /** Messages of QoS 0 that did not fit. */
  dropped = 0;
  readonly #bound: number;
  readonly #onPressure: () => void;
  readonly #onEnd: () => Promise<void>;
  readonly #buffer: Buffered[] = [];
  /** Tells that the message that was given out last has been dealt with. */
  #done = (): void => {};
  readonly #readers: PromiseWithResolvers<IteratorResult<Message, undefined>>[] = [];
  #isOpen = true;
  #error: unknown;
  readonly #remove: () => void;

  /** `onPressure`: its buffer is full, or is not any more. */
  constructor(
    inbox: Inbox,
    filters: readonly string[],
    bound: number,
    onPressure: () => void,
    onEnd: () => Promise<void>,
  ) {
    this.filters = filters;
    this.#bound = bound;
    this.#onPressure = onPressure;
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
    this.#done();
    const next = this.#buffer.shift();
    if (next !== undefined) {
      if (this.#buffer.length <= this.#bound / 2) this.#setFull(false);
      return this.#give(next);
    }
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      throw error;
    }
    if (!this.#isOpen) return { done: true, value: undefined };
    const reader = Promise.withResolvers<IteratorResult<Message, undefined>>();
    this.#readers.push(reader);
    return reader.promise;
  }

  async return(): Promise<IteratorResult<Message, undefined>> {
    if (this.#isOpen) {
      this.end(undefined);
      for (const { done } of this.#buffer.splice(0)) done();
      await this.#onEnd();
    }
    this.#done();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  deliver(message: Message): void | Promise<void> {
    return new Promise((done) => {
      const reader = this.#readers.shift();
      if (reader !== undefined) reader.resolve(this.#give({ message, done }));
      else if (message.qos === 0 && this.#buffer.length >= this.#bound * HARD_FACTOR) {
        this.dropped++;
        done();
      } else if (this.#buffer.push({ message, done }) >= this.#bound) this.#setFull(true);
    });
  }

  /** No more will come: the client is closed, or the subscription was refused. What is buffered can still be read. */
  end(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#remove();
    if (this.#readers.length === 0) this.#error = error;
    for (const reader of this.#readers.splice(0)) {
      if (error === undefined) reader.resolve({ done: true, value: undefined });
      else reader.reject(error);
    }
  }

  #setFull(isFull: boolean): void {
    this.isFull = isFull;
    this.#onPressure();
  }

  #give({ message, done }: Buffered): IteratorResult<Message, undefined> {
    this.#done();
    this.#done = done;
    return { done: false, value: message };
  }
}
