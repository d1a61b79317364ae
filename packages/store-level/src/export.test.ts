import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreContents, StoredMessage } from '@hawser/broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLevelStore } from './check.ts';
import { backupLevelStore, exportLevelStore, importLevelStore } from './export.ts';
import { LevelStore } from './level-store.ts';
import { deleteQueued, putInbound, putQueued, putSession } from './testing/operations.ts';

let base: string;
let directory: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'hawser-export-'));
  directory = join(base, 'data');
});

afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

const message: StoredMessage = {
  topic: 'kept/ü',
  payload: new Uint8Array([0, 255, 1]),
  qos: 1,
  retain: true,
  properties: { correlationData: new Uint8Array([9, 8]), userProperties: [['a', '1']], messageExpiryInterval: 5 },
  publishedAt: 5,
  expiresAt: 1e15,
  publisher: 'sénder',
};

/** One of everything. */
async function fill(store: LevelStore): Promise<void> {
  store.append(putSession(1, { username: 'u', will: { message, delayInterval: 7, dueAt: 9 } }));
  store.append(putSession(2, { expiresAt: 77 }));
  const subscription = {
    topicFilter: '$share/g/a',
    qos: 2,
    noLocal: true,
    retainAsPublished: true,
    retainHandling: 1,
  } as const;
  store.append({ kind: 'putSubscription', session: 1, subscription: { ...subscription, subscriptionIdentifier: 5 } });
  for (let sequence = 1; sequence <= 2500; sequence++) {
    store.append(putQueued(1, sequence, { topic: `t/${sequence}` }, sequence % 2 ? sequence : undefined));
    if (sequence % 2) store.append(putQueued(2, sequence, { topic: `t/${sequence}` }, sequence));
  }
  store.append(deleteQueued(1, 1));
  const outbound = { packetIdentifier: 3, sequence: 2, qos: 2, state: 'released' } as const;
  store.append({ kind: 'putOutbound', session: 1, outbound, lazy: false });
  store.append(putInbound(1, 65_535));
  store.append({ kind: 'putLost', session: 2, lost: { 'queue-full': 3 } });
  store.append({ kind: 'putRetained', message });
}

/** All that is in a data directory. */
async function picture(path: string): Promise<unknown> {
  const store = new LevelStore({ directory: path });
  const contents: StoreContents = await store.open();
  const all = { messages: 1e6, bytes: 1e9 };
  const queues = [await store.readQueue(1, 0, all), await store.readQueue(2, 0, all)];
  await store.close();
  return JSON.parse(
    JSON.stringify({ contents, queues }, (_, value: unknown) => (value instanceof Map ? [...value] : value)),
  );
}

async function exported(path: string): Promise<string> {
  let text = '';
  await exportLevelStore(path, (lines) => {
    text += lines;
  });
  return text;
}

async function* linesOf(text: string): AsyncIterable<string> {
  yield* text.split('\n');
}

describe('export and import', () => {
  it('brings everything back', async () => {
    const store = new LevelStore({ directory });
    await store.open();
    await fill(store);
    await store.close();
    const text = await exported(directory);
    const copy = join(base, 'copy');
    const records = await importLevelStore(copy, linesOf(text));
    expect(records).toBe(text.trimEnd().split('\n').length - 1);
    expect(await checkLevelStore(copy)).toEqual([]);
    expect(await exported(copy)).toBe(text);
    expect(await picture(copy)).toEqual(await picture(directory));
  });

  it.each([
    ['', 'Line 1 is not from "hawser data export": there is nothing.'],
    ['{}', 'Line 1 is not from "hawser data export": it is not the head of an export.'],
    ['x', 'Line 1 is not from "hawser data export": it is no JSON object.'],
    ['{"hawser":"data","format":1,"nextSession":1,"nextSequence":1}\n{"kind":"x"}', 'Line 2 is not from'],
    ['{"hawser":"data","format":1,"nextSession":1,"nextSequence":1}\n{"kind":"session"}', 'Line 2 is not from'],
    ['{"hawser":"data","format":9,"nextSession":1,"nextSequence":1}', 'newer version of Hawser (format 9)'],
  ])('refuses %j, with words', async (text, words) => {
    const error = await importLevelStore(directory, linesOf(text)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'store-format', message: expect.stringContaining(words) });
  });

  it('never writes over data', async () => {
    const store = new LevelStore({ directory });
    await store.open();
    await store.close();
    const text = await exported(directory);
    await expect(importLevelStore(directory, linesOf(text))).rejects.toMatchObject({ code: 'store-usage' });
    await expect(backupLevelStore(directory, directory)).rejects.toMatchObject({ code: 'store-usage' });
  });
});

it('a page that is read before queues are counted has what was there before, and what came since', async () => {
  const store = new LevelStore({ directory, countWithinBytes: 0 });
  await store.open();
  for (const number of [1, 2]) store.append(putSession(number));
  // Counted before the other, and that takes a while.
  for (let sequence = 1; sequence <= 20_000; sequence++) store.append(putQueued(1, sequence));
  store.append(putQueued(2, 20_001));
  await store.close();
  await store.open();
  store.append(putQueued(2, 20_002));
  const page = await store.readQueue(2, 0, { messages: 10, bytes: 1e6 });
  expect(page.map(({ sequence }) => sequence)).toEqual([20_001, 20_002]);
  await store.close();
});

describe('backup', () => {
  it('of a store that is closed is the same, and sound', async () => {
    const store = new LevelStore({ directory });
    await store.open();
    await fill(store);
    await store.close();
    const copy = join(base, 'copy');
    await backupLevelStore(directory, copy);
    expect(await checkLevelStore(copy)).toEqual([]);
    expect(await picture(copy)).toEqual(await picture(directory));
  });

  it('of a store that is being written holds all that was appended before it, and is sound', async () => {
    const store = new LevelStore({ directory });
    await store.open();
    await fill(store);
    const copy = join(base, 'copy');
    const copying = store.backup(copy);
    for (let sequence = 3000; sequence < 6000; sequence++) {
      store.append(putQueued(1, sequence));
      store.append(deleteQueued(1, sequence - 2000));
      if (sequence % 100 === 0) await new Promise(setImmediate);
    }
    await copying;
    await store.close();
    expect(await checkLevelStore(copy)).toEqual([]);
    const { queues, contents } = (await picture(copy)) as {
      queues: { sequence: number }[][];
      contents: { nextSequence: number };
    };
    // The numbers it goes on from are of the same moment: none is used twice.
    expect(contents.nextSequence).toBe((queues[0]?.at(-1)?.sequence ?? 0) + 1);
    expect(queues[1]).toHaveLength(1250);
    const kept = queues[0]?.map(({ sequence }) => sequence) ?? [];
    // What went in and out meanwhile did so in order.
    const last = kept.at(-1) ?? 0;
    if (last >= 3000) expect(kept[0]).toBeLessThanOrEqual(last - 1999);
    else expect(kept).toHaveLength(2499);
  });

  it('of one that another process has open says so', async () => {
    const store = new LevelStore({ directory });
    await store.open();
    await expect(backupLevelStore(directory, join(base, 'copy'))).rejects.toMatchObject({ code: 'store-in-use' });
    await expect(exported(directory)).rejects.toMatchObject({ code: 'store-in-use' });
    await store.close();
  });
});
