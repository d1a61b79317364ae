import type { Consumer, Delivery, Inbox } from './inbox.ts';
import type { Message } from './message.ts';

/** Over this many times its bound a buffer gets no more QoS 0 messages, where reading cannot be stopped. */
const HARD_FACTOR = 10;

type Result = IteratorResult<Message, undefined>;

const finished = (): Result => ({ done: true, value: undefined });

/**
 * Messages one by one. A message counts as dealt with, and is acknowledged, when the next one is asked for. `return()`, or leaving the `for await`
 * loop, ends it and unsubscribes.
 */
export interface MessageStream extends AsyncIterableIterator<Message, undefined>, AsyncDisposable, Consumer {
  readonly filters: readonly string[];
  readonly identifiers: Set<number>;
  /** From the bound on, until half of it is read. */
  isFull: boolean;
  /** Messages of QoS 0 that did not fit. */
  dropped: number;
  /** Messages that wait for the reader. */
  readonly buffered: number;
  [Symbol.asyncIterator](): MessageStream;
  return(): Promise<Result>;
  /** No more will come: the client is closed, or the subscription was refused. What is buffered can still be read. */
  end(error: unknown): void;
}

/** `onPressure`: its buffer is full, or is not any more. */
export function messageStreamOf(
  inbox: Inbox,
  filters: readonly string[],
  bound: number,
  onPressure: () => void,
  onEnd: () => Promise<void>,
): MessageStream {
  const buffer: Delivery[] = [];
  const readers: PromiseWithResolvers<Result>[] = [];
  let isOpen = true;
  let failure: unknown;
  /** Tells that the message that was given out last has been dealt with. */
  let lastDone = (): void => {};

  const give = ({ message, done }: Delivery): Result => {
    lastDone();
    lastDone = done;
    return { done: false, value: message };
  };

  const setFull = (isFull: boolean): void => {
    stream.isFull = isFull;
    onPressure();
  };

  const stream: MessageStream = {
    filters,
    identifiers: new Set(),
    isFull: false,
    dropped: 0,

    get buffered() {
      return buffer.length;
    },

    [Symbol.asyncIterator]: () => stream,

    async next() {
      lastDone();
      const next = buffer.shift();
      if (next) {
        if (buffer.length <= bound / 2) setFull(false);
        return give(next);
      }
      if (failure !== undefined) {
        const error = failure;
        failure = undefined;
        throw error;
      }
      if (!isOpen) return finished();
      const reader = Promise.withResolvers<Result>();
      readers.push(reader);
      return reader.promise;
    },

    async return() {
      const wasOpen = isOpen;
      stream.end(undefined);
      lastDone();
      inbox.giveBack(buffer.splice(0));
      if (wasOpen) await onEnd();
      return finished();
    },

    async [Symbol.asyncDispose]() {
      await stream.return();
    },

    deliver(message) {
      return new Promise((done) => {
        const reader = readers.shift();
        if (reader) reader.resolve(give({ message, done }));
        else if (message.qos === 0 && buffer.length >= bound * HARD_FACTOR) {
          stream.dropped++;
          inbox.drop({ message, done });
        } else if (buffer.push({ message, done }) >= bound) setFull(true);
      });
    },

    end(error) {
      if (!isOpen) return;
      isOpen = false;
      remove();
      if (readers.length === 0) failure = error;
      for (const { resolve, reject } of readers.splice(0)) {
        if (error === undefined) resolve(finished());
        else reject(error);
      }
    },
  };
  const remove = inbox.add(stream);
  return stream;
}
