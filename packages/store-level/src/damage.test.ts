import { cp, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '@hawser/broker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLevelStore } from './check.ts';
import { LevelStore } from './level-store.ts';
import { repairLevelStore } from './repair.ts';
import { deleteQueued, putInbound, putQueued, putSession } from './testing/operations.ts';

const seed = Date.now() % 2 ** 31;
let base: string;
/** A data directory as kill -9 leaves it: tables, a log that was not taken over yet, a marker. */
let killed: string;
let expected: string;
/** Files that matter, with their sizes. LOG is LevelDB's diary, LOCK is empty. */
let files: readonly { readonly name: string; readonly size: number }[];

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'hawser-damage-'));
  killed = join(base, 'killed');
  const live = join(base, 'live');
  const store = new LevelStore({ directory: live });
  await store.open();
  for (const number of [1, 2, 3]) store.append(putSession(number));
  for (let sequence = 1; sequence <= 300; sequence++) {
    store.append(
      putQueued(1 + (sequence % 3), sequence, { topic: `topic/${sequence}` }, sequence % 4 ? undefined : sequence),
    );
  }
  await store.close();
  await store.open();
  for (let sequence = 1; sequence <= 100; sequence++) {
    store.append(deleteQueued(1 + (sequence % 3), sequence));
    store.append({ kind: 'putRetained', message: message(`retained/${sequence}`) });
  }
  await store.close();
  await store.open();
  for (let identifier = 1; identifier <= 30; identifier++) {
    store.append(putInbound(1, identifier));
    store.append(putQueued(2, 400 + identifier));
    await store.readQueue(2, 0, { messages: 1, bytes: 1 });
  }
  // The marker is written behind the commit.
  while ((await readFile(join(live, 'committed'))).readUInt32BE(8) < 32) await new Promise(setImmediate);
  await cp(live, killed, { recursive: true });
  await store.close();
  expected = await picture(join(base, 'live'));
  files = await listFiles(killed);
});

afterAll(async () => {
  await rm(base, { recursive: true, force: true });
});

