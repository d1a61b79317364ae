import { encodeUtf8 } from '@hawser/codec';
import type { BrokerCore } from '../core.ts';
import { Work } from '../node/work-kinds.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import { Audiences } from './audiences.ts';
import { FanoutGroup, type SegmentPool } from './fanout-group.ts';
import { hasWildcard } from './levels.ts';
import { Audience, type Fan, type GroupMember, type GroupTarget, Route, type RouteEntry } from './route.ts';
import { SharedGroup } from './shared-group.ts';
import { type LocalSubscriber, Subscription } from './subscription.ts';
import { SubscriptionTree } from './subscription-tree.ts';
import { TopicIndex } from './topic-index.ts';
import { WORK_OF_DELIVERY } from './work.ts';

/** Steps of a search among remembered topics that each topic pays for. */
/** To take one subscription out of the tree: half of what it takes to ask for and add one. */
const WORK_OF_REMOVAL = 1200;
const WALK_CREDIT = 64;
/** To find a subscriber of a topic, and to see that it is the same as another topic's: 50 nanoseconds. */
const WORK_OF_COMPARING = 3;

type Subscriber = Subscription | SharedGroup | LocalSubscriber;

/**
 * From a topic to its receivers: the tree of subscriptions, the routes that are remembered of it until one of their receivers
 * changes, the fan-out groups they share, and the shared subscriptions.
 */
export class RouteTable {
  readonly #core: BrokerCore;
  readonly #tree = new SubscriptionTree<Subscriber>();
  readonly #shared = new Map<string, SharedGroup>();
  readonly #routes = new TopicIndex<Route>();
  readonly #audiences = new Audiences<Subscriber>();
  readonly #groups = new Map<string, FanoutGroup>();
  readonly #segments: SegmentPool;
  #routeBytes = 0;
  #walkCredit = 0;
  #work = 0;

  constructor(core: BrokerCore) {
    this.#core = core;
    this.#segments = { bytes: 0, limit: core.settings['fanout.segmentBytes'] };
  }

  /** New bounds, from now on. */
  configure(settings: BrokerCore['settings']): void {
    this.#segments.limit = settings['fanout.segmentBytes'];
  }

  /** Buffers of all fan-out groups. */
  get segmentBytes(): number {
    return this.#segments.bytes;
  }

  /** Topics whose receivers are remembered, and what that takes, as estimated. */
  get routeCount(): number {
    return this.#routes.size;
  }

  get routeBytes(): number {
    return this.#routeBytes;
  }

  get subscriptionCount(): number {
    return this.#tree.size;
  }

