/** One change of what is kept; `value` undefined: removed. */
export interface StoreChange {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/**
 * Where a client keeps what must survive a restart of the program: messages that are not acknowledged, and the identifiers of
 * QoS 2 handshakes. Keys and values by Client ID; what they mean is the client's business.
 */
export interface SessionStore {
  /** All that is kept for a Client ID, keys ascending. */
  load(clientId: string): Promise<readonly (readonly [string, Uint8Array])[]>;
  /** Applies the changes in order, all or none. Resolves when they survive a crash. Called again only after it has settled. */
  write(clientId: string, changes: readonly StoreChange[]): Promise<void>;
  /** The client is closed. */
  close?(): Promise<void>;
}
