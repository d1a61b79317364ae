import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportLevelStore, LevelStore, type LevelStoreOptions } from '@hawser/store-level';
import { describe, expect, it } from 'vitest';
import { describeStore } from './store-compliance.ts';
import { randomStoreHistory } from './store-history.ts';

const variants: readonly (readonly [string, Omit<LevelStoreOptions, 'directory'>])[] = [
  ['LevelStore', {}],
  ['LevelStore that counts its queues while it is in use', { countWithinBytes: 0 }],
];

for (const [name, options] of variants) {
  describeStore(name, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hawser-store-'));
    let store = new LevelStore({ ...options, directory });
    return {
      store,
      async reopen() {
        await store.close();
        store = new LevelStore({ ...options, directory });
        return store;
      },
      async cleanup() {
        await store.close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  });
}

describe('messages that nobody waits for any more', () => {
  const seeds = Array.from({ length: 8 }, (_, index) => (Date.now() % 1_000_000) * 10 + index);
  it.each(seeds)('go from the disk, also while queues are being counted (seed %i)', async (seed) => {
    const directory = await mkdtemp(join(tmpdir(), 'hawser-store-'));
    const history = randomStoreHistory(seed);
    for (let lap = 0; lap < 5; lap++) {
      const store = new LevelStore({ directory, countWithinBytes: lap % 2 === 0 ? 0 : 1e9 });
      await store.open();
      for (let step = 0; step < 150; step++) {
        store.append(history.next());
        if (step % 10 === 0) await new Promise(setImmediate);
      }
      await store.counted;
      while (store.isClearing) await new Promise(setImmediate);
      await store.close();
      const [kept, wanted] = await sharedMessages(directory);
      expect(kept, `lap ${lap}`).toEqual(wanted);
    }
    await rm(directory, { recursive: true, force: true });
  });
});

/** Numbers of shared messages that are kept, and of those that somebody waits for. */
async function sharedMessages(directory: string): Promise<readonly [number[], number[]]> {
  const kept = new Set<number>();
  const wanted = new Set<number>();
  await exportLevelStore(directory, (lines) => {
    for (const line of lines.trimEnd().split('\n')) {
      const { kind, sequence, entry } = JSON.parse(line) as {
        kind?: string;
        sequence: number;
        entry: { message: unknown };
      };
      if (kind === 'message') kept.add(sequence);
      if (kind === 'queued' && typeof entry.message === 'number') wanted.add(entry.message);
    }
  });
  const sorted = (numbers: ReadonlySet<number>): number[] => [...numbers].sort((a, b) => a - b);
  return [sorted(kept), sorted(wanted)];
}
