import {
  filterFault,
  isSharedFilter,
  reasonCodeName,
  type SubackPacket,
  type Subscription,
  type UnsubackPacket,
} from '@hawser/codec';
import type { Grant, UnsubscribeResult } from '../api.ts';
import { ClosedError, RefusedError, UsageError } from '../errors.ts';
import type { Negotiated } from '../negotiated.ts';
import type { SubscribeOptions, UnsubscribeOptions } from '../options.ts';
import type { Requests, SubscribeRequest } from './requests.ts';

interface Entry {
  readonly subscription: Subscription;
  readonly identifier: number | undefined;
  readonly userProperties: SubscribeOptions['userProperties'];
}

/** The subscriptions that were granted, so that they can be made again; and how they are asked for and given up. */
export class SubscriptionBook {
  readonly #requests: Requests;
  readonly #warn: (code: string, text: string) => void;
  readonly #granted = new Map<string, Entry>();
  #lastIdentifier = 0;

  constructor(requests: Requests, warn: (code: string, text: string) => void) {
    this.#requests = requests;
    this.#warn = warn;
  }

  get filters(): Iterable<string> {
    return this.#granted.keys();
  }

  /** A Subscription Identifier that no other subscription of this client has. */
  nextIdentifier(): number {
    return ++this.#lastIdentifier;
  }

  subscribe(
    topicFilters: readonly string[],
    options: SubscribeOptions,
    negotiated: Negotiated | undefined,
    identifier: number | undefined,
  ): Promise<Grant[]> {
    checkFilters(topicFilters);
    checkOptions(options, negotiated);
    const subscriptions = topicFilters.map((topicFilter) => toSubscription(topicFilter, options));
    const refusal =
      negotiated && subscriptions.map((subscription) => limitError(subscription, identifier, negotiated)).find(Boolean);
    if (refusal) return Promise.reject(refusal);
    const { signal, userProperties } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const request: SubscribeRequest = {
        kind: 'subscribe',
        subscriptions,
        identifier,
        userProperties,
        onAnswer: (packet) => {
          const grants = this.#take(request, packet);
          if (grants.some(({ qos }) => qos !== undefined)) {
            for (const { qos, topicFilter, reason } of grants) {
              if (qos === undefined)
                this.#warn(
                  'subscription-refused',
                  `the server refused the subscription to '${topicFilter}': ${reason}`,
                );
            }
            resolve(grants);
          } else reject(refused(grants, packet));
        },
        onFailed: reject,
      };
      this.#requests.add(request);
      onAbort(signal, (reason) => {
        this.#requests.takeBack(request);
        reject(reason);
      });
    });
  }

  unsubscribe(topicFilters: readonly string[], options: UnsubscribeOptions): Promise<UnsubscribeResult[]> {
    checkFilters(topicFilters);
    const { signal, userProperties } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const request = {
        kind: 'unsubscribe' as const,
        topicFilters,
        userProperties,
        onAnswer: (packet: UnsubackPacket) => {
          resolve(
            topicFilters.map((topicFilter, i) => {
              const reasonCode = packet.reasonCodes[i] ?? 0;
              if (reasonCode < 0x80) this.#granted.delete(topicFilter);
              return { topicFilter, reasonCode };
            }),
          );
        },
        onFailed: reject,
      };
      this.#requests.add(request);
      onAbort(signal, (reason) => {
        this.#requests.takeBack(request);
        reject(reason);
      });
    });
  }

  /** The server has no session: asks for all that was granted once more, before anything else is sent. Returns how many. */
  restore(): number {
    const groups = Map.groupBy(this.#granted.values(), ({ identifier, userProperties }) =>
      JSON.stringify([identifier, userProperties]),
    );
    for (const entries of groups.values()) {
      const first = entries[0] as Entry;
      const request: SubscribeRequest = {
        kind: 'subscribe',
        subscriptions: entries.map(({ subscription }) => subscription),
        identifier: first.identifier,
        userProperties: first.userProperties,
        onAnswer: (packet) => {
          for (const { qos, topicFilter, reason } of this.#take(request, packet)) {
            if (qos === undefined)
              this.#warn(
                'subscription-lost',
                `after reconnecting the server refused the subscription to '${topicFilter}': ${reason}`,
              );
          }
        },
        onFailed: (error) => {
          if (!(error instanceof ClosedError))
            this.#warn('subscription-lost', `a subscription could not be made again: ${String(error)}`);
        },
      };
      this.#requests.add(request);
    }
    return this.#granted.size;
  }

  #take({ subscriptions, identifier, userProperties }: SubscribeRequest, packet: SubackPacket): Grant[] {
    return subscriptions.map((subscription, i) => {
      const { topicFilter } = subscription;
      const reasonCode = packet.reasonCodes[i] ?? 0x80;
      const isGranted = reasonCode < 0x80;
      if (isGranted) this.#granted.set(topicFilter, { subscription, identifier, userProperties });
      else this.#granted.delete(topicFilter);
      const qos = reasonCode === 1 || reasonCode === 2 ? reasonCode : 0;
      const reason = reasonCode === 0 ? 'granted-qos-0' : reasonCodeName(reasonCode);
      return { topicFilter, qos: isGranted ? qos : undefined, reasonCode, reason };
    });
  }
}

