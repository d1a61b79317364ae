import type { Clock } from '@hawser/transport';
import type { TurnBudget } from './turn-budget.ts';
import { WORK_OF_DEADLINE, Work } from './work-kinds.ts';

/** Something with a deadline of its own. */
export interface Timed {
  /** When it wants to be told, milliseconds of the clock's `now`; Infinity: never. */
  nextTimeout(): number;
  /** It is that late, or later. */
  handleTimeout(now: number): void;
}

interface Entry {
  atMs: number;
  /** Larger than that of those made before. */
  readonly order: number;
  /** Undefined: taken out. */
  timed: Timed | undefined;
}

const BURIED_LEAST = 1024;

/**
 * All deadlines of a node behind one timer: a heap. A deadline that moves away (each packet moves a Keep Alive) costs
 * nothing: when its old time comes it is asked again. One that comes nearer is given with `watch`.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #turn: TurnBudget;
  readonly #heap: Entry[] = [];
  readonly #entries = new Map<Timed, Entry>();
  #cancel: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  /** Entries in the heap that were taken out. */
  #buried = 0;
  #orders = 0;
  #isClosed = false;

  constructor(clock: Clock, turn: TurnBudget) {
    this.#clock = clock;
    this.#turn = turn;
  }

  /** Sees to it that `timed` is told at its next deadline. Call again when the deadline has come nearer. */
  watch(timed: Timed): void {
    if (this.#isClosed) return;
    const atMs = timed.nextTimeout();
    const known = this.#entries.get(timed);
    if (known !== undefined) {
      if (known.atMs <= atMs) return;
      this.#bury(known);
    }
    if (atMs === Number.POSITIVE_INFINITY) {
      this.#entries.delete(timed);
      return;
    }
    const entry: Entry = { atMs, order: this.#orders++, timed };
    this.#entries.set(timed, entry);
    this.#push(entry);
    this.#arm();
  }

  unwatch(timed: Timed): void {
    const entry = this.#entries.get(timed);
    if (entry === undefined) return;
    this.#bury(entry);
    this.#entries.delete(timed);
  }

  /** Those that are watched. */
  get size(): number {
    return this.#entries.size;
  }

  /** Forgets all, for good. */
  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#cancel = undefined;
    for (const entry of this.#entries.values()) entry.timed = undefined;
    this.#heap.length = 0;
    this.#entries.clear();
  }

  #onTimer(): void {
    this.#cancel = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    const turn = this.#turn;
    turn.begin(now);
    // Only what was due before: who wants to be told again at once waits for the timer, and does not hold the turn.
    const before = this.#orders;
    const again: Entry[] = [];
    try {
      for (let first = this.#heap[0]; first !== undefined && first.atMs <= now; first = this.#heap[0]) {
        // The timer comes again for those the turn has no time for.
        if (turn.isOver) break;
        turn.spend(Work.deadline, WORK_OF_DEADLINE);
        this.#pop();
        if (first.timed === undefined) this.#buried--;
        else if (first.order >= before) again.push(first);
        else this.#tell(first, now);
      }
    } finally {
      for (const entry of again) this.#push(entry);
      this.#arm();
    }
  }

  #tell(entry: Entry, now: number): void {
    const timed = entry.timed;
    // One that was told before it has taken it out.
    if (timed === undefined) return;
    if (timed.nextTimeout() <= now) timed.handleTimeout(now);
    // It may have taken itself out.
    if (this.#entries.get(timed) !== entry) return;
    this.#entries.delete(timed);
    this.watch(timed);
  }

  /** Takes an entry out, but leaves it where it lies in the heap until that holds more of them than of the living. */
  #bury(entry: Entry): void {
    entry.timed = undefined;
    if (++this.#buried < BURIED_LEAST || this.#buried * 2 < this.#heap.length) return;
    const living = this.#heap.filter(({ timed }) => timed !== undefined).sort((a, b) => a.atMs - b.atMs);
    this.#heap.length = 0;
    // Sorted is a heap as well.
    for (const one of living) this.#heap.push(one);
    this.#buried = 0;
  }

  #arm(): void {
    while (this.#heap[0] !== undefined && this.#heap[0].timed === undefined) {
      this.#pop();
      this.#buried--;
    }
    const atMs = this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
    if (atMs === Number.POSITIVE_INFINITY || (this.#cancel !== undefined && this.#timerAt <= atMs)) return;
    this.#cancel?.();
    this.#timerAt = atMs;
    this.#cancel = this.#clock.setTimer(atMs, () => this.#onTimer());
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry;
      if (above.atMs <= entry.atMs) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && (heap[right] as Entry).atMs < (heap[child] as Entry).atMs) child = right;
      if ((heap[child] as Entry).atMs >= last.atMs) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}
