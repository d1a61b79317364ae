import type { Deadlines, Timed } from '../node/deadlines.ts';
import { TokenBucket } from '../node/token-bucket.ts';
import type { Counters } from '../recorder/counters.ts';
import type { Settings } from '../settings.ts';

/** What a throttle needs of its broker. */
export interface ThrottleCore {
  readonly settings: Pick<Settings, 'limits.messageRate' | 'limits.byteRate'>;
  readonly counters: Pick<Counters, 'ratePauses'>;
  readonly driverNode: { readonly deadlines: Pick<Deadlines, 'watch' | 'unwatch'> };
}

/** A connection that can be handled later. */
export interface Throttled {
  setThrottled(paused: boolean): void;
}

/**
 * A client that sends faster than it may is not read for as long as it is ahead: its network slows it down. What one
 * read brought is still handled, so it is ahead by that much at most.
 */
export class Throttle implements Timed {
  readonly #core: ThrottleCore;
  readonly #driver: Throttled;
  readonly #messages: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;
  #untilMs = Number.POSITIVE_INFINITY;

  constructor(core: ThrottleCore, driver: Throttled, now: number) {
    this.#core = core;
    this.#driver = driver;
    const { 'limits.messageRate': messages, 'limits.byteRate': bytes } = core.settings;
    this.#messages = messages > 0 ? new TokenBucket(messages, now) : undefined;
    this.#bytes = bytes > 0 ? new TokenBucket(bytes, now) : undefined;
  }

  /** One packet of so many bytes has come. */
  count(bytes: number, now: number): void {
    const wait = Math.max(this.#messages?.spend(1, now) ?? 0, this.#bytes?.spend(bytes, now) ?? 0);
    if (wait === 0) return;
    const { counters, driverNode } = this.#core;
    if (this.#untilMs === Number.POSITIVE_INFINITY) {
      counters.ratePauses++;
      this.#driver.setThrottled(true);
    }
    this.#untilMs = now + wait;
    driverNode.deadlines.watch(this);
  }

  stop(): void {
    this.#untilMs = Number.POSITIVE_INFINITY;
    this.#core.driverNode.deadlines.unwatch(this);
  }

  nextTimeout(): number {
    return this.#untilMs;
  }

  handleTimeout(): void {
    this.#untilMs = Number.POSITIVE_INFINITY;
    this.#driver.setThrottled(false);
  }
}
