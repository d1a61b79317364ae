import { ReasonCode } from '@hawser/codec';
import type { BrokerCore } from '../core.ts';
import type { Delivery } from '../messages/delivery.ts';
import type { Timed } from '../node/deadlines.ts';
import { Subscription } from '../routing/subscription.ts';
import { SubscriptionTree } from '../routing/subscription-tree.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import type { Will } from '../sessions/will.ts';
import type { Permission } from './answers.ts';
import { type ClientInfo, isPromise } from './policies.ts';

/** Subscriptions of one session that an Authorizer with promises is asked about at once. */
const ASKED_AT_ONCE = 32;
/** Sessions that such an Authorizer is asked about at once; the others are held back until it is their turn. */
const SESSIONS_AT_ONCE = 32;
/** How long after nobody could say it is asked again. */
const ASK_AGAIN_MS = 5000;

/** A session whose subscriptions are looked at again at a time: an allow has ended, or nobody could say. */
class Recheck implements Timed {
  readonly atMs: number;
  readonly #onDue: () => void;
  #isDone = false;

  constructor(atMs: number, onDue: () => void) {
    this.atMs = atMs;
    this.#onDue = onDue;
  }

  nextTimeout(): number {
    return this.#isDone ? Number.POSITIVE_INFINITY : this.atMs;
  }

  handleTimeout(): void {
    this.#isDone = true;
    this.#onDue();
  }
}

/** By filter: which topics a session may have, where some of its subscriptions are suspended. */
interface Deliverable {
  readonly tree: SubscriptionTree<Subscription>;
  /** `SubscriptionList.changes` when it was made. */
  readonly changes: number;
}

/**
 * What is delivered is permitted at that moment. A subscription whose client may no longer have it stays with its session, but nothing is
 * delivered for it, from a queue or a replay either, until it is permitted again. While nobody can say, the whole session is held back: its
 * messages wait in its queue. A session whose client has not come back since the broker started is asked about when it does.
 */
export class DeliveryPermissions {
  readonly #core: BrokerCore;
  /** The last question about each session: answers to earlier ones are void. */
  readonly #asked = new WeakMap<ClientSession, object>();
  readonly #rechecks = new WeakMap<ClientSession, Recheck>();
  readonly #deliverable = new WeakMap<ClientSession, Deliverable>();
  /** Held back until it is their turn to be asked about. */
  readonly #waiting = new Set<ClientSession>();
  #underWay = 0;
  #everRevised = false;

  constructor(core: BrokerCore) {
    this.#core = core;
  }

  /** The rules have changed. */
  reviseAll(): void {
    for (const session of this.#core.registry.values()) this.revise(session);
  }

  /** What is known of one client has changed, or it has come back. */
  revise(session: ClientSession): void {
    if (this.#core.policies.authorize === undefined && !this.#everRevised) return;
    this.#everRevised = true;
    this.#asked.delete(session);
    this.#waiting.delete(session);
    // Nobody is there to be sent anything: what it may have is found out when its client comes, with all that is known of it then.
    if (session.client === undefined || session.ended) return;
    if (this.#underWay >= SESSIONS_AT_ONCE && session.subscriptions.size > 0) {
      this.#hold(session);
      this.#waiting.add(session);
      return;
    }
    this.#revise(session, [...session.subscriptions.values()], 0, Number.POSITIVE_INFINITY);
  }

  /** A subscription was granted: its permission may end. */
  onGranted(session: ClientSession, { expiresAt }: Permission): void {
    if (Number.isFinite(expiresAt)) this.#recheckAt(session, this.#core.fromWall(expiresAt));
  }

  /** Whether a message that has waited in a session may be delivered now. */
  mayDeliver(session: ClientSession, { shared, message }: Delivery): boolean {
    const { subscriptions } = session;
    const { name } = message.topic;
    if (shared !== undefined) return subscriptions.get(shared)?.mayDeliver(name) !== false;
    let known = this.#deliverable.get(session);
    if (known?.changes !== subscriptions.changes) {
      const tree = new SubscriptionTree<Subscription>();
      for (const one of subscriptions.values()) if (one.shared === undefined) tree.add(one);
      known = { tree, changes: subscriptions.changes };
      this.#deliverable.set(session, known);
    }
    // What matches nothing any more was queued before an UNSUBSCRIBE, and may still be delivered (section 3.10.4).
    let isForbidden = false;
    let isPermitted = false;
    known.tree.match(name, (subscription) => {
      if (subscription.mayDeliver(name)) isPermitted = true;
      else isForbidden = true;
    });
    return isPermitted || !isForbidden;
  }

  /** Whether a Will may be published now. */
  mayPublishWill(session: ClientSession, { message }: Will): Permission | Promise<Permission> {
    return this.#core.policies.mayPublishWill(undefined, clientOf(session), {
      topic: message.topic.name,
      qos: message.qos,
      retain: message.retain,
    });
  }

  /** Whether a message to this topic is delivered for a subscription that was granted with `filter`. */
  mayReceive(session: ClientSession, topic: string): boolean {
    return this.#core.policies.mayReceive(clientOf(session), topic);
  }

