import type { ProtocolVersion } from '@hawser/codec';
import { NO_TICKET, type Ticket } from '@hawser/protocol';
import type { LossCause } from '../causes/losses.ts';
import type { BrokerCore } from '../core.ts';
import type { Delivery } from '../messages/delivery.ts';
import type { Timed } from '../node/deadlines.ts';
import type { Asker } from '../policy/asker.ts';
import type { ClientInfo } from '../policy/policies.ts';
import type { SessionEndedEvent } from '../recorder/observer.ts';
import type { Audience, GroupMember } from '../routing/route.ts';
import type { Subscription } from '../routing/subscription.ts';
import { SubscriptionList } from '../routing/subscription-list.ts';
import type { Store, StoredOutbound, StoredSession } from '../stores/store.ts';
import { deliveryOf, storedMessage } from '../stores/stored.ts';
import type { DropCause } from './bounded-queue.ts';
import { RetainedReplays } from './retained-replays.ts';
import { Session, type SessionConnection, type SessionHost } from './session.ts';
import type { Will } from './will.ts';

/** The connection that has a session, from the CONNECT on that opened it. */
export interface SessionHolder {
  /** For what policies are asked because of this connection. */
  readonly asker: Asker;
  /** Another connection has come with the same Client Identifier: ends this one with 0x8E [MQTT5-3.1.4-3]. */
  takeOver(by: { readonly remoteAddress: string; readonly remotePort: number }): void;
}

/** The connection that serves a session, from its CONNACK on. */
export interface SessionHandler extends GroupMember, SessionHolder {
  /** QoS 0 that does not fit is lost now; false: publishers are to wait for a moment. */
  losesWhenCongested(now: number): boolean;
  readonly isSlow: boolean;
  /** A QoS 0 message was lost because it does not read. */
  miss(topic: string): void;
}

/**
 * `new`: the CONNECT that made it has no CONNACK yet. `resuming`: nor has the one that found it. `attached`: a connection serves it.
 * `away`: it waits for its client. `ended`.
 */
export type SessionPhase = 'new' | 'resuming' | 'attached' | 'away' | 'ended';

/** What each CONNECT says anew of the session it resumes. */
export interface ConnectionTerms {
  readonly protocolVersion: ProtocolVersion;
  /** It knows of the options of subscriptions: 5.0, or another broker that says so (3.x). */
  readonly knowsOptions: boolean;
  readonly username: string | undefined;
  readonly expiryInterval: number;
  readonly expiresAtMs: number;
  readonly will: Will | undefined;
}

/** What a session takes beside what its client has filled it with. */
const SESSION_BYTES = 1024;
const USER_PROPERTY_BYTES = 64;
export const NEVER_EXPIRES = 0xffff_ffff;
const PAGE_BYTES = 1024 * 1024;
/** What is read at a time of a session that has ended. */
const WALK_LIMIT = { messages: 64, bytes: 256 * 1024 };
/** How long after a page could not be read it is asked for again. */
const READ_AGAIN_MS = 5000;
/** While the queues of the node hold all they may in memory. */
const SMALL_PAGE_BYTES = 64 * 1024;