describe(`damage to the files of a LevelStore (seed ${seed})`, () => {
  it('opens what kill -9 left, and finds everything', async () => {
    expect(await openDamaged('plain', async () => undefined)).toBe(expected);
    expect(files.some(({ name }) => name.endsWith('.ldb'))).toBe(true);
    expect(files.some(({ name, size }) => name.endsWith('.log') && size > 1_000)).toBe(true);
  });

  it('finds a flipped bit anywhere, or is not touched by it', async () => {
    const random = randomNumbers(seed);
    for (const { name, size } of files) {
      for (let round = 0; round < 25; round++) {
        const at = Math.floor(random() * size);
        const bit = 1 << Math.floor(random() * 8);
        const outcome = await openDamaged(`flip`, (directory) => flip(join(directory, name), at, bit));
        expect([expected, 'damaged'], `${name} at ${at}, bit ${bit}`).toContain(outcome);
      }
    }
  }, 60_000);

  it('finds a flipped bit in the log, each and every one', async () => {
    const log = files.find(({ name, size }) => name.endsWith('.log') && size > 0);
    const random = randomNumbers(seed);
    for (let round = 0; round < 100; round++) {
      const at = Math.floor(random() * (log?.size ?? 0));
      const outcome = await openDamaged('log', (directory) => flip(join(directory, log?.name ?? ''), at, 0x10));
      expect(outcome, `${log?.name} at ${at}`).toBe('damaged');
    }
  }, 60_000);

  it('finds a file that is cut off', async () => {
    const random = randomNumbers(seed);
    for (const { name, size } of files) {
      for (let round = 0; round < 12; round++) {
        const length = round === 0 ? 0 : Math.floor(random() * size);
        const outcome = await openDamaged('cut', (directory) => truncate(join(directory, name), length));
        expect(outcome, `${name} cut to ${length}`).toBe('damaged');
      }
    }
  }, 60_000);

  it('finds a file that is missing', async () => {
    for (const { name } of files) {
      const outcome = await openDamaged('missing', (directory) => rm(join(directory, name)));
      expect(outcome, name).toBe('damaged');
    }
    expect(await openDamaged('missing', (directory) => rm(join(directory, 'db'), { recursive: true }))).toBe('damaged');
  });

  it('changes nothing by finding it: put right, it opens', async () => {
    const log = files.find(({ name, size }) => name.endsWith('.log') && size > 0);
    const directory = join(base, 'right');
    await cp(killed, directory, { recursive: true });
    const path = join(directory, log?.name ?? '');
    await flip(path, 50, 1);
    await expect(new LevelStore({ directory }).open()).rejects.toMatchObject({ code: 'store-damaged' });
    await flip(path, 50, 1);
    expect(await picture(directory)).toBe(expected);
  });

  it('takes a torn end for what it is: what a crash leaves of a batch that nobody was told of', async () => {
    const log = files.find(({ name, size }) => name.endsWith('.log') && size > 0);
    const whole = await readFile(join(killed, log?.name ?? ''));
    const outcome = await openDamaged('torn', async (directory) => {
      await writeFile(join(directory, log?.name ?? ''), Buffer.concat([whole, whole.subarray(0, 40)]));
    });
    expect(outcome).toBe(expected);
    const zeros = await openDamaged('torn', async (directory) => {
      await writeFile(join(directory, log?.name ?? ''), Buffer.concat([whole, Buffer.alloc(500)]));
    });
    expect(zeros).toBe(expected);
  });

  it('is told by checkLevelStore, file by file, and nothing of a sound one', async () => {
    const log = files.find(({ name, size }) => name.endsWith('.log') && size > 0)?.name ?? '';
    const table = files.find(({ name }) => name.endsWith('.ldb'))?.name ?? '';
    const directory = join(base, 'check');
    await cp(killed, directory, { recursive: true });
    expect(await checkLevelStore(directory)).toEqual([]);
    await rm(directory, { recursive: true });
    await cp(killed, directory, { recursive: true });
    await flip(join(directory, log), 100, 1);
    await truncate(join(directory, table), 1_000);
    const damages = await checkLevelStore(directory);
    expect(damages.map(({ where }) => `db/${where}`).sort()).toEqual([table, log].sort());
  });

  it('leaves the rest after a repair, and a copy of what was', async () => {
    const random = randomNumbers(seed);
    for (const { name, size } of files) {
      for (let round = 0; round < 6; round++) {
        const directory = join(base, 'repair');
        await rm(directory, { recursive: true, force: true });
        await cp(killed, directory, { recursive: true });
        if (round === 0) await rm(join(directory, name));
        else if (round % 2 === 0) await truncate(join(directory, name), Math.floor(random() * size));
        else await flip(join(directory, name), Math.floor(random() * size), 1 << Math.floor(random() * 8));
        const { backup } = await repairLevelStore(directory);
        expect(backup).toBe(join(directory, 'damaged-1'));
        expect((await readdir(backup)).includes('db')).toBe(true);
        expect(await checkLevelStore(directory), name).toEqual([]);
        // What was deleted may be there again, what was never put may not.
        const left = Array.from((await picture(directory)).matchAll(/"sequence":(\d+)/g), ([, digits]) =>
          Number(digits),
        );
        expect(left.filter((sequence) => sequence > 430 || (sequence > 300 && sequence <= 400))).toEqual([]);
        if (name.endsWith('.log') || name === 'committed') expect(left.length).toBeGreaterThan(100);
        expect(await picture(directory)).toBe(await picture(directory));
      }
    }
  }, 60_000);
});

/** Damages a copy and opens it: what it holds, or 'damaged'. Any other error fails the test. */
async function openDamaged(name: string, damage: (directory: string) => Promise<unknown>): Promise<string> {
  const directory = join(base, name);
  await rm(directory, { recursive: true, force: true });
  await cp(killed, directory, { recursive: true });
  await damage(directory);
  try {
    return await picture(directory);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store-damaged') return 'damaged';
    throw error;
  }
}

/** Everything a store holds, as text. */
async function picture(directory: string): Promise<string> {
  const store = new LevelStore({ directory });
  const contents = await store.open();
  try {
    const queues: unknown[] = [];
    for (const { session } of contents.sessions.map((one) => ({ session: one.number }))) {
      queues.push(await store.readQueue(session, 0, { messages: 10_000, bytes: 1e9 }));
    }
    return JSON.stringify({ ...contents, inbound: [...contents.inbound], queues }, (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    );
  } finally {
    await store.close();
  }
}

async function listFiles(directory: string): Promise<{ name: string; size: number }[]> {
  const list: { name: string; size: number }[] = [];
  for (const name of await readdir(directory, { recursive: true })) {
    const stats = await stat(join(directory, name));
    if (stats.isFile() && stats.size > 0 && !/LOG(\.old)?$|LOCK$/.test(name)) list.push({ name, size: stats.size });
  }
  return list;
}

async function flip(path: string, at: number, bit: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ bit;
    await file.write(byte, 0, 1, at);
  } finally {
    await file.close();
  }
}

function message(topic: string) {
  return { topic, payload: new Uint8Array([7]), qos: 1, retain: true, properties: undefined, publishedAt: 1 } as const;
}

function randomNumbers(from: number): () => number {
  let state = from;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
