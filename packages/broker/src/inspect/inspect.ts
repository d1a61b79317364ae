import type { Broker } from '../broker.ts';
import { warningText } from '../causes/cause-text.ts';
import type { LossCause } from '../causes/losses.ts';
import type { Language } from '../causes/words.ts';
import { Client } from '../intake/client.ts';
import { shownClaim } from '../policy/claimed-name.ts';
import type { Negotiated } from '../recorder/observer.ts';
import type { LossLedger } from '../recorder/recorded-event.ts';
import type { Subscription } from '../routing/subscription.ts';
import { type ClientSession, NEVER_EXPIRES } from '../sessions/client-session.ts';
import type {
  ClientDetail,
  ClientView,
  LossView,
  OverviewView,
  QueueView,
  RetainedView,
  SessionView,
  SubscriptionView,
  WillView,
} from './views.ts';

/** The connection of a session, if it has one now. */
export function handlerOf(session: ClientSession | undefined): Client | undefined {
  return session?.handler instanceof Client ? session.handler : undefined;
}

/** Figures of the whole broker. Adds up over all connections and sessions: for a look now and then. */
export function inspectOverview(broker: Broker, language: Language = 'en'): OverviewView {
  const { counters, intake, registry, router } = broker;
  const traffic = inspectTraffic(broker);
  let queuedMessages = 0;
  let queuedBytes = 0;
  for (const { session } of registry.values()) {
    queuedMessages += session.queue.length;
    queuedBytes += session.queue.bytes;
  }
  const { longest } = broker.driverNode.turn;
  const lostByCause = { ...counters.lost };
  return {
    startedAt: iso(broker.startedAt),
    uptime: Math.round((broker.wallNow() - broker.startedAt) / 1000),
    listeners: broker.urls,
    connections: intake.size,
    clientsConnected: intake.connected,
    sessions: registry.size,
    subscriptions: router.routes.subscriptionCount,
    sharedSubscriptions: router.routes.sharedSubscriptionCount,
    retainedMessages: router.retained.count,
    retainedBytes: router.retained.bytes,
    queuedMessages,
    queuedBytes: Math.round(queuedBytes),
    connectionsAccepted: counters.connectionsAccepted,
    connectionsRefused: counters.connectionsRefused,
    takeovers: counters.takeovers,
    sessionsExpired: counters.sessionsExpired,
    publishesDenied: counters.publishesDenied,
    subscribesDenied: counters.subscribesDenied,
    messagesReceived: counters.messagesIn,
    messagesSent: broker.slab.publishes + counters.groupMessagesOut,
    payloadBytesReceived: counters.payloadBytesIn,
    payloadBytesSent: broker.slab.payloadBytes + counters.groupPayloadBytesOut,
    ...traffic,
    dropped: Object.values(lostByCause).reduce((sum, count) => sum + count, 0),
    lostByCause,
    refusedByCode: { ...counters.refused },
    closedByCode: {
      peer: { ...counters.closed.peer },
      self: { ...counters.closed.self },
      network: { ...counters.closed.network },
    },
    recorder: {
      clients: broker.recorder.size,
      evicted: broker.recorder.evicted,
      droppedLines: broker.recorder.droppedLines,
    },
    longestTurn: { seconds: longest.ms / 1000, cause: longest.cause },
    warnings: [...broker.recorder.warnings()].map(({ at, code, text, repeated }) => ({
      at: iso(at),
      code,
      text: warningText(code, text, language),
      count: repeated ?? 1,
    })),
  };
}

/** What came and went, of connections there are and of those that have ended. */
export function inspectTraffic(broker: Broker) {
  const { counters, intake } = broker;
  let bytesReceived = counters.bytesIn;
  let bytesSent = counters.bytesOut;
  let packetsReceived = counters.packetsIn;
  let packetsSent = counters.packetsOut;
  for (const { connection, output } of intake.peers()) {
    if (connection.closeCause !== undefined) continue;
    bytesReceived += connection.bytesIn;
    bytesSent += output.bytesOut;
    packetsReceived += connection.packetsIn;
    packetsSent += output.framesOut;
  }
  return { packetsReceived, packetsSent, bytesReceived, bytesSent };
}

/** A line about the client of a session. */
export function inspectClient(broker: Broker, session: ClientSession): ClientView {
  const handler = handlerOf(session);
  const client = handler?.info;
  return {
    clientId: session.clientId,
    connected: handler !== undefined,
    since: handler === undefined ? null : iso(broker.toWall(handler.connectedAtMs)),
    username: session.username ?? null,
    claimedUsername: client?.claimedUsername === undefined ? null : shownClaim(client.claimedUsername),
    protocolVersion: session.protocolVersion,
    remoteAddress: client?.remoteAddress ?? null,
    remotePort: client?.remotePort ?? null,
    listener: client?.listener ?? null,
    keepAlive: handler?.connection.keepAlive ?? null,
    subscriptions: session.subscriptions.size,
    inflight: session.session.inFlight,
    queue: queueOf(broker, session),
    dropped: droppedOf(broker, session.clientId),
  };
}

