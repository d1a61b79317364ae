import type { Ticket } from '@hawser/protocol';
import type { Store, StoreContents, StoredQueueEntry, StoreOperation, StoreSpace } from './store.ts';
import { StoreError } from './store-error.ts';
import { StoreState } from './store-state.ts';
import { Tickets } from './tickets.ts';

/**
 * A store in memory: nothing survives the process, and there is no disk to wait for. It works with tickets all the same,
 * so that one way through the broker serves all stores: what is appended in a turn is committed at its end, with one call
 * of `onCommitted`. `open()` after `close()` finds what was there.
 */
export class MemoryStore implements Store {
  readonly durable = false;
  onCommitted: ((committed: Ticket) => void) | undefined = undefined;
  onFault: ((fault: Error | undefined) => void) | undefined = undefined;
  readonly fault: Error | undefined = undefined;
  readonly pendingBytes = 0;
  readonly #state = new StoreState();
  #isOpen = false;
  readonly #tickets = new Tickets();
  #committed: Ticket = 0;
  #isScheduled = false;
  readonly #commit = (): void => {
    this.#isScheduled = false;
    if (this.#committed === this.#tickets.last) return;
    this.#committed = this.#tickets.last;
    this.onCommitted?.(this.#committed);
  };

  get committed(): Ticket {
    return this.#committed;
  }

  async open(): Promise<StoreContents> {
    if (this.#isOpen) throw new StoreError('store-not-open', 'This store is open already.');
    this.#isOpen = true;
    return this.#state.contents();
  }

  append(operation: StoreOperation): Ticket {
    this.#assertOpen();
    this.#state.apply(operation);
    const ticket = this.#tickets.next();
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      queueMicrotask(this.#commit);
    }
    return ticket;
  }

  begin(): void {
    this.#tickets.begin();
  }

  end(): Ticket {
    return this.#tickets.end();
  }

  async readQueue(
    session: number,
    afterSequence: number,
    limit: { readonly messages: number; readonly bytes: number },
  ): Promise<readonly StoredQueueEntry[]> {
    this.#assertOpen();
    return this.#state.readQueue(session, afterSequence, limit);
  }

  async measure(): Promise<StoreSpace | undefined> {
    return undefined;
  }

  async compact(): Promise<void> {}

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#commit();
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw new StoreError('store-not-open', 'The store is not open: call open() first.');
  }
}
