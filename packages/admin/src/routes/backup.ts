import { join, resolve } from 'node:path';
import { type Broker, StoreError } from '@hawser/broker';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { registry } from '../schemas.ts';
import { queryOf, type Route } from './route.ts';

/** One name, no path: what it names lies where backups lie. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/i;

const BackupQuery = z.object({
  name: z
    .string()
    .regex(NAME, 'a name of letters, digits, dots, dashes and underlines')
    .optional()
    .describe('of the directory to be made; without one it is named for the time'),
});

const count = z.number().int().nonnegative();

const Backup = z
  .object({
    name: z.string(),
    directory: z.string().describe('where it is, on the machine of the broker'),
    sessions: count,
    messages: count.describe('in queues, one for each session that waits for it'),
    retained: count,
    records: count,
    bytes: count,
    ms: count,
  })
  .register(registry, { id: 'Backup', description: 'A data directory that a broker can be started on' });

/**
 * A copy of the data of a broker that runs: all that was acknowledged before the request is in it. One at a time, never over
 * something that is there. `dataDirectory`: of the broker, beside which backups lie unless the setting `data.backups` says where.
 */
export function backupRoutes(broker: Broker, dataDirectory: string | undefined): Route[] {
  let isUnderWay = false;

  async function make(name: string) {
    const { store, observer } = broker;
    if (store?.backup === undefined) {
      throw new ApiError(409, 'nothing-stored', 'this broker keeps nothing on disk: there is nothing to be copied');
    }
    const place = placeOf(broker, dataDirectory);
    if (isUnderWay) throw new ApiError(409, 'backup-under-way', 'a backup is being made already: wait for its end');
    isUnderWay = true;
    const directory = join(place, name);
    const startedAt = broker.now();
    try {
      const made = await store.backup(directory);
      const answer = { name, directory, ...made, ms: Math.round(broker.now() - startedAt) };
      const words = `${made.sessions} sessions, ${made.messages} messages, ${made.bytes} bytes, in ${answer.ms} ms`;
      observer.onWarning?.('backup-made', `the data was copied into ${directory}: ${words}`);
      return answer;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      observer.onWarning?.('backup-failed', `the data could not be copied into ${directory}: ${text}`);
      if (error instanceof StoreError && error.code === 'store-usage') throw new ApiError(409, 'backup-exists', text);
      throw new ApiError(503, 'backup-failed', text);
    } finally {
      isUnderWay = false;
    }
  }

  return [
    {
      method: 'POST',
      path: '/backup',
      summary: 'Copies the data of the broker, while it runs, into a directory of its own',
      query: BackupQuery,
      answer: Backup,
      paged: false,
      changes: true,
      problems: {
        409: 'There is nothing to copy, no place for it, a backup of that name, or one being made',
        503: 'The data could not be copied',
      },
      target: (request) => queryOf(BackupQuery, request).name ?? '',
      serve: (request) => make(queryOf(BackupQuery, request).name ?? nameOf(broker.wallNow())),
    },
  ];
}

function placeOf(broker: Broker, dataDirectory: string | undefined): string {
  const place = broker.settings['data.backups'];
  if (place !== '') return resolve(place);
  if (dataDirectory !== undefined) return `${resolve(dataDirectory)}-backups`;
  throw new ApiError(409, 'no-place-for-backups', 'nobody has said where backups are to lie: set data.backups');
}

/** `2026-11-28T09-30-00.123Z`: as names of files may be on every system. */
function nameOf(wallMs: number): string {
  return new Date(wallMs).toISOString().replaceAll(':', '-');
}
