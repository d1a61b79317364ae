import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreDamage } from './check-files.ts';
import { type Entry, readBatch } from './log-batches.ts';
import { salvageLog, walkLog } from './log-file.ts';
import { type LiveFiles, playManifest } from './manifest.ts';
import { salvageTable } from './table-file.ts';

/**
 * Everything that can still be read from LevelDB's files, old values and deletions too, in no order, without opening the
 * database. Leaves out blocks and log records whose checksum does not fit, and tells of them.
 */
export async function* salvageFiles(
  directory: string,
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
      yield* salvageTable(await readFile(join(directory, name)), (what) => onLost({ where: name, what }));
    } else if (log >= 0 && (live === undefined || log >= live.log)) {
      const records = salvageLog(await readFile(join(directory, name)), (at) =>
        onLost({ where: name, what: `it is altered or cut off at byte ${at}` }),
      );
      for (const record of records) yield* readBatch(record);
    }
  }
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
