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
import { type KeyRange, keyReader, messageKey, Prefix, rangeOf } from './records/keys.ts';
import { readMessage } from './records/message-record.ts';
import { readLosses, readOutbound, readQueuedHead, readSession, readSubscription } from './records/records.ts';
import { damagedRecord, readRecord } from './records/sealed-record.ts';
import { StoreIndex } from './store-index.ts';

/** What is on disk when a store is opened. */
export interface Loaded {
  readonly contents: StoreContents;
  readonly index: StoreIndex;
  readonly numbers: BatchNumbers;
  /** Session numbers that have data and no session. */
  readonly orphans: ReadonlySet<number>;
  /** Shared messages that nobody waits for. */
  readonly unreferenced: readonly number[];
}

/**
 * Reads everything a store must know at start: all but the messages in queues, of which the heads are read. Every
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

  const queues = await loadQueues(database, index, orphans, outbound);
  const unreferenced = await checkMessages(database, index);
  const { nextSession, nextSequence } = index;
  const contents = { sessions, subscriptions, outbound, inbound, queues, lost, retained, nextSession, nextSequence };
  return { contents, index, numbers, orphans, unreferenced };
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

async function loadQueues(
  database: LevelDatabase,
  index: StoreIndex,
  orphans: Set<number>,
  outbound: ReadonlyMap<number, readonly StoredOutbound[]>,
): Promise<readonly StoredQueueSummary[]> {
  let lastSession = 0;
  let underWay: ReadonlySet<number> | undefined;
  const queues: { readonly session: number; messages: number; bytes: number }[] = [];
  await scan(database, rangeOf(Prefix.queued), (key, value) => {
    const keys = keyReader(key);
    const session = keys.uint56();
    const sequence = keys.uint56();
    const { size, messageSequence } = readRecord(key, value, readQueuedHead);
    // Orphans hold on to their messages too, until they are cleared: one way to count.
    if (messageSequence !== 0) index.references.add(session, sequence, messageSequence);
    if (!index.isLive(session)) {
      orphans.add(session);
      return;
    }
    index.queued(session, sequence);
    if (session !== lastSession) {
      lastSession = session;
      const handshakes = outbound.get(session);
      underWay = handshakes === undefined ? undefined : new Set(handshakes.map((handshake) => handshake.sequence));
    }
    if (underWay?.has(sequence) === true) return;
    const last = queues.at(-1);
    if (last?.session === session) {
      last.messages++;
      last.bytes += size;
    } else {
      queues.push({ session, messages: 1, bytes: size });
    }
  });
  return queues;
}

/** Every shared message somebody waits for must be there. Returns those nobody waits for. */
async function checkMessages(database: LevelDatabase, index: StoreIndex): Promise<number[]> {
  const unreferenced: number[] = [];
  const missing = new Set(index.references.sequences());
  const keys = database.keys({ ...rangeOf(Prefix.message), fillCache: false });
  try {
    for (;;) {
      const page = await keys.nextv(1_000);
      if (page.length === 0) break;
      for (const key of page) {
        const sequence = keyReader(key).uint56();
        if (!missing.delete(sequence)) unreferenced.push(sequence);
      }
    }
  } finally {
    await keys.close();
  }
  for (const sequence of missing) throw damagedRecord(messageKey(sequence), 'it is missing, though it is waited for');
  return unreferenced;
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