/** One or several, as a list. */
export function listOf(filters: string | readonly string[]): readonly string[] {
  return typeof filters === 'string' ? [filters] : filters;
}

function checkFilters(topicFilters: readonly string[]): void {
  if (topicFilters.length === 0) throw new UsageError('no-topic-filters', 'there is no Topic Filter to subscribe to');
  for (const topicFilter of topicFilters) {
    const fault = typeof topicFilter === 'string' ? filterFault(topicFilter) : 'it is not text';
    if (fault !== undefined)
      throw new UsageError('topic-filter-invalid', `'${String(topicFilter)}' is no Topic Filter: ${fault}`);
  }
}

const ONLY_5 = ['noLocal', 'retainAsPublished', 'retainHandling', 'subscriptionIdentifier', 'userProperties'] as const;

function checkOptions(options: SubscribeOptions, negotiated: Negotiated | undefined): void {
  const { qos } = options;
  if (qos !== undefined && qos !== 0 && qos !== 1 && qos !== 2)
    throw new UsageError('not-one-of', `qos: ${String(qos)} is not one of 0, 1, 2`);
  if (negotiated === undefined || negotiated.protocolVersion.effective === 5) return;
  const option = ONLY_5.find((name) => options[name] !== undefined);
  if (option !== undefined) throw new UsageError('option-not-in-this-version', `${option}: only MQTT 5.0 has it`);
}

function toSubscription(topicFilter: string, options: SubscribeOptions): Subscription {
  const noLocal = options.noLocal ?? false;
  // [MQTT5-3.8.3-4]
  if (noLocal && isSharedFilter(topicFilter)) {
    throw new UsageError('no-local-shared', `noLocal: a Shared Subscription ('${topicFilter}') can't have it`);
  }
  return {
    topicFilter,
    qos: options.qos ?? 0,
    noLocal,
    retainAsPublished: options.retainAsPublished ?? false,
    retainHandling: options.retainHandling ?? 0,
  };
}

/** What the server has announced that it does not have is not asked for. */
function limitError(
  { topicFilter }: Subscription,
  identifier: number | undefined,
  negotiated: Negotiated,
): RefusedError | undefined {
  if (isSharedFilter(topicFilter) && !negotiated.sharedSubscriptionAvailable.effective) {
    const text = `'${topicFilter}': this server has no Shared Subscriptions`;
    return new RefusedError('shared-subscriptions-not-supported', 0x9e, text);
  }
  if (/[+#]/.test(topicFilter) && !negotiated.wildcardSubscriptionAvailable.effective) {
    const text = `'${topicFilter}': this server takes no wildcards in Topic Filters`;
    return new RefusedError('wildcard-subscriptions-not-supported', 0xa2, text);
  }
  if (identifier !== undefined && !negotiated.subscriptionIdentifierAvailable.effective) {
    return new RefusedError(
      'subscription-identifiers-not-supported',
      0xa1,
      'this server has no Subscription Identifiers',
    );
  }
  return undefined;
}

function refused(grants: readonly Grant[], packet: SubackPacket): RefusedError {
  const first = grants[0];
  const said = packet.properties?.reasonString === undefined ? '' : ` (${packet.properties.reasonString})`;
  const which = grants.map(({ topicFilter, reason }) => `'${topicFilter}': ${reason}`).join(', ');
  return new RefusedError(
    first?.reason ?? 'unspecified-error',
    first?.reasonCode ?? 0x80,
    `the server refused to subscribe to ${which}${said}`,
    grants,
  );
}

function onAbort(signal: AbortSignal | undefined, callback: (reason: unknown) => void): void {
  signal?.addEventListener('abort', () => callback(signal.reason), { once: true });
}
