import type { ProtocolVersion } from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import { PacketIdentifiers } from '@hawser/protocol';
import { type Calls, type CallsHost, callsOf, goodbye } from './calls.ts';
import type { Established } from './connection/attempt.ts';
import type { LinkListener } from './connection/link.ts';
import { keepConnected, type SupervisedClient } from './connection/supervisor.ts';
import { ClosedError, UsageError } from './errors.ts';
import type { Consumer } from './inbound/consumer.ts';
import { type InboxHost, inboxOf } from './inbound/inbox.ts';
import { type Negotiated, negotiate } from './negotiated.ts';
import type { ClientClock, Platform } from './platform.ts';
import { type Reports, reportsOf } from './reports.ts';
import type { Journal, JournalHost } from './session/journal.ts';
import { outboxOf } from './session/outbox.ts';
import { subscriptionsOf } from './session/subscriptions.ts';
import type { Settings } from './settings.ts';

/** A client without the methods that a program calls: its session, its connections, its end. */
export interface ClientCore extends Reports {
  readonly clientId: string;
  readonly negotiated: Negotiated | undefined;
  /** While there is no connection. */
  readonly phase: 'connecting' | 'waiting';
  readonly current: Established | undefined;
  readonly closedWith: ClosedError | undefined;
  /** Resolves when the client is closed for good, with the error that has stopped it. */
  readonly closed: Promise<Error | undefined>;
  /** Messages that are not acknowledged to the end, of QoS 0 not handed to the network. */
  readonly pending: number;
  readonly dropped: number;
  /** Some part of the program is told when the client stops. */
  isStopHeard: boolean;
  /** Opens the store and connects. `onFirst`: connected for the first time. */
  start(onFirst: () => void): void;
  close(error: Error | undefined): void;
}

/** What the parts of a client ask and tell it. */
interface Host extends ClientCore, SupervisedClient, LinkListener, InboxHost, Consumer, JournalHost, CallsHost {
  readonly clock: ClientClock;
  version: ProtocolVersion;
  clientId: string;
  phase: ClientCore['phase'];
  negotiated: Negotiated | undefined;
  current: Established | undefined;
  closedWith: ClosedError | undefined;
  /** There is a session here that the server may have too. */
  resumes: boolean;
}

