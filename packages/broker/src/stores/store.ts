import type { ProtocolVersion, PublishProperties, QoS } from '@hawser/codec';
import type { Ticket } from '@hawser/protocol';

/** A message as it is kept. Times are milliseconds of the wall clock (they must outlive the process). */
export interface StoredMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Never with a Topic Alias or Subscription Identifier in it: those belong to one connection. */
  readonly properties: PublishProperties | undefined;
  readonly publishedAt: number;
  /** End of the Message Expiry Interval; absent: never. */
  readonly expiresAt?: number;
  /** Client ID of the publisher; absent: the broker itself. */
  readonly publisher?: string;
}

export interface StoredWill {
  readonly message: StoredMessage;
  /** Will Delay Interval, seconds. */
  readonly delayInterval: number;
  /** When it is due, once the network is gone; absent while the client is connected. */
  readonly dueAt?: number;
}

export interface StoredSession {
  readonly clientId: string;
  /** Never used again, also after the session has ended: what is left under an old number is garbage. */
  readonly number: number;
  readonly protocolVersion: ProtocolVersion;
  /** Session Expiry Interval, seconds; 0xFFFFFFFF: never. */
  readonly expiryInterval: number;
  readonly createdAt: number;
  /** When it ends; absent while the client is connected, or when it never ends. */
  readonly expiresAt?: number;
  readonly will?: StoredWill;
  /** Whom it belongs to, for the policies. */
  readonly username?: string;
  /**
   * All that was sent to its client is noted. Absent: its client was connected when this was written, and the notes of the QoS 1
   * messages that were sent last may be missing.
   */
  readonly sendingNoted?: true;
}

export interface StoredSubscription {
  readonly topicFilter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  readonly subscriptionIdentifier?: number;
  /** Set: retained messages that there were then are owed to it. */
  readonly replaySince?: number;
}

/** One message in the queue of one session. */
export interface StoredQueueEntry {
  readonly sequence: number;
  /** QoS at which this session gets it. */
  readonly qos: QoS;
  /** RETAIN flag as this session gets it. */
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[];
  /** Set: the message came by this shared subscription (`$share/group/filter`) and may move to another member. */
  readonly shared?: string;
  /** A retained message, sent because of a new subscription. */
  readonly replayed?: true;
  readonly message: StoredMessage;
}

/** The outbound handshake of one message: `published` until PUBACK / PUBREC, then `released` until PUBCOMP. */
export interface StoredOutbound {
  readonly packetIdentifier: number;
  readonly sequence: number;
  readonly qos: 1 | 2;
  readonly state: 'published' | 'released';
}

/**
 * What is written down. `session` is always the session's number. Those marked *lazy* force no sync of their own: they
 * go with the next batch that something else forces, or by themselves after a moment.
 */
export type StoreOperation =
  | { readonly kind: 'putSession'; readonly session: StoredSession }
  /** The session of `clientId` goes on under the name that `session` has, with all that is under its number. */
  | { readonly kind: 'renameSession'; readonly clientId: string; readonly session: StoredSession }
  /** Ends a session with all that is under its number. */
  | { readonly kind: 'deleteSession'; readonly clientId: string; readonly session: number }
  | {
      readonly kind: 'putSubscription';
      readonly session: number;
      readonly subscription: StoredSubscription;
      /** Nothing waits for it. */
      readonly lazy?: true;
    }
  | { readonly kind: 'deleteSubscription'; readonly session: number; readonly topicFilter: string }
  /**
   * Adds to a queue. `shared` messages: with `messageSequence` the message is kept once under that number (the store
   * writes it when it sees the number first, counts who waits for it, and deletes it when nobody does); without, inline.
   */
  | {
      readonly kind: 'putQueued';
      readonly session: number;
      readonly entry: StoredQueueEntry;
      readonly messageSequence: number | undefined;
    }
  /** Lazy. */
  | { readonly kind: 'deleteQueued'; readonly session: number; readonly sequence: number }
  | {
      readonly kind: 'putOutbound';
      readonly session: number;
      readonly outbound: StoredOutbound;
      readonly lazy: boolean;
    }
  /** Lazy. */
  | { readonly kind: 'deleteOutbound'; readonly session: number; readonly packetIdentifier: number }
  | { readonly kind: 'putInbound'; readonly session: number; readonly packetIdentifier: number }
  /** PUBCOMP waits for it: an identifier that came back after a crash would make the sender's next message a duplicate. */
  | { readonly kind: 'deleteInbound'; readonly session: number; readonly packetIdentifier: number }
  /** An empty payload never comes here: it is a `deleteRetained`. */
  | { readonly kind: 'putRetained'; readonly message: StoredMessage }
  | { readonly kind: 'deleteRetained'; readonly topic: string }
  /** What the session has lost and its client was not told of, in place of what was noted before. Lazy. */
  | { readonly kind: 'putLost'; readonly session: number; readonly lost: StoredLosses }
  /** Its client was told. Lazy. */
  | { readonly kind: 'deleteLost'; readonly session: number };

