import { type DisconnectProperties, propertyNamesOf } from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import { PacketIdentifiers } from '@hawser/protocol';
import type { Client } from './api.ts';
import { checkFunction, checkKind, checkOptions, pairsOf } from './check-options.ts';
import type { Established } from './connection/attempt.ts';
import type { LinkListener } from './connection/link.ts';
import { keepConnected, type SupervisedClient } from './connection/supervisor.ts';
import { type Emitter, emitterOf } from './emitter.ts';
import { ClosedError, UsageError } from './errors.ts';
import type { ClientEvents } from './events.ts';
import type { Consumer } from './inbound/consumer.ts';
import { type InboxHost, inboxOf } from './inbound/inbox.ts';
import { type MessageStream, messageStreamOf } from './inbound/message-stream.ts';
import { type Negotiated, negotiate } from './negotiated.ts';
import type {
  ClientOptions,
  DisconnectOptions,
  MessagesOptions,
  Payload,
  PublishOptions,
  SubscribeOptions,
  UnsubscribeOptions,
} from './options.ts';
import { composerOf, NO_OPTIONS } from './outgoing-message.ts';
import type { ClientClock, Platform } from './platform.ts';
import { abortable, ignorable, timed } from './promises.ts';
import { requesterOf } from './requester.ts';
import type { Grant, PublishResult, UnsubscribeResult } from './results.ts';
import type { Journal, JournalHost } from './session/journal.ts';
import { outboxOf } from './session/outbox.ts';
import { checkFilters, listOf, subscriptionsOf } from './session/subscriptions.ts';
import type { Settings } from './settings.ts';

/** Warnings that are kept for the first who listens. */
const EARLY_WARNINGS = 100;
/** Seconds that `disconnect` waits for acknowledgements, unless it is told otherwise. */
const DRAIN_S = 5;

/** A Client, and what its parts ask and tell it. */
interface Host extends Client, SupervisedClient, LinkListener, InboxHost, Consumer, JournalHost, Emitter<ClientEvents> {
  clientId: string;
  negotiated: Negotiated | undefined;
  /** There is a session here that the server may have too. */
  resumes: boolean;
}

/** A client that begins to connect at the end of this turn. */
export interface OpenedClient {
  readonly client: Client;
  /** Connected for the first time. Asking for it counts as hearing why that did not come about. */
  whenConnected(): Promise<void>;
}

