import type { Clock } from './clock.ts';

/** Something whose output is to be written when the turn ends. */
export interface Flushable {
  /** Writes what has collected. Nothing is routed meanwhile. */
  flush(now: number): void;
}

/**
 * One write per connection per turn of the event loop: what has output is noted here and flushed once all input of the
 * turn has been read.
 */
export class FlushQueue {
  readonly #clock: Clock;
  #dirty: Flushable[] = [];
  #spare: Flushable[] = [];
  #scheduled = false;
  readonly #run = (): void => this.flush();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `flushable` calls this once for each time it becomes dirty. */
  add(flushable: Flushable): void {
    this.#dirty.push(flushable);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.defer(this.#run);
  }

  /** Flushes all that are dirty now; what becomes dirty meanwhile is flushed in the next turn. */
  flush(): void {
    this.#scheduled = false;
    const dirty = this.#dirty;
    this.#dirty = this.#spare;
    const now = this.#clock.now();
    for (let i = 0; i < dirty.length; i++) (dirty[i] as Flushable).flush(now);
    dirty.length = 0;
    this.#spare = dirty;
  }
}