/** Messages lost, by cause. */
export type StoredLosses = Readonly<Record<string, number>>;

/**
 * How much a session's queue holds, known at start without reading the messages. Messages whose handshake is under way do
 * not count.
 */
export interface StoredQueueSummary {
  readonly session: number;
  readonly messages: number;
  /** Bytes of topics and payloads. */
  readonly bytes: number;
}

/** All that must be in memory before the first connection. Queues are not: see `readQueue`. */
export interface StoreContents {
  readonly sessions: readonly StoredSession[];
  /** By session number. */
  readonly subscriptions: ReadonlyMap<number, readonly StoredSubscription[]>;
  /** By session number, in the order in which they were sent first. */
  readonly outbound: ReadonlyMap<number, readonly StoredOutbound[]>;
  /** By session number. */
  readonly inbound: ReadonlyMap<number, readonly number[]>;
  readonly queues: readonly StoredQueueSummary[];
  /**
   * Set: there is so much that queues are still being counted; `queues` is empty and this gives what they held when the store was
   * opened, those of sessions that have ended since perhaps left out. Pages can be read meanwhile. Rejects when the store was closed, or is damaged (which `fault` then says).
   */
  readonly counting?: Promise<readonly StoredQueueSummary[]>;
  /** By session number. */
  readonly lost: ReadonlyMap<number, StoredLosses>;
  readonly retained: readonly StoredMessage[];
  /** Higher than every session number ever used. */
  readonly nextSession: number;
  /** Higher than every sequence ever used. */
  readonly nextSequence: number;
}

/** Room on a disk, bytes. */
export interface StoreSpace {
  readonly dataBytes: number;
  /** For who is not root. */
  readonly freeBytes: number;
}

/** What a copy of a store holds. */
export interface StoreBackup {
  readonly sessions: number;
  /** In queues and handshakes: one for each session that waits for it. */
  readonly messages: number;
  readonly retained: number;
  /** All of them, and subscriptions and what else there is. */
  readonly records: number;
  /** Of its files. */
  readonly bytes: number;
}

/**
 * What survives a restart. Every store works with tickets, one in memory too. `append` is synchronous and keeps order:
 * a later operation is never on disk without an earlier one. What is under the number of a session that was not put, or
 * has ended, is nothing. A message that several sessions wait for has one number, in `messageSequence` and as the sequence of
 * its entries (others work, and cost more). During a fault appends are kept in memory and pages wait.
 */
export interface Store {
  /** `durable`: what is committed survives a restart. */
  readonly durable: boolean;
  /** Everything with a ticket up to this one is on disk. */
  readonly committed: Ticket;
  /** Called after `committed` has grown, never from within `append`. The broker sets it. */
  onCommitted: ((committed: Ticket) => void) | undefined;
  /** Called when writing begins to fail (with words) and when it works again (`undefined`). The broker sets it. */
  onFault: ((fault: Error | undefined) => void) | undefined;
  /** The fault under way: nothing is being committed, and what needs the disk should be refused (0x97). */
  readonly fault: Error | undefined;
  /** Bytes that were appended and are not on disk: what a disk that is slow, or fails, costs in memory. */
  readonly pendingBytes: number;
  /** How much room it takes and how much is left; undefined: it takes none. */
  measure(): Promise<StoreSpace | undefined>;
  /** Gives back the room of what was deleted. */
  compact(): Promise<void>;
  /** Reads what there is. Rejects with a message for people when it cannot (in use, damaged, no permission). */
  open(): Promise<StoreContents>;
  append(operation: StoreOperation): Ticket;
  /**
   * Everything appended between `begin` and `end` (both in one synchronous stretch, not nested) has one ticket and is
   * on disk whole or not at all: a QoS 2 PUBLISH with what it causes, or a crash between them doubles or loses it.
   */
  begin(): void;
  /** The ticket of all that was appended since `begin`. */
  end(): Ticket;
  /**
   * A page of a session's queue, in order, after a sequence. At most `messages` entries, and no further ones after
   * `bytes` are reached. Sees everything appended before the call, committed or not.
   */
  readQueue(
    session: number,
    afterSequence: number,
    limit: { readonly messages: number; readonly bytes: number },
  ): Promise<readonly StoredQueueEntry[]>;
  /**
   * Copies all that was appended before the call into a directory that has no data, to be started on, while this one is in use;
   * absent: it cannot. Rejects with StoreError (`store-usage`: there is data).
   */
  backup?(directory: string): Promise<StoreBackup>;
  /** Commits what was appended, then lets go. */
  close(): Promise<void>;
}
