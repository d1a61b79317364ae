import { UsageError } from './errors.ts';

/** What a client uses of the language that is newest, all there since spring 2024: docs/connect.md names the engines. */
interface Newest {
  readonly Promise: { readonly withResolvers?: unknown };
  readonly Map: { readonly groupBy?: unknown };
}

/** Throws UsageError in an engine that is too old, instead of failing somewhere in the middle. */
export function checkEngine(engine: Newest = globalThis as unknown as Newest): void {
  if (engine.Promise.withResolvers !== undefined && engine.Map.groupBy !== undefined) return;
  const text =
    '@hawser/client needs Node 22, Chromium 119, Firefox 121, Safari 17.4 or newer: Promise.withResolvers or Map.groupBy is missing';
  throw new UsageError('engine-too-old', text);
}
