import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LevelStore, type LevelStoreOptions } from './level-store.ts';
import { Prefix } from './records/keys.ts';
import { FaultyDisk } from './testing/faulty-level.ts';
import { deleteQueued, deleteSession, putInbound, putQueued, putSession } from './testing/operations.ts';
import { HeldTimers } from './testing/timers.ts';

let directory: string;
let stores: LevelStore[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hawser-level-'));
  stores = [];
});

afterEach(async () => {
  for (const store of stores) await store.close().catch(() => undefined);
  await rm(directory, { recursive: true, force: true });
});

describe('LevelStore', () => {
  describe('commits', () => {
    it('puts all that one turn appends into one batch, all that comes meanwhile into the next', async () => {
      const disk = new FaultyDisk();
      const store = await opened({ openDatabase: disk.openDatabase });
      const before = disk.batches;
      store.append(putSession(1));
      for (let identifier = 1; identifier <= 100; identifier++) store.append(putInbound(1, identifier));
      await committed(store, async () => {
        await new Promise(setImmediate);
        for (let identifier = 101; identifier <= 200; identifier++) store.append(putInbound(1, identifier));
      });
      expect(disk.batches - before).toBe(2);
    });

    it('lets lazy operations wait for company', async () => {
      const timers = new HeldTimers();
      const disk = new FaultyDisk();
      const store = await opened({ schedule: timers.schedule, openDatabase: disk.openDatabase });
      await committed(store, () => store.append(putSession(1)));
      const before = disk.batches;
      const lazy = store.append(deleteQueued(1, 1));
      await new Promise(setImmediate);
      expect(disk.batches).toBe(before);
      expect(timers.waits).toEqual([100]);
      await committed(store, () => store.append(putInbound(1, 1)));
      expect(disk.batches).toBe(before + 1);
      expect(store.committed).toBeGreaterThan(lazy);
      expect(timers.waits).toEqual([]);
    });

    it('writes lazy operations alone after a while', async () => {
      const timers = new HeldTimers();
      const store = await opened({ schedule: timers.schedule });
      await committed(store, () => store.append(putSession(1)));
      const lazy = store.append(deleteQueued(1, 1));
      await committed(store, () => timers.fire());
      expect(store.committed).toBe(lazy);
    });

    it('splits what does not fit into a batch, not what belongs together', async () => {
      const disk = new FaultyDisk();
      const store = await opened({ openDatabase: disk.openDatabase, maxBatchBytes: 1_000 });
      await committed(store, () => store.append(putSession(1)));
      const before = disk.batches;
      const payload = new Uint8Array(400);
      await committed(store, () => {
        for (let sequence = 1; sequence <= 9; sequence++) store.append(putQueued(1, sequence, { payload }));
      });
      expect(disk.batches - before).toBe(3);
      await committed(store, () => {
        store.begin();
        for (let sequence = 10; sequence <= 18; sequence++) store.append(putQueued(1, sequence, { payload }));
        store.end();
      });
      expect(disk.batches - before).toBe(4);
    });

    it('tells how much is not on disk yet', async () => {
      const store = await opened();
      await committed(store, () => store.append(putSession(1)));
      expect(store.pendingBytes).toBe(0);
      store.append(putQueued(1, 1, { payload: new Uint8Array(1_000) }));
      expect(store.pendingBytes).toBeGreaterThan(1_000);
    });
  });

  describe('opening', () => {
    it('refuses a directory that is in use, and says so', async () => {
      await opened();
      const second = new LevelStore({ directory });
      await expect(second.open()).rejects.toMatchObject({ code: 'store-in-use' });
      await expect(second.open()).rejects.toThrow(`${directory} is in use`);
    });

    it('refuses a directory that is not one', async () => {
      const path = join(directory, 'file');
      await writeFile(path, 'x');
      await expect(new LevelStore({ directory: path }).open()).rejects.toMatchObject({ code: 'store-failed' });
      await expect(new LevelStore({ directory: path }).open()).rejects.toThrow('there is a file of that name');
    });

    it('refuses the database of another program, and leaves it alone', async () => {
      await mkdir(join(directory, 'db'));
      await edit(async (database) => database.put(Buffer.from('key'), Buffer.from('value')));
      await expect(new LevelStore({ directory }).open()).rejects.toMatchObject({ code: 'store-format' });
      await edit(async (database) => expect(await database.keys().all()).toHaveLength(1));
    });

    it('refuses the data of a newer version', async () => {
      const store = await opened();
      store.append(putSession(1));
      await store.close();
      const { Batch } = await import('./commit/batch.ts');
      await edit(async (database) => {
        const batch = new Batch(64);
        batch.key().utf8('nf');
        batch.value().uint16(2);
        batch.endPut();
        const target = database.batch();
        batch.writeTo(target);
        await target.write();
      });
      await expect(new LevelStore({ directory }).open()).rejects.toMatchObject({ code: 'store-format' });
      await expect(new LevelStore({ directory }).open()).rejects.toThrow('newer version of Hawser (format 2');
    });

    it('may be opened again after it could not be', async () => {
      const first = await opened();
      const second = new LevelStore({ directory });
      stores.push(second);
      await expect(second.open()).rejects.toThrow();
      await first.close();
      await second.open();
      await second.close();
      await second.open();
    });
  });

  describe('what nobody needs any more', () => {
    it('keeps a shared message once, and not longer than somebody waits for it', async () => {
      const store = await opened();
      for (const number of [1, 2, 3]) store.append(putSession(number));
      for (const number of [1, 2, 3]) store.append(putQueued(number, 5, {}, 5));
      await store.close();
      expect(await countKeys(Prefix.message)).toBe(1);
      await store.open();
      for (const number of [1, 2]) store.append(deleteQueued(number, 5));
      await store.close();
      expect(await countKeys(Prefix.message)).toBe(1);
      await store.open();
      store.append(deleteQueued(3, 5));
      await store.close();
      expect(await countKeys(Prefix.message)).toBe(0);
    });

    it('clears in the background what an ended session leaves', async () => {
      const store = await opened();
      store.append(putSession(1));
      store.append(putSession(2));
      for (let sequence = 1; sequence <= 1_200; sequence++) store.append(putQueued(1, sequence));
      store.append(putQueued(1, 2_000, {}, 2_000));
      store.append(putQueued(2, 2_000, {}, 2_000));
      store.append(putInbound(1, 1));
      await committed(store, () => store.append(deleteSession(1)));
      await until(() => !store.isClearing);
      await store.close();
      expect(await countKeys(Prefix.queued)).toBe(1);
      expect(await countKeys(Prefix.inbound)).toBe(0);
      expect(await countKeys(Prefix.message)).toBe(1);
    });

    it('clears at the next start what was not cleared', async () => {
      const store = await opened();
      store.append(putSession(1));
      for (let sequence = 1; sequence <= 20; sequence++) store.append(putQueued(1, sequence, {}, sequence));
      await store.close();
      // As if the process had died between the batch that ends the session and the one that clears.
      await edit(async (database) => {
        await database.del(Buffer.from('sclient-1'));
        await database.del(await firstKey(database, Prefix.queued));
      });
      await store.open();
      await until(() => !store.isClearing);
      await store.close();
      expect(await countKeys(Prefix.queued)).toBe(0);
      expect(await countKeys(Prefix.message)).toBe(0);
    });
  });

  describe('a disk that fails', () => {
    it('keeps what could not be written, and commits it when the disk works again', async () => {
      const timers = new HeldTimers();
      const disk = new FaultyDisk();
      const store = await opened({ schedule: timers.schedule, openDatabase: disk.openDatabase });
      const faults: (string | undefined)[] = [];
      store.onFault = (fault) => faults.push(fault?.message);
      await committed(store, () => store.append(putSession(1)));

      disk.writeError = 'No space left on device';
      const first = store.append(putInbound(1, 1));
      await until(() => store.fault !== undefined);
      expect(store.fault).toMatchObject({ code: 'store-failed' });
      expect(store.fault?.message).toContain('the disk is full');
      const second = store.append(putInbound(1, 2));
      expect(store.committed).toBeLessThan(first);
      expect(store.pendingBytes).toBeGreaterThan(0);

      for (const wait of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
        expect(timers.waits).toEqual([wait]);
        disk.openError = wait === 4_000 ? 'No space left on device' : undefined;
        timers.fire();
        await until(() => timers.waits.length > 0);
      }
      expect(store.committed).toBeLessThan(first);

      disk.writeError = undefined;
      await committed(store, () => timers.fire());
      expect(store.committed).toBe(second);
      expect(store.fault).toBeUndefined();
      expect(faults.at(-1)).toBeUndefined();
      expect(faults.slice(0, -1).every((words) => words?.includes('the disk is full'))).toBe(true);
      await store.close();
      expect((await store.open()).inbound.get(1)).toEqual([1, 2]);
    });

    it('writes a batch again that had reached the disk after all', async () => {
      const timers = new HeldTimers();
      const disk = new FaultyDisk();
      const store = await opened({ schedule: timers.schedule, openDatabase: disk.openDatabase });
      store.append(putSession(1));
      disk.writeError = 'Input/output error';
      disk.writesBeforeFailing = true;
      store.append(putQueued(1, 1));
      await until(() => store.fault !== undefined);
      disk.writeError = undefined;
      await committed(store, () => timers.fire());
      expect((await store.readQueue(1, 0, { messages: 9, bytes: 9e9 })).map((entry) => entry.sequence)).toEqual([1]);
      await store.close();
      expect((await store.open()).queues).toEqual([{ session: 1, messages: 1, bytes: 4 }]);
    });

    it('lets those who read a queue wait until it works again', async () => {
      const timers = new HeldTimers();
      const disk = new FaultyDisk();
      const store = await opened({ schedule: timers.schedule, openDatabase: disk.openDatabase });
      store.append(putSession(1));
      disk.writeError = 'Input/output error';
      store.append(putQueued(1, 1));
      await until(() => store.fault !== undefined);
      const page = store.readQueue(1, 0, { messages: 9, bytes: 9e9 });
      disk.writeError = undefined;
      timers.fire();
      expect((await page).map((entry) => entry.sequence)).toEqual([1]);
    });

    it('tries a last time when it is closed, and says what is lost', async () => {
      const disk = new FaultyDisk();
      const store = await opened({ schedule: new HeldTimers().schedule, openDatabase: disk.openDatabase });
      await committed(store, () => store.append(putSession(1)));
      disk.writeError = 'Input/output error';
      store.append(putInbound(1, 1));
      store.append(putInbound(1, 2));
      await until(() => store.fault !== undefined);
      await expect(store.close()).rejects.toThrow('2 operations could not be written');
      disk.writeError = undefined;
      expect((await store.open()).inbound.size).toBe(0);

      disk.writeError = 'Input/output error';
      store.append(putInbound(1, 3));
      await until(() => store.fault !== undefined);
      disk.writeError = undefined;
      await store.close();
      expect((await store.open()).inbound.get(1)).toEqual([3]);
    });

    it('does not go on when another process has written in between', async () => {
      const timers = new HeldTimers();
      const disk = new FaultyDisk();
      const store = await opened({ schedule: timers.schedule, openDatabase: disk.openDatabase });
      await committed(store, () => store.append(putSession(1)));
      disk.writeError = 'Input/output error';
      store.append(putInbound(1, 1));
      await until(() => store.fault !== undefined);
      disk.openError = 'Input/output error';
      timers.fire();
      await until(() => timers.waits.length > 0);
      // The lock is free now.
      const other = await opened();
      other.append(putInbound(1, 9));
      await other.close();
      disk.writeError = undefined;
      disk.openError = undefined;
      timers.fire();
      await until(() => timers.waits.length > 0);
      expect(store.fault).toMatchObject({ code: 'store-damaged' });
      await expect(store.close()).rejects.toThrow();
      expect((await store.open()).inbound.get(1)).toEqual([9]);
    });
  });

  describe('an operation that cannot be encoded', () => {
    it('throws, and leaves nothing in the batch', async () => {
      const store = await opened();
      store.append(putSession(1));
      const { message } = Object(putQueued(1, 2)).entry;
      const broken = { ...message, payload: undefined };
      expect(() => store.append(putQueued(1, 2, broken, 2))).toThrow();
      store.append(putQueued(1, 3));
      await store.close();
      expect((await store.open()).queues).toEqual([{ session: 1, messages: 1, bytes: 4 }]);
      expect(await readdir(directory)).toEqual(['committed', 'db']);
    });
  });
});