  /** Goes through the subscriptions from one on; with promises so many at a time. `until`: when the first allow so far ends. */
  #revise(session: ClientSession, subscriptions: readonly Subscription[], from: number, until: number): void {
    const client = clientOf(session);
    let ends = until;
    let isUnknown = false;
    const promised: Promise<Permission>[] = [];
    const promisedOf: Subscription[] = [];
    let next = from;
    const take = (subscription: Subscription, permission: Permission): void => {
      this.#apply(subscription, permission);
      if (permission.decision === 'allow') ends = Math.min(ends, permission.expiresAt);
      isUnknown ||= permission.decision === 'unknown';
    };
    for (; next < subscriptions.length && promised.length < ASKED_AT_ONCE && !isUnknown; next++) {
      const subscription = subscriptions[next] as Subscription;
      const permission = this.#ask(session, client, subscription);
      if (isPromise(permission)) {
        promised.push(permission);
        promisedOf.push(subscription);
      } else take(subscription, permission);
    }
    if (promised.length === 0) {
      this.#finish(session, isUnknown, ends);
      return;
    }
    this.#hold(session);
    const question = {};
    this.#asked.set(session, question);
    this.#underWay++;
    Promise.all(promised)
      .then((permissions) => {
        if (this.#asked.get(session) !== question) return;
        this.#asked.delete(session);
        for (const [i, permission] of permissions.entries()) take(promisedOf[i] as Subscription, permission);
        if (isUnknown || next >= subscriptions.length) this.#finish(session, isUnknown, ends);
        else this.#revise(session, subscriptions, next, ends);
      })
      .finally(() => {
        this.#underWay--;
        const [waiting] = this.#waiting;
        if (waiting !== undefined) this.revise(waiting);
      })
      .catch((error: unknown) => {
        const text = `an error in the broker itself while permissions of ${session.clientId} were looked at: ${String(error)}`;
        this.#core.observer.onWarning?.('internal-error', text);
      });
  }

  #ask(session: ClientSession, client: ClientInfo, { filter, qos }: Subscription): Permission | Promise<Permission> {
    const asker = session.holder?.asker;
    const request = { client, action: 'subscribe', topic: filter, qos, retain: false } as const;
    return this.#core.policies.maySubscribe(asker, request);
  }

  #finish(session: ClientSession, isUnknown: boolean, expiresAt: number): void {
    if (session.ended) return;
    const { holder } = session;
    if (isUnknown) {
      this.#hold(session);
      if (holder !== undefined) this.#recheckAt(session, this.#core.now() + ASK_AGAIN_MS);
      return;
    }
    this.#release(session);
    if (holder !== undefined && Number.isFinite(expiresAt)) this.#recheckAt(session, this.#core.fromWall(expiresAt));
  }

  #recheckAt(session: ClientSession, atMs: number): void {
    const { deadlines } = this.#core.driverNode;
    const known = this.#rechecks.get(session);
    if (known !== undefined && known.nextTimeout() <= atMs) return;
    if (known !== undefined) deadlines.unwatch(known);
    const recheck = new Recheck(atMs, () => {
      deadlines.unwatch(recheck);
      this.#rechecks.delete(session);
      // One that is away is asked about when it comes back.
      if (session.holder !== undefined && !session.ended) this.revise(session);
    });
    this.#rechecks.set(session, recheck);
    deadlines.watch(recheck);
  }

  #hold(session: ClientSession): void {
    if (session.session.isHeld) return;
    session.session.isHeld = true;
    this.#core.router.routes.invalidateSession(session);
  }

  #release(session: ClientSession): void {
    if (!session.session.isHeld) return;
    session.session.isHeld = false;
    this.#core.router.routes.invalidateSession(session);
    if (session.session.connection !== undefined) session.resume(this.#core.now());
  }

  #apply(subscription: Subscription, { decision }: Permission): void {
    const { session, topicFilter, filter } = subscription;
    const { router, counters } = this.#core;
    if (decision === 'unknown' || session.subscriptions.get(topicFilter) !== subscription) return;
    const { isSuspended } = subscription;
    if (decision === 'deny' && !isSuspended) {
      subscription.suspend();
      session.isRestricted = true;
      counters.subscriptionsSuspended++;
      router.routes.remove(subscription);
      const { observer } = this.#core;
      observer.onSubscribeRefused?.({
        client: clientOf(session),
        topicFilter,
        code: 'not-authorized',
        reasonCode: ReasonCode.NotAuthorized,
        detail: { is: 'subscription-suspended', topicFilter },
        at: this.#core.wallNow(),
      });
    } else if (decision !== 'deny' && (isSuspended || subscription.isFiltered || decision === 'filter')) {
      if (!isSuspended) router.routes.remove(subscription);
      // A shared group that lost its last member is another one now.
      const shared = subscription.shared === undefined ? undefined : router.routes.sharedGroup(topicFilter, filter);
      const again = new Subscription(
        session,
        topicFilter,
        { ...subscription.granted, isFiltered: decision === 'filter' },
        subscription.identifier,
        shared,
      );
      if (decision === 'filter') session.isRestricted = true;
      session.subscriptions.set(again);
      router.routes.add(again);
      if (session.session.connection !== undefined && !session.session.isHeld) session.resume(this.#core.now());
    }
  }
}

/** Who a session belongs to; of one that was only found in the store, what was written down: no address, no attributes. */
export function clientOf(session: ClientSession): ClientInfo {
  const { client, clientId, username, protocolVersion } = session;
  return (
    client ?? {
      clientId,
      username,
      protocolVersion,
      remoteAddress: '',
      remotePort: 0,
      listener: '',
      tls: undefined,
      userProperties: [],
    }
  );
}
