import { QueueModel } from './queue-model.ts';
import type {
  StoreContents,
  StoredLosses,
  StoredMessage,
  StoredOutbound,
  StoredQueueEntry,
  StoredQueueSummary,
  StoredSession,
  StoredSubscription,
  StoreOperation,
} from './store.ts';
import { ownMessage } from './stored-message.ts';

/**
 * What a store holds, in memory: operations go in, contents and pages of queues come out. MemoryStore and HeldStore are
 * made of it, and it is the model that durable stores are tested against.
 *
 * What is put or deleted under a session number that has no session (it has ended, or was never put) is nothing.
 */
export class StoreState {
  readonly #sessions = new Map<string, StoredSession>();
  /** Exactly the numbers of `#sessions`. */
  readonly #data = new Map<number, SessionData>();
  readonly #retained = new Map<string, StoredMessage>();
  /** Messages that several sessions wait for. */
  readonly #messages = new Map<number, { readonly message: StoredMessage; waiting: number }>();
  #nextSession = 1;
  #nextSequence = 1;

  apply(operation: StoreOperation): void {
    switch (operation.kind) {
      case 'putSession':
        this.#putSession(operation.session);
        break;
      case 'renameSession':
        if (this.#sessions.get(operation.clientId)?.number !== operation.session.number) break;
        this.#sessions.delete(operation.clientId);
        this.#putSession(operation.session);
        break;
      case 'deleteSession':
        this.#deleteSession(operation.clientId, operation.session);
        break;
      case 'putSubscription':
        this.#data
          .get(operation.session)
          ?.subscriptions.set(operation.subscription.topicFilter, operation.subscription);
        break;
      case 'deleteSubscription':
        this.#data.get(operation.session)?.subscriptions.delete(operation.topicFilter);
        break;
      case 'putQueued':
        this.#putQueued(operation.session, operation.entry, operation.messageSequence);
        break;
      case 'deleteQueued':
        this.#deleteQueued(operation.session, operation.sequence);
        break;
      case 'putOutbound':
        this.#used(0, operation.outbound.sequence);
        this.#data.get(operation.session)?.outbound.set(operation.outbound.packetIdentifier, operation.outbound);
        break;
      case 'deleteOutbound':
        this.#data.get(operation.session)?.outbound.delete(operation.packetIdentifier);
        break;
      case 'putInbound':
        this.#data.get(operation.session)?.inbound.add(operation.packetIdentifier);
        break;
      case 'deleteInbound':
        this.#data.get(operation.session)?.inbound.delete(operation.packetIdentifier);
        break;
      case 'putRetained':
        this.#retained.set(operation.message.topic, ownMessage(operation.message));
        break;
      case 'deleteRetained':
        this.#retained.delete(operation.topic);
        break;
      case 'putLost':
        this.#setLost(operation.session, operation.lost);
        break;
      case 'deleteLost':
        this.#setLost(operation.session, undefined);
        break;
    }
  }

  /** A picture of what there is now; later operations do not change it. */
  contents(): StoreContents {
    const subscriptions = new Map<number, readonly StoredSubscription[]>();
    const outbound = new Map<number, readonly StoredOutbound[]>();
    const inbound = new Map<number, readonly number[]>();
    const queues: StoredQueueSummary[] = [];
    const lost = new Map<number, StoredLosses>();
    for (const [session, data] of this.#data) {
      if (data.subscriptions.size > 0) subscriptions.set(session, [...data.subscriptions.values()]);
      if (data.outbound.size > 0) outbound.set(session, [...data.outbound.values()].sort(inOrderOfSending));
      if (data.inbound.size > 0) inbound.set(session, [...data.inbound]);
      if (data.lost !== undefined) lost.set(session, data.lost);
      const underWay = new Set(Array.from(data.outbound.values(), (outbound) => outbound.sequence));
      const { messages, bytes } = data.queue.without(underWay);
      if (messages > 0) queues.push({ session, messages, bytes });
    }
    return {
      sessions: [...this.#sessions.values()],
      subscriptions,
      outbound,
      inbound,
      queues,
      lost,
      retained: [...this.#retained.values()],
      nextSession: this.#nextSession,
      nextSequence: this.#nextSequence,
    };
  }

  readQueue(
    session: number,
    afterSequence: number,
    limit: { readonly messages: number; readonly bytes: number },
  ): readonly StoredQueueEntry[] {
    return this.#data.get(session)?.queue.page(afterSequence, limit) ?? [];
  }

  /** An independent copy (messages, being immutable, are shared). */
  clone(): StoreState {
    const copy = new StoreState();
    for (const [clientId, session] of this.#sessions) copy.#sessions.set(clientId, session);
    for (const [number, data] of this.#data) {
      copy.#data.set(number, {
        subscriptions: new Map(data.subscriptions),
        outbound: new Map(data.outbound),
        inbound: new Set(data.inbound),
        queue: data.queue.clone(),
        references: new Map(data.references),
        lost: data.lost,
      });
    }
    for (const [topic, message] of this.#retained) copy.#retained.set(topic, message);
    for (const [sequence, shared] of this.#messages) copy.#messages.set(sequence, { ...shared });
    copy.#nextSession = this.#nextSession;
    copy.#nextSequence = this.#nextSequence;
    return copy;
  }

  #putSession(session: StoredSession): void {
    const before = this.#sessions.get(session.clientId);
    if (before !== undefined && before.number !== session.number) this.#dropData(before.number);
    const will = session.will;
    this.#sessions.set(
      session.clientId,
      will === undefined ? session : { ...session, will: { ...will, message: ownMessage(will.message) } },
    );
    if (!this.#data.has(session.number)) {
      this.#data.set(session.number, {
        subscriptions: new Map(),
        outbound: new Map(),
        inbound: new Set(),
        queue: new QueueModel(),
        references: new Map(),
        lost: undefined,
      });
    }
    this.#used(session.number, 0);
  }

