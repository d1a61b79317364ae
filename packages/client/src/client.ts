import { type ConnackPacket, type DisconnectProperties, PacketType, type ProtocolVersion } from '@hawser/codec';
import { PacketIdentifiers } from '@hawser/protocol';
import type { Clock } from '@hawser/transport';
import type { Client, ClientState, Grant, MessageHandler, PublishResult, UnsubscribeResult } from './api.ts';
import type { ConnectionOwner, Established } from './connection/attempt.ts';
import type { LinkListener } from './connection/link.ts';
import { keepConnected, type SupervisedClient } from './connection/supervisor.ts';
import { ClosedError, UsageError } from './errors.ts';
import { type ClientEvents, Emitter } from './events.ts';
import { type Consumer, Inbox, type InboxHost } from './inbound/inbox.ts';
import type { Message } from './inbound/message.ts';
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
import { messageOf } from './outgoing-message.ts';
import type { Platform } from './platform.ts';
import { requesterOf } from './requester.ts';
import type { Journal, JournalHost } from './session/journal.ts';
import { type Outbox, outboxOf } from './session/outbox.ts';
import { listOf, type Subscriptions, subscriptionsOf } from './session/subscriptions.ts';
import type { Settings } from './settings.ts';
import { abortable, timed } from './settle.ts';

/** Warnings that are kept for the first who listens. */
const EARLY_WARNINGS = 100;

