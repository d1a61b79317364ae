import { Fifo } from '@hawser/protocol';
import type { TurnBudget } from './turn-budget.ts';

/** Something whose output is to be written when the turn ends. */
export interface Flushable {
  /** Writes what has collected. True: the turn has had its work, and it is to be called again for the rest. */
  flush(now: number): boolean;
}

/**
 * One write per connection per turn of the event loop: what has output is noted here and flushed once all input of the
 * turn has been read. What a turn has no time for is flushed in the next, before anything else.
 */
export class FlushQueue {
  readonly #turn: TurnBudget;
  readonly #dirty = new Fifo<Flushable>();

  constructor(turn: TurnBudget) {
    this.#turn = turn;
    turn.onEnd = (now) => this.#flush(now);
  }

  /** `flushable` calls this once for each time it becomes dirty. */
  add(flushable: Flushable): void {
    this.#dirty.push(flushable);
    this.#turn.open();
  }

  /** Flushes those that are dirty now; what becomes dirty meanwhile is flushed in the next turn. */
  #flush(now: number): boolean {
    const dirty = this.#dirty;
    let isUnfinished = false;
    let left = dirty.length;
    for (; left > 0 && !this.#turn.isOver; left--) {
      const flushable = dirty.shift() as Flushable;
      if (!flushable.flush(now)) continue;
      dirty.push(flushable);
      isUnfinished = true;
    }
    return isUnfinished || left > 0;
  }
}
