import type { LevelDatabase } from './database.ts';

/** Bytes of a key that ranges are told apart by: prefix, session, sequence. */
const KEY_BYTES = 15;
const FIRST = 0n;
const LAST = 1n << BigInt(8 * KEY_BYTES);
const MiB = 1024 * 1024;
/** Of a range that is compacted at once, and so of what is there twice until it is done: a quarter of what is free, and at most so much. */
const RANGE_BYTES = 16 * MiB;
const SHARE_OF_FREE = 4;
/** A table at each end of a range reaches beyond it. */
const EDGE_BYTES = 2 * 2 * MiB;

/** What is asked of a database that is compacted. */
export type Compactable = Pick<LevelDatabase, 'approximateSize' | 'compactRange' | 'getProperty'>;

/** A part of the keys: from `start` on, below `end`. */
export interface KeyRange {
  readonly start: Buffer;
  readonly end: Buffer;
}

/**
 * Clears away what was deleted. Tables are written anew before the old ones go, so each range is begun only while there is room for it; what
 * a full disk leaves undone waits for the next time. `freeBytes` measures. Returns whether all was done.
 */
export async function compactWithin(database: Compactable, freeBytes: () => Promise<number>): Promise<boolean> {
  const limit = Math.min(RANGE_BYTES, Math.floor((await freeBytes()) / SHARE_OF_FREE));
  for await (const { start, end } of rangesOf(database, limit)) {
    if ((await freeBytes()) < limit + EDGE_BYTES + unsortedBytes(database)) return false;
    await database.compactRange(start, end, { keyEncoding: 'buffer' });
  }
  return true;
}

/** All keys, in ranges of `limit` bytes at most, or of one key. Ranges without data are put together with the next. */
export async function* rangesOf(database: Compactable, limit: number): AsyncGenerator<KeyRange> {
  const waiting: [from: bigint, to: bigint][] = [[FIRST, LAST]];
  let start = FIRST;
  let gathered = 0;
  for (let range = waiting.pop(); range !== undefined; range = waiting.pop()) {
    const [from, to] = range;
    const size = await database.approximateSize(keyOf(from), keyOf(to), { keyEncoding: 'buffer' });
    if (size > limit && to - from > 1n) {
      const middle = (from + to) / 2n;
      waiting.push([middle, to], [from, middle]);
      continue;
    }
    if (gathered + size > limit && from > start) {
      yield { start: keyOf(start), end: keyOf(from) };
      start = from;
      gathered = 0;
    }
    gathered += size;
  }
  yield { start: keyOf(start), end: keyOf(LAST) };
}

/** Of tables that overlap, which are merged all at once with those that they are sorted into. */
function unsortedBytes(database: Compactable): number {
  const levels = [0, 0];
  let level = 0;
  for (const line of database.getProperty('leveldb.sstables').split('\n')) {
    level = Number(/^--- level (\d+)/.exec(line)?.[1] ?? level);
    const size = /^ *\d+:(\d+)\[/.exec(line)?.[1];
    if (size !== undefined && level < 2) levels[level] = (levels[level] ?? 0) + Number(size);
  }
  const [unsorted = 0, below = 0] = levels;
  return unsorted === 0 ? 0 : unsorted + below;
}

/** The last one is above all keys. */
function keyOf(place: bigint): Buffer {
  return place === LAST
    ? Buffer.alloc(KEY_BYTES, 0xff)
    : Buffer.from(place.toString(16).padStart(2 * KEY_BYTES, '0'), 'hex');
}
