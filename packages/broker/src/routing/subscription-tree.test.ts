import { topicMatches } from '@hawser/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SubscriptionTree } from './subscription-tree.ts';
import { TopicIndex } from './topic-index.ts';

// Few names, so that much matches; more of them at times, so that nodes have many children.
const level = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('', 'a', 'b', 'c', '$SYS', 'long level') },
  { weight: 1, arbitrary: fc.constantFrom(...'defghijklmno') },
);
const topic = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter((text) => text !== '');
const filterLevel = fc.oneof(level, fc.constant('+'));
const filter = fc
  .tuple(fc.array(filterLevel, { maxLength: 5 }), fc.boolean())
  .map(([levels, hash]) => [...levels, ...(hash ? ['#'] : [])].join('/'))
  .filter((text) => text !== '');

interface Subscriber {
  readonly filter: string;
}

describe('SubscriptionTree', () => {
  test('equals a naive matcher, while subscribers come and go', () => {
    const step = fc.record({ filter, isRemoval: fc.boolean(), at: fc.nat(50) });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 150, size: 'max' }),
        fc.array(topic, { minLength: 1, maxLength: 10 }),
        (steps, topics) => {
          const tree = new SubscriptionTree<Subscriber>();
          const there: Subscriber[] = [];
          for (const { filter: text, isRemoval, at } of steps) {
            const known = there[at % Math.max(1, there.length)];
            if (isRemoval && known !== undefined) {
              expect(tree.remove(known.filter, known)).toBe(true);
              expect(tree.remove(known.filter, known)).toBe(false);
              there.splice(there.indexOf(known), 1);
            } else {
              const subscriber = { filter: text };
              there.push(subscriber);
              tree.add(text, subscriber);
            }
            expect(tree.size).toBe(there.length);
          }
          for (const name of topics) {
            const found = new Set<Subscriber>();
            tree.match(name, (subscriber) => {
              expect(found.has(subscriber), 'found twice').toBe(false);
              found.add(subscriber);
            });
            expect(found).toEqual(new Set(there.filter((subscriber) => topicMatches(subscriber.filter, name))));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('one subscriber with two filters that match comes twice', () => {
    const tree = new SubscriptionTree<Subscriber>();
    const subscriber = { filter: 'x' };
    tree.add('a/+', subscriber);
    tree.add('a/#', subscriber);
    let count = 0;
    tree.match('a/b', () => count++);
    expect(count).toBe(2);
  });
});

describe('TopicIndex', () => {
  test('equals a naive matcher, while topics come and go', () => {
    const step = fc.record({ topic, isRemoval: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.array(filter, { minLength: 1, maxLength: 10 }),
        (steps, filters) => {
          const index = new TopicIndex<string>();
          const there = new Set<string>();
          for (const { topic: name, isRemoval } of steps) {
            if (isRemoval) expect(index.delete(name)).toBe(there.delete(name));
            else {
              index.set(name, `value of ${name}`);
              there.add(name);
            }
          }
          expect(index.size).toBe(there.size);
          for (const text of filters) {
            const found: string[] = [];
            index.match(text, (value, name) => {
              expect(value).toBe(`value of ${name}`);
              found.push(name);
            });
            expect(found.sort()).toEqual([...there].filter((name) => topicMatches(text, name)).sort());
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
