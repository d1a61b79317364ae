import { MemoryStore, type StoreOperation } from '@hawser/broker';
import { describe, expect, it } from 'vitest';
import { describeStore } from './store-compliance.ts';

describeStore('MemoryStore', async () => {
  const store = new MemoryStore();
  return {
    store,
    async reopen() {
      await store.close();
      return store;
    },
    async cleanup() {},
  };
});

describe('MemoryStore', () => {
  it('tells once for all that was appended in a turn', async () => {
    const store = new MemoryStore();
    await store.open();
    const told: number[] = [];
    store.onCommitted = (ticket) => told.push(ticket);
    const putInbound: StoreOperation = { kind: 'putInbound', session: 1, packetIdentifier: 1 };
    store.append(putInbound);
    const last = store.append(putInbound);
    expect(told).toEqual([]);
    await Promise.resolve();
    expect(told).toEqual([last]);
  });
});
