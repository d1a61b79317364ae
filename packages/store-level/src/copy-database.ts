import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type StoreBackup, StoreError } from '@hawser/broker';
import { Batch } from './commit/batch.ts';
import { BatchRingCheck, batchRing, readFirstBatch, writeBatchNumber, writeFirstBatch } from './commit/batch-ring.ts';
import { CommitMarker } from './commit/commit-marker.ts';
import { directoryBytes, exists, type LevelDatabase, makeDirectory, openDatabase, syncDirectory } from './database.ts';
import { writeFormat } from './format.ts';
import { scan } from './load-contents.ts';
import { Prefix } from './records/keys.ts';

const BATCH_BYTES = 1024 * 1024;
const OPTIONS = { cacheBytes: 8 * 1024 * 1024 };

/** Numbers that a new database goes on from. */
export interface NextNumbers {
  readonly nextSession: number;
  readonly nextSequence: number;
}

/**
 * A database that is being made from nothing: records go in, `finish` makes a store of it. Until then there is no marker beside it,
 * and a store that is opened on it says that it is damaged.
 */
export class NewDatabase {
  records = 0;
  readonly #directory: string;
  readonly #database: LevelDatabase;
  readonly #encoded = new Batch(64 * 1024);
  #batch: ReturnType<LevelDatabase['batch']>;
  #bytes = 0;

  private constructor(directory: string, database: LevelDatabase) {
    this.#directory = directory;
    this.#database = database;
    this.#batch = database.batch();
  }

  /** In a directory that has no data. Rejects with StoreError `store-usage` when it has. */
  static async make(directory: string): Promise<NewDatabase> {
    for (const name of ['db', 'committed']) {
      if (await exists(join(directory, name))) {
        throw new StoreError('store-usage', `There is data in ${directory} already: name a directory that has none.`);
      }
    }
    await makeDirectory(join(directory, 'db'));
    return new NewDatabase(directory, await openDatabase(join(directory, 'db'), OPTIONS));
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#batch.put(Buffer.from(key), Buffer.from(value));
    this.#bytes += key.length + value.length;
    this.records++;
  }

  /** Puts what `encode` writes. */
  encode(encode: (batch: Batch) => void): void {
    this.#encoded.clear();
    encode(this.#encoded);
    this.#encoded.writeTo({ put: (key, value) => this.put(key, value), del: () => undefined });
  }

  /** To be called now and then: hands over what has gathered. */
  async flush(): Promise<void> {
    if (this.#bytes >= BATCH_BYTES) await this.#write(false);
  }

  async finish({ nextSession, nextSequence }: NextNumbers): Promise<void> {
    const { records } = this;
    this.encode((batch) => {
      writeFormat(batch);
      writeFirstBatch(batch, 1);
      writeBatchNumber(batch, { last: 1, nextSession, nextSequence, writer: 0 });
    });
    this.records = records;
    await this.#write(true);
    await this.#database.close();
    await (await CommitMarker.open(join(this.#directory, 'committed'), 1, true)).close();
    await syncDirectory(this.#directory);
  }

  /** Nothing is left of it. */
  async remove(): Promise<void> {
    await this.#database.close();
    await rm(join(this.#directory, 'db'), { recursive: true, force: true });
  }

  async #write(sync: boolean): Promise<void> {
    await this.#batch.write({ sync });
    this.#batch = this.#database.batch();
    this.#bytes = 0;
  }
}

/** Copies what a database holds at this moment into a new one; others may go on writing to it. */
export async function copyDatabase(database: LevelDatabase, directory: string): Promise<StoreBackup> {
  const snapshot = database.snapshot();
  try {
    const ring = new BatchRingCheck();
    await scan(database, { ...batchRing, snapshot }, (key, value) => ring.add(key, value));
    const numbers = ring.finish(0, await readFirstBatch(database));
    const copy = await NewDatabase.make(directory);
    try {
      const all = { gte: Buffer.alloc(0), lt: Buffer.of(0xff), snapshot };
      const counts = new Map<number | undefined, number>();
      const put = (key: Buffer, value: Buffer): void => {
        if (key[0] === Prefix.note) return;
        copy.put(key, value);
        counts.set(key[0], (counts.get(key[0]) ?? 0) + 1);
      };
      await scan(database, all, put, () => copy.flush());
      await copy.finish(numbers);
      const countOf = (prefix: Prefix): number => counts.get(prefix) ?? 0;
      return {
        sessions: countOf(Prefix.session),
        messages: countOf(Prefix.queued),
        retained: countOf(Prefix.retained),
        records: copy.records,
        bytes: await directoryBytes(join(directory, 'db')),
      };
    } catch (error) {
      await copy.remove();
      throw error;
    }
  } finally {
    await snapshot.close();
  }
}
