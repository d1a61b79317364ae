import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPayload, splitLines } from './payload-source.ts';

async function* inChunks(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function linesOf(...chunks: readonly Uint8Array[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(inChunks(...chunks))) lines.push(Buffer.from(line).toString('latin1'));
  return lines;
}

describe('splitLines', () => {
  it.each([
    ['', []],
    ['\n', ['']],
    ['a', ['a']],
    ['a\nb\n', ['a', 'b']],
    ['a\r\nb', ['a', 'b']],
    ['\n\nx', ['', '', 'x']],
    ['\xff\n', ['\xff']],
  ])('%j', async (text, lines) => {
    expect(await linesOf(Buffer.from(text, 'latin1'))).toEqual(lines);
  });

  it('does not depend on how the stream was cut', async () => {
    const text = fc.stringMatching(/^[ab\r\n]{0,40}$/);
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(40)), async (words, cuts) => {
        const whole = Buffer.from(words);
        const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        const chunks = at.slice(1).map((end, index) => whole.subarray(at[index], end));
        expect(await linesOf(...chunks)).toEqual(await linesOf(whole));
      }),
    );
  });
});

describe('findPayload', () => {
  it('wants exactly one source', async () => {
    await expect(findPayload({}, new Map(), inChunks())).rejects.toThrow('nothing to publish');
    await expect(findPayload({ empty: true }, new Map([['payload', 'x']]), inChunks())).rejects.toThrow(
      '-m and -n were given together',
    );
  });

  it('reads the whole of a stream as one message', async () => {
    const source = await findPayload({ stdin: true }, new Map(), inChunks(Buffer.from('a\n'), Buffer.from('b')));
    expect(source).toEqual({ kind: 'one', payload: Buffer.from('a\nb') });
  });
});
