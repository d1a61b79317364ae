import { ignorable } from '../promises.ts';
import type { Consumer, Delivery } from './consumer.ts';
import type { Inbox } from './inbox.ts';
import type { Message } from './message.ts';

/** Over this many times its bound a buffer gets no more QoS 0 messages, where reading cannot be stopped. */
const HARD_FACTOR = 10;

type Result = IteratorResult<Message, undefined>;

const finished = (): Result => ({ done: true, value: undefined });

/**
 * Messages one by one. A message counts as dealt with, and is acknowledged, when the next one is asked for. `return()`, or leaving the `for await`
 * loop, ends it at once, with or without a connection; UNSUBSCRIBE follows when it can.
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

/** `signal` ends it. `onPressure`: its buffer is full, or is not any more, or the program waits. `onEnd`: the program has left it. */
export function messageStreamOf(
  inbox: Inbox,
  filters: readonly string[],
  bound: number,
  signal: AbortSignal | undefined,
  onPressure: () => void,
  onEnd: () => void,
): MessageStream {
  const buffer: Delivery[] = [];
  const readers: PromiseWithResolvers<Result>[] = [];
  let isOpen = true;
  let failure: unknown;
  /** What the program has got last, and has not dealt with. */
  let last: Delivery | undefined;

  const releaseLast = (): void => {
    if (last) inbox.release(last);
    last = undefined;
  };

  const give = (delivery: Delivery): Result => {
    releaseLast();
    last = delivery;
    delivery.isHad = true;
    return { done: false, value: delivery.message };
  };

  const setFull = (isFull: boolean): void => {
    stream.isFull = isFull;
    onPressure();
  };

  const next = async (): Promise<Result> => {
    releaseLast();
    const delivery = buffer.shift();
    if (delivery) {
      if (stream.isFull && buffer.length <= bound / 2) setFull(false);
      return give(delivery);
    }
    if (failure !== undefined) {
      const error = failure;
      failure = undefined;
      throw error;
    }
    if (!isOpen) return finished();
    const reader = Promise.withResolvers<Result>();
    readers.push(reader);
    onPressure();
    return reader.promise;
  };

  const stream: MessageStream = {
    filters,
    identifiers: new Set(),
    keeps: true,
    isFull: false,
    dropped: 0,

    get isAwaited() {
      return readers.length > 0;
    },

    get buffered() {
      return buffer.length;
    },

    [Symbol.asyncIterator]: () => stream,

    next: () => ignorable(next()),

    async return() {
      const wasOpen = isOpen;
      stream.end(undefined);
      releaseLast();
      inbox.giveBack(buffer.splice(0));
      if (wasOpen) onEnd();
      return finished();
    },

    async [Symbol.asyncDispose]() {
      await stream.return();
    },

    deliver(delivery) {
      const reader = readers.shift();
      if (reader) reader.resolve(give(delivery));
      else if (!delivery.entry && buffer.length >= bound * HARD_FACTOR) {
        stream.dropped++;
        inbox.drop(delivery);
        inbox.release(delivery);
      } else if (buffer.push(delivery) >= bound) setFull(true);
    },

    forgetRepeated() {
      const kept = buffer.splice(0).filter(({ entry }) => entry?.qos !== 1);
      buffer.push(...kept);
      setFull(buffer.length >= bound);
    },

    end(error) {
      if (!isOpen) return;
      isOpen = false;
      signal?.removeEventListener('abort', onAbort);
      remove();
      if (readers.length === 0) failure = error;
      for (const { resolve, reject } of readers.splice(0)) {
        if (error === undefined) resolve(finished());
        else reject(error);
      }
    },
  };
  const onAbort = (): void => {
    stream.end(signal?.reason);
    onEnd();
  };
  signal?.addEventListener('abort', onAbort);
  const remove = inbox.add(stream);
  return stream;
}
