import { type SessionStore, sessionStore } from '../session/session-store.ts';

/** What is used of IndexedDB; the types of Node do not have it. */
interface Request<T> {
  readonly result: T;
  readonly error: Error | null;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}
interface ObjectStore {
  put(value: Uint8Array, key: string): void;
  delete(key: string): void;
  getAll(range: unknown): Request<Uint8Array[]>;
  getAllKeys(range: unknown): Request<string[]>;
}
interface Transaction {
  objectStore(name: string): ObjectStore;
  readonly error: Error | null;
  oncomplete: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
}
interface Database {
  createObjectStore(name: string): void;
  transaction(name: string, mode: 'readonly' | 'readwrite', options?: { durability: 'strict' }): Transaction;
  close(): void;
  onclose: (() => void) | null;
}
interface Globals {
  readonly indexedDB: {
    open(name: string, version: number): Request<Database> & { onupgradeneeded: (() => void) | null };
  };
  readonly IDBKeyRange: { bound(lower: string, upper: string): unknown };
}

const ENTRIES = 'entries';

/** Keeps sessions in the browser's IndexedDB: `connect(url, { clientId, store: indexedDbSessionStore() })`. Tabs must use different Client IDs. */
export function indexedDbSessionStore(name = 'hawser-client'): SessionStore {
  const { indexedDB, IDBKeyRange } = globalThis as unknown as Globals;
  let opened: Promise<Database> | undefined;
  const open = (): Promise<Database> => {
    opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(ENTRIES);
      request.onsuccess = () => {
        // A browser may close it: what comes next opens it again.
        request.result.onclose = forget;
        resolve(request.result);
      };
      request.onerror = () => {
        forget();
        reject(request.error);
      };
    });
    return opened;
  };
  const forget = (): void => {
    opened = undefined;
  };
  return sessionStore({
    async load(clientId) {
      const database = await open();
      const prefix = `${clientId}\0`;
      const entries = database.transaction(ENTRIES, 'readonly').objectStore(ENTRIES);
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
      const [keys, values] = await Promise.all([done(entries.getAllKeys(range)), done(entries.getAll(range))]);
      return keys.map((key, i) => [key.slice(prefix.length), values[i] as Uint8Array] as const);
    },
    async write(clientId, changes) {
      const database = await open();
      const transaction = database.transaction(ENTRIES, 'readwrite', { durability: 'strict' });
      const entries = transaction.objectStore(ENTRIES);
      for (const { key, value } of changes) {
        if (value === undefined) entries.delete(`${clientId}\0${key}`);
        else entries.put(value, `${clientId}\0${key}`);
      }
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onerror = () => reject(transaction.error);
        transaction.onabort = () => reject(transaction.error);
      });
    },
    async close() {
      const database = await opened;
      opened = undefined;
      database?.close();
    },
  });
}

function done<T>(request: Request<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
