import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LevelStore } from '@hawser/store-level';
import { describeStore } from './store-compliance.ts';

describeStore('LevelStore', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'hawser-store-'));
  let store = new LevelStore({ directory });
  return {
    store,
    async reopen() {
      await store.close();
      store = new LevelStore({ directory });
      return store;
    },
    async cleanup() {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
