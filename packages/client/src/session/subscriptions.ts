import {
  type ClientPacket,
  encodeClientPacket,
  filterFault,
  isSharedFilter,
  type QoS,
  reasonCodeName,
  type SubackPacket,
  type SubscribeProperties,
  type Subscription,
  type UnsubackPacket,
} from '@hawser/codec';
import type { ClientConnection } from '@hawser/protocol';
import type { Grant, UnsubscribeResult } from '../api.ts';
import { ClosedError, RefusedError, UsageError } from '../errors.ts';
import type { Negotiated } from '../negotiated.ts';
import type { SubscribeOptions, UnsubscribeOptions } from '../options.ts';
import { abortable } from '../settle.ts';
import { refusal, tooLarge } from './refusal.ts';

type Answer = SubackPacket | UnsubackPacket;

/** A subscription as it is asked for, with what else its SUBSCRIBE has. */
interface Entry {
  readonly subscription: Subscription;
  readonly properties: SubscribeProperties;
}

/** A SUBSCRIBE, or an UNSUBSCRIBE, that waits for a connection or an answer. */
interface Request extends PromiseWithResolvers<Answer> {
  readonly answer: Answer['type'];
  readonly topicFilters: readonly string[];
  readonly subscriptions: readonly Subscription[];
  readonly properties: SubscribeProperties;
}

/**
 * SUBSCRIBE and UNSUBSCRIBE: those under way, in order, are sent again with every connection; what was granted is remembered, so
 * that it can be asked for again.
 */
export class Subscriptions {
  readonly #nextIdentifier: () => number;
  readonly #host: { warn(code: string, text: string): void };
  readonly #granted = new Map<string, Entry>();
  readonly #waiting: Request[] = [];
  readonly #sent = new Map<number, Request>();
  #connection: ClientConnection | undefined;

  /** `nextIdentifier`: a Packet Identifier that nothing else uses. */
  constructor(nextIdentifier: () => number, host: { warn(code: string, text: string): void }) {
    this.#nextIdentifier = nextIdentifier;
    this.#host = host;
  }

  get pending(): number {
    return this.#waiting.length + this.#sent.size;
  }

  has(packetIdentifier: number): boolean {
    return this.#sent.has(packetIdentifier);
  }

  /** Throws UsageError at once; everything else rejects. */
  subscribe(
    topicFilters: readonly string[],
    options: SubscribeOptions,
    negotiated: Negotiated | undefined,
    subscriptionIdentifier = options.subscriptionIdentifier,
  ): Promise<Grant[]> {
    checkFilters(topicFilters);
    checkOptions(options, negotiated);
    const { signal, userProperties } = options;
    const properties = {
      ...(subscriptionIdentifier && { subscriptionIdentifier }),
      ...(userProperties && { userProperties }),
    };
    const entries = topicFilters.map((filter) => ({ subscription: toSubscription(filter, options), properties }));
    return this.#subscribe(entries, 'subscription-refused', signal, negotiated);
  }

  async unsubscribe(
    topicFilters: readonly string[],
    { signal, userProperties }: UnsubscribeOptions,
  ): Promise<UnsubscribeResult[]> {
    checkFilters(topicFilters);
    const properties = userProperties ? { userProperties } : {};
    const { reasonCodes } = await this.#ask('unsuback', topicFilters, [], properties, signal);
    return topicFilters.map((topicFilter, i) => {
      const reasonCode = reasonCodes[i] ?? 0;
      if (reasonCode < 0x80) this.#granted.delete(topicFilter);
      return { topicFilter, reasonCode };
    });
  }