/** Makes a client of settings that have been checked. */
export function openClient(
  platform: Platform,
  settings: Settings,
  { on: listeners = {}, signal }: ClientOptions,
): OpenedClient {
  signal?.throwIfAborted();
  const clock: ClientClock = platform.openClock?.((code, text) => client.warn(code, text)) ?? platform.clock;
  const now = (): number => clock.now();
  const { promise: closed, resolve: resolveClosed } = Promise.withResolvers<Error | undefined>();
  const first = Promise.withResolvers<void>();
  const streams = new Set<MessageStream>();
  /** Topic Filters that the program has subscribed to by itself. */
  const subscribed = new Set<string>();
  const early: ClientEvents['warning'][] = [];
  const abort = new AbortController();
  let lastIdentifier = 0;
  let isReporting = false;
  /** Some part of the program is told when the client stops. */
  let isStopHeard = false;
  let stopMessages: (() => void) | undefined;
  let journal: Journal | undefined;
  let current: Established | undefined;
  let closedWith: ClosedError | undefined;
  let disconnecting: Promise<void> | undefined;

  const run = async (onFirst: () => void): Promise<void> => {
    const { store, cleanStart } = settings;
    if (store) {
      if (!store.open) throw new UsageError('wrong-type', 'store: make it with sessionStore()');
      const { messages, inbound, hasSession, ...opened } = await store.open(client);
      journal = inbox.journal = opened.journal;
      outbox.restore(messages, journal);
      inbox.restore(inbound);
      // Given up meanwhile.
      if (closedWith) return journal.close();
      // Clean Start 1: what an earlier run has left is sent anew, as after any lost session.
      if (cleanStart) startAnew();
      else client.resumes = hasSession;
    }
    await keepConnected(platform, settings, client, abort.signal, onFirst);
  };

  /** What was done may have changed the connection. */
  const after = <T>(result: T): T => {
    current?.link.afterTurn();
    return result;
  };

  /** The reader has left: its subscriptions are given up, unless another stream or the program itself has them. */
  const endStream = (stream: MessageStream): void => {
    if (!streams.delete(stream)) return;
    const kept = new Set([...subscribed, ...[...streams].flatMap(({ filters }) => filters)]);
    const given = stream.filters.filter((filter) => !kept.has(filter));
    // A client that is closed has no subscriptions left.
    if (given.length > 0) client.unsubscribe(given).catch(() => {});
  };

  const startAnew = (): number => {
    inbox.startAnew();
    return outbox.startAnew();
  };

  const checkOpen = (): void => {
    const why = closedWith ?? (disconnecting && goodbye());
    if (why) throw new ClosedError(why.code, `the client is closed: ${why.message}`, why.reasonCode, why);
  };

  const subscribe = async (filters: string | readonly string[], options: SubscribeOptions): Promise<Grant[]> => {
    const grants = await after(subscriptions.subscribe(listOf(filters), options));
    for (const { topicFilter, qos } of grants) if (qos !== undefined) subscribed.add(topicFilter);
    return grants;
  };

  const unsubscribe = async (
    filters: string | readonly string[],
    options: UnsubscribeOptions,
  ): Promise<UnsubscribeResult[]> => {
    const topicFilters = listOf(filters);
    for (const filter of topicFilters) subscribed.delete(filter);
    const answer = after(subscriptions.unsubscribe(topicFilters, options));
    inbox.review();
    return answer;
  };

  const publish = (topic: string, payload: Payload, options: PublishOptions): Promise<PublishResult> => {
    const message = composer.compose(topic, payload, options, client.version);
    options.signal?.throwIfAborted();
    const sent = outbox.publish(message, options.signal);
    // The program waits for an answer: reading may have to go on.
    if (message.qos > 0) current?.link.afterTurn();
    return sent;
  };

  /** What a call of the program gives. A program that does not wait for it is not ended by its rejection. */
  const called = <T>(call: () => Promise<T>): Promise<T> => {
    try {
      checkOpen();
      return ignorable(call());
    } catch (error) {
      return ignorable(Promise.reject(error));
    }
  };

  const throwLater = (error: Error): void =>
    queueMicrotask(() => {
      throw error;
    });

  const isBusy = (): boolean => outbox.pending + subscriptions.pending + requester.pending > 0;

  const disconnect = async (options: DisconnectOptions): Promise<void> => {
    checkOptions('disconnect', options, ['drain', 'reasonCode', ...propertyNamesOf(PacketType.DISCONNECT)]);
    const { drain = current ? DRAIN_S : 0, reasonCode = 0, userProperties, ...rest } = options;
    const properties = { ...rest, userProperties: pairsOf(userProperties) };
    // [MQTT5-3.14.2.2.2]
    if (properties.sessionExpiryInterval && client.negotiated?.sessionExpiryInterval.requested === 0)
      throw new UsageError('session-expiry-zero', 'sessionExpiryInterval: 0 when connecting stays 0');
    if (drain > 0 && isBusy()) {
      const late = Promise.withResolvers<void>();
      const idle = Promise.all([outbox, subscriptions, requester].map((part) => part.whenIdle()));
      await timed(Promise.race([idle, closed, late.promise]), clock, drain * 1000, late.resolve);
    }
    const link = current?.link;
    link?.connection.disconnect(reasonCode, now(), properties as DisconnectProperties);
    link?.afterTurn();
    close(undefined);
    await link?.gone;
    await closed;
  };

  const close = (error: Error | undefined): void => {
    if (closedWith) return;
    closedWith = error ? ClosedError.by(error) : goodbye();
    abort.abort(closedWith);
    // Given up with the CONNACK.
    current?.link.destroy();
    for (const part of [outbox, subscriptions, requester, inbox]) part.close(closedWith);
    if (error && !isStopHeard && streams.size === 0 && !client.hears('disconnected')) client.reportError(closedWith);
    for (const stream of streams) stream.end(error);
    const end = (): void => {
      clock.close?.();
      resolveClosed(error);
    };
    if (journal) void journal.close().then(end);
    else end();
  };

  const client: Host = {
    ...emitterOf(
      (error) => client.reportError(error),
      (event, isHeard) => {
        if (event === 'message') stopMessages = isHeard ? (stopMessages ?? inbox.add(client)) : void stopMessages?.();
        if (event === 'warning' && isHeard) for (const { code, text } of early.splice(0)) client.warn(code, text);
      },
    ),
    clientId: settings.clientId,
    negotiated: undefined,
    clock,
    version: settings.protocolVersion,
    phase: 'connecting',
    resumes: false,

    get closed() {
      isStopHeard = true;
      return closed;
    },

    get state() {
      if (closedWith) return 'closed';
      return current ? 'connected' : client.phase;
    },

    get pending() {
      return outbox.pending;
    },

    get dropped() {
      return inbox.dropped;
    },

    publish(topic, payload = '', options = NO_OPTIONS, last?: unknown) {
      try {
        checkOpen();
        if (last !== undefined) checkKind('publish', options, last);
        // Its promises are ignorable already.
        return publish(topic, payload, options);
      } catch (error) {
        return ignorable(Promise.reject(error));
      }
    },

    subscribe: (filters, options = NO_OPTIONS, last?: unknown) =>
      called(() => {
        checkKind('subscribe', options, last);
        return subscribe(filters, options);
      }),

    unsubscribe: (filters, options = NO_OPTIONS, last?: unknown) =>
      called(() => {
        checkKind('unsubscribe', options, last);
        return unsubscribe(filters, options);
      }),

    messages(filters, given = NO_OPTIONS) {
      checkOpen();
      checkKind('messages', given);
      const { buffer = 100, ...options }: MessagesOptions = given;
      if (!Number.isInteger(buffer) || buffer < 1)
        throw new UsageError('out-of-range', `buffer: ${buffer} is not a whole number, 1 or more`);
      const topicFilters = listOf(filters);
      // With an identifier of its own a stream gets a message once, however many subscriptions of this client match it.
      const identifier = options.subscriptionIdentifier ?? ++lastIdentifier;
      const granted = subscriptions.subscribe(topicFilters, options, identifier);
      const { onTurn } = client;
      const stream: MessageStream = messageStreamOf(inbox, topicFilters, buffer, options.signal, onTurn, () =>
        endStream(stream),
      );
      granted.catch((error) => {
        streams.delete(stream);
        stream.end(error);
      });
      streams.add(stream);
      // A filter that is subscribed to again changes its identifier, for those who have had it before too.
      for (const { identifiers, filters } of streams)
        if (filters.some((filter) => topicFilters.includes(filter))) identifiers.add(identifier);
      return after(stream);
    },

    onMessage(handler, given) {
      checkFunction('the handler of onMessage()', handler);
      const filters = given === undefined ? undefined : listOf(given);
      if (filters) checkFilters(filters);
      return inbox.add({ filters, deliver: ({ message }) => handler(message) });
    },

    request: (topic, payload, options = NO_OPTIONS, last?: unknown) =>
      called(() => {
        checkKind('request', options, last);
        return requester.request(topic, payload, options);
      }),

    reauthenticate: () =>
      called(() => {
        if (current && settings.authentication) return current.reauthenticate();
        const text = 'reauthenticate() needs a connection with the option authentication';
        throw new UsageError('authentication-missing', text);
      }),

    disconnect(options = {}) {
      disconnecting ??= ignorable(
        disconnect(options).catch((error) => {
          // It was misused, and can be called again.
          disconnecting = undefined;
          throw error;
        }),
      );
      return disconnecting;
    },

    [Symbol.asyncDispose]: () => client.disconnect(),

    reportError(reported) {
      const error = reported instanceof Error ? reported : new Error(String(reported), { cause: reported });
      // What a listener of `error` throws is nothing for the same listener.
      const isHeard = !isReporting && client.hears('error');
      if (!isHeard) {
        (platform.onUnheard ?? throwLater)(error);
        return;
      }
      isReporting = true;
      client.emit('error', error);
      isReporting = false;
    },

    warn(code, text) {
      if (!client.emit('warning', { code, text }) && early.length < EARLY_WARNINGS) early.push({ code, text });
    },

    // For the listeners of `message`.
    deliver({ message }) {
      client.emit('message', message);
    },

    isGivenUp: (topic) => subscriptions.isGivenUp(topic),

    // What the connection tells.

    receiver: {
      onPublish: (packet) => inbox.handlePublish(packet),

      onAck(type, packetIdentifier, reasonCode, _now, reasonString) {
        if (type === PacketType.PUBREL) inbox.handlePubrel(packetIdentifier);
        else outbox.handleAck(type, packetIdentifier, reasonCode, reasonString);
      },

      onAnswer: (packet) => subscriptions.handleAnswer(packet),
    },

    // [MQTT5-3.2.2-4]: with a store, this client knows that it has no state. Without one, cleanStart: false is the program's word.
    objectionTo: ({ sessionPresent }) => (sessionPresent && !client.resumes ? journal?.objection : undefined),

    onEstablished(established) {
      const { link, connect, connack } = established;
      const { sessionPresent } = connack;
      const negotiated = negotiate(connect, connack);
      const reconnected = client.negotiated !== undefined;
      client.negotiated = negotiated;
      client.clientId = negotiated.clientId.effective;
      current = established;
      link.listener = client;
      const sent = sessionPresent ? 0 : startAnew();
      const again = sessionPresent ? 0 : subscriptions.restore();
      if (client.resumes && again + sent > 0) {
        const text = `the server had no session: ${again} subscriptions were made again, ${sent} messages sent anew; others may be lost`;
        client.warn('session-lost', text);
      }
      subscriptions.attach(link.connection, negotiated);
      client.resumes = true;
      journal?.keepSession(connect, negotiated);
      inbox.attach(link.connection, sessionPresent);
      outbox.attach(link, negotiated);
      client.emit('connected', { sessionPresent, negotiated, reconnected });
    },

    onClosed() {
      current = undefined;
      for (const part of [outbox, subscriptions, inbox]) part.detach();
    },

    /** Stops reading while the program does not keep up; but never while the program waits for an answer, or for a message in another stream. */
    onTurn() {
      const waits = outbox.unanswered + subscriptions.pending + requester.pending > 0 || inbox.isAwaited;
      current?.link.setPaused(inbox.isFull && !waits);
    },

    // The network or the disk lets more go.
    onWritable: () => outbox.pump(),
    onFlushed: () => outbox.handleFlushed(),
  };

  const identifiers = new PacketIdentifiers();
  const inUse = { has: (id: number): boolean => outbox.has(id) || subscriptions.has(id) };
  const nextIdentifier = (): number => identifiers.next(inUse);
  const composer = composerOf(now);
  const outbox = outboxOf(settings.queue, client, nextIdentifier);
  const subscriptions = subscriptionsOf(nextIdentifier, client);
  const inbox = inboxOf(client, settings.acknowledge === 'manual');
  const requester = requesterOf({
    clock,
    get version() {
      return client.version;
    },
    get negotiated() {
      return client.negotiated;
    },
    get clientId() {
      return client.clientId;
    },
    onMessage: client.onMessage,
    // What `disconnect()` waits for goes on to its end.
    publish: (topic, payload = '', options = NO_OPTIONS) => publish(topic, payload, options),
    subscribe: (filters, options = NO_OPTIONS) => subscribe(filters, options),
  });
  for (const [event, listener] of Object.entries(listeners))
    if (listener !== undefined) client.on(event as keyof ClientEvents, listener as (data: unknown) => void);
  for (const { code, message } of settings.warnings) client.warn(code, message);
  const giveUp = (): void => close(new ClosedError('client-closed', 'connecting was given up', 0, signal?.reason));
  ignorable(abortable(first.promise, signal, giveUp));
  closed.then((error) => first.reject(signal?.aborted ? signal.reason : (error ?? closedWith)));
  // Listeners come first.
  queueMicrotask(() => {
    if (!closedWith) run(first.resolve).catch(close);
  });
  return {
    client,
    async whenConnected() {
      isStopHeard = true;
      await first.promise;
      isStopHeard = false;
    },
  };
}

function goodbye(): ClosedError {
  return new ClosedError('client-closed', 'disconnect() was called');
}
