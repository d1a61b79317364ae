/**
 * What went wrong with a store, in words for people.
 *
 * - `store-in-use`: another process has the directory open.
 * - `store-damaged`: something that was written is missing or altered. Nothing was changed by finding out.
 * - `store-format`: written by a newer version, or not written by Hawser at all.
 * - `store-not-open`: used before `open()` or after `close()`.
 * - `store-usage`: the caller's mistake, such as `begin()` twice.
 * - `store-failed`: the disk or the file system said no (full, no permission, input/output error); see `cause`.
 */
export type StoreErrorCode =
  | 'store-in-use'
  | 'store-damaged'
  | 'store-format'
  | 'store-not-open'
  | 'store-usage'
  | 'store-failed';

/** The error every store rejects and throws with. `code` is stable; the message is for people. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
