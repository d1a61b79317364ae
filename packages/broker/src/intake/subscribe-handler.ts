import {
  isSharedFilter,
  PacketType,
  parseTopicFilter,
  type Subscription as RequestedSubscription,
  type SubscribePacket,
} from '@hawser/codec';
import { NO_TICKET, type ServerConnection, type Ticket } from '@hawser/protocol';
import type { Steps, TurnBudget } from '../node/turn-budget.ts';
import { WORK_OF_FILTER } from '../node/work-kinds.ts';
import { ALLOWED, type Permission, UNKNOWN } from '../policy/answers.ts';
import type { DeliveryPermissions } from '../policy/delivery-permissions.ts';
import type { PermissionCache } from '../policy/permission-cache.ts';
import { type ClientInfo, isPromise } from '../policy/policies.ts';
import type { PolicyDesk } from '../policy/policy-desk.ts';
import type { Observer } from '../recorder/observer.ts';
import type { RouteTable } from '../routing/route-table.ts';
import { Subscription, type SubscriptionOptions } from '../routing/subscription.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import { Suback, type SubackConnection } from './suback.ts';
import {
  checkPermission,
  checkRoomFor,
  type SubscribeChecksCore,
  type WantedSubscription,
} from './subscribe-checks.ts';

/** Topic Filters of one SUBSCRIBE that an Authorizer with promises is asked about before the next are. */
const ASKED_AT_ONCE = 32;

/** What granting subscriptions needs of the broker. */
export interface SubscribeCore extends SubscribeChecksCore {
  readonly observer: Pick<Observer, 'onSubscribeRefused'>;
  readonly driverNode: { readonly turn: Pick<TurnBudget, 'isOver' | 'spend'> };
  readonly policies: Pick<PolicyDesk, 'authorize' | 'generation'>;
  readonly permissions: Pick<DeliveryPermissions, 'onGranted'>;
  readonly router: { readonly routes: Pick<RouteTable, 'add' | 'remove' | 'sharedGroup'> };
  now(): number;
  wallNow(): number;
}

/** The client that subscribes. */
export interface Subscriber {
  readonly connection: SubackConnection & Pick<ServerConnection, 'closeCause'>;
  readonly clientSession: ClientSession;
  readonly info: ClientInfo;
  /** It is another broker (3.x). */
  readonly isBridge: boolean;
  readonly permissions: Pick<PermissionCache, 'decide'>;
  /** See `Client.runSteps`. */
  runSteps(steps: Steps<void>): void;
}

/** SUBSCRIBE of any client, and the retained messages that follow. */
export class SubscribeHandler {
  readonly #core: SubscribeCore;

  constructor(core: SubscribeCore) {
    this.#core = core;
  }

  handleSubscribe(client: Subscriber, packet: SubscribePacket): void {
    client.runSteps(this.#subscribe(client, packet));
  }

  *#subscribe(client: Subscriber, packet: SubscribePacket): Generator<undefined | Promise<unknown>, void> {
    const { clientSession: session, connection } = client;
    const { driverNode, policies } = this.#core;
    const { turn } = driverNode;
    let generation = policies.generation;
    let decisions = yield* this.#decide(client, packet);
    // Rules that have changed while they were asked about have voided the answers.
    while (decisions !== undefined && generation !== policies.generation) {
      generation = policies.generation;
      decisions = yield* this.#decide(client, packet);
    }
    if (decisions === undefined || connection.closeCause !== undefined) return;
    const identifier = packet.properties?.subscriptionIdentifier;
    const suback = new Suback(connection);
    let ticket: Ticket = NO_TICKET;
    // [MQTT311-3.8.4-4] [MQTT311-3.9.3-1] [MQTT5-3.8.4-5] [MQTT5-3.8.4-6] [MQTT5-3.9.3-1]
    for (const [i, requested] of packet.subscriptions.entries()) {
      turn.spend(PacketType.SUBSCRIBE, WORK_OF_FILTER);
      if (turn.isOver) {
        yield;
        if (connection.closeCause !== undefined) return;
      }
      const added = this.#handle(client, requested, identifier, decisions[i] ?? UNKNOWN, suback);
      ticket = Math.max(ticket, added);
    }
    const now = this.#core.now();
    suback.send(packet, ticket, now);
    session.replays?.run(now);
  }

