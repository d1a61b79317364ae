import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReferences } from './message-references.ts';

describe('MessageReferences', () => {
  it('frees a message exactly when nobody waits for it any more', () => {
    const step = fc.record({
      isAdd: fc.boolean(),
      session: fc.integer({ min: 1, max: 25 }),
      sequence: fc.integer({ min: 1, max: 5 }),
      message: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const references = new MessageReferences();
        const entries = new Map<string, number>();
        const waits = (message: number): boolean => [...entries.values()].includes(message);
        for (const { isAdd, session, sequence, message } of steps) {
          const entry = `${session}/${sequence}`;
          const before = entries.get(entry) ?? 0;
          entries.delete(entry);
          const freed = references.remove(session, sequence);
          expect(freed).toBe(before !== 0 && !waits(before) ? before : 0);
          if (isAdd) {
            references.add(session, sequence, message);
            entries.set(entry, message);
          }
          for (let one = 1; one <= 5; one++) expect(references.has(one)).toBe(waits(one));
          expect(new Set(references.sequences())).toEqual(new Set(entries.values()));
        }
      }),
    );
  });
});
