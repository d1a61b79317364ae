import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '@hawser/broker';
import { Batch } from './commit/batch.ts';
import { readBatchNumber, writeBatchNumber, writeFirstBatch } from './commit/batch-ring.ts';
import { CommitMarker } from './commit/commit-marker.ts';
import {
  exists,
  inUse,
  type LevelDatabase,
  makeDirectory,
  openDatabase,
  syncDirectory,
  toStoreError,
} from './database.ts';
import { ClientNames } from './files/client-names.ts';
import { seemsLocked } from './files/lock-holder.ts';
import type { Entry } from './files/log-batches.ts';
import { salvageFiles } from './files/salvage.ts';
import type { StoreDamage } from './files/store-damage.ts';
import { writeFormat } from './format.ts';
import { checkRecord } from './records/check-record.ts';
import { describeKey, keyReader, Prefix } from './records/keys.ts';
import { readQueuedHead, readSession } from './records/records.ts';
import { readRecord } from './records/sealed-record.ts';

const OPTIONS = { cacheBytes: 8 * 1024 * 1024 };
const BATCH_BYTES = 1024 * 1024;
/** What was lost may have used numbers that nobody knows any more. */
const NUMBERS_PASSED_BY = 10_000_000;

/** What a repair did. */
export interface StoreRepair {
  /** Where the data is kept as it was before. */
  readonly backup: string;
  /** Records that are there now. */
  readonly records: number;
  /** What had to be left out: parts of files, and records by name where the name could be read. */
  readonly lost: readonly StoreDamage[];
}

/**
 * Makes a damaged data directory usable again, with all that can still be read: a new database is made of what is whole
 * in the old one, which is kept beside (`damaged-1` and so on). Where a deletion was lost, what it deleted is there again,
 * so a message may come twice. Needs room on the disk for twice the data. Rejects with StoreError (`store-in-use`,
 * `store-format`, `store-failed`); the old data is then where it was.
 */
export async function repairLevelStore(directory: string): Promise<StoreRepair> {
  const old = join(directory, 'db');
  const sorted = join(directory, 'repair-sorted');
  const made = join(directory, 'repair-new');
  const lost: StoreDamage[] = [];
  try {
    if (!(await exists(old))) await takeBack(directory, old);
    if (await seemsLocked(join(old, 'LOCK'))) throw inUse(directory);
    for (const path of [sorted, made]) await rm(path, { recursive: true, force: true });
    const committed = await CommitMarker.read(join(directory, 'committed')).catch(() => undefined);
    await using(sorted, (database) =>
      sortEntries(
        database,
        salvageFiles(old, committed, (damage) => lost.push(damage)),
      ),
    );
    const { records, last, clients } = await using(sorted, (from) => using(made, (to) => makeAnew(from, to, lost)));
    await rm(sorted, { recursive: true });

    const marker = join(directory, 'committed');
    const backup = await freeName(directory);
    await makeDirectory(backup);
    if (await exists(marker)) await cp(marker, join(backup, 'committed'));
    // The marker comes first: should this stop half way, it names what is not there, and no empty store is begun.
    await rm(marker, { force: true });
    await (await CommitMarker.open(marker, last, true)).close();
    await rename(old, join(backup, 'db'));
    await rename(made, old);
    await syncDirectory(directory);
    return { backup, records, lost: clients.name(lost) };
  } catch (error) {
    throw toStoreError(error, directory);
  }
}

async function using<T>(directory: string, act: (database: LevelDatabase) => Promise<T>): Promise<T> {
  await makeDirectory(directory);
  const database = await openDatabase(directory, OPTIONS);
  try {
    return await act(database);
  } finally {
    await database.close();
  }
}

/** Puts all entries into a database of their own, where those of one key stand together, the newest last. */
async function sortEntries(database: LevelDatabase, entries: AsyncIterable<Entry>): Promise<void> {
  let batch = database.batch();
  let bytes = 0;
  for await (const { key, sequence, value } of entries) {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(key.length);
    const tail = Buffer.alloc(8);
    tail.writeBigUInt64BE(BigInt(sequence));
    batch.put(Buffer.concat([head, key, tail]), Buffer.concat([Buffer.of(value === undefined ? 0 : 1), value ?? head]));
    bytes += key.length + (value?.length ?? 0);
    if (bytes < BATCH_BYTES) continue;
    await batch.write();
    batch = database.batch();
    bytes = 0;
  }
  await batch.write();
}

