import type {
  StoredLosses,
  StoredMessage,
  StoredOutbound,
  StoredQueueEntry,
  StoredSession,
  StoredSubscription,
} from '@hawser/broker';
import type { ProtocolVersion } from '@hawser/codec';
import { readMessage, toQoS, writeMessage } from './message-record.ts';
import { RecordError, type RecordReader } from './record-reader.ts';
import type { RecordWriter } from './record-writer.ts';

// The values of one kind of record each. Version byte and checksum are put around them: see sealed-record.ts.

/*
 * session = number version expiry-interval created-at flags [expires-at] [username] [delay [due-at] message]
 * flags   = bit 0 expires-at, 1 username, 2 Will, 3 the Will's due-at, 4 all that was sent is noted
 */
export function writeSession(writer: RecordWriter, session: StoredSession): void {
  const will = session.will;
  writer.uint56(session.number);
  writer.uint8(session.protocolVersion);
  writer.uint32(session.expiryInterval);
  writer.float64(session.createdAt);
  writer.uint8(
    (session.expiresAt === undefined ? 0 : 1) |
      (session.username === undefined ? 0 : 2) |
      (will === undefined ? 0 : 4) |
      (will?.dueAt === undefined ? 0 : 8) |
      (session.sendingNoted === undefined ? 0 : 16),
  );
  if (session.expiresAt !== undefined) writer.float64(session.expiresAt);
  if (session.username !== undefined) writer.string(session.username);
  if (will !== undefined) {
    writer.uint32(will.delayInterval);
    if (will.dueAt !== undefined) writer.float64(will.dueAt);
    writeMessage(writer, will.message);
  }
}

export function readSession(clientId: string, reader: RecordReader): StoredSession {
  const number = reader.uint56();
  const protocolVersion = toProtocolVersion(reader.uint8());
  const expiryInterval = reader.uint32();
  const createdAt = reader.float64();
  const flags = reader.uint8();
  const expiresAt = flags & 1 ? { expiresAt: reader.float64() } : undefined;
  const username = flags & 2 ? { username: reader.string() } : undefined;
  const noted = flags & 16 ? { sendingNoted: true as const } : undefined;
  const session = { clientId, number, protocolVersion, expiryInterval, createdAt, ...expiresAt, ...username, ...noted };
  if ((flags & 4) === 0) return session;
  const delayInterval = reader.uint32();
  const dueAt = flags & 8 ? { dueAt: reader.float64() } : undefined;
  return { ...session, will: { message: readMessage(reader), delayInterval, ...dueAt } };
}

/*
 * subscription = flags [identifier] [replay-since]
 * flags        = bits 0-1 QoS, 2 No Local, 3 Retain As Published, 4-5 Retain Handling, 6 identifier, 7 retained messages are owed
 */
export function writeSubscription(writer: RecordWriter, subscription: StoredSubscription): void {
  writer.uint8(
    subscription.qos |
      (subscription.noLocal ? 0x04 : 0) |
      (subscription.retainAsPublished ? 0x08 : 0) |
      (subscription.retainHandling << 4) |
      (subscription.subscriptionIdentifier === undefined ? 0 : 0x40) |
      (subscription.replaySince === undefined ? 0 : 0x80),
  );
  if (subscription.subscriptionIdentifier !== undefined) writer.varint(subscription.subscriptionIdentifier);
  if (subscription.replaySince !== undefined) writer.float64(subscription.replaySince);
}

export function readSubscription(topicFilter: string, reader: RecordReader): StoredSubscription {
  const flags = reader.uint8();
  return {
    topicFilter,
    qos: toQoS(flags & 0x03),
    noLocal: (flags & 0x04) !== 0,
    retainAsPublished: (flags & 0x08) !== 0,
    retainHandling: toQoS((flags >> 4) & 0x03),
    ...(flags & 0x40 ? { subscriptionIdentifier: reader.varint() } : undefined),
    ...(flags & 0x80 ? { replaySince: reader.float64() } : undefined),
  };
}

/*
 * queued = flags size [count identifier*] [shared] (message-sequence | message)
 * flags  = bits 0-1 QoS, 2 RETAIN, 3 kept elsewhere, 4 shared subscription, 5 subscription identifiers,
 *          6 a retained message for a new subscription
 */
const RETAIN = 0x04;
const KEPT_ELSEWHERE = 0x08;
const SHARED = 0x10;
const IDENTIFIERS = 0x20;
const REPLAYED = 0x40;