  #setLost(session: number, lost: StoredLosses | undefined): void {
    const data = this.#data.get(session);
    if (data !== undefined) data.lost = lost;
  }

  #deleteSession(clientId: string, number: number): void {
    if (this.#sessions.get(clientId)?.number !== number) return;
    this.#sessions.delete(clientId);
    this.#dropData(number);
  }

  #dropData(number: number): void {
    const data = this.#data.get(number);
    if (data === undefined) return;
    for (const messageSequence of data.references.values()) this.#release(messageSequence);
    this.#data.delete(number);
  }

  #putQueued(session: number, entry: StoredQueueEntry, messageSequence: number | undefined): void {
    this.#used(0, Math.max(entry.sequence, messageSequence ?? 0));
    const data = this.#data.get(session);
    if (data === undefined) return;
    const before = data.references.get(entry.sequence);
    const message =
      messageSequence === undefined ? ownMessage(entry.message) : this.#acquire(messageSequence, entry.message);
    if (messageSequence !== undefined) data.references.set(entry.sequence, messageSequence);
    else data.references.delete(entry.sequence);
    if (before !== undefined) this.#release(before);
    data.queue.put(message === entry.message ? entry : { ...entry, message });
  }

  #deleteQueued(session: number, sequence: number): void {
    const data = this.#data.get(session);
    if (data?.queue.delete(sequence) === undefined) return;
    const messageSequence = data.references.get(sequence);
    if (messageSequence === undefined) return;
    data.references.delete(sequence);
    this.#release(messageSequence);
  }

  #acquire(messageSequence: number, message: StoredMessage): StoredMessage {
    const shared = this.#messages.get(messageSequence);
    if (shared !== undefined) {
      shared.waiting++;
      return shared.message;
    }
    const own = ownMessage(message);
    this.#messages.set(messageSequence, { message: own, waiting: 1 });
    return own;
  }

  #release(messageSequence: number): void {
    const shared = this.#messages.get(messageSequence);
    if (shared !== undefined && --shared.waiting === 0) this.#messages.delete(messageSequence);
  }

  #used(session: number, sequence: number): void {
    if (session >= this.#nextSession) this.#nextSession = session + 1;
    if (sequence >= this.#nextSequence) this.#nextSequence = sequence + 1;
  }
}

interface SessionData {
  readonly subscriptions: Map<string, StoredSubscription>;
  readonly outbound: Map<number, StoredOutbound>;
  readonly inbound: Set<number>;
  readonly queue: QueueModel;
  /** From the sequence of a queue entry to that of the shared message it refers to. */
  readonly references: Map<number, number>;
  lost: StoredLosses | undefined;
}

/** A queue is sent in order of its sequences, so theirs is the order in which messages were sent first. */
export function inOrderOfSending(a: StoredOutbound, b: StoredOutbound): number {
  return a.sequence - b.sequence || a.packetIdentifier - b.packetIdentifier;
}