/** The parts of a client, put together. They are not connected before `start`. */
export function coreOf(platform: Platform, settings: Settings): { readonly core: ClientCore; readonly calls: Calls } {
  const { promise: closed, resolve: resolveClosed } = Promise.withResolvers<Error | undefined>();
  const abort = new AbortController();
  let stopMessages: (() => void) | undefined;
  let journal: Journal | undefined;

  const reports = reportsOf(platform, (event, isHeard) => {
    if (event === 'message') stopMessages = isHeard ? (stopMessages ?? inbox.add(host)) : void stopMessages?.();
  });

  const startAnew = (): number => {
    inbox.startAnew();
    return outbox.startAnew();
  };

  const run = async (onFirst: () => void): Promise<void> => {
    const { store, cleanStart } = settings;
    if (store) {
      if (!store.open) throw new UsageError('wrong-type', 'store: make it with sessionStore()');
      const { messages, inbound, hasSession, ...opened } = await store.open(host);
      journal = inbox.journal = opened.journal;
      outbox.restore(messages, journal);
      inbox.restore(inbound);
      // The client was closed while the store was opened.
      if (host.closedWith) return journal.close();
      // Clean Start 1: what an earlier run has left is sent anew, as after any lost session.
      if (cleanStart) startAnew();
      else host.resumes = hasSession;
    }
    await keepConnected(platform, settings, host, abort.signal, onFirst);
  };

  const close = (error: Error | undefined): void => {
    if (host.closedWith) return;
    host.closedWith = error ? ClosedError.by(error) : goodbye();
    abort.abort(host.closedWith);
    // Given up with the CONNACK.
    host.current?.link.destroy();
    for (const part of [outbox, subscriptions, inbox]) part.close(host.closedWith);
    const isTold = calls.close(host.closedWith, error) || host.isStopHeard || reports.hears('disconnected');
    if (error && !isTold) reports.reportError(host.closedWith);
    const end = (): void => {
      host.clock.close?.();
      resolveClosed(error);
    };
    if (journal) void journal.close().then(end);
    else end();
  };

  const host: Host = {
    ...reports,
    clientId: settings.clientId,
    negotiated: undefined,
    clock: platform.openClock?.(reports.warn) ?? platform.clock,
    version: settings.protocolVersion,
    phase: 'connecting',
    resumes: false,
    current: undefined,
    closedWith: undefined,
    closed,
    close,

    isStopHeard: false,

    get pending() {
      return outbox.pending;
    },

    get dropped() {
      return inbox.dropped;
    },

    // For the listeners of `message`.
    deliver({ message }) {
      reports.emit('message', message);
    },

    isGivenUp: (topic) => subscriptions.isGivenUp(topic),

    receiver: {
      onPublish: (packet) => inbox.handlePublish(packet),

      onAck(type, packetIdentifier, reasonCode, _now, reasonString) {
        if (type === PacketType.PUBREL) inbox.handlePubrel(packetIdentifier);
        else outbox.handleAck(type, packetIdentifier, reasonCode, reasonString);
      },

      onAnswer: (packet) => subscriptions.handleAnswer(packet),
    },

    // [MQTT5-3.2.2-4]: with a store, this client knows that it has no state. Without one, cleanStart: false is the program's word.
    objectionTo: ({ sessionPresent }) => (sessionPresent && !host.resumes ? journal?.objection : undefined),

    onEstablished(established) {
      const { link, connect, connack } = established;
      const { sessionPresent } = connack;
      const negotiated = negotiate(connect, connack);
      const reconnected = host.negotiated !== undefined;
      host.negotiated = negotiated;
      host.clientId = negotiated.clientId.effective;
      host.current = established;
      link.listener = host;
      const sent = sessionPresent ? 0 : startAnew();
      const again = sessionPresent ? 0 : subscriptions.restore();
      if (host.resumes && again + sent > 0) {
        const text = `the server had no session: ${again} subscriptions and ${sent} messages are sent again; others may be lost`;
        reports.warn('session-lost', text);
      }
      subscriptions.attach(link.connection, negotiated);
      host.resumes = true;
      journal?.keepSession(connect, negotiated);
      inbox.attach(link.connection, sessionPresent);
      outbox.attach(link, negotiated);
      reports.emit('connected', { sessionPresent, negotiated, reconnected });
    },

    onClosed() {
      host.current = undefined;
      for (const part of [outbox, subscriptions, inbox]) part.detach();
    },

    /** Stops reading while the program does not keep up; but never while the program waits for an answer, or for a message in another stream. */
    onTurn() {
      const waits = outbox.unanswered + subscriptions.pending + calls.pending > 0 || inbox.isAwaited;
      host.current?.link.setPaused(inbox.isFull && !waits);
    },

    // The network or the disk takes more again.
    onWritable: () => outbox.pump(),
    onFlushed: () => outbox.handleFlushed(),

    start(onFirst) {
      if (!host.closedWith) run(onFirst).catch(close);
    },
  };

  const identifiers = new PacketIdentifiers();
  const inUse = { has: (id: number): boolean => outbox.has(id) || subscriptions.has(id) };
  const nextIdentifier = (): number => identifiers.next(inUse);
  const outbox = outboxOf(settings.queue, host, nextIdentifier);
  const subscriptions = subscriptionsOf(nextIdentifier, host);
  const inbox = inboxOf(host, settings.acknowledge === 'manual');
  const calls = callsOf(host, outbox, subscriptions, inbox);
  return { core: host, calls };
}
