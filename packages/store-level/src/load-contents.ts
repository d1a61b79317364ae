import {
  inOrderOfSending,
  type StoreContents,
  type StoredLosses,
  type StoredMessage,
  type StoredOutbound,
  type StoredQueueSummary,
  type StoredSession,
  type StoredSubscription,
} from '@hawser/broker';
import { type BatchNumbers, BatchRingCheck, batchRing, readFirstBatch } from './commit/batch-ring.ts';
import type { LevelDatabase } from './database.ts';
import { type KeyRange, keyReader, Prefix, rangeOf } from './records/keys.ts';
import { readMessage } from './records/message-record.ts';
import { readLosses, readOutbound, readSession, readSubscription } from './records/records.ts';
import { readRecord } from './records/sealed-record.ts';
import { StoreIndex } from './store-index.ts';

/** What is on disk when a store is opened. */
export interface Loaded {
  readonly contents: StoreContents;
  readonly index: StoreIndex;
  readonly numbers: BatchNumbers;
  /** Session numbers that have data and no session. */
  readonly orphans: Set<number>;
}

/**
 * Reads everything a store must know at start: all but the queues, which `countQueues` looks at. Every
 * record's checksum is looked at. Throws StoreError `store-damaged` when something is missing or altered.
 *
 * @param committed A batch that is known to have been on disk.
 */
export async function loadContents(database: LevelDatabase, committed: number): Promise<Loaded> {
  const ring = new BatchRingCheck();
  await scan(database, batchRing, (key, value) => ring.add(key, value));
  const numbers = ring.finish(committed, await readFirstBatch(database));

  const index = new StoreIndex();
  const sessions: StoredSession[] = [];
  await scan(database, rangeOf(Prefix.session), (key, value) => {
    const clientId = keyReader(key).utf8();
    const session = readRecord(key, value, (reader) => readSession(clientId, reader));
    sessions.push(session);
    index.addSession(clientId, session.number);
  });
  index.nextSession = Math.max(index.nextSession, numbers.nextSession);
  index.nextSequence = Math.max(index.nextSequence, numbers.nextSequence);

  const orphans = new Set<number>();
  const perSession = async <T>(prefix: Prefix, read: (key: Buffer, value: Buffer) => T): Promise<Map<number, T[]>> => {
    const lists = new Map<number, T[]>();
    await scan(database, rangeOf(prefix), (key, value) => {
      const session = keyReader(key).uint56();
      const item = read(key, value);
      if (!index.isLive(session)) orphans.add(session);
      else addTo(lists, session, item);
    });
    return lists;
  };
  const subscriptions = await perSession<StoredSubscription>(Prefix.subscription, (key, value) => {
    const filter = behindSession(key).utf8();
    return readRecord(key, value, (reader) => readSubscription(filter, reader));
  });
  const outbound = await perSession<StoredOutbound>(Prefix.outbound, (key, value) => {
    const packetIdentifier = behindSession(key).uint16();
    return readRecord(key, value, (reader) => readOutbound(packetIdentifier, reader));
  });
  for (const list of outbound.values()) list.sort(inOrderOfSending);
  const inbound = await perSession<number>(Prefix.inbound, (key, value) => {
    readRecord(key, value, () => undefined);
    return behindSession(key).uint16();
  });

  const lost = new Map<number, StoredLosses>();
  await scan(database, rangeOf(Prefix.lost), (key, value) => {
    const session = keyReader(key).uint56();
    const losses = readRecord(key, value, readLosses);
    if (index.isLive(session)) lost.set(session, losses);
    else orphans.add(session);
  });

  const retained: StoredMessage[] = [];
  await scan(database, rangeOf(Prefix.retained), (key, value) => retained.push(readRecord(key, value, readMessage)));

  const { nextSession, nextSequence } = index;
  const queues: StoredQueueSummary[] = [];
  const contents = { sessions, subscriptions, outbound, inbound, queues, lost, retained, nextSession, nextSequence };
  return { contents, index, numbers, orphans };
}

/** A range of keys, of what there was when a snapshot was taken. */
export interface ScanRange extends KeyRange {
  readonly snapshot?: ReturnType<LevelDatabase['snapshot']>;
}

/** Calls `visit` with every record of a range, a thousand at a time; after each thousand waits for `afterPage`. */
export async function scan(
  database: LevelDatabase,
  range: ScanRange,
  visit: (key: Buffer, value: Buffer) => void,
  afterPage?: () => Promise<void>,
): Promise<void> {
  const iterator = database.iterator({ ...range, fillCache: false, highWaterMarkBytes: 1024 * 1024 });
  try {
    for (;;) {
      const records = await iterator.nextv(1_000);
      if (records.length === 0) return;
      for (const [key, value] of records) visit(key, value);
      await afterPage?.();
    }
  } finally {
    await iterator.close();
  }
}

function behindSession(key: Buffer): ReturnType<typeof keyReader> {
  const reader = keyReader(key);
  reader.uint56();
  return reader;
}

function addTo<T>(lists: Map<number, T[]>, session: number, item: T): void {
  const list = lists.get(session);
  if (list === undefined) lists.set(session, [item]);
  else list.push(item);
}