/** The session of one Client Identifier: its subscriptions, its messages, its Will, and when it ends. */
export class ClientSession implements SessionHost, Timed {
  readonly clientId: string;
  readonly session: Session;
  readonly subscriptions = new SubscriptionList();
  /** Never used again; 0: it is not in the store. */
  number = 0;
  protocolVersion: ProtocolVersion;
  username: string | undefined;
  phase: SessionPhase = 'away';
  /** Messages up to this sequence may have been sent before the broker went down, without a note of it; 0: none. */
  unsureUpTo = 0;
  /** Who connected last; undefined: nobody since the broker started. */
  client: ClientInfo | undefined;
  /** Session Expiry Interval, seconds. */
  expiryInterval: number;
  /** When it ends, its connection being gone; milliseconds as the broker counts. */
  expiresAtMs = Number.POSITIVE_INFINITY;
  will: Will | undefined;
  /** The last of its subscriptions that was written down. */
  subscriptionTicket: Ticket = NO_TICKET;
  /** Undefined: its client is away. */
  holder: SessionHolder | undefined;
  /** The holder, once its CONNACK is out. */
  handler: SessionHandler | undefined;
  /** In the phase `resuming`: what it goes back to when there is no CONNACK. */
  before: ConnectionTerms | undefined;
  /** Some of its subscriptions are, or were, suspended or filtered: what waits in its queue is looked at before it is sent. */
  isRestricted = false;
  readonly createdAt: number;
  /** It was to outlive its first connection: that it does not any more is something to be told. */
  readonly wasKept: boolean;
  /** Messages this session has lost, by cause, since the client was last told. */
  lost: Partial<Record<LossCause, number>> | undefined;
  readonly #core: BrokerCore;
  #audiences: Set<Audience> | undefined;
  #replays: RetainedReplays | undefined;
  #lastQueued = 0;
  #accountedBytes = 0;
  /** Handshakes in the store whose messages have not been read yet. */
  #unread: readonly StoredOutbound[] | undefined;
  #loading: Promise<void> | undefined;
  #readAgainAtMs = Number.POSITIVE_INFINITY;

  constructor(
    core: BrokerCore,
    clientId: string,
    protocolVersion: ProtocolVersion,
    expiryInterval: number,
    createdAt: number,
  ) {
    this.#core = core;
    this.clientId = clientId;
    this.protocolVersion = protocolVersion;
    this.expiryInterval = expiryInterval;
    this.createdAt = createdAt;
    this.wasKept = expiryInterval > 0;
    const { settings } = core;
    this.session = new Session(this, {
      survives: expiryInterval > 0,
      bounds: core.registry.queueBounds,
      pageSize: core.store === undefined ? Number.POSITIVE_INFINITY : settings['queue.pageSize'],
      memory: core.registry.queueMemory,
      inflightBytes: settings['limits.inflightBytes'],
    });
  }

  /** Nothing may be done to it any more. */
  get ended(): boolean {
    return this.phase === 'ended';
  }

  get committed(): Ticket {
    return this.#core.journal.committed;
  }

  /** It outlives its connection. */
  get isKept(): boolean {
    return this.session.survives;
  }

  /** Its QoS 1 and 2 messages are on disk. */
  get isStored(): boolean {
    return this.session.survives && this.number > 0;
  }

  /** No Local and Retain As Published are in force; see `ConnectionTerms`. */
  get knowsOptions(): boolean {
    return this.session.keepsRetain;
  }

  /** Receivers of topics among which it is; the route table keeps them. */
  get audiences(): Set<Audience> {
    this.#audiences ??= new Set();
    return this.#audiences;
  }

  /** See `Subscription.mayDeliver`. */
  mayReceive(topic: string): boolean {
    return this.#core.permissions.mayReceive(this, topic);
  }

  /** Retained messages that it has not been sent yet. */
  get replays(): RetainedReplays | undefined {
    return this.#replays;
  }

  /** Retained messages are owed to a subscription; `since`: for so long already. False: there are none. */
  beginReplay(subscription: Subscription, since?: number): boolean {
    this.#replays ??= new RetainedReplays(this.#core, this);
    return this.#replays.begin(subscription, since);
  }

  /** A connection serves it now. */
  attach(connection: SessionConnection, receiveMaximum: number, now: number): void {
    this.session.attach(connection, receiveMaximum, now);
    this.#replays?.run(now);
  }

  /** What it has waited for is on disk. */
  onCommitted(now: number): void {
    this.session.onCommitted(now);
    this.#replays?.run(now);
  }

