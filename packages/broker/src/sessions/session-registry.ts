import { type ProtocolVersion, parseTopicFilter } from '@hawser/codec';
import { NO_TICKET } from '@hawser/protocol';
import type { BrokerCore } from '../core.ts';
import type { Message } from '../messages/message.ts';
import type { Permission } from '../policy/answers.ts';
import { isPromise } from '../policy/policies.ts';
import { Subscription } from '../routing/subscription.ts';
import type { StoreContents, StoredQueueSummary, StoredSession, StoredSubscription } from '../stores/store.ts';
import { messageOf } from '../stores/stored.ts';
import { ClientSession, type ConnectionTerms, NEVER_EXPIRES, type SessionEndCause } from './client-session.ts';
import { Estates, isEstate } from './estates.ts';
import { LossLedger } from './loss-ledger.ts';
import { type QueueBounds, QueueMemory } from './message-queue.ts';
import { QueueSweeper } from './queue-sweeper.ts';
import type { Will } from './will.ts';

/** What a CONNECT asks of the session. */
export interface OpenRequest {
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly protocolVersion: ProtocolVersion;
  /** It knows of the options of subscriptions: 5.0, or another broker that says so (3.x). */
  readonly knowsOptions: boolean;
  /** Seconds, as granted. */
  readonly expiryInterval: number;
  readonly username: string | undefined;
  readonly will: Will | undefined;
}

/** All sessions by Client Identifier: made, resumed, ended; their Wills published when they are due. */
export class SessionRegistry {
  /** The bounds of every session's queue. */
  readonly queueBounds: QueueBounds;
  /** What all of them hold in memory. */
  readonly queueMemory: QueueMemory;
  /** Memory of all sessions without their queues, as estimated (`sessions.bytes`). */
  stateBytes = 0;
  readonly losses: LossLedger;
  readonly estates: Estates;
  readonly #sweeper: QueueSweeper;
  readonly #core: BrokerCore;
  readonly #sessions = new Map<string, ClientSession>();

