import { type DisconnectProperties, type ProtocolVersion, propertyNamesOf } from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import type { Client } from './api.ts';
import { checkOptions, pairsOf } from './check-options.ts';
import type { Established } from './connection/attempt.ts';
import { ClosedError, UsageError } from './errors.ts';
import type { Inbox } from './inbound/inbox.ts';
import { type MessageStream, messageStreamOf } from './inbound/message-stream.ts';
import type { Negotiated } from './negotiated.ts';
import type {
  DisconnectOptions,
  MessagesOptions,
  Payload,
  PublishOptions,
  SubscribeOptions,
  UnsubscribeOptions,
} from './options.ts';
import { composerOf, NO_OPTIONS } from './outgoing-message.ts';
import type { ClientClock } from './platform.ts';
import { ignorable, timed } from './promises.ts';
import { requesterOf } from './requester.ts';
import type { Grant, PublishResult, UnsubscribeResult } from './results.ts';
import type { Outbox } from './session/outbox.ts';
import { checkFilters, listOf, type Subscriptions } from './session/subscriptions.ts';

/** Seconds that `disconnect` waits for acknowledgements, unless it is told otherwise. */
const DRAIN_S = 5;

/** The client, as its calls need it. */
export interface CallsHost {
  readonly clock: ClientClock;
  readonly version: ProtocolVersion;
  readonly clientId: string;
  readonly negotiated: Negotiated | undefined;
  readonly current: Established | undefined;
  /** Why the client is closed for good; undefined: it is not. */
  readonly closedWith: ClosedError | undefined;
  /** Resolves when the client is closed for good. */
  readonly closed: Promise<Error | undefined>;
  /** Reading may have to stop, or may go on. */
  onTurn(): void;
  close(error: Error | undefined): void;
}

/** What a program asks of its client. Each call throws, or rejects, where it is misused. */
export interface Calls extends Pick<Client, 'onMessage' | 'request'> {
  /** Requests that wait for their answer. */
  readonly pending: number;
  /** Throws ClosedError when the client is closed, or is being closed. */
  checkOpen(): void;
  publish(topic: string, payload: Payload, options: PublishOptions): Promise<PublishResult>;
  subscribe(filters: string | readonly string[], options: SubscribeOptions): Promise<Grant[]>;
  unsubscribe(filters: string | readonly string[], options: UnsubscribeOptions): Promise<UnsubscribeResult[]>;
  messages(filters: string | readonly string[], options: MessagesOptions): MessageStream;
  disconnect(options: DisconnectOptions): Promise<void>;
  /**
   * The client is closed: ends requests and streams. `error`: what has stopped it, if that was not the program. True: a stream tells the
   * program about it.
   */
  close(closedWith: ClosedError, error: Error | undefined): boolean;
}

