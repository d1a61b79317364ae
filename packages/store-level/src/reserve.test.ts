import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RESERVE_BYTES, Reserve } from './reserve.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hawser-reserve-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it('is made where there is room, given up once, and made again', async () => {
  const reserve = new Reserve(directory);
  reserve.keep(RESERVE_BYTES * 7);
  await reserve.settled();
  expect(await readdir(directory)).toEqual([]);
  expect(await reserve.release()).toBe(false);
  reserve.keep(RESERVE_BYTES * 8);
  await reserve.settled();
  expect((await stat(join(directory, 'reserve'))).size).toBe(RESERVE_BYTES);
  expect(await reserve.release()).toBe(true);
  expect(await reserve.release()).toBe(false);
  reserve.keep(RESERVE_BYTES * 8);
  await reserve.settled();
  expect(await readdir(directory)).toEqual(['reserve']);
});

it('does without where it cannot be made', async () => {
  const reserve = new Reserve(join(directory, 'nowhere'));
  reserve.keep(RESERVE_BYTES * 8);
  await reserve.settled();
  expect(await reserve.release()).toBe(false);
});
