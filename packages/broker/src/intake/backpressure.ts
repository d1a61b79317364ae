import type { Deadlines, Timed } from '../node/deadlines.ts';
import type { Counters } from '../recorder/counters.ts';
import type { Settings } from '../settings.ts';

/** What backpressure needs of its broker. */
export interface BackpressureCore {
  readonly settings: Pick<Settings, 'backpressure.pauseMax'>;
  readonly counters: Pick<Counters, 'backpressurePauses'>;
  readonly driverNode: { readonly deadlines: Pick<Deadlines, 'watch'> };
  now(): number;
}

/** A connection whose reading can be stopped. */
export interface Pausable {
  setBackpressure(paused: boolean): void;
}

/** A connection that loses messages because it does not read. */
export interface Missing {
  countMissed(): void;
}

/** How long losses are gathered before they are counted: thousands of slow subscribers lose every message. */
const COUNT_EVERY_MS = 1000;

/**
 * Publishers that are not being read because a subscriber of theirs does not read: for `backpressure.pauseMax` at most,
 * or until one of those waited for has drained or given up.
 */
export class Backpressure implements Timed {
  readonly #core: BackpressureCore;
  readonly #paused = new Set<Pausable>();
  #untilMs = Number.POSITIVE_INFINITY;
  readonly #missing = new Set<Missing>();
  #countAtMs = Number.POSITIVE_INFINITY;

  constructor(core: BackpressureCore) {
    this.#core = core;
  }

  /** Publishers that are not being read. */
  get paused(): number {
    return this.#paused.size;
  }

  pause(publisher: Pausable, now: number): void {
    if (this.#paused.has(publisher)) return;
    this.#paused.add(publisher);
    this.#core.counters.backpressurePauses++;
    publisher.setBackpressure(true);
    if (this.#untilMs !== Number.POSITIVE_INFINITY) return;
    this.#untilMs = now + this.#core.settings['backpressure.pauseMax'] * 1000;
    this.#core.driverNode.deadlines.watch(this);
  }

  /** Somebody who was waited for has room again, or loses from now on, or is gone. */
  release(): void {
    this.#untilMs = Number.POSITIVE_INFINITY;
    if (this.#paused.size === 0) return;
    const paused = [...this.#paused];
    this.#paused.clear();
    for (const publisher of paused) publisher.setBackpressure(false);
  }

  forget(publisher: Pausable): void {
    this.#paused.delete(publisher);
  }

  /** It has lost a message, the first since it was counted. */
  countLater(missing: Missing): void {
    this.#missing.add(missing);
    if (this.#countAtMs !== Number.POSITIVE_INFINITY) return;
    this.#countAtMs = this.#core.now() + COUNT_EVERY_MS;
    this.#core.driverNode.deadlines.watch(this);
  }

  nextTimeout(): number {
    return Math.min(this.#untilMs, this.#countAtMs);
  }

  handleTimeout(now: number): void {
    if (now >= this.#untilMs) this.release();
    if (now < this.#countAtMs) return;
    this.#countAtMs = Number.POSITIVE_INFINITY;
    for (const missing of this.#missing) missing.countMissed();
    this.#missing.clear();
  }
}
