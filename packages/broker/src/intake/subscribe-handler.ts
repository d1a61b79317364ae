import {
  encodeUtf8,
  isSharedFilter,
  PacketType,
  parseTopicFilter,
  type QoS,
  ReasonCode,
  type Subscription as RequestedSubscription,
  type SubscribePacket,
  type UnsubscribePacket,
} from '@hawser/codec';
import { type CloseCode, type CloseDetail, NO_TICKET, type Ticket } from '@hawser/protocol';
import { causeText } from '../causes/cause-text.ts';
import type { BrokerCore } from '../core.ts';
import { WORK_OF_FILTER } from '../node/work-kinds.ts';
import { ALLOWED, type Permission, UNKNOWN } from '../policy/answers.ts';
import { isPromise } from '../policy/policies.ts';
import { Subscription, type SubscriptionOptions } from '../routing/subscription.ts';
import { bytesOfSubscription } from '../routing/subscription-list.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import type { ClientHandler } from './client-handler.ts';
import { fitsSuback, reasonString } from './reason-string.ts';

/** Topic Filters of one SUBSCRIBE that an Authorizer with promises is asked about before the next are. */
const ASKED_AT_ONCE = 32;

/** What a SUBACK refuses with, and the code under which it is recorded. */
interface RefusalCode {
  readonly code: CloseCode;
  readonly reasonCode: number;
}

const NOT_PERMITTED: RefusalCode = { code: 'not-authorized', reasonCode: ReasonCode.NotAuthorized };
const UNDECIDED: RefusalCode = {
  code: 'implementation-specific-error',
  reasonCode: ReasonCode.ImplementationSpecificError,
};
const OVER_QUOTA: RefusalCode = { code: 'quota-exceeded', reasonCode: ReasonCode.QuotaExceeded };
const NOT_VALID: RefusalCode = { code: 'topic-filter-invalid', reasonCode: ReasonCode.TopicFilterInvalid };

/** Refusals of one SUBSCRIBE that are told in words. */
const MOST_REASONS = 10;

/** SUBSCRIBE and UNSUBSCRIBE of one client, and the retained messages that follow. */
export class SubscribeHandler {
  readonly #handler: ClientHandler;
  readonly #core: BrokerCore;
  readonly #session: ClientSession;

  constructor(handler: ClientHandler) {
    this.#handler = handler;
    this.#core = handler.core;
    this.#session = handler.clientSession;
  }

  handleSubscribe(packet: SubscribePacket): void {
    this.#handler.runSteps(this.#subscribe(packet));
  }

  handleUnsubscribe(packet: UnsubscribePacket): void {
    this.#handler.runSteps(this.#unsubscribe(packet));
  }

  *#unsubscribe(packet: UnsubscribePacket): Generator<undefined, void> {
    const { connection } = this.#handler;
    const { turn } = this.#core.driverNode;
    const reasonCodes: number[] = [];
    let ticket: Ticket = NO_TICKET;
    // [MQTT311-3.10.4-6] [MQTT5-3.10.4-6] [MQTT5-3.11.3-1]
    for (const topicFilter of packet.topicFilters) {
      turn.spend(PacketType.UNSUBSCRIBE, WORK_OF_FILTER);
      if (turn.isOver) {
        yield;
        if (connection.closeCause !== undefined) break;
      }
      const known = this.#session.subscriptions.get(topicFilter);
      if (known === undefined) {
        // [MQTT311-3.10.4-5] [MQTT5-3.11.3-2]
        reasonCodes.push(ReasonCode.NoSubscriptionExisted);
        continue;
      }
      this.#session.subscriptions.delete(topicFilter);
      // [MQTT311-3.10.4-1] [MQTT311-3.10.4-2] [MQTT5-3.10.4-1] [MQTT5-3.10.4-2]
      this.#core.router.routes.remove(known);
      this.#session.replays?.delete(topicFilter);
      if (this.#session.isStored) {
        ticket = this.#core.journal.append({ kind: 'deleteSubscription', session: this.#session.number, topicFilter });
      }
      reasonCodes.push(0);
    }
    this.#session.account();
    const { packetIdentifier } = packet;
    const answer = connection.version === 5 ? reasonCodes : [];
    // [MQTT311-3.10.4-4] [MQTT5-3.10.4-4] [MQTT5-3.10.4-5]
    const unsuback = { type: 'unsuback', packetIdentifier, properties: undefined, reasonCodes: answer } as const;
    connection.acknowledgeWith(unsuback, ticket, this.#core.now());
    connection.releaseAcks();
  }

