import { afterEach, expect, it, vi } from 'vitest';
import { indexedDbSessionStore } from './indexed-db-session-store.ts';

afterEach(() => vi.unstubAllGlobals());

/** An empty IndexedDB that opens as the test says: a page's own is tested in Chromium. */
function stubIndexedDb(): { fails: boolean; opened: { onclose: () => void }[] } {
  const stub = { fails: false, opened: [] as { onclose: () => void }[] };
  const later = <T extends object>(request: T, then: (request: T) => void): T => {
    queueMicrotask(() => then(request));
    return request;
  };
  const read = (): object =>
    later({ result: [], onsuccess: () => {} }, ({ onsuccess }) => {
      onsuccess();
    });
  const entries = { getAll: read, getAllKeys: read };
  const open = (): object => {
    const database = { transaction: () => ({ objectStore: () => entries }), onclose: () => {} };
    const { fails } = stub;
    const request = { result: database, error: new Error('no'), onsuccess: () => {}, onerror: () => {} };
    return later(request, ({ onsuccess, onerror }) => {
      if (fails) return onerror();
      stub.opened.push(database);
      onsuccess();
    });
  };
  vi.stubGlobal('indexedDB', { open });
  vi.stubGlobal('IDBKeyRange', { bound: () => ({}) });
  return stub;
}

it('is opened again after it could not be, and after the browser has closed it', async () => {
  const stub = stubIndexedDb();
  const store = indexedDbSessionStore();
  stub.fails = true;
  await expect(store.load('x')).rejects.toThrow('no');
  stub.fails = false;
  expect(await store.load('x')).toEqual([]);
  expect(await store.load('x')).toEqual([]);
  expect(stub.opened).toHaveLength(1);
  stub.opened[0]?.onclose();
  expect(await store.load('x')).toEqual([]);
  expect(stub.opened).toHaveLength(2);
});
