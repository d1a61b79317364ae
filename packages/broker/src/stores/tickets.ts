import type { Ticket } from '@hawser/protocol';
import { StoreError } from './store-error.ts';

/**
 * Hands out a store's tickets: one for each operation, and one for all between `begin` and `end`, which are on disk whole or not
 * at all. Every store counts with it, so that they cannot differ in this.
 */
export class Tickets {
  /** Handed out last; 0: none yet. */
  last: Ticket = 0;
  #group: 'none' | 'empty' | 'begun' = 'none';

  /** A group is open. */
  get isGrouping(): boolean {
    return this.#group !== 'none';
  }

  /** The next operation shares the ticket of the one before. */
  get isJoining(): boolean {
    return this.#group === 'begun';
  }

  /** The ticket of one more operation. */
  next(): Ticket {
    if (this.#group === 'begun') return this.last;
    if (this.#group === 'empty') this.#group = 'begun';
    return ++this.last;
  }

  /** Throws StoreError `store-usage` within a group: they are not nested. */
  begin(): void {
    if (this.#group !== 'none') throw new StoreError('store-usage', 'begin() was called twice without end().');
    this.#group = 'empty';
  }

  /** The group's ticket; 0 when there was nothing in it. */
  end(): Ticket {
    const ticket = this.#group === 'begun' ? this.last : 0;
    this.#group = 'none';
    return ticket;
  }
}
