import { FakeClock } from '@hawser/testkit';
import { describe, expect, it } from 'vitest';
import { type Flushable, FlushQueue } from './flush-queue.ts';
import { TURN_WORK, TurnBudget } from './turn-budget.ts';
import { WORK_KINDS, Work } from './work-kinds.ts';

describe('FlushQueue', () => {
  it('flushes all that became dirty in a turn when it ends, in one go', async () => {
    const clock = new FakeClock({ nowMs: 5 });
    const queue = new FlushQueue(new TurnBudget(clock, WORK_KINDS));
    const flushed: string[] = [];
    const note = (name: string): Flushable => ({ flush: (now) => flushed.push(`${name} ${now}`) < 0 });
    queue.add(note('a'));
    queue.add(note('b'));
    expect(flushed).toEqual([]);
    await clock.settle();
    expect(flushed).toEqual(['a 5', 'b 5']);
    queue.add(note('c'));
    await clock.settle();
    expect(flushed).toEqual(['a 5', 'b 5', 'c 5']);
  });

  it('leaves what becomes dirty while it flushes to the next turn', async () => {
    const clock = new FakeClock();
    const queue = new FlushQueue(new TurnBudget(clock, WORK_KINDS));
    const turns: number[] = [];
    let turn = 0;
    const again: Flushable = {
      flush() {
        turns.push(turn);
        if (turns.length < 3) {
          queue.add(again);
          clock.defer(() => turn++);
        }
        return false;
      },
    };
    queue.add(again);
    await clock.settle();
    expect(turns).toEqual([0, 1, 2]);
  });

  it('leaves what a turn has no time for to the next turns, first come, first served', async () => {
    const clock = new FakeClock();
    const turn = new TurnBudget(clock, WORK_KINDS);
    const queue = new FlushQueue(turn);
    const flushed: string[] = [];
    const note = (name: string, parts: number): Flushable => ({
      flush() {
        flushed.push(name);
        turn.spend(Work.write, TURN_WORK / 2);
        return --parts > 0;
      },
    });
    for (const name of ['a', 'b', 'c']) queue.add(note(name, name === 'b' ? 2 : 1));
    clock.defer(() => flushed.push('-'));
    await clock.settle();
    expect(flushed).toEqual(['a', 'b', '-', 'c', 'b']);
  });
});
