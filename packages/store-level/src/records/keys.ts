import { RecordReader } from './record-reader.ts';

/** First byte of every key. Together they are the whole layout: see docs/adr/0002-tickets.md. */
export const Prefix = {
  /** Client ID. */
  session: 0x73,
  /** Session number, Topic Filter. */
  subscription: 0x75,
  /** Session number, sequence. */
  queued: 0x71,
  /** Sequence of a message that several sessions wait for. */
  message: 0x6d,
  /** Session number, Packet Identifier. */
  outbound: 0x6f,
  /** Session number, Packet Identifier. */
  inbound: 0x69,
  /** Session number. */
  lost: 0x6c,
  /** Topic. */
  retained: 0x72,
  /** What the store says of itself: a second byte of `Note`. */
  note: 0x6e,
} as const;

export type Prefix = (typeof Prefix)[keyof typeof Prefix];

/** Second byte of the keys under `Prefix.note`. */
export const Note = {
  /** Format version. */
  format: 0x66,
  /** Slot: see batch-ring.ts. */
  batch: 0x62,
  /** Number of the first batch that must be there; absent: 1. A repair begins anew. */
  firstBatch: 0x73,
} as const;

/** A range of keys for an iterator. */
export interface KeyRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

/** All keys of one kind. */
export function rangeOf(prefix: Prefix): KeyRange {
  return { gte: Buffer.of(prefix), lt: Buffer.of(prefix + 1) };
}

/** All keys of one kind under one session number; of queues those from a sequence on. */
export function rangeOfSession(prefix: Prefix, session: number, fromSequence?: number): KeyRange {
  const start = sessionKey(prefix, session);
  return {
    gte: fromSequence === undefined ? start : Buffer.concat([start, uint56(fromSequence)]),
    lt: sessionKey(prefix, session + 1),
  };
}

export function messageKey(sequence: number): Buffer {
  return sessionKey(Prefix.message, sequence);
}

export function formatKey(): Buffer {
  return Buffer.of(Prefix.note, Note.format);
}

/** Reads a key behind its prefix. */
export function keyReader(key: Uint8Array): RecordReader {
  return new RecordReader(key, 1);
}

/** A key in words, for an error message. */
export function describeKey(key: Uint8Array): string {
  try {
    const reader = keyReader(key);
    switch (key[0]) {
      case Prefix.session:
        return `session of client "${reader.utf8()}"`;
      case Prefix.subscription:
        return `session ${reader.uint56()}, subscription "${reader.utf8()}"`;
      case Prefix.queued:
        return `session ${reader.uint56()}, queued message ${reader.uint56()}`;
      case Prefix.message:
        return `shared message ${reader.uint56()}`;
      case Prefix.outbound:
        return `session ${reader.uint56()}, outbound Packet Identifier ${reader.uint16()}`;
      case Prefix.inbound:
        return `session ${reader.uint56()}, inbound Packet Identifier ${reader.uint16()}`;
      case Prefix.lost:
        return `session ${reader.uint56()}, messages lost`;
      case Prefix.retained:
        return `retained message "${reader.utf8()}"`;
      case Prefix.note:
        return 'record of the store itself';
    }
  } catch {
    // Falls through: what cannot be read is shown as it is.
  }
  return describePart(key) ?? `key ${Buffer.from(key).toString('hex')}`;
}

/** A key that was cut short, as those between two blocks are: whose it would be. */
function describePart(key: Uint8Array): string | undefined {
  const kind = KINDS.get(key[0]);
  if (kind === undefined) return undefined;
  return key.length < 8 ? kind : `session ${keyReader(key).uint56()}, ${kind}`;
}

const KINDS: ReadonlyMap<number | undefined, string> = new Map([
  [Prefix.subscription, 'subscriptions'],
  [Prefix.queued, 'queued messages'],
  [Prefix.outbound, 'outbound Packet Identifiers'],
  [Prefix.inbound, 'inbound Packet Identifiers'],
  [Prefix.lost, 'messages lost'],
]);

function sessionKey(prefix: Prefix, session: number): Buffer {
  return Buffer.concat([Buffer.of(prefix), uint56(session)]);
}

function uint56(value: number): Buffer {
  const bytes = Buffer.alloc(7);
  bytes.writeUIntBE(Math.floor(value / 2 ** 32), 0, 3);
  bytes.writeUInt32BE(value >>> 0, 3);
  return bytes;
}
