/**
 * To be imported before `ws`, which takes the masks of its frames from the native package `bufferutil` where it finds one. A bundler whose application
 * has no such package puts an empty module in its place (webpack in a Next server): then every frame of 48 bytes and more throws. Without it `ws` uses masks of its own.
 */
const before = process.env.WS_NO_BUFFER_UTIL;
process.env.WS_NO_BUFFER_UTIL = '1';

/** To be called when `ws` has been loaded: the environment is the program's. */
export function restoreEnvironment(): void {
  if (before === undefined) delete process.env.WS_NO_BUFFER_UTIL;
  else process.env.WS_NO_BUFFER_UTIL = before;
}