/** `size` (bytes of topic and payload) stands in front, for who only counts. */
export function writeQueued(
  writer: RecordWriter,
  entry: StoredQueueEntry,
  size: number,
  messageSequence: number | undefined,
): void {
  const identifiers = entry.subscriptionIdentifiers;
  writer.uint8(
    entry.qos |
      (entry.retain ? RETAIN : 0) |
      (messageSequence === undefined ? 0 : KEPT_ELSEWHERE) |
      (entry.shared === undefined ? 0 : SHARED) |
      (identifiers.length === 0 ? 0 : IDENTIFIERS) |
      (entry.replayed === undefined ? 0 : REPLAYED),
  );
  writer.uint32(size);
  if (identifiers.length > 0) {
    writer.varint(identifiers.length);
    for (const identifier of identifiers) writer.varint(identifier);
  }
  if (entry.shared !== undefined) writer.string(entry.shared);
  if (messageSequence !== undefined) writer.uint56(messageSequence);
  else writeMessage(writer, entry.message);
}

/** A queue entry without its message, which is either in the record or kept under a number. */
export interface QueuedRecord {
  readonly size: number;
  readonly messageSequence: number | undefined;
  /** Absent when it is kept elsewhere. */
  readonly message: StoredMessage | undefined;
  readonly entry: Omit<StoredQueueEntry, 'message'>;
}

export function readQueued(sequence: number, reader: RecordReader): QueuedRecord {
  const flags = reader.uint8();
  const size = reader.uint32();
  const subscriptionIdentifiers: number[] = [];
  if (flags & IDENTIFIERS) {
    const count = reader.varint();
    for (let index = 0; index < count; index++) subscriptionIdentifiers.push(reader.varint());
  }
  const shared = flags & SHARED ? { shared: reader.string() } : undefined;
  const isElsewhere = (flags & KEPT_ELSEWHERE) !== 0;
  const messageSequence = isElsewhere ? reader.uint56() : undefined;
  const message = isElsewhere ? undefined : readMessage(reader);
  const retain = (flags & RETAIN) !== 0;
  const replayed = flags & REPLAYED ? { replayed: true as const } : undefined;
  return {
    size,
    messageSequence,
    message,
    entry: { sequence, qos: toQoS(flags & 0x03), retain, subscriptionIdentifiers, ...shared, ...replayed },
  };
}

/** The head of a queue entry alone: all that is read of it at start. */
export function readQueuedHead(reader: RecordReader): { readonly size: number; readonly messageSequence: number } {
  const flags = reader.uint8();
  const size = reader.uint32();
  if ((flags & KEPT_ELSEWHERE) === 0) return { size, messageSequence: 0 };
  if (flags & IDENTIFIERS) {
    const count = reader.varint();
    for (let index = 0; index < count; index++) reader.varint();
  }
  if (flags & SHARED) reader.binary();
  return { size, messageSequence: reader.uint56() };
}

/* outbound = flags sequence; flags = bits 0-1 QoS, 2 released */
export function writeOutbound(writer: RecordWriter, outbound: StoredOutbound): void {
  writer.uint8(outbound.qos | (outbound.state === 'released' ? 4 : 0));
  writer.uint56(outbound.sequence);
}

export function readOutbound(packetIdentifier: number, reader: RecordReader): StoredOutbound {
  const flags = reader.uint8();
  const qos = flags & 0x03;
  if (qos !== 1 && qos !== 2) throw new RecordError(`a handshake of QoS ${qos}`);
  return { packetIdentifier, sequence: reader.uint56(), qos, state: flags & 4 ? 'released' : 'published' };
}

/* lost = count (cause messages)* */
export function writeLosses(writer: RecordWriter, lost: StoredLosses): void {
  const entries = Object.entries(lost);
  writer.varint(entries.length);
  for (const [cause, messages] of entries) {
    writer.string(cause);
    writer.uint56(messages);
  }
}

export function readLosses(reader: RecordReader): StoredLosses {
  const count = reader.varint();
  const lost: Record<string, number> = {};
  for (let index = 0; index < count; index++) {
    const cause = reader.string();
    lost[cause] = reader.uint56();
  }
  return lost;
}

function toProtocolVersion(value: number): ProtocolVersion {
  if (value === 3 || value === 4 || value === 5) return value;
  throw new RecordError(`a protocol version of ${value}`);
}
