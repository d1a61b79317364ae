import { StoreError } from '@hawser/broker';
import { Batch } from './commit/batch.ts';
import type { LevelDatabase } from './database.ts';
import { formatKey, Note, Prefix } from './records/keys.ts';
import { ADVICE, readRecord } from './records/sealed-record.ts';

/** Version of the layout of keys and values. A store of a higher one is refused, of a lower one brought up to it. */
export const FORMAT_VERSION = 1;

/**
 * Brings a store from one format to the next. May be cut off by a crash and begun again: it leaves alone what it has done already.
 */
export type Migration = (database: LevelDatabase) => Promise<void>;

/** By the format they begin with. A release that changes the layout adds its own, and a data directory of the one before to fixtures/. */
const MIGRATIONS: ReadonlyMap<number, Migration> = new Map();

/**
 * Looks whose database it is and of which format; writes the format into one that is new and empty. Throws StoreError
 * `store-format` for another's or a newer one, `store-damaged` when there had been data and it is gone.
 */
export async function checkFormat(
  database: LevelDatabase,
  directory: string,
  marked: number | undefined,
): Promise<void> {
  const key = formatKey();
  const value = await database.get(key);
  if (value !== undefined) {
    const version = readRecord(key, value, (reader) => reader.uint16());
    await migrate(database, version, FORMAT_VERSION, MIGRATIONS);
    if (version > FORMAT_VERSION) {
      throw new StoreError(
        'store-format',
        `The data in ${directory} was written by a newer version of Hawser (format ${version}, this one knows ${FORMAT_VERSION}). Use that version.`,
      );
    }
    if (marked === undefined && !(await isEmpty(database))) {
      throw new StoreError(
        'store-damaged',
        `The data in ${directory} is damaged: the file "committed" is missing. ${ADVICE}`,
      );
    }
    return;
  }
  if (marked !== undefined) {
    throw new StoreError('store-damaged', `The data in ${directory} is damaged: its records are gone. ${ADVICE}`);
  }
  if ((await database.keys({ limit: 1 }).all()).length > 0) {
    throw new StoreError('store-format', `The directory ${directory} holds a database that is not Hawser's.`);
  }
  const batch = new Batch(64);
  writeFormat(batch);
  const target = database.batch();
  batch.writeTo(target);
  await target.write({ sync: true });
}

/** Brings a store up to a format, one after the other; each is written down when it is reached. */
export async function migrate(
  database: LevelDatabase,
  from: number,
  to: number,
  migrations: ReadonlyMap<number, Migration>,
): Promise<void> {
  for (let version = from; version < to; version++) {
    const migration = migrations.get(version);
    if (migration === undefined) {
      throw new StoreError(
        'store-format',
        `The data has format ${version}, from which there is no way to format ${to}.`,
      );
    }
    await migration(database);
    const batch = new Batch(64);
    writeFormat(batch, version + 1);
    const target = database.batch();
    batch.writeTo(target);
    await target.write({ sync: true });
  }
}

/** Puts the format this version writes into a batch. */
export function writeFormat(batch: Batch, version = FORMAT_VERSION): void {
  const key = batch.key();
  key.uint8(Prefix.note);
  key.uint8(Note.format);
  batch.value().uint16(version);
  batch.endPut();
}

/** Nothing but the format: a store that was made, and lost power before its first batch. */
async function isEmpty(database: LevelDatabase): Promise<boolean> {
  return (await database.keys({ limit: 2 }).all()).length === 1;
}
