import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatKey } from '../records/keys.ts';
import { highestBatchNumber, readBatch } from './log-batches.ts';
import { walkLog } from './log-file.ts';
import { type LiveTable, playManifest } from './manifest.ts';
import type { StoreDamage } from './store-damage.ts';
import { checkTable } from './table-file.ts';

/**
 * Looks at LevelDB's files without opening or changing them: CURRENT, MANIFEST, logs, tables, their sizes and
 * checksums. LevelDB itself leaves out of a damaged log what it cannot read, deletes the log, and says nothing.
 * The end of the newest log may be torn: that is what a crash leaves.
 *
 * Not while another process has the database open. Returns no more than it can find behind the first thing that hides
 * others. Reads all the data, about a second for each gigabyte.
 *
 * @param committed Number of a batch that is known to have been on disk.
 */
export async function checkFiles(directory: string, committed: number): Promise<readonly StoreDamage[]> {
  const names = await readdir(directory);
  const current = names.includes('CURRENT') ? await readFile(join(directory, 'CURRENT'), 'latin1') : '';
  const manifestName = /^(MANIFEST-\d+)\n$/.exec(current)?.[1];
  if (manifestName === undefined) {
    const isNew = committed === 0 && !names.some((name) => /\.(ldb|sst)$|^CURRENT$/.test(name));
    if (isNew) return [];
    return [{ where: 'CURRENT', what: names.includes('CURRENT') ? 'it names no MANIFEST' : 'it is missing' }];
  }
  if (!names.includes(manifestName)) return [{ where: manifestName, what: 'it is missing' }];
  const manifest = walkLog(await readFile(join(directory, manifestName)));
  if (manifest.brokenAt !== undefined && (manifest.isFollowed === true || manifest.records.length === 0)) {
    return [{ where: manifestName, what: `it is altered at byte ${manifest.brokenAt}` }];
  }
  if (manifest.records.length === 0) return [{ where: manifestName, what: 'it is empty' }];
  const live = playManifest(manifest.records);
  if (live === undefined) return [{ where: manifestName, what: 'it makes no sense' }];

  const damages: StoreDamage[] = [];
  for (const [number, table] of live.tables) {
    const damage = await checkTableFile(directory, names, number, table);
    if (damage !== undefined) damages.push(damage);
  }
  damages.push(...(await checkLogs(directory, names, live.log, committed)));
  return damages;
}

/**
 * Whether LevelDB's files, which make no sense, are those of a database that was being made: no table, and nothing in a log but
 * what a store begins with.
 */
export async function isUnborn(directory: string): Promise<boolean> {
  const names = await readdir(directory);
  if (names.some((name) => /\.(ldb|sst)$/.test(name))) return false;
  for (const name of names.filter((one) => one.endsWith('.log'))) {
    const { records } = walkLog(await readFile(join(directory, name)));
    for (const record of records) {
      for (const { key } of readBatch(record)) if (!formatKey().equals(key)) return false;
    }
  }
  return true;
}

async function checkTableFile(
  directory: string,
  names: readonly string[],
  number: number,
  { size, smallest, largest }: LiveTable,
): Promise<StoreDamage | undefined> {
  const base = String(number).padStart(6, '0');
  const where = names.find((name) => name === `${base}.ldb` || name === `${base}.sst`);
  if (where === undefined) return { where: `${base}.ldb`, what: 'it is missing' };
  const path = join(directory, where);
  const actual = (await stat(path)).size;
  if (actual !== size) return { where, what: `it has ${actual} bytes and should have ${size}` };
  const what = checkTable(await readFile(path), smallest, largest);
  return what === undefined ? undefined : { where, what };
}

async function checkLogs(
  directory: string,
  names: readonly string[],
  oldest: number,
  committed: number,
): Promise<StoreDamage[]> {
  const damages: StoreDamage[] = [];
  const logs = names
    .map((name) => ({ where: name, number: Number(/^(\d+)\.log$/.exec(name)?.[1] ?? -1) }))
    .filter(({ number }) => number >= oldest)
    .sort((a, b) => a.number - b.number);
  if (oldest > 0 && logs[0]?.number !== oldest) {
    damages.push({ where: `${String(oldest).padStart(6, '0')}.log`, what: 'it is missing' });
  }
  let highest = 0;
  let torn: StoreDamage | undefined;
  for (const { where } of logs) {
    const walk = walkLog(await readFile(join(directory, where)));
    // Something was written after a torn end: it was no crash that tore it.
    if (torn !== undefined && walk.records.length > 0) damages.push(torn);
    torn = undefined;
    highest = Math.max(highest, highestBatchNumber(walk.records));
    if (walk.brokenAt === undefined) continue;
    const damage = { where, what: `it is altered or cut off at byte ${walk.brokenAt}` };
    // What a crash leaves is torn, with all that was acknowledged in front.
    if (walk.isFollowed !== true && (highest === 0 || highest >= committed)) torn = damage;
    else damages.push(damage);
  }
  return damages;
}
