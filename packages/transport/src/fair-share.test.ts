import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairShare } from './fair-share.ts';

describe('a fair share', () => {
  it('goes on taking others in when one has filled it, and makes room from the oldest of that one', () => {
    const share = new FairShare<string>();
    for (let i = 0; i < 10; i++) expect(share.add('greedy', `g${i}`, 10)).toBeUndefined();
    expect(share.add('greedy', 'g10', 10)).toBe('g10');
    expect(share.add('a', 'a0', 10)).toBe('g0');
    expect(share.add('b', 'b0', 10)).toBe('g1');
    expect(share.size).toBe(10);
    share.delete('a', 'a0');
    expect(share.add('greedy', 'g11', 10)).toBeUndefined();
    expect(share.add('greedy', 'g12', 10)).toBe('g12');
  });

  it('has no place for more where all have the same', () => {
    const share = new FairShare<string>();
    for (const owner of ['a', 'b', 'c']) share.add(owner, owner, 3);
    expect(share.add('d', 'd', 3)).toBe('d');
    expect(share.add('a', 'a2', 3)).toBe('a2');
  });

  it('takes in whoever has at least two less than the one with the most, whatever came before', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.boolean()), { maxLength: 60 }),
        (maximum, steps) => {
          const share = new FairShare<number>();
          const model: { owner: string; thing: number }[] = [];
          const count = (owner: string) => model.filter((one) => one.owner === owner).length;
          steps.forEach(([owner, isNew], thing) => {
            if (!isNew) {
              const known = model.findIndex((one) => one.owner === owner);
              if (known >= 0) share.delete(owner, (model.splice(known, 1)[0] as { thing: number }).thing);
              return;
            }
            const most = Math.max(0, ...['a', 'b', 'c', 'd'].map(count));
            const isFull = model.length >= maximum;
            const gone = share.add(owner, thing, maximum);
            if (!isFull) expect(gone).toBeUndefined();
            else if (count(owner) >= most - 1) {
              expect(gone).toBe(thing);
              return;
            } else {
              const at = model.findIndex((one) => one.thing === gone);
              const { owner: loser } = model[at] as { owner: string };
              expect(count(loser)).toBe(most);
              expect(model.find((one) => one.owner === loser)?.thing).toBe(gone);
              model.splice(at, 1);
            }
            model.push({ owner, thing });
          });
          expect(share.size).toBe(model.length);
        },
      ),
    );
  });
});
