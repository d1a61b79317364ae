import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkRecord } from '../records/check-record.ts';
import { describeKey } from '../records/keys.ts';
import { type Entry, highestBatchNumber, provenPuts, readBatch } from './log-batches.ts';
import { salvageLog, walkLog } from './log-file.ts';
import { type LiveFiles, playManifest } from './manifest.ts';
import type { StoreDamage } from './store-damage.ts';
import { type LostBlock, salvageTable } from './table-file.ts';

/**
 * Everything that can still be read from LevelDB's files, old values and deletions too, in no order, without opening the
 * database. Of blocks and log records whose checksum does not fit: the records whose own checksum does. Tells of the rest.
 *
 * @param committed The batch that was committed last, if that is known: what is torn behind it was never acknowledged.
 */
export async function* salvageFiles(
  directory: string,
  committed: number | undefined,
  onLost: (damage: StoreDamage) => void,
): AsyncIterableIterator<Entry> {
  const names = await readdir(directory);
  const live = await readLiveFiles(directory, names, onLost);
  for (const [number] of live?.tables ?? []) {
    if (!names.some((name) => tableNumber(name) === number))
      onLost({ where: `table ${number}`, what: 'it is missing' });
  }
  for (const name of names) {
    const table = tableNumber(name);
    const log = Number(/^(\d+)\.log$/.exec(name)?.[1] ?? -1);
    // Files that are not live are rests of before; they count only when nobody knows any more which are.
    if (table >= 0 && (live === undefined || live.tables.has(table))) {
      yield* salvageTable(await readFile(join(directory, name)), isProven, (lost) =>
        onLost({ where: name, what: wordsFor(lost) }),
      );
    } else if (log >= 0 && (live === undefined || log >= live.log)) {
      yield* salvageRecords(name, await readFile(join(directory, name)), committed, onLost);
    }
  }
}

function* salvageRecords(
  where: string,
  bytes: Buffer,
  committed: number | undefined,
  onLost: (damage: StoreDamage) => void,
): IterableIterator<Entry> {
  const pieces = [...salvageLog(bytes)];
  let next = 0;
  let highest = 0;
  for (const [index, { bytes: record, brokenAt }] of pieces.entries()) {
    if (brokenAt === undefined) {
      for (const entry of readBatch(record)) {
        next = entry.sequence + 1;
        yield entry;
      }
      highest = Math.max(highest, highestBatchNumber([record]));
      continue;
    }
    // The end of what a crash has cut off, which nobody was told of.
    const isTorn = index === pieces.length - 1 && committed !== undefined && highest >= committed;
    const saved = isTorn ? [] : [...provenPuts(record, next, isProven)];
    yield* saved;
    onLost({ where, what: wordsFor({ what: `it is altered or cut off at byte ${brokenAt}`, saved: saved.length }) });
  }
}

function isProven(key: Buffer, value: Buffer): boolean {
  return checkRecord(key, value) === undefined;
}

/** What is lost with a block, and for whom. */
function wordsFor({ what, saved, from, to }: LostBlock): string {
  const kept = saved === undefined || saved === 0 ? '' : `; ${saved} of its records are whole all the same`;
  const range = [
    from === undefined ? '' : `from ${describeKey(from)}`,
    to === undefined || isBeyondAll(to) ? '' : `to ${describeKey(to)}`,
  ].filter((words) => words !== '');
  return range.length === 0 ? `${what}${kept}` : `${what}, which holds what is ${range.join(' ')}${kept}`;
}

/** The last block of a table ends with a key that nothing has, of one byte. */
function isBeyondAll(key: Buffer): boolean {
  return key.length < 2;
}

async function readLiveFiles(
  directory: string,
  names: readonly string[],
  onLost: (damage: StoreDamage) => void,
): Promise<LiveFiles | undefined> {
  const current = names.includes('CURRENT') ? await readFile(join(directory, 'CURRENT'), 'latin1') : '';
  const name = /^(MANIFEST-\d+)\n$/.exec(current)?.[1];
  if (name === undefined || !names.includes(name)) {
    onLost({ where: 'CURRENT', what: 'it names no MANIFEST' });
    return undefined;
  }
  const walk = walkLog(await readFile(join(directory, name)));
  const live = walk.brokenAt === undefined ? playManifest(walk.records) : undefined;
  if (live === undefined) onLost({ where: name, what: 'it is altered or cut off' });
  return live;
}

function tableNumber(name: string): number {
  return Number(/^(\d+)\.(ldb|sst)$/.exec(name)?.[1] ?? -1);
}