  /** Subscriptions that share what matches them with others. */
  get sharedSubscriptionCount(): number {
    let count = 0;
    for (const { members } of this.#shared.values()) count += members.length;
    return count;
  }

  /** There is a shared subscription. */
  get hasSharedSubscriptions(): boolean {
    return this.#shared.size > 0;
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** The shared subscription of that name; made when it is not there. */
  sharedGroup(topicFilter: string, filter: string): SharedGroup {
    let group = this.#shared.get(topicFilter);
    if (group === undefined) {
      group = new SharedGroup(topicFilter, filter);
      this.#shared.set(topicFilter, group);
    }
    return group;
  }

  findSharedGroup(topicFilter: string): SharedGroup | undefined {
    return this.#shared.get(topicFilter);
  }

  add(subscription: Subscription): void {
    const group = subscription.shared;
    if (group === undefined) this.#tree.add(subscription);
    else {
      if (group.members.length === 0) {
        this.#shared.set(group.topicFilter, group);
        this.#tree.add(group);
      }
      group.members.push(subscription);
    }
    this.invalidate(subscription.filter);
  }

  remove(subscription: Subscription): void {
    this.#leaveTree(subscription);
    this.invalidate(subscription.filter);
  }

  #leaveTree(subscription: Subscription): void {
    const group = subscription.shared;
    if (group === undefined) {
      this.#tree.remove(subscription);
      return;
    }
    if (!group.remove(subscription) || group.members.length > 0) return;
    this.#tree.remove(group);
    this.#shared.delete(group.topicFilter);
  }

  addLocal(subscriber: LocalSubscriber): void {
    this.#tree.add(subscriber);
    this.invalidate(subscriber.filter);
  }

  removeLocal(subscriber: LocalSubscriber): void {
    this.#tree.remove(subscriber);
    this.invalidate(subscriber.filter);
  }

  /** Forgets the receivers of all topics that a filter matches: something about them has changed. */
  invalidate(filter: string): void {
    if (!hasWildcard(filter)) {
      const route = this.#routes.get(filter);
      if (route !== undefined) this.#forget(route);
      return;
    }
    const cursor = this.#routes.cursor(filter);
    const stale: Route[] = [];
    while (!cursor.done) {
      const left = this.#walkCredit - cursor.visited;
      if (left <= 0) {
        this.#forgetAll();
        return;
      }
      const route = cursor.next(left);
      if (route !== undefined) stale.push(route);
    }
    this.#walkCredit -= cursor.visited;
    for (const route of stale) this.#forget(route);
  }

  /**
   * Looking for the topics that a filter matches may take as many steps as topics have been remembered, times a constant;
   * then all are forgotten, so that whoever subscribes again and again pays no more than it costs to find their receivers.
   */
  #forgetAll(): void {
    for (const route of [...this.#routes.values()]) this.#forget(route);
    this.#walkCredit = 0;
  }

  /**
   * The connection of a session has come, gone or changed its ways: topics that it receives are looked up anew. The session knows in which
   * audiences it is, however many subscriptions it has.
   */
  invalidateSession(session: ClientSession): void {
    for (const audience of [...session.audiences]) {
      this.#leave(audience);
    }
  }

  /** The session has ended: nothing is routed to it any more. Its subscriptions leave the tree over the next turns, however many they are. */
  removeSession(session: ClientSession): void {
    this.invalidateSession(session);
    const subscriptions: Subscription[] = [];
    for (const subscription of session.subscriptions.values()) {
      // Few by `limits.sharedSubscriptions`; what its messages are passed on to must not have it any more.
      if (subscription.shared === undefined) subscriptions.push(subscription);
      else this.remove(subscription);
    }
    const { turn } = this.#core.driverNode;
    this.#removeSome(subscriptions);
    if (subscriptions.length > 0) {
      turn.later({
        runSlice: () => {
          this.#removeSome(subscriptions);
          return subscriptions.length > 0;
        },
      });
    }
  }

  /** Those that fit the go of this task; at least one. */
  #removeSome(subscriptions: Subscription[]): void {
    const { turn } = this.#core.driverNode;
    do {
      const subscription = subscriptions.pop();
      if (subscription === undefined) return;
      turn.spend(Work.session, WORK_OF_REMOVAL);
      this.#leaveTree(subscription);
    } while (!turn.isOver);
  }

  /** The receivers of a topic: remembered, or looked up in the tree and remembered. */
  find(topic: string): Route {
    const known = this.#routes.get(topic);
    if (known !== undefined) {
      if (!known.audience.isStale) return known;
      this.#forget(known);
    }
    const subscribers: Subscriber[] = [];
    this.#tree.visited = 0;
    this.#tree.match(topic, (subscriber) => {
      if (!(subscriber instanceof Subscription) || (!subscriber.session.ended && subscriber.mayDeliver(topic)))
        subscribers.push(subscriber);
    });
    this.#work += (WORK_OF_DELIVERY >> 2) * this.#tree.visited + WORK_OF_COMPARING * subscribers.length;
    const route = new Route({ name: topic, bytes: encodeUtf8(topic) }, this.#audienceOf(subscribers));
    // Counted with the first topic that has it, and held before room is made.
    const isNew = route.audience.uses++ === 0;
    const bytes = route.bytes + (isNew ? route.audience.bytes : 0);
    this.#makeRoomFor(bytes);
    this.#routes.set(topic, route);
    this.#routeBytes += bytes;
    this.#walkCredit = Math.min(this.#walkCredit + WALK_CREDIT, WALK_CREDIT * this.#routes.size);
    return route;
  }

