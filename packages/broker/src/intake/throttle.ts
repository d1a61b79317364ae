import type { Timed } from '../node/deadlines.ts';
import type { ClientHandler } from './client-handler.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * A client that sends faster than it may is not read for as long as it is ahead: its network slows it down. What one
 * read brought is still handled, so it is ahead by that much at most.
 */
export class Throttle implements Timed {
  readonly #handler: ClientHandler;
  readonly #messages: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;
  #untilMs = Number.POSITIVE_INFINITY;

  constructor(handler: ClientHandler, now: number) {
    this.#handler = handler;
    const { 'limits.messageRate': messages, 'limits.byteRate': bytes } = handler.core.settings;
    this.#messages = messages > 0 ? new TokenBucket(messages, now) : undefined;
    this.#bytes = bytes > 0 ? new TokenBucket(bytes, now) : undefined;
  }

  /** One packet of so many bytes has come. */
  count(bytes: number, now: number): void {
    const wait = Math.max(this.#messages?.spend(1, now) ?? 0, this.#bytes?.spend(bytes, now) ?? 0);
    if (wait === 0) return;
    const { core, driver } = this.#handler;
    if (this.#untilMs === Number.POSITIVE_INFINITY) {
      core.counters.ratePauses++;
      driver.setThrottled(true);
    }
    this.#untilMs = now + wait;
    core.driverNode.deadlines.watch(this);
  }

  stop(): void {
    this.#untilMs = Number.POSITIVE_INFINITY;
    this.#handler.core.driverNode.deadlines.unwatch(this);
  }

  nextTimeout(): number {
    return this.#untilMs;
  }

  handleTimeout(): void {
    this.#untilMs = Number.POSITIVE_INFINITY;
    this.#handler.driver.setThrottled(false);
  }
}
