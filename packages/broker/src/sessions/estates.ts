import { Fifo } from '@hawser/protocol';
import type { BrokerCore } from '../core.ts';
import type { Delivery } from '../messages/delivery.ts';
import type { StoredSession } from '../stores/store.ts';
import type { ClientSession } from './client-session.ts';

/** How long after an estate could not be read, or the store takes nothing more, it is tried again. */
const TRY_AGAIN_MS = 5000;
/** U+0000 is in no Client Identifier [MQTT5-1.5.4-2], so that no client can have this name. */
const PREFIX = '\u0000ended/';

/** The name under which a session that has ended is in the store until its messages have been passed on. */
export function estateName(session: number): string {
  return `${PREFIX}${session}`;
}

export function isEstate({ clientId }: StoredSession): boolean {
  return clientId.startsWith(PREFIX);
}

/** What one session has left: what is in memory alone, and what is in the store. */
export interface Estate {
  readonly session: ClientSession;
  readonly here: readonly Delivery[];
}

/**
 * What sessions leave that have ended: messages of shared subscriptions go to other members [MQTT5-4.8.2-5], the others are counted
 * as lost. Each of them, wherever it is: in flight, in memory, in pages of the store, in handshakes that nobody has read. What is
 * only in the store is read a page at a time, one estate after the other, and is the store's until then, over a restart too.
 */
export class Estates {
  readonly #core: BrokerCore;
  readonly #waiting = new Fifo<Estate>();
  #isRunning = false;
  #isStopped = false;
  #cancelTimer: (() => void) | undefined;

  constructor(core: BrokerCore) {
    this.#core = core;
  }

  /** A session has ended, and is not in the registry any more. */
  settle(session: ClientSession): void {
    const core = this.#core;
    const here = session.unsettledHere();
    if (!session.isAllHere && this.#mustBeRead(session)) {
      const stored = { ...session.toStored(), clientId: estateName(session.number) };
      core.journal.append({ kind: 'renameSession', clientId: session.clientId, session: stored });
      this.resume({ session, here: here.filter(({ sequence }) => sequence === 0) });
      return;
    }
    core.losses.count(session.clientId, 'session-ended', '', 1, session.elsewhere);
    core.journal.group(() => {
      this.#passOn(session, here);
      if (session.number > 0)
        core.journal.append({ kind: 'deleteSession', clientId: session.clientId, session: session.number });
    });
  }

  /** An estate that is in the store under its name. */
  resume(estate: Estate): void {
    this.#waiting.push(estate);
    if (!this.#isRunning) void this.#run();
  }

  /** The store is about to be closed. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let next = this.#waiting.peek(); next !== undefined && !this.#isStopped; next = this.#waiting.peek()) {
      try {
        await this.#walk(next);
        this.#waiting.shift();
      } catch (error) {
        if (this.#isStopped) break;
        this.#core.observer.onWarning?.(
          'queue-unreadable',
          `what the session of ${next.session.clientId} has left could not be read: ${String(error)}`,
        );
        await this.#pause();
      }
    }
    this.#isRunning = false;
  }

  /** Something in the store may go to others, or nobody knows how much there is. */
  #mustBeRead(session: ClientSession): boolean {
    return this.#core.router.routes.hasSharedSubscriptions || !session.session.queue.isCounted;
  }

  async #walk({ session, here }: Estate): Promise<void> {
    const core = this.#core;
    for await (const page of session.unsettled(here)) {
      while (core.guard.isOverflowing && !this.#isStopped) await this.#pause();
      if (this.#isStopped) return;
      // A message leaves here and arrives there in one piece: a crash in between loses none, and doubles none.
      core.journal.group(() => this.#passOn(session, page));
      await new Promise<void>((resolve) => core.driverNode.clock.defer(resolve));
    }
    if (!this.#isStopped)
      core.journal.append({ kind: 'deleteSession', clientId: estateName(session.number), session: session.number });
  }

  #passOn(session: ClientSession, deliveries: readonly Delivery[]): void {
    const core = this.#core;
    let lost = 0;
    let topic = '';
    for (const delivery of deliveries) {
      const { message, qos, shared } = delivery;
      // [MQTT5-4.8.2-4] [MQTT5-4.8.2-6]
      const group = shared === undefined ? undefined : core.router.routes.findSharedGroup(shared);
      if (group !== undefined && qos === 1) {
        message.isStorable = core.guard.takes(message.size);
        core.router.deliverShared(group, message, delivery.ready, core.now());
      } else if (qos > 0) {
        lost++;
        topic = message.topic.name;
      }
      if (delivery.sequence > 0) session.storeDequeued(delivery);
    }
    core.losses.count(session.clientId, 'session-ended', topic, 1, lost);
  }

  #pause(): Promise<void> {
    const { clock } = this.#core.driverNode;
    return new Promise((resolve) => {
      const cancel = clock.setTimer(clock.now() + TRY_AGAIN_MS, resolve);
      this.#cancelTimer = () => {
        cancel();
        resolve();
      };
    });
  }
}
