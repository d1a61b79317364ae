import type { Audience } from './route.ts';

/** Fewer receivers are sorted anew for each topic in the time that it takes to find out whether others have the same. */
const LEAST = 4;

/**
 * Receivers that topics have in common: who publishes to a new topic with each message, and very many subscribe to all of them, has the
 * receivers compared, not sorted and grouped again.
 */
export class Audiences<S> {
  /** By the first of the subscribers that they are made of. */
  readonly #known = new Map<S, { readonly subscribers: readonly S[]; readonly audience: Audience }>();
  readonly #firsts = new Map<Audience, S>();

  /** Those that topics to come may have. */
  get size(): number {
    return this.#firsts.size;
  }

  /** That which is made of just these; undefined: it is not there. */
  find(subscribers: readonly S[]): Audience | undefined {
    const first = subscribers[0];
    if (first === undefined || subscribers.length < LEAST) return undefined;
    const known = this.#known.get(first);
    if (known === undefined || known.subscribers.length !== subscribers.length) return undefined;
    for (let i = 0; i < subscribers.length; i++) if (subscribers[i] !== known.subscribers[i]) return undefined;
    return known.audience;
  }

  /** Topics to come may have it. */
  add(subscribers: readonly S[], audience: Audience): void {
    const first = subscribers[0];
    if (first === undefined || subscribers.length < LEAST) return;
    this.#known.set(first, { subscribers, audience });
    this.#firsts.set(audience, first);
  }

  /** No topic has it any more. */
  delete(audience: Audience): void {
    const first = this.#firsts.get(audience);
    if (first === undefined) return;
    this.#firsts.delete(audience);
    if (this.#known.get(first)?.audience === audience) this.#known.delete(first);
  }
}
