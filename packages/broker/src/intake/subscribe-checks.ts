import { encodeUtf8, isSharedFilter, ReasonCode } from '@hawser/codec';
import type { CloseCode, CloseDetail } from '@hawser/protocol';
import type { Permission } from '../policy/answers.ts';
import type { Counters } from '../recorder/counters.ts';
import type { SubscriptionOptions } from '../routing/subscription.ts';
import { bytesOfSubscription } from '../routing/subscription-list.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import type { Settings } from '../settings.ts';
import type { StoreGuard } from '../stores/store-guard.ts';

/** What it takes to see whether a subscription can be granted. */
export interface SubscribeChecksCore {
  readonly settings: Settings;
  readonly counters: Pick<Counters, 'quotaRefusals' | 'subscribesDenied'>;
  readonly registry: Pick<SessionRegistry, 'stateBytes'>;
  readonly guard: Pick<StoreGuard, 'refusal'>;
}

/** Why a Topic Filter is refused: what the SUBACK says, and the code under which it is recorded. */
export interface SubscribeRefusal {
  readonly code: CloseCode;
  readonly reasonCode: number;
  readonly detail: CloseDetail;
}

/** What would be granted to a client. */
export interface WantedSubscription {
  readonly topicFilter: string;
  readonly options: SubscriptionOptions;
  readonly identifier: number | undefined;
}

/** Whether the Authorizer permits it. */
export function checkPermission(
  { counters }: SubscribeChecksCore,
  { decision }: Permission,
  topicFilter: string,
): SubscribeRefusal | undefined {
  if (decision !== 'deny' && decision !== 'unknown') return undefined;
  counters.subscribesDenied++;
  if (decision === 'deny') {
    const detail: CloseDetail = { is: 'subscription-not-permitted', topicFilter };
    return { code: 'not-authorized', reasonCode: ReasonCode.NotAuthorized, detail };
  }
  const detail: CloseDetail = { is: 'subscription-undecided', topicFilter };
  return { code: 'implementation-specific-error', reasonCode: ReasonCode.ImplementationSpecificError, detail };
}

/** Whether there is room for it: among those of the client, among those of all, in the store. */
export function checkRoomFor(
  core: SubscribeChecksCore,
  session: ClientSession,
  { topicFilter, options, identifier }: WantedSubscription,
): SubscribeRefusal | undefined {
  const refusal = checkLength(core, topicFilter) ?? checkBounds(core, session, topicFilter);
  if (refusal !== undefined) {
    core.counters.quotaRefusals++;
    return refusal;
  }
  const cannot = session.isStored ? core.guard.refusal : undefined;
  if (cannot === undefined || session.subscriptions.get(topicFilter)?.isSameAs(options, identifier)) return undefined;
  return overQuota({ is: 'subscription-not-kept', topicFilter, why: cannot });
}

function checkLength({ settings }: SubscribeChecksCore, topicFilter: string): SubscribeRefusal | undefined {
  const longest = settings['limits.topicBytes'];
  if (topicFilter.length > longest / 3 && encodeUtf8(topicFilter).length > longest)
    return notValid({ is: 'subscription-too-long', topicFilter, limit: longest });
  const levels = topicFilter.split('/').length;
  const deepest = settings['limits.topicLevels'];
  return levels > deepest ? notValid({ is: 'subscription-too-deep', topicFilter, levels, limit: deepest }) : undefined;
}

/** One that is only repeated has its place. */
function checkBounds(
  { settings, registry }: SubscribeChecksCore,
  { subscriptions }: ClientSession,
  topicFilter: string,
): SubscribeRefusal | undefined {
  if (subscriptions.has(topicFilter)) return undefined;
  const mostShared = settings['limits.sharedSubscriptions'];
  if (subscriptions.shared >= mostShared && isSharedFilter(topicFilter))
    return overQuota({ is: 'shared-subscriptions-full', topicFilter, limit: mostShared });
  if (subscriptions.bytes + bytesOfSubscription(topicFilter) > settings['limits.subscriptionBytes'])
    return overQuota({ is: 'subscription-no-room', topicFilter });
  if (registry.stateBytes >= settings['sessions.bytes'])
    return overQuota({ is: 'subscription-no-room-node', topicFilter });
  const most = settings['limits.subscriptions'];
  return subscriptions.size >= most ? overQuota({ is: 'subscriptions-full', topicFilter, limit: most }) : undefined;
}

function notValid(detail: CloseDetail): SubscribeRefusal {
  return { code: 'topic-filter-invalid', reasonCode: ReasonCode.TopicFilterInvalid, detail };
}

function overQuota(detail: CloseDetail): SubscribeRefusal {
  return { code: 'quota-exceeded', reasonCode: ReasonCode.QuotaExceeded, detail };
}
