import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '@hawser/broker';
import { LevelStore } from '../level-store.ts';
import { deleteQueued, putInbound, putQueued, putSession } from './operations.ts';

// A data directory to be damaged, and what comes of opening it then.

/** What a test makes its damage of. */
export interface KilledStore {
  /** As kill -9 leaves it: tables, a log that was not taken over yet, a marker. */
  readonly directory: string;
  /** The same directory at moments before, oldest first. */
  readonly before: readonly string[];
  /** All that is in it, as text. */
  readonly expected: string;
  /** Files that matter, with their sizes. LOG is LevelDB's diary, LOCK is empty. */
  readonly files: readonly { readonly name: string; readonly size: number }[];
}

const retained = (topic: string) =>
  ({ topic, payload: new Uint8Array([7]), qos: 1, retain: true, properties: undefined, publishedAt: 1 }) as const;

/** Fills a store over three starts, in `base`. `first`: number of the first of its three sessions. */
export async function makeKilledStore(base: string, first = 1): Promise<KilledStore> {
  const live = join(base, 'live');
  const before: string[] = [];
  const keep = async (name: string): Promise<string> => {
    const copy = join(base, name);
    await cp(live, copy, { recursive: true });
    return copy;
  };
  const store = new LevelStore({ directory: live });
  await store.open();
  for (const number of [0, 1, 2]) store.append(putSession(first + number));
  for (let sequence = 1; sequence <= 300; sequence++) {
    const session = first + (sequence % 3);
    store.append(putQueued(session, sequence, { topic: `topic/${sequence}` }, sequence % 4 ? undefined : sequence));
    if (sequence !== 150) continue;
    await store.readQueue(first, 0, { messages: 1, bytes: 1 });
    before.push(await keep('before-1'));
  }
  await store.close();
  before.push(await keep('before-2'));
  await store.open();
  for (let sequence = 1; sequence <= 100; sequence++) {
    store.append(deleteQueued(first + (sequence % 3), sequence));
    store.append({ kind: 'putRetained', message: retained(`retained/${sequence}`) });
  }
  await store.readQueue(first, 0, { messages: 1, bytes: 1 });
  before.push(await keep('before-3'));
  await store.close();
  before.push(await keep('before-4'));
  await store.open();
  before.push(await keep('before-5'));
  for (let identifier = 1; identifier <= 30; identifier++) {
    store.append(putInbound(first, identifier));
    store.append(putQueued(first + 1, 400 + identifier));
    await store.readQueue(first, 0, { messages: 1, bytes: 1 });
    if (identifier === 15) before.push(await keep('before-6'));
  }
  // The marker is written behind the commit.
  while ((await readFile(join(live, 'committed'))).readUInt32BE(8) < 33) await new Promise(setImmediate);
  const directory = await keep('killed');
  await store.close();
  return { directory, before, expected: await picture(live), files: await listFiles(directory) };
}

/** Everything a store holds, as text. */
export async function picture(directory: string): Promise<string> {
  const store = new LevelStore({ directory });
  const contents = await store.open();
  try {
    const queues: unknown[] = [];
    for (const { number } of contents.sessions) {
      queues.push(await store.readQueue(number, 0, { messages: 10_000, bytes: 1e9 }));
    }
    return JSON.stringify({ ...contents, inbound: [...contents.inbound], queues }, (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    );
  } finally {
    await store.close();
  }
}

/** A copy of a killed store that is damaged again and again, one file at a time. */
export class DamagedCopy {
  readonly #killed: KilledStore;
  readonly #directory: string;
  #isWhole = false;

  constructor(killed: KilledStore, directory: string) {
    this.#killed = killed;
    this.#directory = directory;
  }

  /** Opens it with other contents in one file (undefined: without it): what comes of it. Any other error is thrown. */
  async open(name: string, contents: Uint8Array | undefined): Promise<'whole' | 'damaged' | 'something else'> {
    const path = join(this.#directory, name);
    if (!this.#isWhole) await rm(this.#directory, { recursive: true, force: true });
    if (!this.#isWhole) await cp(this.#killed.directory, this.#directory, { recursive: true });
    this.#isWhole = false;
    if (contents === undefined) await rm(path);
    else await writeFile(path, contents);
    try {
      return (await picture(this.#directory)) === this.#killed.expected ? 'whole' : 'something else';
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'store-damaged') throw error;
      // Most damage is found before anything is changed: one file is put right then.
      await cp(join(this.#killed.directory, name), path);
      this.#isWhole = JSON.stringify(await listFiles(this.#directory)) === JSON.stringify(this.#killed.files);
      return 'damaged';
    }
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
