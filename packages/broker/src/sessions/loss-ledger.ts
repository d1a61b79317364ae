import type { BrokerCore } from '../core.ts';
import type { Timed } from '../node/deadlines.ts';
import type { ClientSession } from './client-session.ts';

/** How long a loss that nothing in the store goes with may wait to be written down. */
const LATER_MS = 1000;

/**
 * Writes down what stored sessions have lost and their clients have not been told of, so that it is told after a restart too.
 * What is dropped from a queue is noted in front of its deletion; of QoS 0 that nobody was there for, once a second.
 */
export class LossLedger implements Timed {
  readonly #core: BrokerCore;
  readonly #waiting = new Set<ClientSession>();
  #dueAtMs = Number.POSITIVE_INFINITY;

  constructor(core: BrokerCore) {
    this.#core = core;
  }

  /** Soon, together with others. */
  noteLater(session: ClientSession): void {
    this.#waiting.add(session);
    if (this.#dueAtMs !== Number.POSITIVE_INFINITY) return;
    this.#dueAtMs = this.#core.now() + LATER_MS;
    this.#core.driverNode.deadlines.watch(this);
  }

  /** With the next batch: a crash later finds it there, or finds the message there. */
  note(session: ClientSession): void {
    this.#waiting.delete(session);
    if (!session.isStored || session.ended) return;
    if (this.#core.guard.isOverflowing) {
      this.noteLater(session);
      return;
    }
    const { number, lost } = session;
    this.#core.journal.append(
      lost === undefined
        ? { kind: 'deleteLost', session: number }
        : { kind: 'putLost', session: number, lost: { ...lost } },
    );
  }

  flush(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    for (const session of [...this.#waiting]) this.note(session);
  }

  nextTimeout(): number {
    return this.#dueAtMs;
  }

  handleTimeout(): void {
    this.flush();
  }
}
