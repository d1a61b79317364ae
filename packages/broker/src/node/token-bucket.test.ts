import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

describe('a rate', () => {
  it('never lets more through than it says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }),
        (rate, steps) => {
          const bucket = new TokenBucket(rate, 0);
          let now = 0;
          let taken = 0;
          for (const step of steps) {
            now += step;
            if (bucket.take(now)) taken++;
          }
          expect(taken).toBeLessThanOrEqual(rate + (now * rate) / 1000 + 1e-6);
        },
      ),
    );
  });

  it('says how long it takes until what was used is made up for', () => {
    const bucket = new TokenBucket(10, 0);
    expect(bucket.spend(10, 0)).toBe(0);
    expect(bucket.spend(5, 0)).toBeCloseTo(500);
    expect(bucket.take(499)).toBe(false);
    expect(bucket.spend(0, 500)).toBe(0);
  });
});
