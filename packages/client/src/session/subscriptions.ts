import {
  encodeClientPacket,
  filterFault,
  isSharedFilter,
  type QoS,
  reasonCodeName,
  type SubackPacket,
  type SubscribePacket,
  type SubscribeProperties,
  type Subscription,
  topicMatches,
  type UnsubackPacket,
  type UnsubscribePacket,
  violation,
} from '@hawser/codec';
import type { ClientConnection } from '@hawser/protocol';
import { checkOptions, pairsOf } from '../check-options.ts';
import { ClosedError, RefusedError, UsageError } from '../errors.ts';
import type { Negotiated } from '../negotiated.ts';
import type { SubscribeOptions, UnsubscribeOptions } from '../options.ts';
import { checkQoS, onlyIn5 } from '../outgoing-message.ts';
import { abortable } from '../promises.ts';
import type { Grant, UnsubscribeResult } from '../results.ts';
import { refusal, said, tooLarge } from './refusal.ts';

type Answer = SubackPacket | UnsubackPacket;

/** SUBSCRIBE and UNSUBSCRIBE under way at once: messages leave them so many Packet Identifiers, and some. */
const MOST_SENT = 500;

/** Topic Filters that were given up are remembered, so many: messages under way still come by them. */
const MOST_GIVEN_UP = 1000;

/** A subscription as it is asked for, with what else its SUBSCRIBE has. */
interface Entry {
  readonly subscription: Subscription;
  /** Of the SUBSCRIBE that asked for it: one object for each. */
  readonly properties: SubscribeProperties;
  /** A Subscription Identifier for a server that has them. */
  readonly identifier: number | undefined;
}

/** A SUBSCRIBE, or an UNSUBSCRIBE, that waits for a connection or an answer. */
interface Request extends PromiseWithResolvers<Answer> {
  /** What answers it. */
  readonly type: Answer['type'];
  /** How many Topic Filters it has. */
  readonly length: number;
  /** Throws for what this server does not have. */
  readonly packetOf: (packetIdentifier: number) => SubscribePacket | UnsubscribePacket;
}

/**
 * SUBSCRIBE and UNSUBSCRIBE: those under way, in order, are sent again with every connection; what was granted is remembered, so
 * that it can be asked for again.
 */
export interface Subscriptions {
  /** How many are not answered. */
  readonly pending: number;
  has(packetIdentifier: number): boolean;
  /** The program has unsubscribed from what brings this topic, and from all that does. */
  isGivenUp(topic: string): boolean;
  /** Throws UsageError at once; everything else rejects. */
  subscribe(topicFilters: readonly string[], options: SubscribeOptions, identifier?: number): Promise<Grant[]>;
  unsubscribe(topicFilters: readonly string[], options: UnsubscribeOptions): Promise<UnsubscribeResult[]>;
  /** The server has no session: what follows on with `attach` asks first for all that was granted once more. Returns how many. */
  restore(): number;
  attach(connection: ClientConnection, negotiated: Negotiated): void;
  detach(): void;
  /** Throws ProtocolError when nothing like it was asked. */
  handleAnswer(packet: Answer): void;
  /** Resolves when all that is pending now has been answered. */
  whenIdle(): Promise<unknown>;
  close(error: unknown): void;
}

