import type { JournalHost, Restored } from './journal.ts';
import { StoreJournal } from './store-journal.ts';

/** One change of what is kept; `value` undefined: removed. */
export interface StoreChange {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/** Where entries are kept, by Client ID. What keys and values mean is the client's business. */
export interface SessionEntries {
  /** All that is kept for a Client ID, keys ascending. */
  load(clientId: string): Promise<readonly (readonly [string, Uint8Array])[]>;
  /** Applies the changes in order, all or none. Resolves when they survive a crash. Called again only after it has settled. */
  write(clientId: string, changes: readonly StoreChange[]): Promise<void>;
  /** The client is closed. Another one may `load` again. */
  close?(): Promise<void>;
}

/**
 * What a client keeps to survive a restart of the program: messages that are not acknowledged, and the identifiers of QoS 2
 * handshakes. Made by `levelSessionStore`, `indexedDbSessionStore`, `memorySessionStore`, or around your own entries by `sessionStore`.
 */
export interface SessionStore extends SessionEntries {
  /** For the client. */
  open(host: JournalHost): Promise<Restored>;
}

/** A store of your own: `connect(url, { clientId, store: sessionStore({ load, write }) })`. */
export function sessionStore(entries: SessionEntries): SessionStore {
  return {
    load: (clientId) => entries.load(clientId),
    write: (clientId, changes) => entries.write(clientId, changes),
    close: async () => entries.close?.(),
    open: (host) => StoreJournal.open(entries, host),
  };
}
