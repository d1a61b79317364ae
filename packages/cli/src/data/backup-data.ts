import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type StoreBackup, StoreError } from '@hawser/broker';
import { backupLevelStore } from '@hawser/store-level';
import { apiRefusal, askApi } from '../api/ask-api.ts';
import { EXIT, ExitError } from '../exit-error.ts';
import { print } from '../output.ts';
import { inWords } from './store-words.ts';

/** Of `hawser data backup`. */
export interface BackupFlags {
  readonly api: string;
  readonly tokenFile?: string | undefined;
}

/** The broker copies all its data before it answers. */
const TIMEOUT_MS = 24 * 3_600_000;

/** What a backup is made of: the marker comes last, for without it a broker does not take the directory for whole. */
const PARTS = ['db', 'committed'];

/**
 * `hawser data backup`: a data directory that a broker can be started on. Of a directory that a running broker has open that
 * broker makes it, asked over its API. Throws ExitError.
 */
export async function backupData(target: string, path: string, { api, tokenFile }: BackupFlags): Promise<void> {
  const [copy, directory] = [resolve(target), resolve(path)];
  const made = await inWords(
    backupLevelStore(directory, copy).catch(async (error: unknown) => {
      if (!(error instanceof StoreError) || error.code !== 'store-in-use') throw error;
      print(`${directory} is in use: the broker is asked for the backup, at ${api}.\n`);
      return askBroker(copy, directory, { api, tokenFile });
    }),
  );
  const { records, sessions, messages, retained, bytes } = made;
  print(
    `Copied ${records} records to ${copy}: ${sessions} sessions, ${messages} queued messages, ${retained} retained; ${bytes} bytes.\n`,
  );
}

async function askBroker(copy: string, directory: string, { api, tokenFile }: BackupFlags): Promise<StoreBackup> {
  const taken = await readdir(copy).catch((): string[] => []);
  if (PARTS.some((name) => taken.includes(name))) {
    throw new ExitError(EXIT.failed, `there is data in ${copy} already: name a directory that has none`);
  }
  // A name of its own there, since it does not stay there.
  const name = `${
    basename(copy)
      .replaceAll(/[^\w.-]/g, '-')
      .replace(/^[^a-z0-9]+/i, '') || 'backup'
  }-${process.pid}`;
  const answer = await askApi({
    api,
    method: 'POST',
    path: '/backup',
    query: { name },
    tokenFile,
    dataDirectory: directory,
    timeoutMs: TIMEOUT_MS,
  });
  if (answer.status !== 200 || !isBackup(answer.body)) throw apiRefusal(answer);
  await move(answer.body.directory, copy);
  return answer.body;
}

async function move(from: string, to: string): Promise<void> {
  try {
    await mkdir(to, { recursive: true, mode: 0o700 });
    for (const part of PARTS) {
      const [source, target] = [join(from, part), join(to, part)];
      // Another file system takes a copy.
      await rename(source, target).catch(() => cp(source, target, { recursive: true, errorOnExist: true }));
    }
    await rm(from, { recursive: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ExitError(EXIT.failed, `the backup is in ${from}, and could not be moved to ${to}: ${why}`, {
      cause: error,
    });
  }
}

function isBackup(body: unknown): body is StoreBackup & { readonly directory: string } {
  return typeof body === 'object' && body !== null && 'records' in body && 'directory' in body;
}