/** `nextIdentifier`: a Packet Identifier that nothing else uses. */
export function subscriptionsOf(
  nextIdentifier: () => number,
  host: { warn(code: string, text: string): void },
): Subscriptions {
  const granted = new Map<string, Entry>();
  /** Topic Filters that the program has asked for, and those that it does not want any more. */
  const wanted = new Set<string>();
  const givenUp = new Set<string>();
  const sent = new Map<number, Request>();
  let waiting: Request[] = [];
  let connection: ClientConnection | undefined;
  /** With the server of this connection or the last one. */
  let agreed: Negotiated | undefined;

  const giveUp = (topicFilter: string): void => {
    wanted.delete(topicFilter);
    givenUp.add(topicFilter);
    // The oldest goes.
    if (givenUp.size > MOST_GIVEN_UP) givenUp.delete(givenUp.values().next().value ?? '');
  };

  /** As soon as there is a connection. */
  const send = (request: Request): void => {
    if (!connection || sent.size >= MOST_SENT) {
      waiting.push(request);
      return;
    }
    const packetIdentifier = nextIdentifier();
    try {
      const packet = request.packetOf(packetIdentifier);
      // [MQTT5-3.1.2-24]
      if (!connection.write(packet)) {
        const { length } = encodeClientPacket(packet, connection.version);
        throw tooLarge(`the ${packet.type.toUpperCase()}`, length, connection);
      }
      sent.set(packetIdentifier, request);
    } catch (error) {
      request.reject(error);
    }
  };

  const sendWaiting = (): void => {
    while (connection && sent.size < MOST_SENT && waiting.length > 0) send(waiting.shift() as Request);
  };

  const ask = async (
    type: Answer['type'],
    length: number,
    packetOf: Request['packetOf'],
    signal: AbortSignal | undefined,
  ): Promise<Answer> => {
    signal?.throwIfAborted();
    const request: Request = { type, length, packetOf, ...Promise.withResolvers<Answer>() };
    send(request);
    return abortable(request.promise, signal, () => {
      // What was sent is answered all the same.
      waiting = waiting.filter((other) => other !== request);
      request.reject(signal?.reason);
    });
  };

  /** `warning`: its code when some are refused. */
  const subscribe = async (entries: readonly Entry[], warning: string, signal?: AbortSignal): Promise<Grant[]> => {
    const { properties, identifier } = entries[0] as Entry;
    const subscriptions = entries.map(({ subscription }) => subscription);
    const packetOf = (packetIdentifier: number): SubscribePacket => {
      const negotiated = agreed as Negotiated;
      checkLimits(subscriptions, properties, negotiated);
      const subscriptionIdentifier = negotiated.subscriptionIdentifierAvailable.effective ? identifier : undefined;
      return {
        type: 'subscribe',
        packetIdentifier,
        subscriptions,
        properties: { ...properties, subscriptionIdentifier },
      };
    };
    const answer = await ask('suback', entries.length, packetOf, signal);
    const refused: string[] = [];
    const grants = entries.map((entry, i): Grant => {
      const { topicFilter } = entry.subscription;
      const reasonCode = answer.reasonCodes[i] ?? 0x80;
      const reason = reasonCode === 0 ? 'granted-qos-0' : reasonCodeName(reasonCode);
      const isGranted = reasonCode < 0x80;
      if (isGranted) granted.set(topicFilter, entry);
      else {
        granted.delete(topicFilter);
        giveUp(topicFilter);
        refused.push(`'${topicFilter}': ${reason}`);
      }
      return { topicFilter, qos: isGranted ? (reasonCode as QoS) : undefined, reasonCode, reason };
    });
    if (refused.length === 0) return grants;
    const text = `the server refused to subscribe to ${refused.join(', ')}${said(answer.properties?.reasonString)}`;
    const [{ reason, reasonCode }] = grants as [Grant];
    if (refused.length === grants.length) throw new RefusedError(reason, reasonCode, text, grants);
    host.warn(warning, text);
    return grants;
  };

  const detach = (): void => {
    connection = undefined;
    waiting.unshift(...sent.values());
    sent.clear();
  };

  return {
    get pending() {
      return waiting.length + sent.size;
    },

    has: (packetIdentifier) => sent.has(packetIdentifier),

    isGivenUp(topic) {
      const isOne = (filter: string): boolean => topicMatches(filter, topic);
      return [...givenUp].some(isOne) && ![...wanted].some(isOne);
    },

    subscribe(topicFilters, options, identifier = options.subscriptionIdentifier) {
      checkFilters(topicFilters);
      checkSubscribe(options, agreed);
      for (const filter of topicFilters) {
        wanted.add(filter);
        givenUp.delete(filter);
      }
      const { signal, subscriptionIdentifier } = options;
      const properties = { subscriptionIdentifier, userProperties: pairsOf(options.userProperties) };
      const entries = topicFilters.map((filter) => ({
        subscription: toSubscription(filter, options),
        properties,
        identifier,
      }));
      return subscribe(entries, 'subscription-refused', signal);
    },

    async unsubscribe(topicFilters, options) {
      checkFilters(topicFilters);
      checkOptions('unsubscribe', options, ['signal', 'userProperties']);
      for (const filter of topicFilters) giveUp(filter);
      const { signal } = options;
      const userProperties = pairsOf(options.userProperties);
      const packetOf = (packetIdentifier: number): UnsubscribePacket => ({
        type: 'unsubscribe',
        packetIdentifier,
        topicFilters: [...topicFilters],
        properties: { userProperties },
      });
      const { reasonCodes } = await ask('unsuback', topicFilters.length, packetOf, signal);
      return topicFilters.map((topicFilter, i) => {
        const reasonCode = reasonCodes[i] ?? 0;
        if (reasonCode < 0x80) granted.delete(topicFilter);
        return { topicFilter, reasonCode };
      });
    },

    restore() {
      // In packets as they were asked for. What is under way comes after, for it has the last word; these are under way too now.
      const groups = Map.groupBy(granted.values(), ({ properties }) => properties);
      const { size } = granted;
      granted.clear();
      const later = waiting.splice(0);
      for (const entries of groups.values()) {
        subscribe(entries, 'subscription-lost').catch((error) => {
          // A limit of this server is none of the next one.
          if (!error.grants) for (const entry of entries) granted.set(entry.subscription.topicFilter, entry);
          if (!(error instanceof ClosedError)) host.warn('subscription-lost', `after reconnecting: ${error}`);
        });
      }
      waiting.push(...later);
      return size;
    },

    attach(to, negotiated) {
      connection = to;
      agreed = negotiated;
      sendWaiting();
    },

    detach,

    handleAnswer(answer) {
      const { type, packetIdentifier, reasonCodes } = answer;
      const request = sent.get(packetIdentifier);
      // In 3.x UNSUBACK has no Reason Codes.
      if (request?.type !== type || ![0, request.length].includes(reasonCodes.length))
        throw violation(type.toUpperCase(), 'unexpected-answer', packetIdentifier);
      sent.delete(packetIdentifier);
      request.resolve(answer);
      sendWaiting();
    },

    whenIdle: () => Promise.allSettled([...waiting, ...sent.values()].map(({ promise }) => promise)),

    close(error) {
      detach();
      for (const request of waiting.splice(0)) request.reject(error);
    },
  };
}

