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
