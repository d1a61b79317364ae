import type { StoreOperation } from '@hawser/broker';
import { describe, expect, it } from 'vitest';
import { HeldStore } from './held-store.ts';
import { describeStore } from './store-compliance.ts';

describeStore('HeldStore', async () => {
  let store = new HeldStore();
  return {
    store,
    async reopen() {
      await store.close();
      store = store.crash();
      return store;
    },
    async cleanup() {},
  };
});

describe('HeldStore', () => {
  it('commits what a test says, no more', async () => {
    const store = await opened();
    const told: number[] = [];
    store.onCommitted = (ticket) => told.push(ticket);
    const tickets = [1, 2, 3].map((identifier) => store.append(putInbound(identifier)));
    expect(store.committed).toBe(1);
    store.commit(tickets[1]);
    expect(store.committed).toBe(tickets[1]);
    expect(store.pending).toEqual([putInbound(3)]);
    store.commitAll();
    store.commitAll();
    expect(told).toEqual([tickets[1], tickets[2]]);
  });

  it('loses in a crash what was not committed', async () => {
    const store = await opened();
    const ticket = store.append(putInbound(1));
    store.append(putInbound(2));
    store.append(putInbound(3));
    store.commit(ticket);
    expect((await store.crash().open()).inbound.get(1)).toEqual([1]);
  });

  it('loses the end only, of what may have reached the disk', async () => {
    const store = await opened();
    for (const identifier of [1, 2, 3]) store.append(putInbound(identifier));
    expect((await store.crash({ survives: 2 }).open()).inbound.get(1)).toEqual([1, 2]);
  });

  it('keeps a group whole or not at all', async () => {
    const store = await opened();
    store.begin();
    store.append(putInbound(1));
    store.append(putInbound(2));
    const ticket = store.end();
    store.append(putInbound(3));
    expect(ticket).toBe(store.committed + 1);
    expect((await store.crash({ survives: 1 }).open()).inbound.get(1)).toEqual([1, 2]);
  });

  it('is dead after a crash: nothing it does reaches the store that follows', async () => {
    const store = await opened();
    const next = store.crash();
    const told: number[] = [];
    store.onCommitted = (ticket) => told.push(ticket);
    store.append(putInbound(9));
    store.commitAll();
    expect(told).toEqual([]);
    expect((await next.open()).inbound.size).toBe(0);
  });

  it('commits nothing during a fault, and what waited afterwards', async () => {
    const store = await opened();
    const faults: unknown[] = [];
    store.onFault = (fault) => faults.push(fault?.message);
    store.fail(new Error('full'));
    const ticket = store.append(putInbound(1));
    store.commitAll();
    expect(store.committed).toBeLessThan(ticket);
    expect(store.fault?.message).toBe('full');
    store.heal();
    store.commitAll();
    expect(store.committed).toBe(ticket);
    expect(faults).toEqual(['full', undefined]);
  });
});

async function opened(): Promise<HeldStore> {
  const store = new HeldStore();
  await store.open();
  store.append({
    kind: 'putSession',
    session: { clientId: 'a', number: 1, protocolVersion: 5, expiryInterval: 60, createdAt: 0 },
  });
  store.commitAll();
  return store;
}

function putInbound(packetIdentifier: number): StoreOperation {
  return { kind: 'putInbound', session: 1, packetIdentifier };
}