  #permitted({ topicFilter, qos }: RequestedSubscription, now: number): Permission | Promise<Permission> {
    const { client, permissions } = this.#handler;
    if (client === undefined || this.#core.policies.authorize === undefined) return ALLOWED;
    const { filter } = parseTopicFilter(topicFilter);
    return permissions.decide({ client, action: 'subscribe', topic: filter, qos, retain: false }, now);
  }

  /** Whether each Topic Filter is permitted: all are asked for before the first is added. */
  *#decide(packet: SubscribePacket): Generator<undefined | Promise<unknown>, readonly Permission[] | undefined> {
    const { turn } = this.#core.driverNode;
    const decisions: (Permission | Promise<Permission>)[] = [];
    let asked = 0;
    for (const requested of packet.subscriptions) {
      if (turn.isOver) {
        yield;
        if (this.#handler.connection.closeCause !== undefined) return undefined;
      }
      const decision = this.#permitted(requested, this.#core.now());
      decisions.push(decision);
      // A service is asked about so many at a time: who waits for it is not turned away because of this one.
      if (isPromise(decision) && ++asked % ASKED_AT_ONCE === 0) yield decision;
    }
    if (asked === 0) return decisions as Permission[];
    let decided: readonly Permission[] | undefined;
    yield Promise.all(decisions).then((all) => {
      decided = all;
    });
    return decided;
  }