export function callsOf(host: CallsHost, outbox: Outbox, subscriptions: Subscriptions, inbox: Inbox): Calls {
  const { clock } = host;
  const compose = composerOf(() => clock.now());
  const streams = new Set<MessageStream>();
  /** Topic Filters that the program has subscribed to by itself. */
  const subscribed = new Set<string>();
  let lastIdentifier = 0;
  let disconnecting: Promise<void> | undefined;

  const reasonOfEnd = (): ClosedError | undefined => host.closedWith ?? (disconnecting && goodbye());

  /** What was done may have changed the connection. */
  const after = <T>(result: T): T => {
    host.current?.link.afterTurn();
    return result;
  };

  /** The program has left a stream: subscriptions that neither another stream nor the program itself has are given up. */
  const endStream = (stream: MessageStream): void => {
    if (!streams.delete(stream) || reasonOfEnd()) return;
    const kept = new Set([...subscribed, ...[...streams].flatMap(({ filters }) => filters)]);
    const given = stream.filters.filter((filter) => !kept.has(filter));
    // A client that closes meanwhile has no subscriptions left.
    if (given.length > 0) calls.unsubscribe(given, NO_OPTIONS).catch(() => {});
  };

  const drain = async (seconds: number): Promise<void> => {
    const parts = [outbox, subscriptions, requester];
    if (seconds <= 0 || !parts.some(({ pending }) => pending)) return;
    const late = Promise.withResolvers<void>();
    const idle = Promise.all(parts.map((part) => part.whenIdle()));
    await timed(Promise.race([idle, host.closed, late.promise]), clock, seconds * 1000, late.resolve);
  };

  const disconnect = async (options: DisconnectOptions): Promise<void> => {
    checkOptions('disconnect', options, ['drain', 'reasonCode', ...propertyNamesOf(PacketType.DISCONNECT)]);
    const { drain: seconds = host.current ? DRAIN_S : 0, reasonCode = 0, userProperties, ...rest } = options;
    const properties = { ...rest, userProperties: pairsOf(userProperties) };
    // [MQTT5-3.14.2.2.2]
    if (properties.sessionExpiryInterval && host.negotiated?.sessionExpiryInterval.requested === 0)
      throw new UsageError('session-expiry-zero', 'sessionExpiryInterval: 0 when connecting stays 0');
    await drain(seconds);
    const link = host.current?.link;
    link?.connection.disconnect(reasonCode, clock.now(), properties as DisconnectProperties);
    link?.afterTurn();
    host.close(undefined);
    await link?.gone;
    await host.closed;
  };

  const calls: Calls = {
    get pending() {
      return requester.pending;
    },

    checkOpen() {
      const why = reasonOfEnd();
      if (why) throw new ClosedError(why.code, `the client is closed: ${why.message}`, why.reasonCode, why);
    },

    publish(topic, payload, options) {
      const message = compose(topic, payload, options, host.version);
      options.signal?.throwIfAborted();
      const sent = outbox.publish(message, options.signal);
      // The program waits for an answer: reading may have to go on.
      if (message.qos > 0) host.current?.link.afterTurn();
      return sent;
    },

    async subscribe(filters, options) {
      const grants = await after(subscriptions.subscribe(listOf(filters), options));
      for (const { topicFilter, qos } of grants) if (qos !== undefined) subscribed.add(topicFilter);
      return grants;
    },

    async unsubscribe(filters, options) {
      const topicFilters = listOf(filters);
      for (const filter of topicFilters) subscribed.delete(filter);
      const answer = after(subscriptions.unsubscribe(topicFilters, options));
      inbox.review();
      return answer;
    },

    messages(filters, { buffer = 100, ...options }) {
      if (!Number.isInteger(buffer) || buffer < 1)
        throw new UsageError('out-of-range', `buffer: ${buffer} is not a whole number, 1 or more`);
      const topicFilters = listOf(filters);
      // With an identifier of its own a stream gets a message once, however many subscriptions of this client match it.
      const identifier = options.subscriptionIdentifier ?? ++lastIdentifier;
      const granted = subscriptions.subscribe(topicFilters, options, identifier);
      const stream: MessageStream = messageStreamOf(inbox, topicFilters, buffer, options.signal, host.onTurn, () =>
        endStream(stream),
      );
      granted.catch((error) => {
        streams.delete(stream);
        stream.end(error);
      });
      streams.add(stream);
      // A repeated subscription changes the identifier of its filter, also for the streams that had the filter before.
      for (const { identifiers, filters } of streams)
        if (filters.some((filter) => topicFilters.includes(filter))) identifiers.add(identifier);
      return after(stream);
    },

    onMessage(handler, given) {
      const filters = given === undefined ? undefined : listOf(given);
      if (filters) checkFilters(filters);
      return inbox.add({ filters, deliver: ({ message }) => handler(message) });
    },

    request: (topic, payload, options) => requester.request(topic, payload, options),

    disconnect(options) {
      disconnecting ??= ignorable(
        disconnect(options).catch((error) => {
          // The call was misused, and can be made again.
          disconnecting = undefined;
          throw error;
        }),
      );
      return disconnecting;
    },

    close(closedWith, error) {
      requester.close(closedWith);
      const hasStreams = streams.size > 0;
      for (const stream of streams) stream.end(error);
      return hasStreams;
    },
  };

  const requester = requesterOf(host, calls);
  return calls;
}

/** The program itself has closed the client. */
export function goodbye(): ClosedError {
  return new ClosedError('client-closed', 'disconnect() was called');
}