  /** The receivers that these subscribers make: those of another topic, or sorted anew. */
  #audienceOf(subscribers: readonly Subscriber[]): Audience {
    const known = this.#audiences.find(subscribers);
    if (known !== undefined) return known;
    const entries: RouteEntry[] = [];
    const shared: SharedGroup[] = [];
    const locals: LocalSubscriber[] = [];
    const merge = this.#core.settings['subscriptions.overlapping'] === 'merge';
    const bySession = new Map<ClientSession, RouteEntry>();
    for (const subscriber of subscribers) {
      if (subscriber instanceof SharedGroup) shared.push(subscriber);
      else if ('onMessage' in subscriber) locals.push(subscriber);
      else {
        const entry = merge ? bySession.get(subscriber.session) : undefined;
        if (entry === undefined) {
          // [MQTT5-3.3.4-5]
          const made = entryOf(subscriber);
          bySession.set(subscriber.session, made);
          entries.push(made);
        } else mergeInto(entry, subscriber);
      }
    }
    this.#work += WORK_OF_DELIVERY * entries.length;
    const audience = new Audience(entries, shared, locals);
    this.#audiences.add(subscribers, audience);
    return audience;
  }

  #makeRoomFor(bytes: number): void {
    const { settings } = this.#core;
    while (this.#routes.size >= settings['limits.routes'] || this.#routeBytes + bytes > settings['limits.routeBytes']) {
      const oldest = this.#routes.oldest();
      const stale = oldest === undefined ? undefined : this.#routes.get(oldest);
      if (stale === undefined) return;
      this.#forget(stale);
      this.#core.counters.routesEvicted++;
    }
  }

  #forget(route: Route): void {
    route.forget();
    const { audience } = route;
    this.#routeBytes -= route.bytes;
    this.#routes.delete(route.topic.name);
    if (--audience.uses > 0) return;
    if (!audience.isStale) this.#leave(audience);
  }

  /** Topics that have it are looked up anew when they are published to next. */
  #leave(audience: Audience): void {
    this.#routeBytes -= audience.bytes;
    this.#audiences.delete(audience);
    audience.leave();
    const { fans } = audience;
    for (const [kind, fan] of fans.entries()) {
      if (fan === undefined) continue;
      fans[kind] = undefined;
      for (const { group, key } of fan.groups) {
        group.uses--;
        if (group.uses > 0) continue;
        this.#groups.delete(key);
        group.retire();
      }
    }
  }

  /** Who gets what when a message of one kind is published: QoS over 0 is 1, RETAIN is 2. */
  fanOf(route: Route, kind: number): Fan {
    return route.fans[kind] ?? this.#buildFan(route, kind);
  }

  /** What looking up receivers has taken since this was last asked. */
  takeWork(): number {
    const work = this.#work;
    this.#work = 0;
    return work;
  }

  /** Sorts the receivers of one kind of message: who gets the same bytes as others, and who is served alone. */
  #buildFan(route: Route, kind: number): Fan {
    const atQos0 = (kind & 1) === 0;
    const retained = (kind & 2) !== 0;
    const audiences = new Map<string, RouteEntry[]>();
    const singles: RouteEntry[] = [];
    const isEach = this.#core.settings['subscriptions.overlapping'] === 'each';
    const grouped = new Set<ClientSession>();
    for (const entry of route.entries) {
      const { session } = entry;
      const plain =
        (atQos0 || entry.qos === 0) && !entry.noLocal && entry.own === undefined && entry.identifiers === undefined;
      // A group holds each of its members once: further copies come by themselves.
      if (!plain || !session.takesSharedBytes || grouped.has(session)) {
        singles.push(entry);
        continue;
      }
      if (isEach) grouped.add(session);
      const framed = session.member?.output.framing === undefined ? '' : 'w';
      const key = `${session.session.connection?.version === 5 ? 5 : 3}${framed}${retained && entry.retainAsPublished ? 'r' : ''}`;
      const audience = audiences.get(key);
      if (audience === undefined) audiences.set(key, [entry]);
      else audience.push(entry);
    }
    const groups: GroupTarget[] = [];
    for (const [kindKey, audience] of audiences) {
      if (audience.length < this.#core.settings['fanout.minimumMembers']) singles.push(...audience);
      else groups.push(this.#groupOf(kindKey, audience));
    }
    const fan: Fan = { groups, singles };
    route.fans[kind] = fan;
    return fan;
  }

  /** The group with just this audience: topics with the same receivers share it. */
  #groupOf(kindKey: string, audience: readonly RouteEntry[]): GroupTarget {
    const members = audience
      .map((entry) => entry.session.member)
      .filter((member): member is GroupMember => member !== undefined)
      .sort((a, b) => a.memberNumber - b.memberNumber);
    const key = `${kindKey}:${members.map((member) => member.memberNumber).join()}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const { flushQueue, turn } = this.#core.driverNode;
      group = new FanoutGroup(members, flushQueue, turn, this.#segments);
      this.#groups.set(key, group);
    }
    group.uses++;
    let maximumPacketSize = Number.POSITIVE_INFINITY;
    for (const { session } of audience)
      maximumPacketSize = Math.min(maximumPacketSize, session.session.connection?.peerMaximumPacketSize ?? 0);
    return { group, key, five: kindKey.startsWith('5'), retain: kindKey.endsWith('r'), maximumPacketSize };
  }
}

function entryOf({ session, qos, noLocal, retainAsPublished, identifier }: Subscription): RouteEntry {
  const identifiers = identifier === undefined ? undefined : [identifier];
  return { session, qos, noLocal, retainAsPublished, identifiers, own: undefined };
}

function mergeInto(entry: RouteEntry, subscription: Subscription): void {
  if (entry.noLocal !== subscription.noLocal) {
    entry.own ??= entry.noLocal ? entryOf(subscription) : { ...entry, identifiers: entry.identifiers?.slice() };
  } else if (!subscription.noLocal && entry.own !== undefined) mergeInto(entry.own, subscription);
  // [MQTT311-3.3.5-1] [MQTT5-3.3.4-2]
  if (subscription.qos > entry.qos) entry.qos = subscription.qos;
  // A copy comes by each subscription; No Local keeps back only its own [MQTT5-3.8.3-3].
  entry.noLocal = entry.noLocal && subscription.noLocal;
  entry.retainAsPublished = entry.retainAsPublished || subscription.retainAsPublished;
  if (subscription.identifier !== undefined) {
    entry.identifiers ??= [];
    // [MQTT5-3.3.4-3] [MQTT5-3.3.4-4]
    entry.identifiers.push(subscription.identifier);
  }
}