  /** Writes down one of its subscriptions; `replaySince`: retained messages are owed to it since then. */
  saveSubscription(topicFilter: string, replaySince: number | undefined, lazy: boolean): Ticket {
    const subscription = this.subscriptions.get(topicFilter);
    if (!this.isStored || subscription === undefined) return NO_TICKET;
    const { identifier, granted } = subscription;
    return this.#core.journal.append({
      kind: 'putSubscription',
      session: this.number,
      subscription: {
        topicFilter,
        ...granted,
        ...(identifier === undefined ? {} : { subscriptionIdentifier: identifier }),
        ...(replaySince === undefined ? {} : { replaySince }),
      },
      ...(lazy ? { lazy: true } : {}),
    });
  }

  get member(): GroupMember | undefined {
    return this.handler;
  }

  /** Tells the registry what the session takes now, without its queue. */
  account(): void {
    const bytes = this.ended ? 0 : this.#bytes;
    this.#core.registry.stateBytes += bytes - this.#accountedBytes;
    this.#accountedBytes = bytes;
  }

  get #bytes(): number {
    let bytes = SESSION_BYTES + 2 * this.clientId.length + (this.username?.length ?? 0) + this.subscriptions.bytes;
    bytes += this.will?.message.size ?? 0;
    for (const [key, value] of this.client?.userProperties ?? [])
      bytes += key.length + value.length + USER_PROPERTY_BYTES;
    return bytes;
  }

  /** It may share bytes with others: connected, reading, and nothing about its packets is its own. */
  get takesSharedBytes(): boolean {
    const connection = this.session.connection;
    if (connection === undefined || this.handler === undefined || this.handler.isSlow || this.session.isHeld)
      return false;
    return (
      connection.aliases === undefined &&
      connection.peerMaximumPacketSize >= this.#core.settings['limits.maximumPacketSize']
    );
  }

  mayDeliver(delivery: Delivery): boolean {
    return !this.isRestricted || this.#core.permissions.mayDeliver(this, delivery);
  }

  /** Goes on with what was held back. */
  resume(now: number): void {
    this.session.pump(now);
    this.#replays?.run(now);
  }

  losesWhenCongested(now: number): boolean {
    return this.handler?.losesWhenCongested(now) ?? true;
  }

  /** What the client will be told, and everybody who asks. */
  countLost(cause: LossCause, topic: string, qos: number, count = 1): void {
    this.lost ??= {};
    this.lost[cause] = (this.lost[cause] ?? 0) + count;
    this.#core.losses.count(this.clientId, cause, topic, qos, count);
    if (this.isStored) this.#core.registry.losses.noteLater(this);
  }

  /** A QoS 0 message that its connection does not read: counted together with others, for there may be very many. */
  miss(topic: string): void {
    if (this.handler === undefined) this.countLost('slow-consumer', topic, 0);
    else this.handler.miss(topic);
  }

  /** The client has been told what it has lost. */
  onLossesTold(): void {
    if (this.lost === undefined) return;
    this.lost = undefined;
    this.#core.registry.losses.note(this);
  }

  // The session's host: what it writes down.

  storeQueued(delivery: Delivery): Ticket {
    // With a disk that has failed for long it waits in memory alone: nobody was told that it is stored.
    const { message } = delivery;
    if (this.number === 0 || !message.isStorable) return NO_TICKET;
    // One number for a message that several sessions wait for; a second copy for the same session has its own.
    const isShared = message.storeSequence > this.#lastQueued;
    delivery.sequence = isShared ? message.storeSequence : this.#core.journal.nextSequence();
    this.#lastQueued = delivery.sequence;
    return this.#core.journal.append({
      kind: 'putQueued',
      session: this.number,
      entry: {
        sequence: delivery.sequence,
        qos: delivery.qos,
        retain: delivery.retain,
        subscriptionIdentifiers: delivery.subscriptionIdentifiers ?? [],
        ...(delivery.shared === undefined ? {} : { shared: delivery.shared }),
        ...(delivery.isReplay ? { replayed: true } : {}),
        message: storedMessage(message, this.#core),
      },
      messageSequence: isShared ? message.storeSequence : undefined,
    });
  }

  storeLate(delivery: Delivery): void {
    delivery.message.isStorable = this.#core.guard.takes(delivery.size);
    this.storeQueued(delivery);
  }

  storeDequeued(delivery: Delivery): void {
    if (this.number > 0)
      this.#core.journal.append({ kind: 'deleteQueued', session: this.number, sequence: delivery.sequence });
  }

  storeOutbound(
    packetIdentifier: number,
    sequence: number,
    qos: 1 | 2,
    state: 'published' | 'released',
    lazy: boolean,
  ): Ticket {
    if (this.number === 0) return NO_TICKET;
    return this.#core.journal.append({
      kind: 'putOutbound',
      session: this.number,
      outbound: { packetIdentifier, sequence, qos, state },
      lazy,
    });
  }

  storeOutboundDone(packetIdentifier: number): void {
    if (this.number > 0) this.#core.journal.append({ kind: 'deleteOutbound', session: this.number, packetIdentifier });
  }

  waitFor(): void {
    this.#core.journal.wait(this);
  }

  requestPage(afterSequence: number, messages: number): void {
    const { store } = this.#core;
    if (store === undefined || this.number === 0) return;
    const number = this.number;
    this.#readPage(store, afterSequence, messages).catch((error: unknown) => {
      if (this.ended || this.number !== number) return;
      this.session.queue.onPageFailed();
      this.#readAgainAtMs = this.#core.now() + READ_AGAIN_MS;
      this.#core.driverNode.deadlines.watch(this);
      this.#core.observer.onWarning?.(
        'queue-unreadable',
        `the queue of ${this.clientId} could not be read: ${String(error)}`,
      );
    });
  }

  async #readPage(store: Store, afterSequence: number, messages: number): Promise<void> {
    const number = this.number;
    // What is under way must be known before what comes behind it.
    await this.load();
    const ready = this.#core.journal.last;
    const pageSize = this.#core.settings['queue.pageSize'];
    const limit = this.session.queue.isMemoryFull
      ? { messages: Math.max(1, Math.min(pageSize, 16), messages), bytes: SMALL_PAGE_BYTES }
      : { messages: Math.max(pageSize, messages), bytes: PAGE_BYTES };
    const entries = await store.readQueue(number, afterSequence, limit);
    if (this.ended || this.number !== number) return;
    const deliveries = entries.map((entry) => deliveryOf(entry, ready, this.#core));
    // DUP says that it might have been sent before [MQTT311-3.3.1-1] [MQTT5-3.3.1-1]; QoS 2 does not leave without a note.
    for (const delivery of deliveries) delivery.sent = delivery.qos === 1 && delivery.sequence <= this.unsureUpTo;
    this.session.onPage(deliveries, entries.length === 0, this.#core.now());
  }

  onDropped(cause: DropCause, delivery: Delivery): void {
    this.countLost(cause, delivery.message.topic.name, delivery.qos);
    if (delivery.qos > 0 || delivery.sequence > 0) this.#core.registry.losses.note(this);
  }

  onRejected(): void {
    this.countLost('rejected-by-receiver', '', 1);
  }

  onSettled(): void {}

  // Deadlines: a Will that waits, the end of the session.

  nextTimeout(): number {
    if (this.ended) return Number.POSITIVE_INFINITY;
    return Math.min(this.will?.dueAtMs ?? Number.POSITIVE_INFINITY, this.expiresAtMs, this.#readAgainAtMs);
  }

  handleTimeout(now: number): void {
    if (this.will !== undefined && now >= this.will.dueAtMs) this.#core.registry.publishWill(this);
    if (now >= this.#readAgainAtMs) {
      this.#readAgainAtMs = Number.POSITIVE_INFINITY;
      this.session.queue.requestPageWhenDue();
    }
    // [MQTT5-4.1.0-2]
    if (now >= this.expiresAtMs) this.#core.registry.end(this, 'expired');
  }

  // Restart.

  /** Nothing of it is only in the store. */
  get isAllHere(): boolean {
    return this.#unread === undefined && !this.session.queue.isBehind;
  }

  /** Messages that are only in the store, as far as they have been counted. */
  get elsewhere(): number {
    const unread = this.#unread?.filter(({ state }) => state === 'published').length ?? 0;
    return unread + Math.max(0, this.session.queue.paged);
  }

  /** The messages in memory that its client has not taken, in order: in flight first, then queued. */
  unsettledHere(): readonly Delivery[] {
    return [...this.session.unsettled()];
  }

  /**
   * All messages that its client has not taken, in order, wherever they are, a page at a time. `here`: those that are in memory alone, which
   * come last. Rejects when the store cannot be read.
   */
  async *unsettled(here: readonly Delivery[]): AsyncGenerator<readonly Delivery[], void> {
    const { store } = this.#core;
    const released = new Set(this.session.releasedSequences);
    for (const { sequence, state } of this.#unread ?? []) if (state === 'released') released.add(sequence);
    let after = 0;
    while (store !== undefined && this.number > 0) {
      const ready = this.#core.journal.last;
      const entries = await store.readQueue(this.number, after, WALK_LIMIT);
      const last = entries.at(-1);
      if (last === undefined) break;
      after = last.sequence;
      // Taken by the receiver, and only the note of it is left.
      const waiting = entries.filter(({ sequence }) => !released.has(sequence));
      yield waiting.map((entry) => deliveryOf(entry, ready, this.#core));
    }
    if (here.length > 0) yield here;
  }

  /** Handshakes that a store has kept; their messages are read when the client comes back. */
  restoreOutbound(outbound: readonly StoredOutbound[]): void {
    this.#unread = outbound;
  }

  /** Reads the messages of handshakes under way; undefined: there is nothing to read. Rejects when the store cannot. */
  load(): Promise<void> | undefined {
    const { store } = this.#core;
    if (this.#unread === undefined || store === undefined) return undefined;
    this.#loading ??= this.#load(this.#unread).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(unread: readonly StoredOutbound[]): Promise<void> {
    const wanted = new Map<number, Delivery | undefined>();
    for (const { sequence, state } of unread) if (state === 'published') wanted.set(sequence, undefined);
    await this.#read(wanted);
    if (this.ended) return;
    this.#unread = undefined;
    for (const { packetIdentifier, sequence, state } of unread) {
      const delivery = wanted.get(sequence);
      // Published without its message: it was taken to the end, and only the note of it is left.
      if (state === 'published' && delivery === undefined) this.storeOutboundDone(packetIdentifier);
      else this.session.restoreHandshake(packetIdentifier, delivery, sequence);
    }
  }

  async #read(wanted: Map<number, Delivery | undefined>): Promise<void> {
    const { store } = this.#core;
    const sequences = [...wanted.keys()].sort((a, b) => a - b);
    let after = (sequences[0] ?? 1) - 1;
    const last = sequences.at(-1) ?? 0;
    while (store !== undefined && after < last) {
      const entries = await store.readQueue(this.number, after, { messages: 256, bytes: 4 * PAGE_BYTES });
      for (const entry of entries) {
        if (wanted.has(entry.sequence)) wanted.set(entry.sequence, deliveryOf(entry, 0, this.#core));
        after = entry.sequence;
      }
      if (entries.length === 0) return;
    }
  }

  /** As it is written down. */
  toStored(): StoredSession {
    const core = this.#core;
    return {
      clientId: this.clientId,
      number: this.number,
      protocolVersion: this.protocolVersion,
      expiryInterval: this.expiryInterval,
      createdAt: this.createdAt,
      ...(this.expiresAtMs === Number.POSITIVE_INFINITY ? {} : { expiresAt: core.toWall(this.expiresAtMs) }),
      ...(this.username === undefined ? {} : { username: this.username }),
      ...(this.phase === 'away' && this.unsureUpTo === 0 ? { sendingNoted: true } : {}),
      ...(this.will === undefined
        ? {}
        : {
            will: {
              message: storedMessage(this.will.message, core),
              delayInterval: this.will.delayInterval,
              ...(this.will.dueAtMs === Number.POSITIVE_INFINITY ? {} : { dueAt: core.toWall(this.will.dueAtMs) }),
            },
          }),
    };
  }
}

export type SessionEndCause = SessionEndedEvent['cause'];