async function opened(options: Partial<LevelStoreOptions> = {}): Promise<LevelStore> {
  const store = new LevelStore({ directory, ...options });
  stores.push(store);
  await store.open();
  return store;
}

/** Does something, then waits until all that was appended is committed. */
async function committed(store: LevelStore, act: () => unknown): Promise<void> {
  await act();
  const ticket = store.pendingBytes > 0 || store.fault !== undefined ? Number.POSITIVE_INFINITY : store.committed;
  if (store.committed === ticket) return;
  await until(() => store.pendingBytes === 0 && store.fault === undefined);
}

/** Waits for something that the disk decides: as long as the disk takes, or the test has. */
async function until(isTrue: () => boolean): Promise<void> {
  await expect.poll(isTrue, { interval: 1, timeout: 25_000 }).toBe(true);
}

async function edit(change: (database: ClassicLevel<Buffer, Buffer>) => Promise<unknown>): Promise<void> {
  const options = { keyEncoding: 'buffer', valueEncoding: 'buffer', compression: false } as const;
  const database = new ClassicLevel<Buffer, Buffer>(join(directory, 'db'), options);
  await database.open();
  try {
    await change(database);
  } finally {
    await database.close();
  }
}

async function countKeys(prefix: Prefix): Promise<number> {
  let count = 0;
  await edit(async (database) => {
    count = (await database.keys({ gte: Buffer.of(prefix), lt: Buffer.of(prefix + 1) }).all()).length;
  });
  return count;
}

async function firstKey(database: ClassicLevel<Buffer, Buffer>, prefix: Prefix): Promise<Buffer> {
  const [key] = await database.keys({ gte: Buffer.of(prefix), limit: 1 }).all();
  return key ?? Buffer.alloc(0);
}