  constructor(core: BrokerCore) {
    this.#core = core;
    const { settings } = core;
    const age = settings['queue.age'];
    this.queueBounds = {
      messages: settings['queue.messages'],
      bytes: settings['queue.bytes'],
      policy: settings['queue.policy'],
      ...(age === 0 ? {} : { ageMs: age * 1000 }),
    };
    this.queueMemory = new QueueMemory(settings['queues.memoryBytes']);
    this.losses = new LossLedger(core);
    this.estates = new Estates(core);
    this.#sweeper = new QueueSweeper(core);
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(clientId: string): ClientSession | undefined {
    return this.#sessions.get(clientId);
  }

  values(): IterableIterator<ClientSession> {
    return this.#sessions.values();
  }

  /**
   * The session for a new connection; whoever had it must have been cut off before. Clean Start discards what there was
   * [MQTT5-3.1.2-4]; otherwise it is resumed [MQTT5-3.1.2-5].
   */
  open(request: OpenRequest): { readonly session: ClientSession; readonly present: boolean } {
    const core = this.#core;
    const known = this.#sessions.get(request.clientId);
    // [MQTT311-3.1.2-6] [MQTT311-3.1.4-3] [MQTT5-3.1.4-4]
    if (known !== undefined && request.cleanStart) this.end(known, 'clean-start');
    // [MQTT311-3.1.2-4] [MQTT311-3.1.3-2] [MQTT5-3.1.3-2] [MQTT5-3.1.2-6]
    const resumed = known !== undefined && !known.ended ? known : undefined;
    const session =
      resumed ??
      new ClientSession(core, request.clientId, request.protocolVersion, request.expiryInterval, core.wallNow());
    const { protocolVersion, knowsOptions, username, expiryInterval, expiresAtMs, will } = session;
    session.phase = resumed === undefined ? 'new' : 'resuming';
    session.before =
      resumed === undefined
        ? undefined
        : { protocolVersion, knowsOptions, username, expiryInterval, expiresAtMs, will };
    // A Will that waits is not sent when its session is resumed in time [MQTT5-3.1.3-9].
    setTerms(session, { ...request, expiresAtMs: Number.POSITIVE_INFINITY });
    // What comes for it before it is accepted is kept as before.
    session.session.survives ||= expiryInterval > 0;
    this.#sessions.set(request.clientId, session);
    session.account();
    this.#sweeper.start();
    const stored = core.store !== undefined && (request.expiryInterval > 0 || request.will !== undefined);
    if (stored && session.number === 0) session.number = core.journal.nextSessionNumber();
    this.save(session);
    // [MQTT311-3.2.2-1] [MQTT311-3.2.2-2] [MQTT311-3.2.2-3] [MQTT5-3.2.2-2] [MQTT5-3.2.2-3]
    return { session, present: resumed !== undefined };
  }

  /** Writes down what a session is now. */
  save(session: ClientSession): void {
    if (session.number > 0 && !session.ended)
      this.#core.journal.append({ kind: 'putSession', session: session.toStored() });
  }

  /** The CONNACK of its connection is out: what the CONNECT said of the session counts. */
  onAccepted(session: ClientSession): void {
    session.phase = 'attached';
    session.before = undefined;
    // [MQTT311-3.1.2-5] [MQTT311-4.1.0-1] [MQTT5-3.1.2-23] [MQTT5-4.1.0-1]
    session.session.survives = session.expiryInterval > 0;
  }

  /** The session's connection is gone. `willSettled`: a DISCONNECT has taken the Will back [MQTT5-3.14.4-3]. */
  onDisconnected(session: ClientSession, willSettled: boolean): void {
    const core = this.#core;
    const now = core.now();
    session.session.detach();
    session.holder = undefined;
    session.handler = undefined;
    // What waits from here on is sent as the next connection takes it.
    session.session.keepsRetain = true;
    core.router.routes.invalidateSession(session);
    if (session.session.queue.length === 0) session.unsureUpTo = 0;
    if (session.phase !== 'attached') {
      this.#takeBack(session);
      return;
    }
    session.phase = 'away';
    // [MQTT311-3.1.2-10] [MQTT311-3.14.4-3] [MQTT5-3.1.2-10]
    if (willSettled) session.will = undefined;
    // [MQTT311-4.1.0-2] [MQTT5-4.1.0-2]
    if (session.expiryInterval === 0) {
      this.end(session, 'closed');
      return;
    }
    if (session.will !== undefined) {
      session.will.dueAtMs = now + session.will.delayInterval * 1000;
      if (session.will.delayInterval === 0) this.publishWill(session);
    }
    if (session.expiryInterval < NEVER_EXPIRES) session.expiresAtMs = now + session.expiryInterval * 1000;
    this.save(session);
    core.driverNode.deadlines.watch(session);
  }

  /**
   * Its connection has ended without a CONNACK: refused, or lost. A CONNECT that was not accepted changes nothing [MQTT5-3.1.4],
   * least of all does its Session Expiry Interval end the session with what waits there.
   */
  #takeBack(session: ClientSession): void {
    const { before } = session;
    session.before = undefined;
    session.phase = 'away';
    if (before === undefined) {
      // Who was never accepted has left no Will, and no session that it could be told of.
      session.will = undefined;
      session.session.survives = false;
      this.end(session, 'closed');
      return;
    }
    setTerms(session, before);
    session.account();
    this.save(session);
    this.#core.driverNode.deadlines.watch(session);
  }

  /** Ends a session with all it has; a Will that waits is published now [MQTT5-3.1.2-8]. */
  end(session: ClientSession, cause: SessionEndCause): void {
    if (session.ended) return;
    const core = this.#core;
    this.publishWill(session);
    session.phase = 'ended';
    core.driverNode.deadlines.unwatch(session);
    this.#sessions.delete(session.clientId);
    core.router.routes.removeSession(session);
    const queued = session.session.queue.length;
    if (cause === 'expired') core.counters.sessionsExpired++;
    if (session.isKept || session.wasKept) {
      core.observer.onSessionEnded?.({ clientId: session.clientId, cause, queued, at: core.wallNow() });
    }
    this.estates.settle(session);
    session.subscriptions.clear();
    session.account();
    session.session.clear();
  }

