import type { QoS } from '@hawser/codec';
import { NO_TICKET, type Ticket } from '@hawser/protocol';
import type { BrokerCore } from '../core.ts';
import type { Message } from '../messages/message.ts';
import type { Sliced } from '../node/turn-budget.ts';
import { Work } from '../node/work-kinds.ts';
import type { Subscription } from '../routing/subscription.ts';
import type { TopicCursor } from '../routing/topic-cursor.ts';
import type { ClientSession } from './client-session.ts';

/** Retained messages that a session has not been sent yet for one of its subscriptions. */
interface Replay {
  readonly cursor: TopicCursor<Message>;
  /** What was published after this (wall clock, milliseconds) has come as a live message; Infinity: the cursor knows. */
  readonly since: number;
  /** They follow the SUBACK, which waits for this. */
  ready: Ticket;
  /** Found, but there was no room for it yet. */
  held: Message | undefined;
  /** The store knows that messages are owed since then (wall clock, milliseconds); undefined: it does not. */
  notedAt: number | undefined;
}

/** What waits in an output before a replay goes on; enough for a whole flush. */
const REPLAY_BYTES = 64 * 1024;
/** To look at a topic, a quarter of a microsecond, and to send what is retained there. */
const WORK_OF_TOPIC = 50;
const WORK_OF_MESSAGE = 200;
/** Topics that are looked at before others may have their turn. */
const STEP_TOPICS = 100;
/** Topics that are looked at before it is written down that retained messages are owed. */
const LOOK_AHEAD = 16;

/**
 * The retained messages that a session is owed for its subscriptions [MQTT5-3.3.1-9]: they outlive its connection, and in a store
 * the broker. A cursor for each subscription, outside the bounds of the queue; while the queue has messages too, the two take turns.
 * After a restart of the broker a replay that was not finished begins anew.
 */
export class RetainedReplays implements Sliced {
  readonly #core: BrokerCore;
  readonly #session: ClientSession;
  /** By Topic Filter, in the order in which they began. */
  readonly #replays = new Map<string, Replay>();
  #isScheduled = false;

  constructor(core: BrokerCore, session: ClientSession) {
    this.#core = core;
    this.#session = session;
  }

  /** Subscriptions for which messages are owed. */
  get size(): number {
    return this.#replays.size;
  }

  /**
   * Retained messages are owed to a new subscription; what an earlier one with this filter has not been sent comes again with it.
   * `since`: the replay was begun then, before the broker was restarted. False: there are none.
   */
  begin(subscription: Subscription, since = Number.POSITIVE_INFINITY): boolean {
    const { topicFilter, filter } = subscription;
    this.delete(topicFilter);
    const cursor = this.#core.router.retained.cursor(filter);
    const held = cursor.next(LOOK_AHEAD);
    if (held === undefined && cursor.done) return false;
    const notedAt = since === Number.POSITIVE_INFINITY ? undefined : since;
    this.#session.session.beside = this;
    this.#replays.set(topicFilter, { cursor, since, ready: NO_TICKET, held, notedAt });
    return true;
  }

  /** Since when the store knows that messages are owed to a subscription. */
  notedAt(topicFilter: string): number | undefined {
    return this.#replays.get(topicFilter)?.notedAt;
  }

  /** The SUBACK of a subscription waits for this, and so do its retained messages. `notedAt`: what is written down with it. */
  follow(topicFilter: string, ready: Ticket, notedAt: number | undefined): void {
    const replay = this.#replays.get(topicFilter);
    if (replay === undefined) return;
    replay.ready = ready;
    replay.notedAt = notedAt;
  }

