/*
 * The one way out to the terminal. What comes from elsewhere (a server, the API, a store) goes through `visible` of
 * @hawser/parameters/safe-text before it becomes part of a text here.
 */

/** Text of ours on standard output; what of it comes from elsewhere has gone through `visible`. */
export function print(text: string): void {
  process.stdout.write(text);
}

/** Bytes for a program or a file: as they are. */
export function printBytes(bytes: Uint8Array): void {
  process.stdout.write(bytes);
}

/** Text of ours on standard error; what of it comes from elsewhere has gone through `visible`. */
export function printNote(text: string): void {
  process.stderr.write(text);
}
