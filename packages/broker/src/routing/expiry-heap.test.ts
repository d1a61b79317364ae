import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Message } from '../messages/message.ts';
import { ExpiryHeap } from './expiry-heap.ts';

function messageOf(name: string, expiresAtMs: number): Message {
  const topic = { name, bytes: new Uint8Array(0) };
  const payload = new Uint8Array(0);
  const rest = { properties: undefined, publisher: undefined, receivedAtMs: 0, expiresAtMs };
  return new Message({ topic, payload, qos: 0, retain: true, ...rest }, true);
}

test('the first to expire is in front, whatever is set, replaced and deleted', () => {
  const step = fc.record({
    topic: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    at: fc.option(fc.oneof(fc.nat(20), fc.constant(Number.POSITIVE_INFINITY)), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = new ExpiryHeap();
      const model = new Map<string, number>();
      for (const { topic, at } of steps) {
        if (at === undefined) {
          heap.delete(topic);
          model.delete(topic);
        } else {
          heap.set(messageOf(topic, at));
          if (at === Number.POSITIVE_INFINITY) model.delete(topic);
          else model.set(topic, at);
        }
        expect(heap.size).toBe(model.size);
        expect(heap.first?.expiresAtMs).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
      }
    }),
    { numRuns: 500 },
  );
});