  /** Publishes the Will, if there is one, and forgets it. */
  publishWill(session: ClientSession): void {
    // [MQTT311-3.1.2-8] [MQTT311-3.1.2-12] [MQTT5-3.1.2-8]
    const { will } = session;
    if (will === undefined) return;
    const { observer } = this.#core;
    session.will = undefined;
    session.account();
    const permitted = this.#core.permissions.mayPublishWill(session, will);
    if (!isPromise(permitted)) this.#publishWill(session, will, permitted);
    else {
      permitted
        .then((decision) => this.#publishWill(session, will, decision))
        .catch((error: unknown) =>
          observer.onWarning?.('will-lost', `the Will of ${session.clientId} was not published: ${String(error)}`),
        );
    }
  }

  /** It was permitted at the CONNECT; the rules may have changed since. */
  #publishWill(session: ClientSession, will: Will, { decision }: Permission): void {
    const core = this.#core;
    // [MQTT311-3.1.2-16] [MQTT311-3.1.2-17] [MQTT5-3.1.2-14] [MQTT5-3.1.2-15] [MQTT5-3.1.3-10]
    const { topic, payload, qos, retain, properties } = will.message;
    // The message and the end of the Will together: a crash between would publish it once more, or lose it.
    const isGroup = core.journal.beginGroup();
    try {
      if (decision === 'allow') {
        core.router.publish(
          { topic: topic.name, payload, qos, retain, properties },
          session,
          NO_TICKET,
          core.now(),
          true,
        );
      } else {
        core.counters.publishesDenied++;
        session.countLost(decision === 'deny' ? 'not-authorized' : 'policy-failed', topic.name, qos);
      }
    } catch (error) {
      // Whatever ended the connection goes on: nobody above could do anything about it.
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      core.observer.onWarning?.(
        'internal-error',
        `an error in the broker itself while the Will of ${session.clientId} was published: ${stack}`,
      );
    } finally {
      this.save(session);
      if (isGroup) core.journal.endGroup();
    }
  }

