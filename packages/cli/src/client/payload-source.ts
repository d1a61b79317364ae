import { usageError } from '../exit-error.ts';
import { readFile } from '../flags/connect-flags.ts';
import type { GivenValues } from '../flags/parameter-flags.ts';
import type { PubFlags } from './pub-flags.ts';

/** What is to be published: some messages known before connecting, or the lines of a stream. */
export type PayloadSource =
  | { readonly kind: 'one'; readonly payload: string | Uint8Array }
  | { readonly kind: 'lines'; readonly lines: AsyncIterable<Uint8Array> };

/** Finds the one source that the flags name. Throws ExitError. */
export async function findPayload(
  flags: PubFlags,
  message: GivenValues,
  stdin: AsyncIterable<Uint8Array>,
): Promise<PayloadSource> {
  const text = message.get('payload');
  const given = Object.entries({
    '-m': text !== undefined,
    '-f': flags.file !== undefined,
    '-s': flags.stdin,
    '-l': flags.lines,
    '-n': flags.empty,
  })
    .filter(([, isGiven]) => isGiven === true)
    .map(([flag]) => flag);
  if (given.length === 0)
    throw usageError('nothing to publish: give -m TEXT, -f FILE, -s (standard input), -l (its lines) or -n (empty)');
  if (given.length > 1) throw usageError(`${given.join(' and ')} were given together; use one of them`);
  if (typeof text === 'string') return { kind: 'one', payload: text };
  if (flags.file !== undefined) return { kind: 'one', payload: readFile(flags.file, '--file') };
  if (flags.stdin === true) return { kind: 'one', payload: await readAll(stdin) };
  if (flags.lines === true) return { kind: 'lines', lines: splitLines(stdin) };
  return { kind: 'one', payload: new Uint8Array(0) };
}

/** Lines without their ends (LF or CR LF), as bytes: nobody says that they are UTF-8. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Buffer[] = [];
  for await (const chunk of chunks) {
    let rest = Buffer.from(chunk);
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      yield withoutReturn(Buffer.concat([...waiting, rest.subarray(0, end)]));
      waiting = [];
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) waiting.push(rest);
  }
  if (waiting.length > 0) yield withoutReturn(Buffer.concat(waiting));
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === 13 ? line.subarray(0, -1) : line;
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
