import type { ConnackPacket, PublishPacket, SubackPacket, UnsubackPacket } from '@hawser/codec';
import type { CloseCause } from '@hawser/protocol';
import type { Client, ClientState, Grant, MessageHandler, PublishResult, UnsubscribeResult } from './api.ts';
import type { Established } from './connection/attempt.ts';
import { Supervisor, type SupervisorHost } from './connection/supervisor.ts';
import { ClosedError, UsageError } from './errors.ts';
import { type ClientEvents, Emitter } from './events.ts';
import { Inbox, type InboxHost } from './inbound/inbox.ts';
import type { Message } from './inbound/message.ts';
import type { MessageStream } from './inbound/message-stream.ts';
import { Streams } from './inbound/streams.ts';
import { type Negotiated, negotiate } from './negotiated.ts';
import type {
  ClientOptions,
  DisconnectOptions,
  MessagesOptions,
  Payload,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
  UnsubscribeOptions,
} from './options.ts';
import { messageOf } from './outgoing-message.ts';
import type { Platform } from './platform.ts';
import { Requester } from './requester.ts';
import { limitError, Outbox } from './session/outbox.ts';
import { Requests } from './session/requests.ts';
import { StoreWriter } from './session/store-writer.ts';
import { decodeLoaded, sessionChange } from './session/stored-message.ts';
import { listOf, SubscriptionBook } from './session/subscription-book.ts';
import type { Settings } from './settings.ts';
import { within } from './within.ts';

/** The client behind `connect`; `start` before anything else. */
export class MqttClient implements Client, SupervisorHost, InboxHost {
  clientId: string;
  negotiated: Negotiated | undefined;
  readonly closed: Promise<Error | undefined>;
  readonly #platform: Platform;
  readonly #settings: Settings;
  readonly #events: Emitter<ClientEvents>;
  readonly #supervisor: Supervisor;
  readonly #writer: StoreWriter;
  readonly #outbox: Outbox;
  readonly #requests: Requests;
  readonly #book: SubscriptionBook;
  readonly #inbox: Inbox;
  readonly #requester: Requester;
  readonly #streams: Streams;
  #early: ClientEvents['warning'][] = [];
  #link: Established | undefined;
  /** There is a session here that the server may have too. */
  #hasState = false;
  #hasConnected = false;
  #closedWith: Error | undefined;
  #resolveClosed: (error: Error | undefined) => void = () => {};
  #disconnecting: Promise<void> | undefined;