  /** The subscription is gone, or another one. */
  delete(topicFilter: string): void {
    this.#replays.delete(topicFilter);
    if (this.#replays.size === 0) this.#session.session.beside = undefined;
  }

  /** Goes on as far as window, network and turn let it. */
  run(now: number): void {
    if (this.#isScheduled) return;
    const { clock, turn } = this.#core.driverNode;
    for (const [topicFilter, replay] of this.#replays) {
      if (this.#isSuspended(topicFilter)) continue;
      if (!this.#isReady(replay)) return;
      const { cursor } = replay;
      while (replay.held !== undefined || !cursor.done) {
        if (this.#mustWait()) return;
        if (turn.isOver) {
          this.#isScheduled = true;
          turn.later(this);
          return;
        }
        if (this.#isAhead) {
          this.#isScheduled = true;
          clock.defer(() => this.runSlice(this.#core.now()));
          return;
        }
        const before = cursor.visited;
        const isSent = this.#next(topicFilter, replay, STEP_TOPICS, now);
        turn.spend(Work.replay, WORK_OF_MESSAGE + WORK_OF_TOPIC * (cursor.visited - before));
        if (!isSent) return;
      }
      this.#finish(topicFilter, replay);
    }
  }

  /** One message, in turn with one of the queue: neither waits for the end of the other. */
  runOne(now: number): void {
    for (const [topicFilter, replay] of this.#replays) {
      if (this.#isSuspended(topicFilter)) continue;
      if (!this.#isReady(replay) || this.#mustWait()) return;
      this.#next(topicFilter, replay, LOOK_AHEAD, now);
      if (replay.held === undefined && replay.cursor.done) this.#finish(topicFilter, replay);
      return;
    }
  }

  #isReady(replay: Replay): boolean {
    if (replay.ready <= this.#core.journal.committed) return true;
    this.#core.journal.wait(this.#session);
    return false;
  }

  /** It goes on when it is permitted again. */
  #isSuspended(topicFilter: string): boolean {
    return this.#session.subscriptions.get(topicFilter)?.isSuspended === true;
  }

  /** Nothing can be sent: its client is away, does not read, or nobody can say what it may have. */
  #mustWait(): boolean {
    const { handler } = this.#session;
    if (this.#session.session.isHeld) return true;
    return handler === undefined || this.#session.session.connection === undefined || handler.output.blocked;
  }

  /** Enough for this turn is in the output. */
  get #isAhead(): boolean {
    return (this.#session.handler?.output.pendingBytes ?? 0) > REPLAY_BYTES;
  }

  /** Sends the next message. False: the window is closed; an acknowledgement opens it. */
  #next(topicFilter: string, replay: Replay, most: number, now: number): boolean {
    const message = replay.held ?? replay.cursor.next(most);
    replay.held = undefined;
    const subscription = this.#session.subscriptions.get(topicFilter);
    if (message === undefined || subscription === undefined) return true;
    if (!this.#isStillDue(message, subscription, replay.since, now)) return true;
    if (!subscription.mayDeliver(message.topic.name)) return true;
    const { session } = this.#session;
    const qos = Math.min(message.qos, subscription.qos) as QoS;
    const { identifier } = subscription;
    const identifiers = identifier === undefined ? undefined : [identifier];
    message.isStorable = this.#core.guard.takes(message.size);
    // [MQTT311-3.3.1-8]
    if (session.deliverRetained(message, qos, identifiers, now)) return true;
    replay.held = message;
    return false;
  }

  /** Own messages stay back with No Local [MQTT5-3.8.3-3]; what was replaced meanwhile has come as a live message. */
  #isStillDue(message: Message, subscription: Subscription, since: number, now: number): boolean {
    const { retained } = this.#core.router;
    const { name } = message.topic;
    if (retained.get(name) !== message) return false;
    if (message.isExpired(now)) {
      retained.delete(name);
      return false;
    }
    if (this.#core.toWall(message.receivedAtMs) > since) return false;
    return !(subscription.noLocal && message.publisher === this.#session.clientId);
  }

  #finish(topicFilter: string, replay: Replay): void {
    this.delete(topicFilter);
    if (replay.notedAt !== undefined) this.#session.saveSubscription(topicFilter, undefined, true);
  }

  /** It has waited for its turn. */
  runSlice(now: number): boolean {
    this.#isScheduled = false;
    this.run(now);
    return false;
  }
}
