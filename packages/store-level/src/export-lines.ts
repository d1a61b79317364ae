import type {
  StoredLosses,
  StoredMessage,
  StoredOutbound,
  StoredQueueEntry,
  StoredSession,
  StoredSubscription,
  StoredWill,
} from '@hawser/broker';
import type { PublishProperties } from '@hawser/codec';
import type { Batch } from './commit/batch.ts';
import { describeKey, keyReader, Prefix } from './records/keys.ts';
import { readMessage, writeMessage } from './records/message-record.ts';
import {
  readLosses,
  readOutbound,
  readQueued,
  readSession,
  readSubscription,
  writeLosses,
  writeOutbound,
  writeQueued,
  writeSession,
  writeSubscription,
} from './records/records.ts';
import { damagedRecord, readRecord } from './records/sealed-record.ts';

/** The first line of an export. */
export interface ExportHead {
  readonly hawser: 'data';
  readonly format: number;
  readonly nextSession: number;
  readonly nextSequence: number;
}

/** Bytes are Base64. */
interface PlainMessage extends Omit<StoredMessage, 'payload' | 'properties'> {
  readonly payload: string;
  readonly properties?: Omit<PublishProperties, 'correlationData'> & { readonly correlationData?: string };
}

interface PlainSession extends Omit<StoredSession, 'will'> {
  readonly will?: Omit<StoredWill, 'message'> & { readonly message: PlainMessage };
}

interface PlainEntry extends Omit<StoredQueueEntry, 'message'> {
  readonly size: number;
  /** The message itself, or the number of one that several sessions wait for. */
  readonly message: PlainMessage | number;
}

/** One record of an export. */
export type ExportLine =
  | { readonly kind: 'session'; readonly session: PlainSession }
  | { readonly kind: 'subscription'; readonly session: number; readonly subscription: StoredSubscription }
  | { readonly kind: 'queued'; readonly session: number; readonly entry: PlainEntry }
  | { readonly kind: 'message'; readonly sequence: number; readonly message: PlainMessage }
  | { readonly kind: 'outbound'; readonly session: number; readonly outbound: StoredOutbound }
  | { readonly kind: 'inbound'; readonly session: number; readonly packetIdentifier: number }
  | { readonly kind: 'lost'; readonly session: number; readonly lost: StoredLosses }
  | { readonly kind: 'retained'; readonly message: PlainMessage };

/** A record as it stands in an export. Throws StoreError for one that is damaged. */
export function decodeLine(key: Uint8Array, value: Uint8Array): ExportLine {
  const keys = keyReader(key);
  switch (key[0]) {
    case Prefix.session: {
      const clientId = keys.utf8();
      const { will, ...session } = readRecord(key, value, (reader) => readSession(clientId, reader));
      if (will === undefined) return { kind: 'session', session };
      return { kind: 'session', session: { ...session, will: { ...will, message: toPlain(will.message) } } };
    }
    case Prefix.subscription: {
      const session = keys.uint56();
      const filter = keys.utf8();
      const subscription = readRecord(key, value, (reader) => readSubscription(filter, reader));
      return { kind: 'subscription', session, subscription };
    }
    case Prefix.queued: {
      const session = keys.uint56();
      const sequence = keys.uint56();
      const { size, entry, message, messageSequence } = readRecord(key, value, (reader) =>
        readQueued(sequence, reader),
      );
      const plain = message === undefined ? (messageSequence ?? 0) : toPlain(message);
      return { kind: 'queued', session, entry: { ...entry, size, message: plain } };
    }
    case Prefix.message:
      return { kind: 'message', sequence: keys.uint56(), message: toPlain(readRecord(key, value, readMessage)) };
    case Prefix.outbound: {
      const session = keys.uint56();
      const packetIdentifier = keys.uint16();
      const outbound = readRecord(key, value, (reader) => readOutbound(packetIdentifier, reader));
      return { kind: 'outbound', session, outbound };
    }
    case Prefix.inbound:
      readRecord(key, value, () => undefined);
      return { kind: 'inbound', session: keys.uint56(), packetIdentifier: keys.uint16() };
    case Prefix.lost:
      return { kind: 'lost', session: keys.uint56(), lost: readRecord(key, value, readLosses) };
    case Prefix.retained:
      return { kind: 'retained', message: toPlain(readRecord(key, value, readMessage)) };
    default:
      throw damagedRecord(key, `no such record is known (${describeKey(key)})`);
  }
}

/** Puts a line's record into a batch. Throws an Error for a line that is none. */
export function encodeRecord(batch: Batch, line: ExportLine): void {
  const key = batch.key();
  switch (line.kind) {
    case 'session': {
      const { will, ...session } = line.session;
      key.uint8(Prefix.session);
      key.utf8(session.clientId);
      writeSession(
        batch.value(),
        will === undefined ? session : { ...session, will: { ...will, message: fromPlain(will.message) } },
      );
      break;
    }
    case 'subscription':
      key.uint8(Prefix.subscription);
      key.uint56(line.session);
      key.utf8(line.subscription.topicFilter);
      writeSubscription(batch.value(), line.subscription);
      break;
    case 'queued': {
      const { size, message, ...entry } = line.entry;
      key.uint8(Prefix.queued);
      key.uint56(line.session);
      key.uint56(entry.sequence);
      const isShared = typeof message === 'number';
      writeQueued(
        batch.value(),
        { ...entry, message: isShared ? NO_MESSAGE : fromPlain(message) },
        size,
        isShared ? message : undefined,
      );
      break;
    }
    case 'message':
      key.uint8(Prefix.message);
      key.uint56(line.sequence);
      writeMessage(batch.value(), fromPlain(line.message));
      break;
    case 'outbound':
      key.uint8(Prefix.outbound);
      key.uint56(line.session);
      key.uint16(line.outbound.packetIdentifier);
      writeOutbound(batch.value(), line.outbound);
      break;
    case 'inbound':
      key.uint8(Prefix.inbound);
      key.uint56(line.session);
      key.uint16(line.packetIdentifier);
      batch.value();
      break;
    case 'lost':
      key.uint8(Prefix.lost);
      key.uint56(line.session);
      writeLosses(batch.value(), line.lost);
      break;
    case 'retained':
      key.uint8(Prefix.retained);
      key.utf8(line.message.topic);
      writeMessage(batch.value(), fromPlain(line.message));
      break;
    default:
      throw new Error('it has a kind that is not known');
  }
  batch.endPut();
}

/** Stands where the message is kept elsewhere and is not looked at. */
const NO_MESSAGE: StoredMessage = {
  topic: '',
  payload: new Uint8Array(0),
  qos: 0,
  retain: false,
  properties: undefined,
  publishedAt: 0,
};

function toPlain({ payload, properties, ...message }: StoredMessage): PlainMessage {
  const plain = { ...message, payload: toBase64(payload) };
  if (properties === undefined) return plain;
  const { correlationData, ...others } = properties;
  return {
    ...plain,
    properties: correlationData === undefined ? others : { ...others, correlationData: toBase64(correlationData) },
  };
}

function fromPlain({ payload, properties, ...message }: PlainMessage): StoredMessage {
  const stored = { ...message, payload: Buffer.from(payload, 'base64') };
  if (properties === undefined) return { ...stored, properties: undefined };
  const { correlationData, ...others } = properties;
  if (correlationData === undefined) return { ...stored, properties: others };
  return { ...stored, properties: { ...others, correlationData: Buffer.from(correlationData, 'base64') } };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
