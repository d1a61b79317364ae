import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreError } from '@hawser/broker';
import { CommitMarker } from './commit/commit-marker.ts';
import { countQueues } from './count-queues.ts';
import { damagedFiles, exists, inUse, openDatabase, toStoreError } from './database.ts';
import { checkFiles, isUnborn } from './files/check-files.ts';
import { ClientNames } from './files/client-names.ts';
import { seemsLocked } from './files/lock-holder.ts';
import { salvageFiles } from './files/salvage.ts';
import type { StoreDamage } from './files/store-damage.ts';
import { checkFormat } from './format.ts';
import { loadContents, scan } from './load-contents.ts';
import { checkRecord } from './records/check-record.ts';
import { ADVICE } from './records/sealed-record.ts';

/**
 * Looks at everything in the data directory of a LevelStore that is not open: files, batches, records, the messages that
 * queues refer to. Returns what is damaged; nothing: it is sound. Rejects with StoreError when it cannot look
 * (`store-in-use`, `store-format`, `store-failed`).
 */
export async function checkLevelStore(directory: string): Promise<readonly StoreDamage[]> {
  try {
    const path = join(directory, 'db');
    if (!(await exists(path))) return [{ where: path, what: 'it is missing' }];
    const { marked, damages: marker } = await readMarker(directory);
    const damages = [...marker, ...(await damagedFilesOf(directory, marked))];
    if (damages.length > 0) return await explain(path, marked, damages);
    const database = await openDatabase(path, { cacheBytes: 8 * 1024 * 1024 });
    try {
      const found: StoreDamage[] = [];
      const clients = new ClientNames();
      await scan(database, { gte: Buffer.alloc(0), lt: Buffer.of(0xff) }, (key, value) => {
        const damage = checkRecord(key, value);
        if (damage === undefined) clients.note(key, value);
        else found.push(damage);
      });
      if (found.length > 0) return clients.name(found);
      await checkFormat(database, directory, marked);
      const { contents, index } = await loadContents(database, marked ?? 0);
      await countQueues(database, index, contents.outbound);
      return [];
    } finally {
      await database.close();
    }
  } catch (error) {
    const told = toStoreError(error, directory);
    if (told.code === 'store-damaged') return [{ where: directory, what: withoutAdvice(told) }];
    throw told;
  }
}

/** Without one that can be read, the rest is looked at all the same. */
async function readMarker(
  directory: string,
): Promise<{ readonly marked: number | undefined; readonly damages: readonly StoreDamage[] }> {
  try {
    return { marked: await CommitMarker.read(join(directory, 'committed')), damages: [] };
  } catch (error) {
    const told = toStoreError(error, directory);
    if (told.code !== 'store-damaged') throw told;
    return { marked: undefined, damages: [{ where: 'committed', what: withoutAdvice(told) }] };
  }
}

/** Who reads this is looking already. */
function withoutAdvice({ message }: StoreError): string {
  return message.replace(` ${ADVICE}`, '');
}

/** The same with what it means, and for whom, as far as the files can still say. */
async function explain(
  path: string,
  marked: number | undefined,
  damages: readonly StoreDamage[],
): Promise<readonly StoreDamage[]> {
  const found: StoreDamage[] = [];
  const clients = new ClientNames();
  for await (const { key, value } of salvageFiles(path, marked, (damage) => found.push(damage)))
    clients.note(key, value);
  const known = new Set(found.map(({ where }) => where));
  return clients.name([...damages.filter(({ where }) => !known.has(where)), ...found]);
}

/**
 * Looks at the files before LevelDB is opened, since that deletes the logs it could not read. Rejects with StoreError
 * `store-damaged` or `store-in-use`.
 *
 * @param marked The batch that was committed last, when there is a marker that says so.
 */
export async function assertSoundFiles(directory: string, marked: number | undefined): Promise<void> {
  const path = join(directory, 'db');
  if (await exists(path)) {
    const damages = await damagedFilesOf(directory, marked);
    if (damages.length === 0) return;
    if (marked !== undefined || !(await isUnborn(path))) throw damagedFiles(directory, damages);
    // LevelDB does not sync the first files it makes: the power went while there was nothing yet.
    await rm(path, { recursive: true });
  } else if (marked !== undefined) {
    throw damagedFiles(directory, [{ where: 'db', what: 'it is missing' }]);
  }
}

async function damagedFilesOf(directory: string, marked: number | undefined): Promise<readonly StoreDamage[]> {
  const path = join(directory, 'db');
  const damages = await checkFiles(path, marked ?? 0);
  // Files that another process writes look damaged too.
  if (damages.length > 0 && (await seemsLocked(join(path, 'LOCK')))) throw inUse(directory);
  return damages;
}
