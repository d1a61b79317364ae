import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLevelStore } from './check.ts';
import { openDatabase } from './database.ts';
import { exportLevelStore } from './export.ts';
import { checkFormat, FORMAT_VERSION, migrate } from './format.ts';
import { LevelStore } from './level-store.ts';
import { formatKey } from './records/keys.ts';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
const directories = (await readdir(fixtures)).filter((name) => name.startsWith('data-') && !name.endsWith('.jsonl'));
let base: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'hawser-fixtures-'));
});

afterAll(async () => {
  await rm(base, { recursive: true, force: true });
});

describe('data directories of earlier releases', () => {
  it.each(directories)('%s opens, with everything in it', async (name) => {
    const directory = join(base, name);
    await cp(join(fixtures, name), directory, { recursive: true });
    const store = new LevelStore({ directory });
    const contents = await store.open();
    expect(contents.sessions.length).toBeGreaterThan(0);
    const [session] = contents.sessions;
    expect(await store.readQueue(session?.number ?? 0, 0, { messages: 1000, bytes: 1e6 })).not.toEqual([]);
    await store.close();
    expect(await checkLevelStore(directory)).toEqual([]);
    let text = '';
    await exportLevelStore(directory, (lines) => {
      text += lines;
    });
    expect(text).toBe(await readFile(join(fixtures, `${name}.jsonl`), 'utf8'));
  });
});

describe('formats', () => {
  it('are reached one after the other, and go on where a crash has cut them off', async () => {
    const database = await openDatabase(join(base, 'migrated'), { cacheBytes: 1e6 });
    const done: number[] = [];
    let crash = true;
    const migrations = new Map([
      [1, async () => void done.push(1)],
      [
        2,
        async () => {
          if (crash) throw new Error('the power went');
          done.push(2);
        },
      ],
    ]);
    await checkFormat(database, base, undefined);
    await expect(migrate(database, 1, 3, migrations)).rejects.toThrow('the power went');
    const reached = async (): Promise<number> => (await database.get(formatKey()))?.readUInt16BE(1) ?? 0;
    expect(await reached()).toBe(2);
    crash = false;
    await migrate(database, 2, 3, migrations);
    expect([await reached(), done]).toEqual([3, [1, 2]]);
    await expect(checkFormat(database, base, 1)).rejects.toMatchObject({
      code: 'store-format',
      message: expect.stringContaining(`format 3, this one knows ${FORMAT_VERSION}`),
    });
    await database.close();
  });

  it('from which no way leads are refused', async () => {
    const database = await openDatabase(join(base, 'stranded'), { cacheBytes: 1e6 });
    await expect(migrate(database, 0, 1, new Map())).rejects.toMatchObject({ code: 'store-format' });
    await database.close();
  });
});