/** All there is to say about a Client Identifier; undefined: nothing is known of it. */
export function inspectClientDetail(broker: Broker, clientId: string): ClientDetail | undefined {
  const session = broker.registry.get(clientId);
  const record = broker.recorder.get(clientId);
  if (session === undefined && record === undefined) return undefined;
  const handler = handlerOf(session);
  const tls = handler?.info.tls;
  const summary = session === undefined ? gone(broker, clientId) : inspectClient(broker, session);
  return {
    ...summary,
    negotiated: negotiatedOf(handler?.negotiated ?? record?.negotiated, clientId),
    tls:
      tls === undefined
        ? null
        : {
            protocol: tls.protocol,
            cipher: tls.cipher,
            authorized: tls.authorized,
            peerSubject: tls.peerSubject ?? null,
            serverName: tls.serverName ?? null,
          },
    counters:
      handler === undefined
        ? null
        : {
            bytesIn: handler.connection.bytesIn,
            bytesOut: handler.output.bytesOut,
            packetsIn: handler.connection.packetsIn,
            packetsOut: handler.output.framesOut,
            pendingBytes: handler.output.pendingBytes,
            unacknowledged: handler.connection.unacknowledged,
          },
    lastPacketAt: handler === undefined ? null : iso(broker.toWall(handler.connection.lastReceivedMs)),
    slow: handler?.isSlow ?? false,
    session: session === undefined ? null : inspectSession(broker, session),
    subscriptionList: session === undefined ? [] : [...session.subscriptions.values()].map(inspectSubscription),
    will: session === undefined ? null : inspectWill(broker, session),
    losses: inspectLosses(record?.losses),
  };
}

export function inspectSession(broker: Broker, session: ClientSession): SessionView {
  const waits = session.expiresAtMs !== Number.POSITIVE_INFINITY && session.expiryInterval < NEVER_EXPIRES;
  return {
    clientId: session.clientId,
    connected: handlerOf(session) !== undefined,
    username: session.username ?? null,
    createdAt: iso(session.createdAt),
    expiryInterval: session.expiryInterval,
    expiresAt: waits ? iso(broker.toWall(session.expiresAtMs)) : null,
    subscriptions: session.subscriptions.size,
    inflight: session.session.inFlight,
    queue: queueOf(broker, session),
    dropped: droppedOf(broker, session.clientId),
    stored: session.isStored,
  };
}

export function inspectSubscription(subscription: Subscription): SubscriptionView {
  const { session, topicFilter, identifier } = subscription;
  const { qos, noLocal, retainAsPublished, retainHandling } = subscription.granted;
  return {
    clientId: session.clientId,
    topicFilter,
    qos,
    noLocal,
    retainAsPublished,
    retainHandling,
    subscriptionIdentifier: identifier ?? null,
  };
}

/** Null: it has none. */
export function inspectWill(broker: Broker, session: ClientSession): WillView | null {
  const { will } = session;
  if (will === undefined) return null;
  const { topic, qos, retain, payload } = will.message;
  const dueAt = will.dueAtMs === Number.POSITIVE_INFINITY ? null : iso(broker.toWall(will.dueAtMs));
  return {
    clientId: session.clientId,
    topic: topic.name,
    qos,
    retain,
    bytes: payload.length,
    delayInterval: will.delayInterval,
    dueAt,
  };
}

type RetainedMessage = ReturnType<Broker['router']['retained']['values']> extends Iterable<infer M> ? M : never;

export function inspectRetained(broker: Broker, message: RetainedMessage): RetainedView {
  const { topic, qos, payload, publisher, receivedAtMs, expiresAtMs } = message;
  return {
    topic: topic.name,
    qos,
    bytes: payload.length,
    publisher: publisher ?? null,
    receivedAt: iso(broker.toWall(receivedAtMs)),
    expiresAt: expiresAtMs === Number.POSITIVE_INFINITY ? null : iso(broker.toWall(expiresAtMs)),
  };
}

/** A ledger as a list, the greatest loss first. */
export function inspectLosses(losses: LossLedger | undefined): LossView[] {
  return lossEntries(losses).map(([cause, { count, firstAt, lastAt, topic }]) => ({
    cause,
    count,
    firstAt: iso(firstAt),
    lastAt: iso(lastAt),
    topic,
  }));
}

export function lossEntries(losses: LossLedger | undefined) {
  const entries = Object.entries(losses ?? {}) as [LossCause, NonNullable<LossLedger[LossCause]>][];
  return entries.sort(([, a], [, b]) => b.count - a.count);
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}

function negotiatedOf(text: string | undefined, clientId: string): Negotiated | null {
  if (text === undefined) return null;
  const own = { requested: clientId, granted: undefined, effective: clientId };
  return { clientId: own, ...(JSON.parse(text) as Negotiated) };
}

function queueOf({ settings }: Broker, { session }: ClientSession): QueueView {
  return {
    messages: session.queue.length,
    bytes: Math.round(session.queue.bytes),
    maximumMessages: settings['queue.messages'],
    maximumBytes: settings['queue.bytes'],
  };
}

function droppedOf(broker: Broker, clientId: string): number {
  return lossEntries(broker.recorder.get(clientId)?.losses).reduce((sum, [, { count }]) => sum + count, 0);
}

/** Of a client that has neither connection nor session any more. */
function gone(broker: Broker, clientId: string): ClientView {
  const last = broker.recorder.get(clientId)?.events.last;
  return {
    clientId,
    connected: false,
    since: null,
    username: last?.username ?? null,
    claimedUsername: last?.claimedUsername ?? null,
    protocolVersion: last?.protocolVersion ?? 0,
    remoteAddress: last?.remoteAddress ?? null,
    remotePort: last?.remotePort ?? null,
    listener: last?.listener ?? null,
    keepAlive: null,
    subscriptions: 0,
    inflight: 0,
    queue: {
      messages: 0,
      bytes: 0,
      maximumMessages: broker.settings['queue.messages'],
      maximumBytes: broker.settings['queue.bytes'],
    },
    dropped: droppedOf(broker, clientId),
  };
}