/** One or several, as a list. */
export function listOf(filters: string | readonly string[]): readonly string[] {
  return [filters].flat();
}

/** Throws UsageError. */
export function checkFilters(topicFilters: readonly string[]): void {
  if (topicFilters.length === 0) throw new UsageError('no-topic-filters', 'there is no Topic Filter');
  for (const topicFilter of topicFilters) {
    const fault = typeof topicFilter === 'string' ? filterFault(topicFilter) : 'it is not text';
    if (fault) throw new UsageError('topic-filter-invalid', `'${topicFilter}' is no Topic Filter: ${fault}`);
  }
}

const ONLY_5 = ['noLocal', 'retainAsPublished', 'retainHandling', 'subscriptionIdentifier', 'userProperties'] as const;
const SUBSCRIBE_NAMES: readonly string[] = [...ONLY_5, 'qos', 'signal'];

function checkSubscribe(options: SubscribeOptions, negotiated: Negotiated | undefined): void {
  checkOptions('subscribe', options, SUBSCRIBE_NAMES);
  const { qos = 0 } = options;
  checkQoS(qos);
  if ((negotiated?.protocolVersion.effective ?? 5) === 5) return;
  const option = ONLY_5.find((name) => options[name] !== undefined);
  if (option) throw onlyIn5(option);
}

function toSubscription(topicFilter: string, options: SubscribeOptions): Subscription {
  const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = options;
  // [MQTT5-3.8.3-4]
  if (noLocal && isSharedFilter(topicFilter))
    throw new UsageError('no-local-shared', `noLocal: not for a Shared Subscription ('${topicFilter}')`);
  return { topicFilter, qos, noLocal, retainAsPublished, retainHandling };
}

/** What the server has announced that it does not have is not asked for. */
function checkLimits(
  subscriptions: readonly Subscription[],
  { subscriptionIdentifier }: SubscribeProperties,
  negotiated: Negotiated,
): void {
  const topicFilters = subscriptions.map(({ topicFilter }) => topicFilter);
  const { sharedSubscriptionAvailable, wildcardSubscriptionAvailable, subscriptionIdentifierAvailable } = negotiated;
  const checks = [
    [sharedSubscriptionAvailable, topicFilters.some(isSharedFilter), 0x9e],
    [wildcardSubscriptionAvailable, /[+#]/.test(`${topicFilters}`), 0xa2],
    [subscriptionIdentifierAvailable, subscriptionIdentifier, 0xa1],
  ] as const;
  for (const [{ effective }, isUsed, reasonCode] of checks)
    if (isUsed && !effective) throw refusal(`'${topicFilters}' at this server`, reasonCode);
}
