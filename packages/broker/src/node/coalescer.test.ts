import { Random } from '@hawser/transport';
import { describe, expect, it } from 'vitest';
import { Coalescer } from './coalescer.ts';

describe('Coalescer', () => {
  it('gives the bytes in order, whatever the pieces', () => {
    const random = new Random(3);
    const coalescer = new Coalescer();
    for (let round = 0; round < 300; round++) {
      const source = random.bytes(8000);
      const expected: number[] = [];
      const count = random.integer(0, 12);
      for (let i = 0; i < count; i++) {
        const start = random.integer(0, 7000);
        const end = start + random.integer(0, random.pick([3, 23, 24, 25, 300, 8000 - start]));
        coalescer.add(source, start, Math.min(8000, end));
        expected.push(...source.subarray(start, end));
      }
      expect(coalescer.total, random.toString()).toBe(expected.length);
      const given = coalescer.take().flatMap((chunk) => [...chunk]);
      expect(given, random.toString()).toEqual(expected);
      expect(coalescer.total).toBe(0);
    }
  });

  it('copies few bytes, and hands large pieces on where they lie', () => {
    const coalescer = new Coalescer();
    const large = new Uint8Array(10_000);
    const small = new Uint8Array(10);
    coalescer.add(small, 0, 10);
    coalescer.add(large, 0, 10_000);
    coalescer.add(small, 0, 5);
    const chunks = coalescer.take();
    expect(chunks.map(({ length }) => length)).toEqual([10, 10_000, 5]);
    expect(chunks.map(({ buffer }) => buffer === large.buffer)).toEqual([false, true, false]);
    coalescer.add(large, 100, 200);
    expect(coalescer.take()[0]?.buffer === large.buffer).toBe(false);
  });

  it('gives members of a group the same view of the same bytes', () => {
    const coalescer = new Coalescer();
    const segment = new Uint8Array(10_000);
    coalescer.add(segment, 10, 9000);
    const first = coalescer.take()[0];
    coalescer.add(segment, 10, 9000);
    expect(coalescer.take()[0]).toBe(first);
  });

  it('gives nothing for nothing', () => {
    expect(new Coalescer().take()).toEqual([]);
  });
});
