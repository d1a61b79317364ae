import { chmod, mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StoreError } from '@hawser/broker';
import { ClassicLevel } from 'classic-level';
import type { StoreDamage } from './files/store-damage.ts';
import { ADVICE } from './records/sealed-record.ts';

/** LevelDB with binary keys and values. */
export type LevelDatabase = ClassicLevel<Buffer, Buffer>;

/** How LevelDB is opened. */
export interface DatabaseOptions {
  /** LevelDB's cache of blocks, bytes. */
  readonly cacheBytes: number;
}

/** Opens (or makes) LevelDB in a directory that exists. */
export async function openDatabase(directory: string, options: DatabaseOptions): Promise<LevelDatabase> {
  const database: LevelDatabase = new ClassicLevel<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    cacheSize: options.cacheBytes,
    // Payloads are small and often packed already; the core that would compress them has the broker to run.
    compression: false,
  });
  await database.open();
  return database;
}

/** Makes a directory that survives power loss, with all above it, for its owner alone. */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    const first = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let path = directory; path !== dirname(first); path = dirname(path)) await syncDirectory(dirname(path));
  } catch (error) {
    throw toStoreError(error, directory);
  }
}

/**
 * Takes from others what they may do with a directory that was there before: messages lie in it. Where that cannot be (a file system
 * without modes, somebody else's directory) it is said on standard error.
 */
export async function keepPrivate(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { mode } = await stat(directory);
  if ((mode & 0o077) === 0) return;
  await chmod(directory, mode & 0o700).catch((error: Error) => {
    const words = `others may look into ${directory}, where messages are kept, and it cannot be closed to them: ${error.message}`;
    process.emitWarning(words, { code: 'HAWSER_DATA_OPEN' });
  });
}

/** What LevelDB or the file system said, in words for people. */
export function toStoreError(error: unknown, directory: string): StoreError {
  if (error instanceof StoreError) return error;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? cause.code : undefined;
    if (code === 'LEVEL_LOCKED') return inUse(directory, error);
    if (code === 'LEVEL_CORRUPTION' || /^Corruption:|corrupt/i.test(cause.message)) {
      const words = `The data in ${directory} is damaged (${cause.message}). ${ADVICE}`;
      return new StoreError('store-damaged', words, { cause: error });
    }
    const hint = hints.find(([pattern]) => pattern.test(cause.message) || pattern.test(String(code)));
    if (hint !== undefined) {
      const words = `The data directory ${directory} cannot be used: ${hint[1]} (${cause.message}).`;
      return new StoreError('store-failed', words, { cause: error });
    }
  }
  const words = error instanceof Error ? deepest(error).message : String(error);
  return new StoreError('store-failed', `The data directory ${directory} cannot be used: ${words}.`, { cause: error });
}

/** Whether it failed for want of room on the disk. */
export function isDiskFull(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (DISK_FULL.test(cause.message) || ('code' in cause && DISK_FULL.test(String(cause.code)))) return true;
  }
  return false;
}

/** The same error, its commands with the directory they are for. */
export function withDirectory(error: StoreError, directory: string): StoreError {
  const words = error.message.replace(
    /"hawser data (check|repair)"/g,
    (_, what) => `"hawser data ${what} ${directory}"`,
  );
  return words === error.message ? error : new StoreError(error.code, words, { cause: error.cause });
}

/** The error for a directory that another process has open. */
export function inUse(directory: string, cause?: unknown): StoreError {
  return new StoreError(
    'store-in-use',
    `The data directory ${directory} is in use by another process. Stop that broker, or give this one a directory of its own.`,
    { cause },
  );
}

/** The error for files that are not as they were written. */
export function damagedFiles(directory: string, damages: readonly StoreDamage[]): StoreError {
  const list = damages.slice(0, 3).map(({ where, what }) => `${where}: ${what}`);
  if (damages.length > 3) list.push(`and ${damages.length - 3} more`);
  return new StoreError('store-damaged', `The data in ${directory} is damaged (${list.join('; ')}). ${ADVICE}`);
}

/** Bytes of the files in a directory. */
export async function directoryBytes(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = await Promise.all(
    names.map((name) => stat(join(directory, name)).then(({ size }) => size, goneMeanwhile)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function goneMeanwhile(): number {
  return 0;
}

/** Whether there is something at a path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

const DISK_FULL = /No space left|ENOSPC/;

const hints: readonly (readonly [RegExp, string])[] = [
  [DISK_FULL, 'the disk is full'],
  [/Disk quota|EDQUOT/, 'the disk quota is used up'],
  [/Permission denied|EACCES|EPERM/, 'no permission to write there'],
  [/Read-only file system|EROFS/, 'the file system is read-only'],
  [/Input\/output error|EIO\b/, 'the disk reports an input/output error'],
  [/Too many open files|EMFILE|ENFILE/, 'too many files are open'],
  [/ENOTDIR|EEXIST|Not a directory|File exists/, 'there is a file of that name'],
];

function deepest(error: Error): Error {
  return error.cause instanceof Error ? deepest(error.cause) : error;
}

/** Makes what was renamed or made in a directory survive power loss. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows can neither open nor sync a directory, and needs not.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
