import { join } from 'node:path';
import { type StoreBackup, StoreError } from '@hawser/broker';
import { assertSoundFiles } from './check.ts';
import { BatchRingCheck, batchRing, readFirstBatch } from './commit/batch-ring.ts';
import { CommitMarker } from './commit/commit-marker.ts';
import { copyDatabase, NewDatabase } from './copy-database.ts';
import { exists, type LevelDatabase, openDatabase, toStoreError } from './database.ts';
import { decodeLine, type ExportHead, type ExportLine, encodeRecord } from './export-lines.ts';
import { checkFormat, FORMAT_VERSION } from './format.ts';
import { scan } from './load-contents.ts';
import { Prefix } from './records/keys.ts';

/**
 * Writes all that is in the data directory of a LevelStore that is not open, as JSON lines: a head, then one record a line. `write`
 * may answer with a promise that is waited for. Returns how many records. Rejects with StoreError.
 */
export async function exportLevelStore(
  directory: string,
  write: (lines: string) => Promise<void> | void,
): Promise<number> {
  return withDatabase(directory, async (database) => {
    const ring = new BatchRingCheck();
    await scan(database, batchRing, (key, value) => ring.add(key, value));
    const { nextSession, nextSequence } = ring.finish(0, await readFirstBatch(database));
    const head: ExportHead = { hawser: 'data', format: FORMAT_VERSION, nextSession, nextSequence };
    await write(`${JSON.stringify(head)}\n`);
    let records = 0;
    let lines: string[] = [];
    const flush = async (): Promise<void> => {
      if (lines.length === 0) return;
      const text = lines.join('');
      lines = [];
      await write(text);
    };
    const visit = (key: Buffer, value: Buffer): void => {
      if (key[0] === Prefix.note) return;
      lines.push(`${JSON.stringify(decodeLine(key, value))}\n`);
      records++;
    };
    await scan(database, { gte: Buffer.alloc(0), lt: Buffer.of(0xff) }, visit, flush);
    await flush();
    return records;
  });
}

/**
 * Makes the data directory of a LevelStore from lines of `exportLevelStore`; there must be no data in it. Returns how many records.
 * Rejects with StoreError: `store-format` for a line that is none, with its number.
 */
export async function importLevelStore(directory: string, lines: AsyncIterable<string>): Promise<number> {
  let made: NewDatabase | undefined;
  let number = 0;
  try {
    let head: ExportHead | undefined;
    for await (const line of lines) {
      number++;
      if (line.trim() === '') continue;
      if (head === undefined) {
        head = readHead(line);
        made = await NewDatabase.make(directory);
        continue;
      }
      const record = parseLine(line, number);
      try {
        made?.encode((batch) => encodeRecord(batch, record));
      } catch (error) {
        throw badLine(number, error instanceof Error ? error.message : String(error));
      }
      await made?.flush();
    }
    if (head === undefined || made === undefined) throw badLine(1, 'there is nothing');
    await made.finish(head);
    return made.records;
  } catch (error) {
    await made?.remove();
    throw toStoreError(error, directory);
  }
}

/**
 * Copies the data directory of a LevelStore that is not open into one that has no data. Of one that is open, `LevelStore.backup`
 * does it. Rejects with StoreError.
 */
export async function backupLevelStore(directory: string, target: string): Promise<StoreBackup> {
  return withDatabase(directory, (database) => copyDatabase(database, target));
}

async function withDatabase<T>(directory: string, act: (database: LevelDatabase) => Promise<T>): Promise<T> {
  try {
    const path = join(directory, 'db');
    if (!(await exists(path))) throw new StoreError('store-usage', `There is no data in ${directory}.`);
    const marked = await CommitMarker.read(join(directory, 'committed'));
    await assertSoundFiles(directory, marked);
    const database = await openDatabase(path, { cacheBytes: 8 * 1024 * 1024 });
    try {
      await checkFormat(database, directory, marked);
      return await act(database);
    } finally {
      await database.close();
    }
  } catch (error) {
    throw toStoreError(error, directory);
  }
}

function readHead(line: string): ExportHead {
  const head = parseLine(line, 1) as unknown as Partial<ExportHead>;
  const { hawser, format, nextSession, nextSequence } = head;
  if (hawser !== 'data' || format === undefined || nextSession === undefined || nextSequence === undefined) {
    throw badLine(1, 'it is not the head of an export');
  }
  if (format > FORMAT_VERSION) {
    throw new StoreError(
      'store-format',
      `The export was written by a newer version of Hawser (format ${format}). Use that version.`,
    );
  }
  return { hawser, format, nextSession, nextSequence };
}

function parseLine(line: string, number: number): ExportLine {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null) return parsed as ExportLine;
  } catch {
    // Falls through.
  }
  throw badLine(number, 'it is no JSON object');
}

function badLine(number: number, what: string): StoreError {
  return new StoreError('store-format', `Line ${number} is not from "hawser data export": ${what}.`);
}