  /** Puts back what a store has kept. */
  restore(contents: StoreContents): void {
    const core = this.#core;
    const now = core.now();
    const queues = new Map(contents.queues.map((queue) => [queue.session, queue]));
    const estates: StoredSession[] = [];
    for (const message of contents.retained) core.router.retained.restore(messageOf(message, core));
    for (const stored of contents.sessions) {
      if (isEstate(stored)) {
        estates.push(stored);
        continue;
      }
      const session = this.#restoreSession(stored, contents.nextSequence - 1);
      for (const subscription of contents.subscriptions.get(stored.number) ?? [])
        this.#restoreSubscription(session, subscription);
      for (const packetIdentifier of contents.inbound.get(stored.number) ?? [])
        session.session.inbound.begin(packetIdentifier);
      const outbound = contents.outbound.get(stored.number) ?? [];
      if (outbound.length > 0) session.restoreOutbound(outbound);
      const queue = queues.get(stored.number);
      // Also with nothing but handshakes: what was released may still lie in the queue, to be cleared when it is read.
      if (contents.counting !== undefined) session.session.queue.restoreUncounted(contents.nextSequence - 1);
      else if (queue !== undefined || outbound.length > 0) {
        session.session.queue.restore(queue?.messages ?? 0, queue?.bytes ?? 0, contents.nextSequence - 1);
      }
      session.lost = contents.lost.get(stored.number);
      this.#settleAfterRestart(session, stored, now);
    }
    for (const stored of estates) this.estates.resume({ session: this.#estateOf(stored, contents), here: [] });
    contents.counting?.then(
      (counted) => this.#onCounted(counted),
      // A store that was closed meanwhile has nobody to tell; one that is damaged says so itself.
      () => undefined,
    );
  }

  /** What a session has left that ended before the restart. */
  #estateOf(stored: StoredSession, contents: StoreContents): ClientSession {
    const { clientId, number, protocolVersion, expiryInterval, createdAt } = stored;
    const session = new ClientSession(this.#core, clientId, protocolVersion, expiryInterval, createdAt);
    session.number = number;
    session.phase = 'ended';
    session.restoreOutbound(contents.outbound.get(number) ?? []);
    return session;
  }

  #onCounted(counted: readonly StoredQueueSummary[]): void {
    const queues = new Map(counted.map((queue) => [queue.session, queue]));
    for (const { number, session } of this.#sessions.values()) {
      const queue = queues.get(number);
      session.queue.onCounted(queue?.messages ?? 0, queue?.bytes ?? 0);
    }
  }

  #restoreSession(stored: StoredSession, lastSequence: number): ClientSession {
    const core = this.#core;
    const session = new ClientSession(
      core,
      stored.clientId,
      stored.protocolVersion,
      stored.expiryInterval,
      stored.createdAt,
    );
    session.number = stored.number;
    session.username = stored.username;
    if (stored.sendingNoted === undefined) session.unsureUpTo = lastSequence;
    if (stored.will !== undefined) {
      const { message, delayInterval, dueAt } = stored.will;
      const restored: Message = messageOf(message, core);
      session.will = {
        message: restored,
        delayInterval,
        dueAtMs: dueAt === undefined ? Number.POSITIVE_INFINITY : core.fromWall(dueAt),
      };
    }
    this.#sessions.set(stored.clientId, session);
    this.#sweeper.start();
    return session;
  }

  #restoreSubscription(session: ClientSession, stored: StoredSubscription): void {
    const { router } = this.#core;
    const { share, filter } = parseTopicFilter(stored.topicFilter);
    const shared = share === undefined ? undefined : router.routes.sharedGroup(stored.topicFilter, filter);
    const subscription = new Subscription(session, stored.topicFilter, stored, stored.subscriptionIdentifier, shared);
    session.subscriptions.set(subscription);
    router.routes.add(subscription);
    if (stored.replaySince !== undefined && !session.beginReplay(subscription, stored.replaySince))
      session.saveSubscription(stored.topicFilter, undefined, true);
  }

  /** Those who were connected when the broker went down lost their network then: their Wills and deadlines begin now. */
  #settleAfterRestart(session: ClientSession, stored: StoredSession, now: number): void {
    session.account();
    const core = this.#core;
    const beginsNow = stored.expiresAt === undefined && stored.expiryInterval < NEVER_EXPIRES;
    const isWillNew = session.will !== undefined && session.will.dueAtMs === Number.POSITIVE_INFINITY;
    if (session.will !== undefined && isWillNew) session.will.dueAtMs = now + session.will.delayInterval * 1000;
    if (stored.expiryInterval === 0) session.expiresAtMs = now;
    else if (stored.expiryInterval < NEVER_EXPIRES) {
      session.expiresAtMs =
        stored.expiresAt === undefined ? now + stored.expiryInterval * 1000 : core.fromWall(stored.expiresAt);
    }
    // Of a hundred thousand sessions most are as they were.
    if (beginsNow || isWillNew) this.save(session);
    core.driverNode.deadlines.watch(session);
  }
}

/** What the CONNECT of a connection, or the one before it, says of a session. */
function setTerms(session: ClientSession, terms: ConnectionTerms): void {
  session.protocolVersion = terms.protocolVersion;
  session.session.keepsRetain = terms.knowsOptions;
  session.username = terms.username;
  session.will = terms.will;
  session.expiresAtMs = terms.expiresAtMs;
  session.expiryInterval = terms.expiryInterval;
  session.session.survives = terms.expiryInterval > 0;
}