/** Copies the newest value of each key, if it is whole, and what belongs to it; ends with a batch that begins the ring. */
async function makeAnew(
  from: LevelDatabase,
  to: LevelDatabase,
  lost: StoreDamage[],
): Promise<{ readonly records: number; readonly last: number; readonly clients: ClientNames }> {
  const tally = new Tally(lost);
  await copyNewest(from, to, (key, value) => tally.takes(key, value));
  const batch = new Batch(BATCH_BYTES);
  for (const key of tally.withoutMessage()) {
    batch.key().raw(key);
    batch.endDelete();
  }
  const last = tally.lastBatch + 1;
  const nextSession = tally.nextSession + NUMBERS_PASSED_BY;
  const nextSequence = tally.nextSequence + NUMBERS_PASSED_BY;
  writeFormat(batch);
  writeFirstBatch(batch, last);
  writeBatchNumber(batch, { last, nextSession, nextSequence, writer: 0 });
  const target = to.batch();
  batch.writeTo(target);
  await target.write({ sync: true });
  return { records: tally.records, last, clients: tally.clients };
}

async function copyNewest(
  from: LevelDatabase,
  to: LevelDatabase,
  takes: (key: Buffer, value: Buffer) => boolean,
): Promise<void> {
  let key: Buffer = Buffer.alloc(0);
  let newest: Buffer | undefined;
  let chosen: { readonly key: Buffer; readonly value: Buffer }[] = [];
  const choose = (): void => {
    if (newest?.[0] !== 1) return;
    const value = newest.subarray(1);
    if (takes(key, value)) chosen.push({ key, value });
  };
  const iterator = from.iterator({ highWaterMarkBytes: BATCH_BYTES });
  try {
    for (;;) {
      const page = await iterator.nextv(1_000);
      for (const [sortKey, value] of page) {
        const next = sortKey.subarray(4, -8);
        if (newest !== undefined && !next.equals(key)) choose();
        key = next;
        newest = value;
      }
      if (page.length === 0) choose();
      const batch = to.batch();
      for (const one of chosen) batch.put(one.key, one.value);
      await batch.write();
      chosen = [];
      if (page.length === 0) return;
    }
  } finally {
    await iterator.close();
  }
}

/** What a repair must know of the records it keeps. */
class Tally {
  records = 0;
  lastBatch = 0;
  nextSession = 1;
  nextSequence = 1;
  readonly clients = new ClientNames();
  readonly #lost: StoreDamage[];
  readonly #messages = new Set<number>();
  readonly #waiting: { readonly key: Buffer; readonly message: number }[] = [];

  constructor(lost: StoreDamage[]) {
    this.#lost = lost;
  }

  /** Whether a record is kept: it is whole, and the store does not make it anew. */
  takes(key: Buffer, value: Buffer): boolean {
    const damage = checkRecord(key, value);
    if (damage !== undefined) {
      this.#lost.push(damage);
      return false;
    }
    const keys = keyReader(key);
    switch (key[0]) {
      case Prefix.note:
        if (key.length === 4) this.#takeNumbers(key, value);
        return false;
      case Prefix.message: {
        const sequence = keys.uint56();
        this.#messages.add(sequence);
        this.nextSequence = Math.max(this.nextSequence, sequence + 1);
        break;
      }
      case Prefix.queued: {
        this.nextSession = Math.max(this.nextSession, keys.uint56() + 1);
        this.nextSequence = Math.max(this.nextSequence, keys.uint56() + 1);
        const { messageSequence } = readRecord(key, value, readQueuedHead);
        if (messageSequence !== 0) this.#waiting.push({ key, message: messageSequence });
        break;
      }
      case Prefix.session: {
        this.clients.note(key, value);
        const { number } = readRecord(key, value, (reader) => readSession('', reader));
        this.nextSession = Math.max(this.nextSession, number + 1);
        break;
      }
      default:
    }
    this.records++;
    return true;
  }

  /** Keys of queue entries whose message is gone. */
  withoutMessage(): readonly Buffer[] {
    const orphans = this.#waiting.filter(({ message }) => !this.#messages.has(message));
    for (const { key, message } of orphans) {
      this.#lost.push({ where: describeKey(key), what: `its message ${message} is gone` });
    }
    this.records -= orphans.length;
    return orphans.map(({ key }) => key);
  }

  #takeNumbers(key: Buffer, value: Buffer): void {
    const numbers = readBatchNumber(key, value);
    this.lastBatch = Math.max(this.lastBatch, numbers.last);
    this.nextSession = Math.max(this.nextSession, numbers.nextSession);
    this.nextSequence = Math.max(this.nextSequence, numbers.nextSequence);
  }
}

/** A repair that was cut off in its last moment has moved the old data away, and not yet put the new in its place. */
async function takeBack(directory: string, old: string): Promise<void> {
  const free = Number(/\d+$/.exec(await freeName(directory))?.[0]);
  const last = join(directory, `damaged-${free - 1}`, 'db');
  if (!(await exists(last))) throw new StoreError('store-failed', `There is no data in ${directory}.`);
  await rename(last, old);
}

async function freeName(directory: string): Promise<string> {
  for (let number = 1; ; number++) {
    const path = join(directory, `damaged-${number}`);
    if (!(await exists(path))) return path;
  }
}
