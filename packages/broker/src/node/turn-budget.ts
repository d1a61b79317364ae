import { Fifo } from '@hawser/protocol';
import type { Clock } from '@hawser/transport';

/**
 * The work of one turn, about five milliseconds. Work is counted, not timed, so that a test sees the same on every machine: a
 * microsecond has about 200 units, and delivering a message to one receiver 64 (`WORK_OF_DELIVERY`).
 */
export const TURN_WORK = 1_048_576;
/** What one task may spend before the next has its go: a quarter of a turn. */
export const TASK_SHARE = TURN_WORK / 4;
/** About so much takes a millisecond. */
const WORK_OF_A_MS = 200_000;
/** A turn that takes so much longer than its work explains was held up by something else. */
const UNEXPLAINED = 4;
const WORK_OF_GO = 50;
/** How long the longest turn is remembered: for one to two of these. */
const WINDOW_MS = 60_000;

/** Work that goes on over several turns. */
export interface Sliced {
  /** Goes on until the work is done or `TurnBudget.isOver`. True: some is left; it is called again after the others. */
  runSlice(now: number): boolean;
}

/** Work that yields wherever it may be interrupted; a promise where it has to wait. What it waits for must not reject. */
export type Steps<T> = Iterator<undefined | Promise<unknown>, T>;

/** A turn of the event loop, as measured. */
export interface LongTurn {
  readonly ms: number;
  /** The kind of work on which most was spent; `other`: work does not explain it (garbage collection, the machine). */
  readonly cause: string;
}

const NO_TURN: LongTurn = { ms: 0, cause: 'none' };

/**
 * What the tasks of one process (connections, requests to the API, timers) may do in one turn of the event loop. A task calls `begin`,
 * says with `spend` what it does, and stops when `isOver`. What is left goes on by `later`, one task after the other: nobody holds
 * the others up for longer than a share of a turn, nor do all together hold up the event loop for longer than a turn.
 *
 * Each turn is measured with one look at the clock, when it ends: those who begin know the time.
 */
export class TurnBudget {
  /** What is left for the task that works now. */
  left = TASK_SHARE;
  /** Comes after the tasks of each turn, with a budget that it does not share with them. True: it has not finished. */
  onEnd: ((now: number) => boolean) | undefined;
  /** The most work that one turn has had. */
  mostWork = 0;
  readonly #clock: Clock;
  readonly #kinds: readonly string[];
  /** What was spent on each kind in this turn. */
  readonly #spent: number[];
  readonly #waiting = new Fifo<Sliced>();
  /** What was left of the turn when the task that works now began, and what of it that task was given. */
  #rest = TURN_WORK;
  #granted = TASK_SHARE;
  #isOpen = false;
  #startedAtMs = 0;
  #isEnding = false;
  #isWanted = false;
  #isEndLate = false;
  #windowStartedAtMs = 0;
  #longest = NO_TURN;
  #longestBefore = NO_TURN;
  readonly #run = (): void => this.#end();

  /** `kinds`: names of the kinds of work. `spend` takes their indices; 0 is `other`. */
  constructor(clock: Clock, kinds: readonly string[]) {
    this.#clock = clock;
    this.#kinds = kinds;
    this.#spent = kinds.map(() => 0);
  }

  /** The task that works now has had its share, or the turn has had its work: the task is to stop where it can go on later. */
  get isOver(): boolean {
    return this.left <= 0;
  }

  /** Others wait, or the turn has had its work: a task that comes now is to wait behind them (`later`). */
  get isCrowded(): boolean {
    return this.#waiting.length > 0 || this.#isEndLate || this.#rest - this.#granted + this.left <= 0;
  }

  /** Tasks that wait for their next go. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The longest turn of the last minute or two. */
  get longest(): LongTurn {
    this.#roll(this.#clock.now());
    return this.#longest.ms >= this.#longestBefore.ms ? this.#longest : this.#longestBefore;
  }

  /** Begins a turn, if none has begun: it ends when all input has been read. `now`: if the caller has just asked the clock. */
  open(now?: number): void {
    if (this.#isOpen) {
      // What has come up while the turn ends is for the next one.
      this.#isWanted ||= this.#isEnding;
      return;
    }
    this.#isOpen = true;
    this.#startedAtMs = now ?? this.#clock.now();
    this.#clock.defer(this.#run);
  }

