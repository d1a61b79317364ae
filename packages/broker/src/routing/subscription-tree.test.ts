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
// Chains without a branch, up to the depth that is allowed.
const chain = fc.oneof(
  { weight: 6, arbitrary: fc.constant<string[]>([]) },
  {
    weight: 2,
    arbitrary: fc
      .record({
        level: fc.constantFrom('', 'a', '+', 'level of more than a few letters'),
        times: fc.constantFrom(1, 2, 3, 60, 123),
      })
      .map(({ level: text, times }) => new Array<string>(times).fill(text)),
  },
);
const topic = fc
  .tuple(chain, fc.array(level, { minLength: 1, maxLength: 5 }))
  .map(([prefix, levels]) => [...prefix, ...levels].join('/').replaceAll('+', 'a'))
  .filter((text) => text !== '');
const filterLevel = fc.oneof({ weight: 2, arbitrary: level }, { weight: 1, arbitrary: fc.constant('+') });
const filter = fc
  .tuple(chain, fc.array(filterLevel, { maxLength: 5 }), fc.boolean())
  .map(([prefix, levels, hash]) => [...prefix, ...levels, ...(hash ? ['#'] : [])].join('/'))
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
              expect(tree.remove(known)).toBe(true);
              expect(tree.remove(known)).toBe(false);
              there.splice(there.indexOf(known), 1);
            } else {
              const subscriber = { filter: text };
              there.push(subscriber);
              tree.add(subscriber);
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

  test('all subscribers of one filter come, each once', () => {
    const tree = new SubscriptionTree<Subscriber>();
    const subscribers = Array.from({ length: 5 }, () => ({ filter: 'a/+/c/#' }));
    for (const subscriber of subscribers) tree.add(subscriber);
    const found: Subscriber[] = [];
    tree.match('a/b/c', (subscriber) => found.push(subscriber));
    expect(found).toEqual(subscribers);
    for (const subscriber of subscribers) tree.remove(subscriber);
    tree.match('a/b/c', () => expect.fail('nobody is left'));
  });

  test('a filter as deep as may be costs one visit, and no depth of the stack', () => {
    const tree = new SubscriptionTree<Subscriber>();
    const filters = Array.from({ length: 1000 }, (_, i) => `${'a/'.repeat(i)}+/b`);
    for (const text of filters) tree.add({ filter: text });
    tree.visited = 0;
    let found = 0;
    tree.match(`${'a/'.repeat(1000)}b`, () => found++);
    expect(found).toBe(1);
    const deep = new SubscriptionTree<Subscriber>();
    deep.add({ filter: `${'a/'.repeat(127)}+` });
    deep.match(`${'a/'.repeat(127)}z`, () => found++);
    expect(found).toBe(2);
    expect(deep.visited).toBeLessThan(32);
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
            const cursor = index.cursor(text);
            while (!cursor.done) {
              const value = cursor.next(10);
              if (value !== undefined) found.push(value.slice('value of '.length));
            }
            expect(found.sort()).toEqual([...there].filter((name) => topicMatches(text, name)).sort());
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
