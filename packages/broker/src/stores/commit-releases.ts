import type { AnsweringConnection, Ticket } from '@hawser/protocol';
import type { Sliced, TurnBudget } from '../node/turn-budget.ts';
import { Work } from '../node/work-kinds.ts';

/** To look whether a connection waits for what is on disk by now. */
const WORK_OF_LOOK = 10;
const WORK_OF_ACK = 16;
/** What a session does when something of its is on disk: it sends a message, mostly. */
const WORK_OF_SESSION = 400;

/** What waits for something to be on disk: a session. */
export interface CommitWaiter {
  onCommitted(now: number): void;
}

/** Connections whose acknowledgements wait for the disk, and sessions whose messages do: released by slices of a turn, in order. */
export class CommitReleases implements Sliced {
  readonly #turn: TurnBudget;
  readonly #committed: () => Ticket;
  readonly #connections = new Set<AnsweringConnection>();
  readonly #sessions = new Set<CommitWaiter>();
  /** Sessions that are to be told of the last commit. */
  #told: Iterator<CommitWaiter> | undefined;
  #isWaiting = false;

  constructor(turn: TurnBudget, committed: () => Ticket) {
    this.#turn = turn;
    this.#committed = committed;
  }

  addWaiter(waiter: CommitWaiter): void {
    this.#sessions.add(waiter);
  }

  addConnection(connection: AnsweringConnection): void {
    this.#connections.add(connection);
  }

  /** Something has been committed. */
  run(now: number): void {
    if (this.#isWaiting) return;
    this.#turn.begin(now);
    if (this.runSlice(now)) this.#turn.later(this);
  }

  runSlice(now: number): boolean {
    this.#isWaiting = this.#releaseConnections() || this.#tellSessions(now);
    return this.#isWaiting;
  }

  #releaseConnections(): boolean {
    const committed = this.#committed();
    for (const connection of this.#connections) {
      if (this.#turn.isOver) return true;
      const { acks } = connection;
      this.#turn.spend(Work.commit, WORK_OF_LOOK);
      if (acks.headTicket > committed && acks.length > 0) continue;
      const before = acks.length;
      connection.releaseAcks();
      this.#turn.spend(Work.commit, WORK_OF_ACK * (before - acks.length));
      if (acks.length === 0 || connection.closeCause !== undefined) this.#connections.delete(connection);
    }
    return false;
  }

  /** Those who have to wait once more meanwhile are told of the next commit. */
  #tellSessions(now: number): boolean {
    if (this.#told === undefined) {
      if (this.#sessions.size === 0) return false;
      this.#told = [...this.#sessions].values();
      this.#sessions.clear();
    }
    for (;;) {
      if (this.#turn.isOver) return true;
      const { done, value } = this.#told.next();
      if (done === true) break;
      this.#turn.spend(Work.commit, WORK_OF_SESSION);
      value.onCommitted(now);
    }
    this.#told = undefined;
    return false;
  }
}