  /** The server has no session: asks for all that was granted once more, before anything else is sent. Returns how many. */
  restore(): number {
    const groups = Map.groupBy(this.#granted.values(), ({ properties }) => JSON.stringify(properties));
    for (const entries of groups.values()) {
      this.#subscribe(entries, 'subscription-lost').catch((error) => {
        if (!(error instanceof ClosedError)) this.#host.warn('subscription-lost', `after reconnecting: ${error}`);
      });
    }
    return this.#granted.size;
  }

  attach(connection: ClientConnection): void {
    this.#connection = connection;
    for (const request of this.#waiting.splice(0)) this.#send(request);
  }

  detach(): void {
    this.#connection = undefined;
    this.#waiting.unshift(...this.#sent.values());
    this.#sent.clear();
  }

  /** False: nothing like it was asked, a Protocol Error. */
  handleAnswer(packet: Answer): boolean {
    const request = this.#sent.get(packet.packetIdentifier);
    const { length } = packet.reasonCodes;
    // In 3.x UNSUBACK has none.
    if (request?.answer !== packet.type || (length > 0 && length !== request.topicFilters.length)) return false;
    this.#sent.delete(packet.packetIdentifier);
    request.resolve(packet);
    return true;
  }

  close(error: unknown): void {
    this.detach();
    for (const request of this.#waiting.splice(0)) request.reject(error);
  }

  /** `warning`: its code when some are refused. */
  async #subscribe(
    entries: readonly Entry[],
    warning: string,
    signal?: AbortSignal,
    negotiated?: Negotiated,
  ): Promise<Grant[]> {
    const { properties } = entries[0] as Entry;
    const subscriptions = entries.map(({ subscription }) => subscription);
    const topicFilters = subscriptions.map(({ topicFilter }) => topicFilter);
    if (negotiated) checkLimits(topicFilters, properties, negotiated);
    const packet = await this.#ask('suback', topicFilters, subscriptions, properties, signal);
    const refused: string[] = [];
    const grants = entries.map((entry, i): Grant => {
      const { topicFilter } = entry.subscription;
      const reasonCode = packet.reasonCodes[i] ?? 0x80;
      const reason = reasonCode === 0 ? 'granted-qos-0' : reasonCodeName(reasonCode);
      if (reasonCode < 0x80) {
        this.#granted.set(topicFilter, entry);
        return { topicFilter, qos: reasonCode as QoS, reasonCode, reason };
      }
      this.#granted.delete(topicFilter);
      refused.push(`'${topicFilter}': ${reason}`);
      return { topicFilter, qos: undefined, reasonCode, reason };
    });
    if (refused.length === 0) return grants;
    const said = packet.properties?.reasonString;
    const text = `the server refused to subscribe to ${refused.join(', ')}${said ? ` (${said})` : ''}`;
    const [{ reason, reasonCode }] = grants as [Grant];
    if (refused.length === grants.length) throw new RefusedError(reason, reasonCode, text, grants);
    this.#host.warn(warning, text);
    return grants;
  }

  async #ask(
    answer: Answer['type'],
    topicFilters: readonly string[],
    subscriptions: readonly Subscription[],
    properties: SubscribeProperties,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    signal?.throwIfAborted();
    const request: Request = { answer, topicFilters, subscriptions, properties, ...Promise.withResolvers<Answer>() };
    this.#send(request);
    return abortable(request.promise, signal, () => {
      // What was sent is answered all the same.
      const at = this.#waiting.indexOf(request);
      if (at >= 0) this.#waiting.splice(at, 1);
      request.reject(signal?.reason);
    });
  }

  /** As soon as there is a connection. */
  #send(request: Request): void {
    const connection = this.#connection;
    if (!connection) {
      this.#waiting.push(request);
      return;
    }
    const { version } = connection;
    const packetIdentifier = this.#nextIdentifier();
    const properties = version === 5 ? request.properties : undefined;
    const packet: ClientPacket =
      request.answer === 'suback'
        ? { type: 'subscribe', packetIdentifier, subscriptions: [...request.subscriptions], properties }
        : { type: 'unsubscribe', packetIdentifier, topicFilters: [...request.topicFilters], properties };
    try {
      // [MQTT5-3.1.2-24]
      if (!connection.write(packet)) {
        const { length } = encodeClientPacket(packet, version);
        throw tooLarge(`the ${packet.type.toUpperCase()}`, length, connection);
      }
      this.#sent.set(packetIdentifier, request);
    } catch (error) {
      request.reject(error);
    }
  }
}

/** One or several, as a list. */
export function listOf(filters: string | readonly string[]): readonly string[] {
  return [filters].flat();
}

function checkFilters(topicFilters: readonly string[]): void {
  if (topicFilters.length === 0) throw new UsageError('no-topic-filters', 'there is no Topic Filter');
  for (const topicFilter of topicFilters) {
    const fault = typeof topicFilter === 'string' ? filterFault(topicFilter) : 'it is not text';
    if (fault) throw new UsageError('topic-filter-invalid', `'${topicFilter}' is no Topic Filter: ${fault}`);
  }
}

const ONLY_5 = ['noLocal', 'retainAsPublished', 'retainHandling', 'subscriptionIdentifier', 'userProperties'] as const;

function checkOptions(options: SubscribeOptions, negotiated: Negotiated | undefined): void {
  const { qos } = options;
  if (![undefined, 0, 1, 2].includes(qos)) throw new UsageError('not-one-of', `qos: ${qos} is not one of 0, 1, 2`);
  if ((negotiated?.protocolVersion.effective ?? 5) === 5) return;
  const option = ONLY_5.find((name) => options[name] !== undefined);
  if (option) throw new UsageError('option-not-in-this-version', `${option}: only MQTT 5.0 has it`);
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
  topicFilters: readonly string[],
  { subscriptionIdentifier }: SubscribeProperties,
  negotiated: Negotiated,
): void {
  const { sharedSubscriptionAvailable, wildcardSubscriptionAvailable, subscriptionIdentifierAvailable } = negotiated;
  const checks = [
    [sharedSubscriptionAvailable, topicFilters.some(isSharedFilter), 0x9e],
    [wildcardSubscriptionAvailable, /[+#]/.test(`${topicFilters}`), 0xa2],
    [subscriptionIdentifierAvailable, subscriptionIdentifier, 0xa1],
  ] as const;
  for (const [{ effective }, isUsed, reasonCode] of checks)
    if (isUsed && !effective) throw refusal(`'${topicFilters}' at this server`, reasonCode);
}