  /** Whether each Topic Filter is permitted: all are asked for before the first is added. */
  *#decide(
    client: Subscriber,
    packet: SubscribePacket,
  ): Generator<undefined | Promise<unknown>, readonly Permission[] | undefined> {
    const { turn } = this.#core.driverNode;
    const decisions: (Permission | Promise<Permission>)[] = [];
    let asked = 0;
    for (const requested of packet.subscriptions) {
      if (turn.isOver) {
        yield;
        if (client.connection.closeCause !== undefined) return undefined;
      }
      const decision = this.#permitted(client, requested, this.#core.now());
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

  #permitted(
    { info, permissions }: Subscriber,
    { topicFilter, qos }: RequestedSubscription,
    now: number,
  ): Permission | Promise<Permission> {
    if (this.#core.policies.authorize === undefined) return ALLOWED;
    const { filter } = parseTopicFilter(topicFilter);
    return permissions.decide({ client: info, action: 'subscribe', topic: filter, qos, retain: false }, now);
  }

  /** Grants or refuses one subscription; its ticket. */
  #handle(
    client: Subscriber,
    requested: RequestedSubscription,
    identifier: number | undefined,
    permission: Permission,
    suback: Suback,
  ): Ticket {
    const core = this.#core;
    const { clientSession: session, info } = client;
    const { topicFilter, qos } = requested;
    const options = optionsOf(requested, client.isBridge, permission.decision === 'filter');
    const wanted = { topicFilter, options, identifier };
    const refusal = checkPermission(core, permission, topicFilter) ?? checkRoomFor(core, session, wanted);
    if (refusal !== undefined) {
      const { code, reasonCode, detail } = refusal;
      suback.refuse(qos, reasonCode, detail);
      core.observer.onSubscribeRefused?.({ client: info, topicFilter, code, reasonCode, detail, at: core.wallNow() });
      return NO_TICKET;
    }
    if (options.isFiltered === true) {
      session.isRestricted = true;
      suback.tell({ is: 'subscription-filtered', topicFilter });
    }
    const ticket = this.#add(session, wanted);
    core.permissions.onGranted(session, permission);
    suback.grant(qos);
    return ticket;
  }

  /** Adds or replaces one subscription [MQTT5-3.8.4-3]. */
  #add(session: ClientSession, { topicFilter, options, identifier }: WantedSubscription): Ticket {
    const { guard, router, settings } = this.#core;
    const { retainHandling } = options;
    const { share, filter } = parseTopicFilter(topicFilter);
    const known = session.subscriptions.get(topicFilter);
    const shared = share === undefined ? undefined : router.routes.sharedGroup(topicFilter, filter);
    const subscription = new Subscription(session, topicFilter, options, identifier, shared);
    // [MQTT311-3.8.4-3] [MQTT5-3.8.4-4]
    if (known !== undefined) router.routes.remove(known);
    session.subscriptions.set(subscription);
    session.account();
    router.routes.add(subscription);
    // Retained messages do not go to shared subscriptions [MQTT5-4.8.2].
    // [MQTT311-3.3.1-6] [MQTT5-3.3.1-9] [MQTT5-3.3.1-10] [MQTT5-3.3.1-11]
    const wanted = share === undefined && (retainHandling === 0 || (retainHandling === 1 && known === undefined));
    const hasRetained = wanted && settings['limits.retainedMessages'] > 0;
    const owes = hasRetained && session.beginReplay(subscription);
    const isSame = known?.isSameAs(options, identifier) === true;
    // While nothing can be stored, what would not change a subscription is granted, and what it is owed is known in memory alone.
    const notes = owes && session.isStored && !(isSame && guard.refusal !== undefined);
    const notedAt = notes ? this.#core.wallNow() : session.replays?.notedAt(topicFilter);
    // As it was: it is on disk, or on its way there.
    if (!isSame || notes) session.subscriptionTicket = session.saveSubscription(topicFilter, notedAt, false);
    const ticket = session.isStored ? session.subscriptionTicket : NO_TICKET;
    session.replays?.follow(topicFilter, ticket, notedAt);
    return ticket;
  }
}

/** What is granted. A 3.x bridge (the level's high bit) gets none of its own messages back, and RETAIN as it was published. */
function optionsOf(requested: RequestedSubscription, isBridge: boolean, isFiltered: boolean): SubscriptionOptions {
  return isBridge
    ? { ...requested, noLocal: !isSharedFilter(requested.topicFilter), retainAsPublished: true, isFiltered }
    : { ...requested, isFiltered };
}
