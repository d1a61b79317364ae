import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '@hawser/broker';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withDirectory } from './database.ts';
import { LevelStore } from './level-store.ts';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'hawser-private-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const modeOf = async (...path: string[]): Promise<string> =>
  ((await stat(join(base, ...path))).mode & 0o777).toString(8);

it.skipIf(process.platform === 'win32')(
  'data and backups are for their owner alone, also where others could read before',
  async () => {
    const directory = join(base, 'data');
    await mkdir(join(directory, 'db'), { recursive: true, mode: 0o755 });
    await chmod(directory, 0o755);
    const store = new LevelStore({ directory });
    await store.open();
    expect(await modeOf('data', 'db')).toBe('700');
    expect(await modeOf('data', 'committed')).toBe('600');
    await store.backup(join(base, 'backups', 'first'));
    expect([await modeOf('backups'), await modeOf('backups', 'first'), await modeOf('backups', 'first', 'db')]).toEqual(
      ['700', '700', '700'],
    );
    await store.close();
  },
);

it("puts a directory's name into advice as it is", () => {
  const error = withDirectory(new StoreError('store-damaged', 'Run "hawser data check".'), "/a$&b$'c");
  expect(error.message).toBe('Run "hawser data check /a$&b$\'c".');
});
