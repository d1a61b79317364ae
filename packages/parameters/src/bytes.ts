/**
 * The bytes of what holds some, shared with it: a typed array, a DataView, an ArrayBuffer; of any realm (an iframe, the jsdom of a test runner), where
 * `instanceof` knows nothing. Undefined: it is something else.
 */
export function bytesIn(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const isBuffer = /^(Shared)?ArrayBuffer$/.test(kindOf(value));
  return isBuffer ? new Uint8Array(value as ArrayBuffer) : undefined;
}

/** What an object calls itself: `Object`, `Blob`, `Promise`. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Options by their names, and nothing that happens to be an object. */
export function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && kindOf(value) === 'Object';
}

/** What was given, for a message: texts cut short, no contents of others. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value}'`;
  if (typeof value === 'function') return 'a function';
  const bytes = bytesIn(value);
  if (bytes) return `${bytes.length} bytes`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'object' || value === null) return String(value);
  return isPlainObject(value) ? 'an object' : `a ${kindOf(value)}`;
}

const LONGEST = 40;