  /** A task begins to work, with no more than its share. */
  begin(now: number): void {
    if (!this.#isOpen) this.open(now);
    this.#grant();
  }

  /** Something that takes `work` (see TURN_WORK) was done, or is about to be. `kind`: index of its name. */
  spend(kind: number, work: number): void {
    this.left -= work;
    (this.#spent[kind] as number) += work;
  }

  /** The task goes on after those that wait already, in this turn or a later one. It must not wait already. */
  later(task: Sliced): void {
    this.open();
    this.#waiting.push(task);
  }

  /** Takes steps in slices, from a later go on, to their end, and gives what they return. */
  run<T>(steps: Steps<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const task: Sliced = {
        runSlice: () => {
          try {
            do {
              const { done, value } = steps.next();
              if (done === true) {
                resolve(value);
                return false;
              }
              if (value !== undefined) {
                value.then(() => this.later(task), reject);
                return false;
              }
            } while (!this.isOver);
            return true;
          } catch (error) {
            reject(error);
            return false;
          }
        },
      };
      this.later(task);
    });
  }

  /** Ends the go of the task that worked, and gives the next its share of what is left. */
  #grant(): void {
    this.#rest -= this.#granted - this.left;
    this.#granted = Math.max(0, Math.min(TASK_SHARE, this.#rest));
    this.left = this.#granted;
  }

  #end(): void {
    const now = this.#clock.now();
    try {
      const left = this.#isEndLate ? this.#runEnd(now, TURN_WORK) : TURN_WORK;
      // What the turn before did not end has precedence, or more and more would collect.
      if (this.#isEndLate) return;
      this.#runTasks(now);
      this.#runEnd(now, left);
    } finally {
      this.#close();
    }
  }

  /** Returns what is left of `budget`. */
  #runEnd(now: number, budget: number): number {
    this.#grant();
    const left = this.left;
    this.left = budget;
    this.#isEnding = true;
    this.#isEndLate = this.onEnd?.(now) ?? false;
    this.#isEnding = false;
    const unspent = this.left;
    this.left = left;
    return unspent;
  }

  /** One go for each, one after the other, until the turn has had its work. */
  #runTasks(now: number): void {
    for (;;) {
      this.#grant();
      const task = this.#granted > 0 ? this.#waiting.shift() : undefined;
      if (task === undefined) return;
      // One that can do nothing now does not keep the turn going.
      this.left -= WORK_OF_GO;
      if (task.runSlice(now)) this.#waiting.push(task);
    }
  }

  #close(): void {
    const now = this.#clock.now();
    const ms = now - this.#startedAtMs;
    this.#roll(now);
    const isLongest = ms > this.#longest.ms;
    let work = 0;
    let most = 0;
    for (let kind = 0; kind < this.#spent.length; kind++) {
      const spent = this.#spent[kind] as number;
      if (spent > (this.#spent[most] as number)) most = kind;
      work += spent;
    }
    if (isLongest) {
      const isExplained = ms <= UNEXPLAINED * (1 + work / WORK_OF_A_MS);
      this.#longest = { ms, cause: this.#kinds[isExplained ? most : 0] ?? 'other' };
    }
    if (work > this.mostWork) this.mostWork = work;
    this.#spent.fill(0);
    this.#rest = TURN_WORK;
    this.#granted = TASK_SHARE;
    this.left = TASK_SHARE;
    this.#isOpen = false;
    this.#isEnding = false;
    if (this.#waiting.length > 0 || this.#isEndLate || this.#isWanted) this.open(now);
    this.#isWanted = false;
  }

  /** Forgets what was longest longer than a window ago. */
  #roll(now: number): void {
    const age = now - this.#windowStartedAtMs;
    if (age < WINDOW_MS) return;
    this.#longestBefore = age < 2 * WINDOW_MS ? this.#longest : NO_TURN;
    this.#longest = NO_TURN;
    this.#windowStartedAtMs = now;
  }
}
