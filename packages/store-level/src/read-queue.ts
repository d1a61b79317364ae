import type { StoredMessage, StoredQueueEntry } from '@hawser/broker';
import type { LevelDatabase } from './database.ts';
import { keyReader, messageKey, Prefix, rangeOfSession } from './records/keys.ts';
import { readMessage } from './records/message-record.ts';
import { type QueuedRecord, readQueued } from './records/records.ts';
import { damagedRecord, readRecord } from './records/sealed-record.ts';

/**
 * Reads a page of a queue from disk: entries from a sequence on, at most `messages`, no further ones after `bytes`.
 * One snapshot for entries and shared messages, so that none of those goes away in between.
 */
export async function readQueuePage(
  database: LevelDatabase,
  session: number,
  fromSequence: number,
  limit: { readonly messages: number; readonly bytes: number },
): Promise<readonly StoredQueueEntry[]> {
  const snapshot = database.snapshot();
  try {
    const range = rangeOfSession(Prefix.queued, session, fromSequence);
    const iterator = database.iterator({ ...range, snapshot, limit: limit.messages, highWaterMarkBytes: 256 * 1024 });
    const page: QueuedRecord[] = [];
    try {
      let bytes = 0;
      while (page.length < limit.messages && (page.length === 0 || bytes < limit.bytes)) {
        const records = await iterator.nextv(Math.min(limit.messages - page.length, 500));
        if (records.length === 0) break;
        for (const [key, value] of records) {
          if (page.length > 0 && bytes >= limit.bytes) break;
          const record = readQueuedRecord(key, value);
          page.push(record);
          bytes += record.size;
        }
      }
    } finally {
      await iterator.close();
    }
    const shared = await readShared(database, page, snapshot);
    return page.map((record) => toEntry(record, shared));
  } finally {
    await snapshot.close();
  }
}

function readQueuedRecord(key: Buffer, value: Buffer): QueuedRecord {
  const keys = keyReader(key);
  keys.uint56();
  const sequence = keys.uint56();
  return readRecord(key, value, (reader) => readQueued(sequence, reader));
}

async function readShared(
  database: LevelDatabase,
  page: readonly QueuedRecord[],
  snapshot: ReturnType<LevelDatabase['snapshot']>,
): Promise<ReadonlyMap<number, StoredMessage>> {
  const messages = new Map<number, StoredMessage>();
  const sequences = new Set<number>();
  for (const { messageSequence } of page) if (messageSequence !== undefined) sequences.add(messageSequence);
  if (sequences.size === 0) return messages;
  const keys = Array.from(sequences, messageKey);
  const values = await database.getMany(keys, { snapshot });
  let at = 0;
  for (const sequence of sequences) {
    const key = messageKey(sequence);
    const value = values[at++];
    if (value === undefined) throw damagedRecord(key, 'it is missing, though it is waited for');
    messages.set(sequence, readRecord(key, value, readMessage));
  }
  return messages;
}

function toEntry(record: QueuedRecord, shared: ReadonlyMap<number, StoredMessage>): StoredQueueEntry {
  const message = record.message ?? shared.get(record.messageSequence ?? 0);
  if (message === undefined) throw damagedRecord(messageKey(record.messageSequence ?? 0), 'it is missing');
  return { ...record.entry, message };
}
