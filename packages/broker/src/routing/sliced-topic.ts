import { Fifo, type Ticket } from '@hawser/protocol';
import type { Message } from '../messages/message.ts';
import type { Sliced } from '../node/turn-budget.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import type { Route, RouteEntry } from './route.ts';

/** Who is still to get a message. */
export class SlicedReceivers {
  readonly message: Message;
  readonly route: Route;
  readonly entries: readonly RouteEntry[];
  readonly publisher: ClientSession | undefined;
  readonly ready: Ticket;
  /** The next of `entries`, and of the route's shared subscriptions behind them. */
  next = 0;

  constructor(
    message: Message,
    route: Route,
    entries: readonly RouteEntry[],
    publisher: ClientSession | undefined,
    ready: Ticket,
  ) {
    this.message = message;
    this.route = route;
    this.entries = entries;
    this.publisher = publisher;
    this.ready = ready;
  }
}

/** A publication that is served over several turns, or that waits behind one. */
export interface SlicedPublication {
  /** Serves its receivers: `all` of them, or until the turn's share is spent. True: some are left. */
  serve(now: number, all: boolean): boolean;
}

/** Publications to one topic of which the first is served over several turns: the others wait behind it, in order. */
export class SlicedTopic implements Sliced {
  readonly #publications = new Fifo<SlicedPublication>();
  readonly #onEmpty: () => void;
  #isServing = false;

  /** `onEmpty`: all have been served. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  add(publication: SlicedPublication): void {
    this.#publications.push(publication);
  }

  runSlice(now: number): boolean {
    return this.#serve(now, false);
  }

  /** Serves all that wait, at once, for something that cannot wait comes behind them. */
  finish(now: number): void {
    if (!this.#isServing) this.#serve(now, true);
  }

  #serve(now: number, all: boolean): boolean {
    this.#isServing = true;
    try {
      for (let first = this.#publications.peek(); first !== undefined; first = this.#publications.peek()) {
        if (first.serve(now, all)) return true;
        this.#publications.shift();
        if (this.#publications.length === 0) this.#onEmpty();
      }
      return false;
    } finally {
      this.#isServing = false;
    }
  }
}
