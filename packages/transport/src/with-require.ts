import { createRequire } from 'node:module';

/**
 * To be imported before `ws`, which is CommonJS. esbuild's ES modules for Node load what is built into Node by a `require` that such a module does not have, and throw where there is
 * none: for as long as `ws` is loaded there is one. Any path will do, for only what is built in is asked for.
 */
const globals = globalThis as { require?: unknown };
const isMissing = globals.require === undefined;
if (isMissing) globals.require = createRequire(process.execPath);

/** To be called when `ws` has been loaded: the globals are the program's. */
export function takeRequireAway(): void {
  if (isMissing) delete globals.require;
}
