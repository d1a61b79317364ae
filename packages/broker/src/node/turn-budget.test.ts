import { FakeClock } from '@hawser/testkit';
import { describe, expect, it } from 'vitest';
import { type Sliced, TASK_SHARE, TURN_WORK, TurnBudget } from './turn-budget.ts';

const KINDS = ['other', 'read', 'write'];

/** A task of `steps` steps, each of which takes `work`; notes its name for each go. */
class Steps implements Sliced {
  readonly #turn: TurnBudget;
  readonly #goes: string[];
  readonly #name: string;
  readonly #work: number;
  left: number;

  constructor(turn: TurnBudget, goes: string[], name: string, left: number, work: number) {
    this.#turn = turn;
    this.#goes = goes;
    this.#name = name;
    this.left = left;
    this.#work = work;
  }

  runSlice(): boolean {
    this.#goes.push(this.#name);
    while (this.left > 0) {
      if (this.#turn.isOver) return true;
      this.left--;
      this.#turn.spend(1, this.#work);
    }
    return false;
  }
}

describe('a turn', () => {
  it('is shared out among the tasks that wait, one go each, and has no more than its work', async () => {
    const clock = new FakeClock();
    const turn = new TurnBudget(clock, KINDS);
    const goes: string[] = [];
    const all = ['a', 'b', 'c'].map((name) => new Steps(turn, goes, name, 2 * TASK_SHARE, 1));
    for (const task of all) turn.later(task);
    turn.later(new Steps(turn, goes, 'small', 1, 1));
    await clock.settle();
    expect(goes.slice(0, 7)).toEqual(['a', 'b', 'c', 'small', 'a', 'b', 'c']);
    expect(all.map(({ left }) => left)).toEqual([0, 0, 0]);
    expect(turn.mostWork).toBeLessThanOrEqual(TURN_WORK);
    expect(turn.waiting).toBe(0);
  });

  it('makes those wait who come when its work is done', async () => {
    const clock = new FakeClock();
    const turn = new TurnBudget(clock, KINDS);
    turn.begin(clock.now());
    turn.spend(1, TASK_SHARE);
    expect([turn.isOver, turn.isCrowded]).toEqual([true, false]);
    for (let i = 0; i < 3; i++) {
      turn.begin(clock.now());
      turn.spend(1, TASK_SHARE);
    }
    expect(turn.isCrowded).toBe(true);
    turn.begin(clock.now());
    expect(turn.isOver).toBe(true);
    await clock.settle();
    expect(turn.isCrowded).toBe(false);
  });

  it('does what was not ended before anything new', async () => {
    const clock = new FakeClock();
    const turn = new TurnBudget(clock, KINDS);
    const order: string[] = [];
    let writes = 3;
    turn.onEnd = () => {
      while (writes > 0 && !turn.isOver) {
        writes--;
        order.push('write');
        turn.spend(2, TURN_WORK);
      }
      return writes > 0;
    };
    turn.later({ runSlice: () => order.push('first') < 0 });
    clock.defer(() => turn.later({ runSlice: () => order.push('second') < 0 }));
    await clock.settle();
    expect(order).toEqual(['first', 'write', 'write', 'write', 'second']);
  });

  it('goes on after a task that throws', async () => {
    const clock = new FakeClock();
    const turn = new TurnBudget(clock, KINDS);
    const goes: string[] = [];
    turn.later({
      runSlice() {
        throw new Error('a fault');
      },
    });
    turn.later(new Steps(turn, goes, 'a', 1, 1));
    await expect(clock.settle()).rejects.toThrow('a fault');
    await clock.settle();
    expect(goes).toEqual(['a']);
  });

  it('runs an iterator by slices', async () => {
    const clock = new FakeClock();
    const turn = new TurnBudget(clock, KINDS);
    const counted = turn.run(
      (function* () {
        let i = 0;
        for (; i < 10; i++) {
          turn.spend(1, TASK_SHARE);
          yield;
        }
        return i;
      })(),
    );
    const failed = turn.run(
      // biome-ignore lint/correctness/useYield: it fails before
      (function* (): Generator<undefined, void> {
        throw new Error('no');
      })(),
    );
    failed.catch(() => undefined);
    await clock.settle();
    await expect(counted).resolves.toBe(10);
    await expect(failed).rejects.toThrow('no');
    expect(turn.mostWork).toBeLessThanOrEqual(TURN_WORK + TASK_SHARE);
  });

  it('is measured, with its cause, for one to two minutes', async () => {
    const clock = new FakeClock();
    const turn = new TurnBudget(clock, KINDS);
    const last = (ms: number, kind: number, work: number): Promise<void> => {
      turn.begin(clock.now() - ms);
      turn.spend(kind, work);
      turn.spend(2, 1);
      return clock.settle();
    };
    expect(turn.longest).toEqual({ ms: 0, cause: 'none' });
    await last(7, 1, TURN_WORK);
    expect(turn.longest).toEqual({ ms: 7, cause: 'read' });
    await last(6, 2, TURN_WORK);
    expect(turn.longest).toEqual({ ms: 7, cause: 'read' });
    await last(300, 1, 100);
    expect(turn.longest).toEqual({ ms: 300, cause: 'other' });
    await clock.advance(60_000);
    await last(1, 1, TURN_WORK);
    expect(turn.longest).toEqual({ ms: 300, cause: 'other' });
    await clock.advance(60_000);
    await last(0, 1, 1);
    expect(turn.longest).toEqual({ ms: 1, cause: 'read' });
    await clock.advance(200_000);
    expect(turn.longest).toEqual({ ms: 0, cause: 'none' });
  });
});
