import { encodeUtf8 } from '@hawser/codec';
import { beforeEach, describe, expect, test } from 'vitest';
import { Delivery } from '../messages/delivery.ts';
import { Message } from '../messages/message.ts';
import { BoundedQueue, type QueueHost, type QueueOptions } from './bounded-queue.ts';
import { QueueMemory } from './message-queue.ts';

const NEVER = Number.POSITIVE_INFINITY;

let told: string[];
let pages: { readonly after: number; readonly messages: number }[];
let memory: QueueMemory;

const host: QueueHost = {
  storeDequeued: ({ sequence }) => told.push(`deleted ${sequence}`),
  requestPage: (after, messages) => pages.push({ after, messages }),
  onDropped: (cause, { message }) => told.push(`${cause} ${message.topic.name}`),
};

beforeEach(() => {
  told = [];
  pages = [];
  memory = new QueueMemory(NEVER);
});

function make(bounds: Partial<QueueOptions['bounds']> = {}, pageSize = NEVER): BoundedQueue {
  return new BoundedQueue(host, {
    bounds: { messages: 100, bytes: NEVER, policy: 'drop-oldest', ...bounds },
    pageSize,
    memory,
  });
}

/** `sequence` 0: it is not stored. */
function delivery(name: string, sequence = 0, expiresAtMs = NEVER, payload = ''): Delivery {
  const topic = { name, bytes: encodeUtf8(name) };
  const bytes = encodeUtf8(payload);
  const message = new Message(
    {
      topic,
      payload: bytes,
      qos: 1,
      retain: false,
      properties: undefined,
      publisher: undefined,
      receivedAtMs: 0,
      expiresAtMs,
    },
    true,
  );
  return new Delivery(message, 1, false, undefined, undefined, sequence, 0);
}

function put(queue: BoundedQueue, ...all: readonly Delivery[]): void {
  for (const one of all) if (queue.admits(one, 0)) queue.add(one, false);
}

function drain(queue: BoundedQueue): string[] {
  const names: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) names.push(next.message.topic.name);
  return names;
}

const nothing = (): boolean => false;

describe('a queue that is in memory alone', () => {
  test.each([
    ['drop-oldest', ['b', 'c'], ['queue-full a']],
    ['drop-newest', ['a', 'b'], ['queue-full c']],
    ['refuse', ['a', 'b'], ['queue-full c']],
  ] as const)('%s: over its bound', (policy, left, lost) => {
    const queue = make({ messages: 2, policy });
    put(queue, delivery('a'), delivery('b'), delivery('c'));
    expect(told).toEqual(lost);
    expect(drain(queue)).toEqual(left);
  });

  test('keep-last-per-topic: the newer takes the place of the older', () => {
    const queue = make({ policy: 'keep-last-per-topic' });
    put(queue, delivery('a'), delivery('b'), delivery('a'));
    expect(told).toEqual(['superseded a']);
    expect(drain(queue)).toEqual(['b', 'a']);
  });

  test('what has expired makes room, and nothing else goes', () => {
    const queue = make({ messages: 2, policy: 'drop-newest' });
    put(queue, delivery('a', 0, 10), delivery('b'));
    const late = delivery('c');
    expect(queue.admits(late, 10)).toBe(true);
    queue.add(late, false);
    expect(told).toEqual(['expired a']);
    expect(drain(queue)).toEqual(['b', 'c']);
  });

  test('over the bound of the node it gives up as much as has come, and counts down to nothing', () => {
    memory = new QueueMemory(3000);
    const queue = make();
    put(queue, ...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => delivery(name)));
    expect(memory.bytes).toBeLessThan(3600);
    expect(told.length + queue.length).toBe(8);
    queue.clear();
    expect(memory.bytes).toBe(0);
  });

  test('a message that two queues hold costs once', () => {
    const first = make();
    const second = make();
    const { message } = delivery('a', 0, NEVER, 'x'.repeat(10_000));
    for (const queue of [first, second]) put(queue, new Delivery(message, 1, false, undefined, undefined, 0, 0));
    expect(memory.bytes).toBeLessThan(12_000);
    first.clear();
    expect(memory.bytes).toBeGreaterThan(10_000);
    second.clear();
    expect(memory.bytes).toBe(0);
  });
});

describe('a queue with a store', () => {
  test('holds a page; the rest is asked for as it is taken, and comes in order', () => {
    const queue = make({}, 2);
    put(queue, ...[1, 2, 3, 4].map((sequence) => delivery(`${sequence}`, sequence)));
    expect([queue.front.length, queue.paged, queue.isBehind]).toEqual([2, 2, true]);
    queue.isServed = true;
    queue.shift();
    queue.requestPageWhenDue();
    expect(pages).toEqual([{ after: 2, messages: 0 }]);
    queue.takePage([delivery('3', 3), delivery('4', 4)], false, 0, nothing);
    expect(drain(queue)).toEqual(['2', '3', '4']);
    expect([queue.length, queue.isBehind]).toEqual([0, false]);
  });

  test('what is not stored waits behind what is', () => {
    const queue = make({}, 2);
    put(queue, ...[1, 2, 3].map((sequence) => delivery(`${sequence}`, sequence)), delivery('x'), delivery('y'));
    expect(queue.length).toBe(5);
    expect(queue.onlyHere).toBe(2);
    expect(drain(queue)).toEqual(['1', '2']);
    queue.takePage([delivery('3', 3)], false, 0, nothing);
    expect(drain(queue)).toEqual(['3', 'x', 'y']);
    expect([queue.length, queue.onlyHere, memory.bytes]).toEqual([0, 0, 0]);
  });

  test('it goes to the store after all, as far as the store takes it', () => {
    const queue = make({}, 2);
    put(queue, ...[1, 2, 3].map((sequence) => delivery(`${sequence}`, sequence)), delivery('x'), delivery('y'));
    queue.storeBack((one) => {
      if (one.message.topic.name === 'x') one.sequence = 4;
    });
    expect([queue.paged, queue.back.length, queue.onlyHere]).toEqual([2, 1, 1]);
    drain(queue);
    queue.takePage([delivery('3', 3), delivery('x', 4)], false, 0, nothing);
    expect(drain(queue)).toEqual(['3', 'x', 'y']);
    expect(memory.bytes).toBe(0);
  });

  test('a page that cannot be read is asked for again', () => {
    const queue = make({}, 2);
    queue.restore(3, 3, 3);
    queue.isServed = true;
    queue.requestPageWhenDue();
    queue.requestPageWhenDue();
    expect(pages).toHaveLength(1);
    queue.onPageFailed();
    queue.requestPageWhenDue();
    expect(pages).toHaveLength(2);
  });

  test('lower bounds after a restart: the oldest are read to be dropped, and deleted', () => {
    const queue = make({ messages: 1 }, 2);
    queue.restore(3, 3, 3);
    expect(pages).toEqual([{ after: 0, messages: 4 }]);
    queue.takePage(
      [1, 2, 3].map((sequence) => delivery(`${sequence}`, sequence)),
      false,
      0,
      nothing,
    );
    expect(told).toEqual(['queue-full 1', 'deleted 1', 'queue-full 2', 'deleted 2']);
    expect(drain(queue)).toEqual(['3']);
  });
});
