import { ReasonCode } from '@hawser/codec';
import type { BrokerCore } from '../core.ts';
import { Subscription } from '../routing/subscription.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import type { Will } from '../sessions/will.ts';
import type { Permission } from './answers.ts';
import { type ClientInfo, isPromise } from './policies.ts';

/**
 * Deliveries follow the rules: a subscription whose client may no longer have it stays with its session, but nothing is
 * delivered for it until it is permitted again. What was queued before is still delivered.
 */
export class DeliveryPermissions {
  readonly #core: BrokerCore;
  readonly #suspended = new WeakSet<Subscription>();
  #everSuspended = false;

  constructor(core: BrokerCore) {
    this.#core = core;
  }

  /** The rules have changed. */
  reviseAll(): void {
    if (this.#core.policies.authorize === undefined && !this.#everSuspended) return;
    for (const session of this.#core.registry.values()) this.revise(session);
  }

  /** What is known of one client has changed, or it has come back. */
  revise(session: ClientSession): void {
    if (this.#core.policies.authorize === undefined && !this.#everSuspended) return;
    if (session.subscriptions.size === 0) return;
    const client = clientOf(session);
    for (const subscription of [...session.subscriptions.values()]) {
      const decision = this.#ask(client, subscription);
      if (isPromise(decision)) decision.then((decided) => this.#apply(subscription, decided));
      else this.#apply(subscription, decision);
    }
  }

  /** Whether a Will may be published now. */
  mayPublishWill(session: ClientSession, { message }: Will): Permission | Promise<Permission> {
    return this.#core.policies.mayPublishWill(undefined, clientOf(session), {
      topic: message.topic.name,
      qos: message.qos,
      retain: message.retain,
    });
  }

  #ask(client: ClientInfo, { filter, qos }: Subscription): Permission | Promise<Permission> {
    return this.#core.policies.maySubscribe(undefined, {
      client,
      action: 'subscribe',
      topic: filter,
      qos,
      retain: false,
    });
  }

  #apply(subscription: Subscription, { decision }: Permission): void {
    const { session, topicFilter, filter } = subscription;
    const { router, counters } = this.#core;
    // Nobody could say: it stays as it is.
    if (decision === 'unknown' || session.subscriptions.get(topicFilter) !== subscription) return;
    const isSuspended = this.#suspended.has(subscription);
    if (decision === 'deny' && !isSuspended) {
      this.#suspended.add(subscription);
      this.#everSuspended = true;
      counters.subscriptionsSuspended++;
      router.routes.remove(subscription);
      const text = `the subscription to ${topicFilter} is no longer permitted: nothing is delivered for it`;
      const { observer } = this.#core;
      observer.onSubscribeRefused?.({
        client: clientOf(session),
        topicFilter,
        reasonCode: ReasonCode.NotAuthorized,
        text,
        at: this.#core.wallNow(),
      });
    } else if (decision === 'allow' && isSuspended) {
      // A shared group that lost its last member is another one now.
      const shared = subscription.shared === undefined ? undefined : router.routes.sharedGroup(topicFilter, filter);
      const again = new Subscription(session, topicFilter, subscription.granted, subscription.identifier, shared);
      session.subscriptions.set(again);
      router.routes.add(again);
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