/** The client behind `connect`; `start` before anything else. */
export class MqttClient
  extends Emitter<ClientEvents>
  implements Client, SupervisedClient, LinkListener, InboxHost, Consumer, JournalHost
{
  clientId: string;
  negotiated: Negotiated | undefined;
  readonly #closing = Promise.withResolvers<Error | undefined>();
  readonly closed: Promise<Error | undefined> = this.#closing.promise;
  readonly request: Client['request'];
  version: ProtocolVersion;
  phase: 'connecting' | 'waiting' = 'connecting';
  /** There is a session here that the server may have too. */
  resumes = false;
  readonly clock: Clock;
  readonly receiver: ConnectionOwner['receiver'] = {
    onPublish: (packet) => this.#inbox.handlePublish(packet),
    onAck: (type, packetIdentifier, reasonCode, _now, reasonString) => {
      if (type === PacketType.PUBREL) this.#inbox.handlePubrel(packetIdentifier);
      else if (!this.#outbox.handleAck(type, packetIdentifier, reasonCode, reasonString)) this.#failUnexpected();
    },
    onAnswer: (packet) => {
      if (!this.#subscriptions.handleAnswer(packet)) this.#failUnexpected();
    },
  };
  readonly #platform: Platform;
  readonly #settings: Settings;
  readonly #outbox: Outbox;
  readonly #subscriptions: Subscriptions;
  readonly #inbox: Inbox;
  readonly #closeRequests: (error: Error) => void;
  readonly #streams = new Set<MessageStream>();
  #lastIdentifier = 0;
  readonly #early: ClientEvents['warning'][] = [];
  #journal: Journal | undefined;
  #current: Established | undefined;
  #closedWith: ClosedError | undefined;
  #isReporting = false;
  readonly #abort = new AbortController();
  #disconnecting: Promise<void> | undefined;

  constructor(platform: Platform, settings: Settings, listeners: NonNullable<ClientOptions['on']>) {
    super();
    this.clock = platform.clock;
    this.#platform = platform;
    this.#settings = settings;
    this.clientId = settings.clientId;
    this.version = settings.protocolVersion;
    const identifiers = new PacketIdentifiers();
    const inUse = { has: (id: number): boolean => this.#outbox.has(id) || this.#subscriptions.has(id) };
    const nextIdentifier = (): number => identifiers.next(inUse);
    this.#outbox = outboxOf(settings.queue, () => this.#now, nextIdentifier);
    this.#subscriptions = subscriptionsOf(nextIdentifier, this);
    this.#inbox = new Inbox(this, settings.acknowledge === 'manual');
    ({ request: this.request, close: this.#closeRequests } = requesterOf(this));
    for (const [event, listener] of Object.entries(listeners))
      if (listener !== undefined) this.on(event as keyof ClientEvents, listener as (data: unknown) => void);
  }

  get state(): ClientState {
    if (this.#closedWith) return 'closed';
    return this.#current ? 'connected' : this.phase;
  }

  get pending(): number {
    return this.#outbox.pending;
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    for (const warning of this.#settings.warnings) this.warn(warning.code, warning.text);
    const first = Promise.withResolvers<void>();
    this.#run(first.resolve).catch((error) => this.#close(error));
    this.closed.then(first.reject);
    const giveUp = (): void =>
      this.#close(new ClosedError('client-closed', 'connecting was given up', 0, signal?.reason));
    try {
      await abortable(first.promise, signal, giveUp);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  publish(topic: string, payload: Payload = '', options: PublishOptions = {}): Promise<PublishResult> {
    try {
      this.#checkOpen();
      options.signal?.throwIfAborted();
      const message = messageOf(topic, payload, options, this.version, this.#now);
      return this.#then(this.#outbox.publish(message, options.signal));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async subscribe(filters: string | readonly string[], options: SubscribeOptions = {}): Promise<Grant[]> {
    this.#checkOpen();
    return this.#then(this.#subscriptions.subscribe(listOf(filters), options, this.negotiated));
  }

  async unsubscribe(
    filters: string | readonly string[],
    options: UnsubscribeOptions = {},
  ): Promise<UnsubscribeResult[]> {
    this.#checkOpen();
    return this.#then(this.#subscriptions.unsubscribe(listOf(filters), options));
  }

  messages(filters: string | readonly string[], options: MessagesOptions = {}): MessageStream {
    this.#checkOpen();
    const { buffer = 100, ...subscribe } = options;
    if (!Number.isInteger(buffer) || buffer < 1)
      throw new UsageError('out-of-range', `buffer: ${buffer} is not a whole number, 1 or more`);
    const topicFilters = listOf(filters);
    // With an identifier of its own a stream gets a message once, however many subscriptions of this client match it.
    const identifier = subscribe.subscriptionIdentifier ?? ++this.#lastIdentifier;
    const granted = this.#subscriptions.subscribe(topicFilters, subscribe, this.negotiated, identifier);
    const onEnd = (): Promise<void> => this.#endStream(stream);
    const stream: MessageStream = messageStreamOf(this.#inbox, topicFilters, buffer, () => this.onTurn(), onEnd);
    granted.catch((error) => {
      this.#streams.delete(stream);
      stream.end(error);
    });
    this.#streams.add(stream);
    // A filter that is subscribed to again changes its identifier, for those who have had it before too.
    for (const { identifiers, filters } of this.#streams)
      if (filters.some((filter) => topicFilters.includes(filter))) identifiers.add(identifier);
    return this.#then(stream);
  }

  onMessage(handler: MessageHandler, filters?: string | readonly string[]): () => void {
    return this.#inbox.add({ filters: filters === undefined ? undefined : listOf(filters), deliver: handler });
  }

  async reauthenticate(): Promise<void> {
    this.#checkOpen();
    const current = this.#current;
    if (!current || !this.#settings.authentication) {
      const text = 'reauthenticate() needs a connection that was made with the option authentication';
      throw new UsageError('authentication-missing', text);
    }
    await current.reauthenticate();
  }

  disconnect(options: DisconnectOptions = {}): Promise<void> {
    this.#disconnecting ??= this.#disconnect(options).catch((error) => {
      // It was misused, and can be called again.
      this.#disconnecting = undefined;
      throw error;
    });
    return this.#disconnecting;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  override on<E extends keyof ClientEvents>(event: E, listener: (data: ClientEvents[E]) => void): () => void {
    const stop = super.on(event, listener);
    if (event === 'message') this.#inbox.add(this);
    if (event === 'warning') for (const { code, text } of this.#early.splice(0)) this.warn(code, text);
    return stop;
  }

  reportError(error: unknown): void {
    // What its own listeners throw is told to nobody.
    if (this.#isReporting) return;
    this.#isReporting = true;
    if (!this.emit('error', error instanceof Error ? error : new Error(String(error))))
      this.warn('handler-failed', `a handler failed (nobody listens to 'error'): ${error}`);
    this.#isReporting = false;
  }

  warn(code: string, text: string): void {
    if (!this.emit('warning', { code, text }) && this.#early.length < EARLY_WARNINGS) this.#early.push({ code, text });
  }

  /** For the listeners of `message`. */
  deliver(message: Message): void {
    this.emit('message', message);
  }

  // What the supervisor tells.

  objectionTo(connack: ConnackPacket): readonly [string, string] | undefined {
    // [MQTT5-3.2.2-4]: with a store, this client knows that it has no state. Without one, cleanStart: false is the program's word.
    return connack.sessionPresent && !this.resumes ? this.#journal?.objection : undefined;
  }

  onEstablished(established: Established): void {
    const { link, connect, connack } = established;
    const { sessionPresent } = connack;
    const negotiated = negotiate(connect, connack);
    const reconnected = this.negotiated !== undefined;
    this.negotiated = negotiated;
    this.clientId = negotiated.clientId.effective;
    this.#current = established;
    link.listener = this;
    const sent = sessionPresent ? 0 : this.#startAnew();
    const again = sessionPresent ? 0 : this.#subscriptions.restore();
    if (this.resumes && again + sent > 0) {
      const text = `the server had no session: ${again} subscriptions were made again, ${sent} messages sent anew; messages for this client may be lost`;
      this.warn('session-lost', text);
    }
    this.#subscriptions.attach(link.connection, negotiated);
    this.resumes = true;
    this.#journal?.keepSession(connect, negotiated);
    this.#inbox.attach(link);
    this.#outbox.attach(link, negotiated);
    this.emit('connected', { sessionPresent, negotiated, reconnected });
  }

  onClosed(): void {
    this.#current = undefined;
    this.#outbox.detach();
    this.#subscriptions.detach();
    this.#inbox.detach();
  }

  /** Stops reading while readers do not keep up; but never while this client itself waits for an answer. */
  onTurn(): void {
    const waits = this.#outbox.pending + this.#subscriptions.pending > 0;
    this.#current?.link.setPaused(this.#inbox.isFull && !waits);
  }

  /** The network or the disk lets more go. */
  onWritable(): void {
    this.#outbox.pump();
  }

  // The rest.

  async #run(onFirst: () => void): Promise<void> {
    const { store, cleanStart } = this.#settings;
    if (store) {
      if (!store.open) throw new UsageError('wrong-type', 'store: make it with sessionStore()');
      const { journal, messages, inbound, hasSession } = await store.open(this);
      this.#journal = this.#inbox.journal = journal;
      this.#outbox.restore(messages, journal);
      this.#inbox.restore(inbound);
      // Clean Start 1: what an earlier run has left is sent anew, as after any lost session.
      if (cleanStart) this.#startAnew();
      else this.resumes = hasSession;
    }
    await keepConnected(this.#platform, this.#settings, this, this.#abort.signal, onFirst);
  }

  get #now(): number {
    return this.clock.now();
  }

  /** What was done may have changed the connection. */
  #then<T>(result: T): T {
    this.#current?.link.afterTurn();
    return result;
  }

  /** The reader has left: its subscriptions are given up, unless another stream has them. */
  async #endStream(stream: MessageStream): Promise<void> {
    this.#streams.delete(stream);
    const kept = new Set([...this.#streams].flatMap(({ filters }) => filters));
    const given = stream.filters.filter((filter) => !kept.has(filter));
    // A client that is closed has no subscriptions left.
    if (given.length > 0) await this.unsubscribe(given).catch(() => {});
  }

  #startAnew(): number {
    this.#inbox.startAnew();
    return this.#outbox.startAnew();
  }

  #failUnexpected(): void {
    const text = 'an acknowledgement that answers nothing';
    this.#current?.link.connection.fail('unexpected-answer', 0x82, text, this.#now);
  }

  #checkOpen(): void {
    const why = this.#closedWith ?? (this.#disconnecting && goodbye());
    if (why) throw new ClosedError(why.code, `the client is closed: ${why.message}`, why.reasonCode, why);
  }

  async #disconnect(options: DisconnectOptions): Promise<void> {
    const { drain = 0, reasonCode = 0, ...properties } = options;
    // [MQTT5-3.14.2.2.2]
    if (properties.sessionExpiryInterval && this.negotiated?.sessionExpiryInterval.requested === 0)
      throw new UsageError('session-expiry-zero', 'sessionExpiryInterval: 0 when connecting stays 0');
    if (drain > 0) {
      const late = Promise.withResolvers<void>();
      const done = Promise.race([this.#outbox.whenIdle(), this.closed, late.promise]);
      await timed(done, this.clock, drain * 1000, late.resolve);
    }
    const link = this.#current?.link;
    link?.connection.disconnect(reasonCode, this.#now, properties as DisconnectProperties);
    link?.afterTurn();
    this.#close(undefined);
    await link?.gone;
    await this.#journal?.close();
  }

  #close(error: Error | undefined): void {
    if (this.#closedWith) return;
    const closed = error ? ClosedError.by(error) : goodbye();
    this.#closedWith = closed;
    this.#abort.abort(closed);
    // Given up with the CONNACK.
    this.#current?.link.destroy();
    this.#outbox.close(closed);
    this.#subscriptions.close(closed);
    this.#closeRequests(closed);
    for (const stream of this.#streams) stream.end(error);
    this.#closing.resolve(error);
  }
}

function goodbye(): ClosedError {
  return new ClosedError('client-closed', 'disconnect() was called');
}
