import { isSharedFilter } from '@hawser/codec';
import type { Subscription } from './subscription.ts';

/** Up to this many are found by looking at each: a map of ten costs more than the ten. */
const FEW = 16;

/** What a subscription takes beside its Topic Filter, and for each of that's characters and levels. */
const SUBSCRIPTION_BYTES = 256;
const CHARACTER_BYTES = 3;
/** The group of a Shared Subscription that has no other member. */
const GROUP_BYTES = 128;

/** Memory of one more subscription, as estimated. */
export function bytesOfSubscription(topicFilter: string): number {
  const bytes = SUBSCRIPTION_BYTES + CHARACTER_BYTES * topicFilter.length;
  return isSharedFilter(topicFilter) ? bytes + GROUP_BYTES : bytes;
}

/** The subscriptions of one session by Topic Filter, small where there are few. */
export class SubscriptionList {
  #few: Subscription[] | undefined;
  #many: Map<string, Subscription> | undefined;
  #bytes = 0;
  #shared = 0;
  /** Grows with each change. */
  changes = 0;

  get size(): number {
    return this.#many?.size ?? this.#few?.length ?? 0;
  }

  /** Memory they take, here and in the tree, as estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Those among them that are Shared Subscriptions. */
  get shared(): number {
    return this.#shared;
  }

  get(topicFilter: string): Subscription | undefined {
    if (this.#many !== undefined) return this.#many.get(topicFilter);
    return this.#few?.find((subscription) => subscription.topicFilter === topicFilter);
  }

  has(topicFilter: string): boolean {
    return this.get(topicFilter) !== undefined;
  }

  /** Adds it, or puts it in the place of the one with its Topic Filter. */
  set(subscription: Subscription): void {
    const { topicFilter } = subscription;
    this.changes++;
    if (!this.has(topicFilter)) {
      this.#bytes += bytesOfSubscription(topicFilter);
      if (subscription.shared !== undefined) this.#shared++;
    }
    if (this.#many !== undefined) {
      this.#many.set(topicFilter, subscription);
      return;
    }
    this.#few ??= [];
    const at = this.#few.findIndex((known) => known.topicFilter === topicFilter);
    if (at >= 0) this.#few[at] = subscription;
    else if (this.#few.length < FEW) this.#few.push(subscription);
    else {
      this.#many = new Map(this.#few.map((known) => [known.topicFilter, known]));
      this.#many.set(topicFilter, subscription);
      this.#few = undefined;
    }
  }

  delete(topicFilter: string): boolean {
    const known = this.get(topicFilter);
    if (known === undefined) return false;
    this.changes++;
    if (known.shared !== undefined) this.#shared--;
    this.#bytes -= bytesOfSubscription(topicFilter);
    if (this.#many !== undefined) return this.#many.delete(topicFilter);
    const at = this.#few?.indexOf(known) ?? -1;
    if (at < 0) return false;
    this.#few?.splice(at, 1);
    return true;
  }

  values(): Iterable<Subscription> {
    return this.#many?.values() ?? this.#few ?? [];
  }

  clear(): void {
    this.#few = undefined;
    this.#many = undefined;
    this.#bytes = 0;
    this.#shared = 0;
  }
}
