import type { JournalHost, Restored } from './journal.ts';
import type { SessionEntries } from './session-entries.ts';
import { StoreJournal } from './store-journal.ts';

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
