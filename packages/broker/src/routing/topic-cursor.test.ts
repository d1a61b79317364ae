import { topicMatches } from '@hawser/codec';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TopicIndex } from './topic-index.ts';

const level = fc.constantFrom('a', 'b', 'c', '$x', '');
// Chains in which nothing parts: nodes are made in the middle of them, and go again.
const chain = fc.constantFrom('', '', 'a/a/a/', 'a/b/a/', 'b/', 'a/a/b/c/a/b/');
const topic = fc
  .tuple(chain, fc.array(level, { minLength: 1, maxLength: 4 }))
  .map(([prefix, levels]) => prefix + levels.join('/') || 'a');
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([levels, all]) => [...levels, ...(all || levels.length === 0 ? ['#'] : [])].join('/') || '#');

function indexOf(topics: readonly string[]): TopicIndex<string> {
  const index = new TopicIndex<string>();
  for (const name of topics) index.set(name, name);
  return index;
}

function rest(cursor: { readonly done: boolean; next(most: number): string | undefined }, most: number): string[] {
  const found: string[] = [];
  for (let calls = 0; !cursor.done && calls < 10_000; calls++) {
    const value = cursor.next(most);
    if (value !== undefined) found.push(value);
  }
  expect(cursor.done).toBe(true);
  return found;
}

describe('a cursor over topics', () => {
  test('finds what the filter matches, each once, however small its steps are', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(topic, { maxLength: 40 }),
        filter,
        fc.integer({ min: 1, max: 50 }),
        (topics, wanted, most) => {
          const found = rest(indexOf(topics).cursor(wanted), most);
          expect(found.sort()).toEqual(topics.filter((name) => topicMatches(wanted, name)).sort());
        },
      ),
    );
  });

  test('passes over what is set after it began, and what is deleted before its turn', () => {
    const many = fc.uniqueArray(topic, { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(many, many, many, fc.integer({ min: 1, max: 5 }), (before, later, gone, most) => {
        const index = indexOf(before);
        const cursor = index.cursor('#');
        const found: string[] = [];
        const step = () => {
          const value = cursor.done ? undefined : cursor.next(most);
          if (value !== undefined) found.push(value);
        };
        step();
        for (const [i, name] of later.entries()) {
          index.set(name, `new ${name}`);
          if (i % 3 === 0) step();
        }
        for (const [i, name] of gone.entries()) {
          index.delete(name);
          if (i % 3 === 0) step();
        }
        found.push(...rest(cursor, most));
        expect(new Set(found).size).toBe(found.length);
        const untouched = before.filter(
          (name) => topicMatches('#', name) && !later.includes(name) && !gone.includes(name),
        );
        expect(found).toEqual(expect.arrayContaining(untouched));
        expect(found.filter((name) => name.startsWith('new '))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test('visits no more nodes than it was asked to', () => {
    const index = indexOf(Array.from({ length: 1000 }, (_, i) => `t/${i}`));
    const cursor = index.cursor('+/+/none');
    expect(cursor.next(10)).toBeUndefined();
    expect(cursor.visited).toBeLessThanOrEqual(10);
    expect(cursor.done).toBe(false);
  });
});
