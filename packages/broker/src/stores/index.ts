export { MemoryStore } from './memory-store.ts';
export type * from './store.ts';
export { StoreError, type StoreErrorCode } from './store-error.ts';
export { inOrderOfSending, StoreState } from './store-state.ts';
export { isLazyOperation, ownMessage, ownOperation, storedMessageSize } from './stored-message.ts';
export { Tickets } from './tickets.ts';
