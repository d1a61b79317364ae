import { type SessionStore, sessionStore } from './session-store.ts';

/** What is used of a `ClassicLevel` (or another abstract-level database) with its default encodings. */
export interface LevelDatabase {
  /** Does nothing when it is open. */
  open(): Promise<void>;
  iterator(options: { gte: string; lt: string; keyEncoding: 'utf8'; valueEncoding: 'view' }): {
    all(): Promise<[string, Uint8Array][]>;
  };
  batch(
    operations: readonly LevelOperation[],
    options: { keyEncoding: 'utf8'; valueEncoding: 'view'; sync: boolean },
  ): Promise<void>;
  close(): Promise<void>;
}

export type LevelOperation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string };

export interface LevelSessionStoreOptions {
  /** Waits for the disk (fdatasync) with every batch: survives a loss of power. Default true; false survives a crash of the program only. */
  readonly sync?: boolean | undefined;
  /** The database is closed with the client: after `disconnect()`, and when the client has stopped. A client opens it again. Default true. */
  readonly closes?: boolean | undefined;
}

/**
 * Keeps sessions in a LevelDB of Node: `connect(url, { clientId, store: levelSessionStore(new ClassicLevel('./mqtt-state')) })`, with `ClassicLevel` of the
 * package classic-level. One database for any number of clients.
 */
export function levelSessionStore(database: unknown, options: LevelSessionStoreOptions = {}): SessionStore {
  const level = database as LevelDatabase;
  const { sync = true, closes = true } = options;
  return sessionStore({
    async load(clientId) {
      // It may have been closed with a client before.
      await level.open();
      const prefix = prefixOf(clientId);
      const range = { gte: prefix, lt: `${prefix}\uffff`, keyEncoding: 'utf8', valueEncoding: 'view' } as const;
      const entries = await level.iterator(range).all();
      return entries.map(([key, value]) => [key.slice(prefix.length), value] as const);
    },
    async write(clientId, changes) {
      const prefix = prefixOf(clientId);
      const operations = changes.map(({ key, value }): LevelOperation => {
        return value === undefined ? { type: 'del', key: prefix + key } : { type: 'put', key: prefix + key, value };
      });
      await level.open();
      await level.batch(operations, { keyEncoding: 'utf8', valueEncoding: 'view', sync });
    },
    async close() {
      if (closes) await level.close();
    },
  });
}

/** No Client ID is the beginning of another's keys: U+0000 stands in none. */
function prefixOf(clientId: string): string {
  return `${clientId}\0`;
}
