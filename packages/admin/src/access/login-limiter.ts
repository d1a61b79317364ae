import { subscriberOf, TokenBucket } from '@hawser/broker';
import type { ApiContext } from './sessions.ts';

interface Failures {
  count: number;
  waitUntilMs: number;
  lastAtMs: number;
}

/**
 * How fast passwords may be tried: after some failures an address waits, twice as long each time; addresses that have
 * never logged in share a rate. Who comes from elsewhere, or is known, gets in meanwhile.
 */
export class LoginLimiter {
  readonly #context: ApiContext;
  /** In the order of the last attempt. */
  readonly #failures = new Map<string, Failures>();
  /** Addresses that have logged in. */
  readonly #known = new Set<string>();
  #rate: TokenBucket | undefined;

  constructor(context: ApiContext) {
    this.#context = context;
  }

  /**
   * An attempt: seconds it has to wait, or 0. It counts as failed until `succeed` or `cancel` says otherwise, so that many
   * at once are no way round.
   */
  begin(address: string): number {
    const { settings, counters } = this.#context;
    const now = this.#context.now();
    const subscriber = subscriberOf(address);
    const longestMs = settings['api.longestWait'] * 1000;
    const known = this.#failures.get(subscriber);
    const failures =
      known === undefined || now - known.lastAtMs > longestMs ? { count: 0, waitUntilMs: 0, lastAtMs: now } : known;
    const waitMs = failures.waitUntilMs > now ? failures.waitUntilMs - now : this.#waitOfAllMs(subscriber, now);
    if (waitMs > 0) {
      counters.apiLoginsLimited++;
      return Math.ceil(waitMs / 1000);
    }
    failures.count++;
    failures.lastAtMs = now;
    const over = failures.count - settings['api.failedLogins'];
    if (over >= 0)
      failures.waitUntilMs = now + Math.min(longestMs, settings['api.firstWait'] * 1000 * 2 ** Math.min(30, over));
    keep(this.#failures, subscriber, settings['api.addresses']);
    this.#failures.set(subscriber, failures);
    return 0;
  }

  succeed(address: string): void {
    const subscriber = subscriberOf(address);
    this.#failures.delete(subscriber);
    keep(this.#known, subscriber, this.#context.settings['api.addresses']);
    this.#known.add(subscriber);
  }

  /** It could not be looked at. */
  cancel(address: string): void {
    const failures = this.#failures.get(subscriberOf(address));
    if (failures === undefined) return;
    failures.count--;
    failures.waitUntilMs = 0;
  }

  #waitOfAllMs(subscriber: string, now: number): number {
    const rate = this.#context.settings['api.loginRate'];
    if (rate === 0 || this.#known.has(subscriber)) return 0;
    if (this.#rate?.rate !== rate) this.#rate = new TokenBucket(rate, now);
    return this.#rate.take(now) ? 0 : 1000;
  }
}

/** Takes a key out, and the oldest where there is no room for it. */
function keep(entries: Map<string, unknown> | Set<string>, key: string, most: number): void {
  entries.delete(key);
  if (entries.size < most) return;
  const [oldest] = entries.keys();
  if (oldest !== undefined) entries.delete(oldest);
}
