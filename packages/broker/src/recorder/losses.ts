import type { LossCause } from '../causes/losses.ts';
import type { Counters } from './counters.ts';
import type { Observer } from './observer.ts';
import type { Recorder } from './recorder.ts';

/**
 * The one place in which lost messages are counted, so that counters, recorder and observers cannot disagree. What a client is told of its
 * losses is its session's: see `ClientSession.countLost`, which counts here too.
 */
export class Losses {
  readonly #counters: Counters;
  readonly #recorder: Recorder;
  readonly #observer: Observer;
  readonly #wallNow: () => number;

  constructor(counters: Counters, recorder: Recorder, observer: Observer, wallNow: () => number) {
    this.#counters = counters;
    this.#recorder = recorder;
    this.#observer = observer;
    this.#wallNow = wallNow;
  }

  /** `clientId`: whose loss it is; empty: nobody's in particular. */
  count(clientId: string, cause: LossCause, topic: string, qos: number, count = 1): void {
    if (count === 0) return;
    this.#counters.countLost(cause, count);
    this.#recorder.countLost(clientId, cause, topic, count);
    if (this.#observer.onLost === undefined) return;
    this.#observer.onLost({ clientId, cause, topic, qos, count, at: this.#wallNow() });
  }
}
