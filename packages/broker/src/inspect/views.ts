import type { Negotiated } from '../recorder/observer.ts';

/** A TLS connection, as the handshake left it. */
export interface TlsView {
  readonly protocol: string;
  readonly cipher: string;
  readonly authorized: boolean;
  readonly peerSubject: string | null;
  readonly serverName: string | null;
}

/** Messages a session has lost for one cause. Times are ISO 8601, here and below. */
export interface LossView {
  readonly cause: string;
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
  /** Of the last one. */
  readonly topic: string;
}

export interface SubscriptionView {
  readonly clientId: string;
  readonly topicFilter: string;
  readonly qos: number;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: number;
  readonly subscriptionIdentifier: number | null;
}

/** A connected client, in a list. */
export interface ClientView {
  readonly clientId: string;
  readonly connected: boolean;
  /** Since when it is connected; null: it is not. */
  readonly since: string | null;
  /** The name that was confirmed; null: none. */
  readonly username: string | null;
  /** The name that the client gives itself and nobody has checked; a long one as a fingerprint. */
  readonly claimedUsername: string | null;
  /** 3, 4, 5. */
  readonly protocolVersion: number;
  readonly remoteAddress: string | null;
  readonly remotePort: number | null;
  readonly listener: string | null;
  /** Seconds, as granted. */
  readonly keepAlive: number | null;
  readonly subscriptions: number;
  /** QoS 1 and 2 messages under way to it. */
  readonly inflight: number;
  readonly queue: QueueView;
  /** Messages lost for it, in all. */
  readonly dropped: number;
}

export interface QueueView {
  readonly messages: number;
  readonly bytes: number;
  readonly maximumMessages: number;
  readonly maximumBytes: number;
}

export interface WillView {
  readonly clientId: string;
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
  /** Of the payload. */
  readonly bytes: number;
  /** Seconds. */
  readonly delayInterval: number;
  /** When it will be published; null: not while the client stays connected. */
  readonly dueAt: string | null;
}

export interface SessionView {
  readonly clientId: string;
  readonly connected: boolean;
  readonly username: string | null;
  readonly createdAt: string;
  /** Seconds; 4294967295: never. */
  readonly expiryInterval: number;
  /** When it ends; null: connected, or never. */
  readonly expiresAt: string | null;
  readonly subscriptions: number;
  readonly inflight: number;
  readonly queue: QueueView;
  readonly dropped: number;
  readonly stored: boolean;
}

/** Everything about one Client Identifier. */
export interface ClientDetail extends ClientView {
  /** Requested, granted and effective value of each parameter; of the last connection if it is not connected. */
  readonly negotiated: Negotiated | null;
  readonly tls: TlsView | null;
  readonly counters: {
    readonly bytesIn: number;
    readonly bytesOut: number;
    readonly packetsIn: number;
    readonly packetsOut: number;
    /** Bytes that wait because it does not read. */
    readonly pendingBytes: number;
    /** Its QoS 1 and 2 messages that are not acknowledged yet. */
    readonly unacknowledged: number;
  } | null;
  /** When something came from it last. */
  readonly lastPacketAt: string | null;
  /** It does not read fast enough and is losing QoS 0. */
  readonly slow: boolean;
  readonly session: SessionView | null;
  readonly subscriptionList: readonly SubscriptionView[];
  readonly will: WillView | null;
  readonly losses: readonly LossView[];
}

export interface RetainedView {
  readonly topic: string;
  readonly qos: number;
  /** Of the payload. */
  readonly bytes: number;
  readonly publisher: string | null;
  readonly receivedAt: string;
  readonly expiresAt: string | null;
}

export interface OverviewView {
  readonly startedAt: string;
  /** Seconds. */
  readonly uptime: number;
  readonly listeners: readonly string[];
  readonly connections: number;
  readonly clientsConnected: number;
  readonly sessions: number;
  readonly subscriptions: number;
  /** Of these, those that share what matches them with others. */
  readonly sharedSubscriptions: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
  readonly queuedMessages: number;
  /** Topics and payloads. */
  readonly queuedBytes: number;
  readonly connectionsAccepted: number;
  readonly connectionsRefused: number;
  readonly takeovers: number;
  readonly sessionsExpired: number;
  readonly publishesDenied: number;
  readonly subscribesDenied: number;
  /** PUBLISH packets from clients. */
  readonly messagesReceived: number;
  /** PUBLISH packets to clients. */
  readonly messagesSent: number;
  readonly payloadBytesReceived: number;
  readonly payloadBytesSent: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Messages lost, in all. */
  readonly dropped: number;
  readonly lostByCause: Readonly<Record<string, number>>;
  /** Connections that were not let in, by code. */
  readonly refusedByCode: Readonly<Record<string, number>>;
  /** Connections that were let in and have ended, by who ended them (`self` is the broker), and by code. */
  readonly closedByCode: Readonly<Record<'peer' | 'self' | 'network', Readonly<Record<string, number>>>>;
  /** Client Identifiers that are remembered, those forgotten for want of room, lines of the log that were not written. */
  readonly recorder: { readonly clients: number; readonly evicted: number; readonly droppedLines: number };
  /** The longest turn of the event loop in the last minute or two: how long everybody had to wait at worst, and for what. */
  readonly longestTurn: {
    readonly seconds: number;
    /** A packet's type, `write`, `deadline`, `commit`, `session`, `replay`, `api`; `other`: no work explains it. */
    readonly cause: string;
  };
  readonly warnings: readonly {
    readonly at: string;
    readonly code: string;
    readonly text: string;
    readonly count: number;
  }[];
}
