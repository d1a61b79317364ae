import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Compactable, compactWithin, type KeyRange, rangesOf } from './compact-ranges.ts';
import { directoryBytes, type LevelDatabase, openDatabase } from './database.ts';

const MiB = 1024 * 1024;
let directory: string;
let database: LevelDatabase;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hawser-compact-'));
  database = await openDatabase(directory, { cacheBytes: MiB });
});
afterEach(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

/** Like a queue: a prefix, one session, sequences. */
const key = (sequence: number): Buffer => {
  const made = Buffer.alloc(15);
  made[0] = 0x71;
  made[7] = 3;
  made.writeUInt32BE(sequence, 11);
  return made;
};

async function fill(count: number): Promise<void> {
  for (let at = 0; at < count; at += 100) {
    const batch = database.batch();
    for (let i = at; i < at + 100; i++) batch.put(key(i), Buffer.alloc(10_000, i));
    await batch.write();
  }
}

async function all(ranges: AsyncGenerator<KeyRange>): Promise<KeyRange[]> {
  const found: KeyRange[] = [];
  for await (const range of ranges) found.push(range);
  return found;
}

describe('ranges of a database', () => {
  it('are all of its keys, one after the other, each within the limit, also in the queue of one session', async () => {
    await fill(2000);
    // Nothing is sorted in behind the test's back.
    await database.compactRange(Buffer.alloc(15), Buffer.alloc(15, 0xff), { keyEncoding: 'buffer' });
    const limit = 4 * MiB;
    const ranges = await all(rangesOf(database, limit));
    expect(ranges.length).toBeGreaterThan(3);
    expect([ranges[0]?.start, ranges.at(-1)?.end]).toEqual([Buffer.alloc(15), Buffer.alloc(15, 0xff)]);
    for (const [i, { start, end }] of ranges.entries()) {
      if (i > 0) expect(start).toEqual(ranges[i - 1]?.end);
      expect(await database.approximateSize(start, end, { keyEncoding: 'buffer' })).toBeLessThanOrEqual(limit);
    }
  });

  it('of an empty database are one', async () => {
    expect(await all(rangesOf(database, 1))).toHaveLength(1);
  });
});

describe('compaction', () => {
  it('gives back what was deleted, and keeps the rest', async () => {
    await fill(2000);
    await database.clear({ lt: key(1990) });
    const before = await directoryBytes(directory);
    expect(await compactWithin(database, async () => 1024 * MiB)).toBe(true);
    expect(await directoryBytes(directory)).toBeLessThan(before / 2);
    expect(await database.keys().all()).toHaveLength(10);
  });

  it('works within 12 MiB', async () => {
    await fill(2000);
    await database.compactRange(Buffer.alloc(15), Buffer.alloc(15, 0xff), { keyEncoding: 'buffer' });
    await database.clear({ lt: key(1990) });
    const before = await directoryBytes(directory);
    let most = 0;
    const free = async (): Promise<number> => {
      most = Math.max(most, await directoryBytes(directory));
      return 12 * MiB - Math.max(0, (await directoryBytes(directory)) - before);
    };
    expect(await compactWithin(database, free)).toBe(true);
    expect(most).toBeLessThan(before + 8 * MiB);
    expect(await directoryBytes(directory)).toBeLessThan(before / 2);
  });

  it('begins nothing for which there is no room, and stops where it runs out', async () => {
    const done: KeyRange[] = [];
    // 8 MiB in each 256th of the keys.
    const tables =
      '--- level 0 ---\n 12:60000000[..]\n 13:60000000[..]\n--- level 1 ---\n 9:30000000[..]\n--- level 2 ---\n 7:900000000[..]';
    const fake: Compactable = {
      getProperty: () => tables,
      approximateSize: async (start: Buffer, end: Buffer) =>
        (Number.parseInt(end.toString('hex', 0, 3), 16) - Number.parseInt(start.toString('hex', 0, 3), 16)) * 128,
      compactRange: async (start: Buffer, end: Buffer) => {
        done.push({ start, end });
      },
    } as unknown as Compactable;
    let free = 165_000_000;
    expect(await compactWithin(fake, async () => free)).toBe(false);
    expect(done).toEqual([]);
    free = 250_000_000;
    const shrinking = async (): Promise<number> => {
      free -= 20_000_000;
      return free;
    };
    expect(await compactWithin(fake, shrinking)).toBe(false);
    expect(done).toHaveLength(2);
  });
});