  *#subscribe(packet: SubscribePacket): Generator<undefined | Promise<unknown>, void> {
    const { connection } = this.#handler;
    const { turn } = this.#core.driverNode;
    const { policies, permissions } = this.#core;
    let generation = policies.generation;
    let decisions = yield* this.#decide(packet);
    // Rules that have changed while they were asked about have voided the answers.
    while (decisions !== undefined && generation !== policies.generation) {
      generation = policies.generation;
      decisions = yield* this.#decide(packet);
    }
    if (decisions === undefined || connection.closeCause !== undefined) return;
    const reasonCodes: number[] = [];
    const refusals: CloseDetail[] = [];
    const identifier = packet.properties?.subscriptionIdentifier;
    let ticket: Ticket = NO_TICKET;
    // [MQTT311-3.8.4-4] [MQTT311-3.9.3-1] [MQTT5-3.8.4-5] [MQTT5-3.8.4-6] [MQTT5-3.9.3-1]
    for (const [i, requested] of packet.subscriptions.entries()) {
      turn.spend(PacketType.SUBSCRIBE, WORK_OF_FILTER);
      if (turn.isOver) {
        yield;
        if (connection.closeCause !== undefined) return;
      }
      const { topicFilter } = requested;
      const permission = decisions[i] ?? UNKNOWN;
      const { decision } = permission;
      if (decision === 'deny' || decision === 'unknown') {
        this.#core.counters.subscribesDenied++;
        const refusal = decision === 'deny' ? NOT_PERMITTED : UNDECIDED;
        const is = decision === 'deny' ? 'subscription-not-permitted' : 'subscription-undecided';
        reasonCodes.push(this.#refuse(requested, refusal, { is, topicFilter }, refusals));
        continue;
      }
      const { subscriptions } = this.#session;
      const levels = requested.topicFilter.split('/').length;
      const full =
        subscriptions.size >= this.#core.settings['limits.subscriptions'] && !subscriptions.has(requested.topicFilter);
      const over = this.#isOver(requested.topicFilter);
      if (over !== undefined) {
        this.#core.counters.quotaRefusals++;
        reasonCodes.push(this.#refuse(requested, over.code, over.detail, refusals));
        continue;
      }
      if (full || levels > this.#core.settings['limits.topicLevels']) {
        this.#core.counters.quotaRefusals++;
        const limit = this.#core.settings[full ? 'limits.subscriptions' : 'limits.topicLevels'];
        const refusal = full
          ? this.#refuse(requested, OVER_QUOTA, { is: 'subscriptions-full', topicFilter, limit }, refusals)
          : this.#refuse(requested, NOT_VALID, { is: 'subscription-too-deep', topicFilter, levels, limit }, refusals);
        reasonCodes.push(refusal);
        continue;
      }
      const options = this.#optionsOf(requested, decision === 'filter');
      const cannot = this.#session.isStored ? this.#core.guard.refusal : undefined;
      if (cannot !== undefined && !subscriptions.get(topicFilter)?.isSameAs(options, identifier)) {
        const detail: CloseDetail = { is: 'subscription-not-kept', topicFilter, why: cannot };
        reasonCodes.push(this.#refuse(requested, OVER_QUOTA, detail, refusals));
        continue;
      }
      if (options.isFiltered) this.#session.isRestricted = true;
      if (options.isFiltered && refusals.length < MOST_REASONS)
        refusals.push({ is: 'subscription-filtered', topicFilter });
      ticket = Math.max(ticket, this.#add(topicFilter, options, identifier));
      permissions.onGranted(this.#session, permission);
      reasonCodes.push(requested.qos);
    }
    const { packetIdentifier } = packet;
    const now = this.#core.now();
    // [MQTT311-3.8.4-1] [MQTT311-3.8.4-2] [MQTT311-2.3.1-7] [MQTT5-3.8.4-1] [MQTT5-3.8.4-2] [MQTT5-2.2.1-6]
    const properties = this.#wordsOf(refusals, reasonCodes.length);
    connection.acknowledgeWith({ type: 'suback', packetIdentifier, properties, reasonCodes }, ticket, now);
    connection.releaseAcks();
    this.#session.replays?.run(now);
  }

  /** Why a Topic Filter is too long for what one client, or all, may have. */
  #isOver(topicFilter: string): { readonly code: RefusalCode; readonly detail: CloseDetail } | undefined {
    const { settings, registry } = this.#core;
    const { subscriptions } = this.#session;
    const longest = settings['limits.topicBytes'];
    if (topicFilter.length > longest / 3 && encodeUtf8(topicFilter).length > longest) {
      return { code: NOT_VALID, detail: { is: 'subscription-too-long', topicFilter, limit: longest } };
    }
    if (subscriptions.has(topicFilter)) return undefined;
    const mostShared = settings['limits.sharedSubscriptions'];
    if (subscriptions.shared >= mostShared && isSharedFilter(topicFilter)) {
      return { code: OVER_QUOTA, detail: { is: 'shared-subscriptions-full', topicFilter, limit: mostShared } };
    }
    const bytes = subscriptions.bytes + bytesOfSubscription(topicFilter);
    if (bytes > settings['limits.subscriptionBytes']) {
      return { code: OVER_QUOTA, detail: { is: 'subscription-no-room', topicFilter } };
    }
    if (registry.stateBytes >= settings['sessions.bytes']) {
      return { code: OVER_QUOTA, detail: { is: 'subscription-no-room-node', topicFilter } };
    }
    return undefined;
  }

  /** What a SUBACK says in words, to who wants them: why subscriptions were refused (section 3.9.2.1.2). */
  #wordsOf(refusals: readonly CloseDetail[], reasonCodes: number): { readonly reasonString: string } | undefined {
    const { connection } = this.#handler;
    // [MQTT5-3.1.2-29]
    if (refusals.length === 0 || !connection.sendsProblemInformation) return undefined;
    const words = reasonString(refusals.map((detail) => causeText({ code: '', detail }, 'en')).join('; '));
    return fitsSuback(words, reasonCodes, connection.peerMaximumPacketSize) ? { reasonString: words } : undefined;
  }

  /** Tells why, and returns what the SUBACK says. */
  #refuse(
    requested: RequestedSubscription,
    { code, reasonCode }: RefusalCode,
    detail: CloseDetail,
    refusals: CloseDetail[],
  ): number {
    const { client } = this.#handler;
    const { observer } = this.#core;
    const { topicFilter } = requested;
    if (refusals.length < MOST_REASONS) refusals.push(detail);
    if (client !== undefined) {
      observer.onSubscribeRefused?.({ client, topicFilter, code, reasonCode, detail, at: this.#core.wallNow() });
    }
    return this.#refusalCode(requested.qos, reasonCode);
  }

  /** 5.0 says why, 3.1.1 has 0x80; 3.1 has no refusal: the QoS is granted and nothing delivered (docs/conformance.md). */
  #refusalCode(qos: QoS, reasonCode: number): number {
    const { version } = this.#handler.connection;
    return version === 5 ? reasonCode : version === 4 ? 0x80 : qos;
  }

  /** What is granted. A 3.x bridge (the level's high bit) gets none of its own messages back, and RETAIN as it was published. */
  #optionsOf(requested: RequestedSubscription, isFiltered: boolean): SubscriptionOptions {
    return this.#handler.isBridge
      ? { ...requested, noLocal: !isSharedFilter(requested.topicFilter), retainAsPublished: true, isFiltered }
      : { ...requested, isFiltered };
  }

  /** Adds or replaces one subscription [MQTT5-3.8.4-3]. */
  #add(topicFilter: string, options: SubscriptionOptions, identifier: number | undefined): Ticket {
    const { guard, router, settings } = this.#core;
    const { retainHandling } = options;
    const { share, filter } = parseTopicFilter(topicFilter);
    const known = this.#session.subscriptions.get(topicFilter);
    const shared = share === undefined ? undefined : router.routes.sharedGroup(topicFilter, filter);
    const subscription = new Subscription(this.#session, topicFilter, options, identifier, shared);
    // [MQTT311-3.8.4-3] [MQTT5-3.8.4-4]
    if (known !== undefined) router.routes.remove(known);
    this.#session.subscriptions.set(subscription);
    this.#session.account();
    router.routes.add(subscription);
    // Retained messages do not go to shared subscriptions [MQTT5-4.8.2].
    // [MQTT311-3.3.1-6] [MQTT5-3.3.1-9] [MQTT5-3.3.1-10] [MQTT5-3.3.1-11]
    const wanted = share === undefined && (retainHandling === 0 || (retainHandling === 1 && known === undefined));
    const hasRetained = wanted && settings['limits.retainedMessages'] > 0;
    const owes = hasRetained && this.#session.beginReplay(subscription);
    const isSame = known?.isSameAs(options, identifier) === true;
    // While nothing can be stored, what would not change a subscription is granted, and what it is owed is known in memory alone.
    const notes = owes && this.#session.isStored && !(isSame && guard.refusal !== undefined);
    const notedAt = notes ? this.#core.wallNow() : this.#session.replays?.notedAt(topicFilter);
    // As it was: it is on disk, or on its way there.
    if (!isSame || notes)
      this.#session.subscriptionTicket = this.#session.saveSubscription(topicFilter, notedAt, false);
    const ticket = this.#session.isStored ? this.#session.subscriptionTicket : NO_TICKET;
    this.#session.replays?.follow(topicFilter, ticket, notedAt);
    return ticket;
  }
}