  constructor(platform: Platform, settings: Settings, listeners: NonNullable<ClientOptions['on']>) {
    this.#platform = platform;
    this.#settings = settings;
    this.clientId = settings.clientId;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#events = new Emitter((error) => this.emitError(error));
    for (const [event, listener] of Object.entries(listeners)) {
      if (listener !== undefined) this.#events.on(event as keyof ClientEvents, listener as (data: unknown) => void);
    }
    const { clock } = platform;
    this.#writer = new StoreWriter(
      settings.store,
      () => this.clientId,
      () => this.#onCommitted(),
      (error) => this.warn('store-failed', `what must survive a restart could not be written: ${String(error)}`),
    );
    this.#outbox = new Outbox(settings.queue, this.#writer, () => clock.wallNow() - clock.now());
    this.#requests = new Requests((inUse) => this.#outbox.session.nextPacketIdentifier(inUse));
    this.#book = new SubscriptionBook(this.#requests, (code, text) => this.warn(code, text));
    this.#inbox = new Inbox(this, settings.acknowledge === 'manual', this.#writer);
    this.#streams = new Streams(this.#inbox, this.#book, (topicFilters) => this.unsubscribe(topicFilters));
    this.#requester = new Requester(this, clock);
    this.#supervisor = new Supervisor(platform, settings, this);
  }

  get state(): ClientState {
    return this.#closedWith === undefined ? this.#supervisor.state : 'closed';
  }

  get pending(): number {
    return this.#outbox.pending;
  }

  get resumes(): boolean {
    return this.#hasState;
  }

  get commits(): StoreWriter {
    return this.#writer;
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    for (const warning of this.#settings.warnings) this.warn(warning.code, warning.text);
    const { store } = this.#settings;
    if (store !== undefined) {
      const loaded = decodeLoaded(await store.load(this.clientId));
      // Clean Start 1: what an earlier run has left is sent anew, as after any lost session.
      this.#outbox.restore(loaded, this.#now);
      if (this.#settings.cleanStart) this.#outbox.startAnew(this.#now);
      this.#hasState = loaded.hasSession && !this.#settings.cleanStart;
    }
    const onAbort = (): void =>
      this.#close(new ClosedError('client-closed', 'connecting was given up', 0, signal?.reason));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#supervisor.start(), this.closed.then((error) => Promise.reject(error))]);
    } catch (error) {
      this.#close(error as Error);
      if (signal?.aborted) throw signal.reason;
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  publish(topic: string, payload: Payload = '', options: PublishOptions = {}): Promise<PublishResult> {
    try {
      this.#checkOpen();
      options.signal?.throwIfAborted();
      const message = messageOf(topic, payload, options, this.#supervisor.version, this.#now);
      const refusal = this.negotiated && limitError(message.qos, message.retain, this.negotiated);
      if (refusal) throw refusal;
      const result = this.#outbox.publish(message, options.signal, this.#now);
      this.#link?.link.afterTurn();
      return result;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async subscribe(filters: string | readonly string[], options: SubscribeOptions = {}): Promise<Grant[]> {
    this.#checkOpen();
    const done = this.#book.subscribe(listOf(filters), options, this.negotiated, options.subscriptionIdentifier);
    this.afterTurn();
    return done;
  }

  async unsubscribe(
    filters: string | readonly string[],
    options: UnsubscribeOptions = {},
  ): Promise<UnsubscribeResult[]> {
    this.#checkOpen();
    const done = this.#book.unsubscribe(listOf(filters), options);
    this.afterTurn();
    return done;
  }

  messages(filters: string | readonly string[], options: MessagesOptions = {}): MessageStream {
    this.#checkOpen();
    const stream = this.#streams.open(listOf(filters), options, this.negotiated);
    this.afterTurn();
    return stream;
  }

  onMessage(handler: MessageHandler, filters?: string | readonly string[]): () => void {
    return this.#inbox.add({ filters: filters === undefined ? undefined : listOf(filters), deliver: handler });
  }

  request(topic: string, payload: Payload = '', options: RequestOptions = {}): Promise<Message> {
    return this.#requester.request(topic, payload, options);
  }

  async reauthenticate(): Promise<void> {
    this.#checkOpen();
    const link = this.#link;
    if (link?.authentication === undefined) {
      const why = link === undefined ? 'there is no connection' : 'the option authentication was not given';
      throw new UsageError('authentication-missing', `cannot authenticate again: ${why}`);
    }
    await link.authentication.repeat(link.connection, () => link.link.afterTurn());
  }

  disconnect(options: DisconnectOptions = {}): Promise<void> {
    this.#disconnecting ??= this.#disconnect(options);
    return this.#disconnecting;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  on<E extends keyof ClientEvents>(event: E, listener: (data: ClientEvents[E]) => void): () => void {
    const stop = this.#events.on(event, listener);
    if (event === 'message') this.#inbox.giveEarly();
    if (event === 'warning') for (const warning of this.#early.splice(0)) this.#events.emit('warning', warning);
    return stop;
  }

  once<E extends keyof ClientEvents>(event: E, listener: (data: ClientEvents[E]) => void): () => void {
    const stop = this.on(event, (data) => {
      stop();
      listener(data);
    });
    return stop;
  }

  off<E extends keyof ClientEvents>(event: E, listener: (data: ClientEvents[E]) => void): void {
    this.#events.off(event, listener);
  }

  // What the supervisor tells.

  emit<E extends keyof ClientEvents>(event: E, data: ClientEvents[E]): void {
    this.#events.emit(event, data);
  }

  objectionTo(connack: ConnackPacket): readonly [string, string] | undefined {
    // [MQTT5-3.2.2-4]: with a store, this client knows that it has no state. Without one, cleanStart: false is the program's word.
    if (!connack.sessionPresent || this.#hasState || this.#settings.store === undefined) return undefined;
    const text =
      'the server has a session of this Client ID and the store has none: connect with cleanStart: true once';
    return ['session-present-without-state', text];
  }

  onEstablished(established: Established, now: number): void {
    const { connection, link, connect, connack } = established;
    const negotiated = negotiate(connect, connack);
    const reconnected = this.#hasConnected;
    this.negotiated = negotiated;
    this.clientId = negotiated.clientId.effective;
    this.#link = established;
    link.listener = {
      onWritable: (at) => this.#outbox.pump(at),
      onTurn: () => this.#applyPressure(),
    };
    let again = 0;
    let sent = 0;
    if (!connack.sessionPresent) {
      sent = this.#outbox.startAnew(now);
      this.#requests.attach(connection);
      if (this.#hasConnected) again = this.#book.restore();
    } else this.#requests.attach(connection);
    if (reconnected && !connack.sessionPresent && again + sent > 0) {
      const text = `the server had no session: ${again} subscriptions were made again, ${sent} messages sent anew; messages meant for this client may be lost`;
      this.warn('session-lost', text);
    }
    this.#hasConnected = true;
    this.#hasState = true;
    const keeps =
      connect.protocolVersion === 5 ? (negotiated.sessionExpiryInterval.effective ?? 0) > 0 : !connect.cleanStart;
    const { key, value } = sessionChange(keeps);
    this.#writer.put(key, value);
    this.#inbox.attach(connection, this.#outbox.session.inbound, connack.sessionPresent);
    this.#outbox.resume(connection, negotiated, now);
    this.emit('connected', { sessionPresent: connack.sessionPresent, negotiated, reconnected });
  }

  onLost(_cause: CloseCause, _now: number): void {
    this.#link = undefined;
    this.#outbox.detach();
    this.#requests.detach();
    this.#inbox.detach();
  }

  onStopped(error: Error): void {
    this.#close(error);
  }

  onPublish(packet: PublishPacket, _now: number): void {
    this.#inbox.handlePublish(packet);
  }

  onPuback(packetIdentifier: number, reasonCode: number, now: number): void {
    if (!this.#outbox.handlePuback(packetIdentifier, reasonCode, now)) this.#failUnexpected('PUBACK', now);
  }

  onPubrec(packetIdentifier: number, reasonCode: number, now: number): void {
    if (!this.#outbox.handlePubrec(packetIdentifier, reasonCode, now)) this.#failUnexpected('PUBREC', now);
  }

  onPubrel(packetIdentifier: number): void {
    this.#inbox.handlePubrel(packetIdentifier);
  }

  onPubcomp(packetIdentifier: number, reasonCode: number, now: number): void {
    if (!this.#outbox.handlePubcomp(packetIdentifier, reasonCode, now)) this.#failUnexpected('PUBCOMP', now);
  }

  onSuback(packet: SubackPacket, now: number): void {
    if (!this.#requests.handleSuback(packet)) this.#failUnexpected('SUBACK', now);
  }

  onUnsuback(packet: UnsubackPacket, now: number): void {
    if (!this.#requests.handleUnsuback(packet)) this.#failUnexpected('UNSUBACK', now);
  }

  // What the inbox asks.

  get hasListeners(): boolean {
    return this.#events.has('message');
  }

  emitMessage(message: Message): void {
    this.#events.emit('message', message);
  }

  emitError(error: unknown): void {
    this.reportError(error);
  }

  reportError(error: unknown): void {
    if (!this.#events.has('error')) {
      this.warn('handler-failed', `a handler failed, and nobody listens to 'error': ${String(error)}`);
      return;
    }
    this.#events.emit('error', error instanceof Error ? error : new Error(String(error)));
  }

  warn(code: string, text: string): void {
    if (this.#events.has('warning')) this.#events.emit('warning', { code, text });
    else if (this.#early.length < 100) this.#early.push({ code, text });
  }

  afterTurn(): void {
    this.#link?.link.afterTurn();
  }

  onPressure(): void {
    this.#applyPressure();
  }

  // The rest.

  get #now(): number {
    return this.#platform.clock.now();
  }

  /** Stops reading while readers do not keep up; but never while this client itself waits for an answer. */
  #applyPressure(): void {
    const waits = this.#outbox.pending > 0 || this.#requests.pending > 0;
    this.#link?.link.setPaused(this.#inbox.isFull && !waits);
  }

  #onCommitted(): void {
    this.#outbox.onCommitted(this.#now);
    this.#link?.connection.releaseAcks();
    this.afterTurn();
  }

  #failUnexpected(packet: string, now: number): void {
    this.#link?.connection.fail('unexpected-answer', 0x82, `a ${packet} that answers nothing of its kind`, now);
  }

  #checkOpen(): void {
    if (this.#closedWith !== undefined || this.#disconnecting !== undefined) {
      const why = this.#closedWith;
      if (why instanceof ClosedError)
        throw new ClosedError(why.code, `the client is closed: ${why.message}`, why.reasonCode, why);
      throw new ClosedError('client-closed', 'the client is closed', 0, why);
    }
  }

  async #disconnect(options: DisconnectOptions): Promise<void> {
    if (this.#closedWith !== undefined) return;
    if (options.drain !== undefined && options.drain > 0)
      await within(this.#platform.clock, options.drain * 1000, this.#outbox.whenIdle(), this.closed);
    const { reasonCode = 0, reasonString, sessionExpiryInterval, userProperties } = options;
    const link = this.#link;
    const gone = link === undefined ? undefined : link.link.gone;
    if (link !== undefined) {
      const properties = { reasonString, sessionExpiryInterval, userProperties };
      const isBare = Object.values(properties).every((value) => value === undefined);
      link.connection.disconnect(reasonCode, this.#now, isBare ? undefined : properties);
      link.link.afterTurn();
    }
    this.#close(undefined);
    await gone;
    await this.#writer.flush();
    await this.#settings.store?.close?.();
  }

  #close(error: Error | undefined): void {
    if (this.#closedWith !== undefined) return;
    const reason = error ?? new ClosedError('client-closed', 'the client was closed by disconnect()');
    this.#closedWith = reason;
    this.#supervisor.stop(reason);
    const closed = ClosedError.by(reason);
    this.#outbox.close(closed);
    this.#requests.close(closed);
    this.#requester.close(closed);
    this.#streams.close(error);
    this.#resolveClosed(error);
  }
}
