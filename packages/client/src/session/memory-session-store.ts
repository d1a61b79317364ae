import { type SessionStore, sessionStore } from './session-store.ts';

/** A store that outlives clients but not the program: for tests, and for clients that are made anew within one program. */
export function memorySessionStore(): SessionStore {
  const clients = new Map<string, Map<string, Uint8Array>>();
  return sessionStore({
    async load(clientId) {
      return [...(clients.get(clientId) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    },
    async write(clientId, changes) {
      const entries = clients.get(clientId) ?? new Map<string, Uint8Array>();
      clients.set(clientId, entries);
      for (const { key, value } of changes) {
        if (value === undefined) entries.delete(key);
        else entries.set(key, value.slice());
      }
    },
  });
}
