import { type AnsweringConnection, Fifo, NO_TICKET, type Ticket } from '@hawser/protocol';
import type { Clock } from '@hawser/transport';
import type { TurnBudget } from '../node/turn-budget.ts';
import { CommitReleases, type CommitWaiter } from './commit-releases.ts';
import { CommitTimes } from './commit-times.ts';
import type { Store, StoreContents, StoreOperation } from './store.ts';

interface Waiting {
  readonly ticket: Ticket;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * What a broker writes down, in order, and who waits for it to be on disk. Without a store tickets are 0, everything is committed, and
 * nobody waits.
 */
export class Journal {
  /** The ticket of what was appended last. */
  last: Ticket = NO_TICKET;
  /** How long the store took. */
  readonly times = new CommitTimes();
  readonly #store: Store | undefined;
  readonly #clock: Clock;
  readonly #releases: CommitReleases;
  readonly #safe = new Fifo<{ readonly ticket: Ticket; resolve(): void }>();
  #waiting: Waiting[] = [];
  #sequence = 1;
  #sessionNumber = 1;
  #isGrouping = false;

  constructor(store: Store | undefined, clock: Clock, turn: TurnBudget) {
    this.#store = store;
    this.#clock = clock;
    this.#releases = new CommitReleases(turn, () => this.committed);
  }

  /** Everything up to here is on disk. */
  get committed(): Ticket {
    return this.#store === undefined ? Number.POSITIVE_INFINITY : this.#store.committed;
  }

  /** The store is open: numbers go on behind those that it has seen. `onFault`: it cannot be written any more, or can again. */
  begin(contents: StoreContents, onFault: (fault: Error | undefined) => void): void {
    const store = this.#store;
    if (store === undefined) return;
    this.#sequence = contents.nextSequence;
    this.#sessionNumber = contents.nextSession;
    store.onCommitted = () => this.#onCommitted();
    store.onFault = (fault) => {
      if (fault !== undefined) for (const { reject } of this.#waiting.splice(0)) reject(fault);
      onFault(fault);
    };
  }

  /** Writes an operation down. */
  append(operation: StoreOperation): Ticket {
    if (this.#store === undefined) return NO_TICKET;
    this.last = this.#store.append(operation);
    this.times.begin(this.last, this.#clock);
    return this.last;
  }

  /** What is appended until `endGroup` is on disk whole or not at all. False: a group is open already, its owner ends it. */
  beginGroup(): boolean {
    if (this.#store === undefined || this.#isGrouping) return false;
    this.#store.begin();
    this.#isGrouping = true;
    return true;
  }

  endGroup(): void {
    this.#isGrouping = false;
    this.#store?.end();
  }

  /** What `write` appends is on disk whole or not at all; within another group it is part of that. */
  group(write: () => void): void {
    const isOwn = this.beginGroup();
    try {
      write();
    } finally {
      if (isOwn) this.endGroup();
    }
  }

  nextSequence(): number {
    return this.#sequence++;
  }

  nextSessionNumber(): number {
    return this.#sessionNumber++;
  }

  /** Resolves when everything up to a ticket is on disk; rejects when the disk fails first. */
  untilCommitted(ticket: Ticket): Promise<void> {
    if (ticket <= this.committed) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ ticket, resolve, reject }));
  }

  /** The same, through all faults of the disk. Called with tickets that grow. */
  untilSafe(ticket: Ticket): Promise<void> {
    if (ticket <= this.committed) return Promise.resolve();
    return new Promise((resolve) => this.#safe.push({ ticket, resolve }));
  }

  /** Calls `onCommitted` when something has been committed. */
  wait(waiter: CommitWaiter): void {
    this.#releases.addWaiter(waiter);
  }

  /** Releases the connection's acknowledgements when something has been committed. */
  waitToRelease(connection: AnsweringConnection): void {
    this.#releases.addConnection(connection);
  }

  #onCommitted(): void {
    const { committed } = this;
    for (let first = this.#safe.peek(); first !== undefined; first = this.#safe.peek()) {
      if (first.ticket > committed) break;
      this.#safe.shift();
      first.resolve();
    }
    const now = this.#clock.now();
    this.times.end(committed, now);
    const waiting = this.#waiting;
    if (waiting.length > 0) {
      this.#waiting = waiting.filter(({ ticket }) => ticket > committed);
      for (const waiter of waiting) if (waiter.ticket <= committed) waiter.resolve();
    }
    this.#releases.run(now);
  }
}
