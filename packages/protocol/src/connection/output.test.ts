import { describe, expect, test } from 'vitest';
import { type OpenSource, Output } from './output.ts';
import { Slab } from './slab.ts';

class Source implements OpenSource {
  readonly bytes = new Uint8Array(1000);
  end = 0;
  frames = 0;
  readonly detached: Output[] = [];
  append(text: string): void {
    for (const letter of text) this.bytes[this.end++] = letter.charCodeAt(0);
    this.frames++;
  }
  onDetached(output: Output): void {
    this.detached.push(output);
  }
}

function write(output: Output, text: string): void {
  const at = output.reserve(text.length);
  for (let i = 0; i < text.length; i++) output.target[at + i] = text.charCodeAt(i);
}

function drained(output: Output): string[] {
  const pieces: string[] = [];
  output.drain({ add: (bytes, start, end) => pieces.push(new TextDecoder().decode(bytes.subarray(start, end))) });
  return pieces;
}

describe('Output', () => {
  test('a framed packet has its header before it, and both are counted', () => {
    const headerBytes = (size: number): number => (size > 3 ? 2 : 1);
    const writeHeader = (target: Uint8Array, at: number, size: number): void => {
      target.fill(60, at - headerBytes(size), at);
    };
    const output = new Output(new Slab(), { headerBytes, writeHeader });
    write(output, 'four');
    write(output, 'two');
    expect([output.pendingBytes, output.framesOut]).toEqual([10, 2]);
    expect(drained(output)).toEqual(['<<four<two']);
  });

  test('own bytes and those of a source keep their order', () => {
    const output = new Output(new Slab());
    const source = new Source();
    write(output, 'one ');
    output.open(source);
    source.append('two ');
    source.append('three ');
    write(output, 'four ');
    expect(source.detached).toEqual([output]);
    source.append('not for it');
    output.open(source);
    source.append('five');
    expect(output.pendingBytes).toBe('one two three four five'.length);
    expect(drained(output).join('')).toBe('one two three four five');
    expect(output.framesOut).toBe(5);
    expect(output.pendingBytes).toBe(0);
  });

  test('an open reference goes on after a drain', () => {
    const output = new Output(new Slab());
    const source = new Source();
    output.open(source);
    source.append('a');
    expect(drained(output)).toEqual(['a']);
    source.append('b');
    expect(drained(output)).toEqual(['b']);
    expect(output.framesOut).toBe(2);
  });

  test('one source takes the place of another', () => {
    const output = new Output(new Slab());
    const [first, second] = [new Source(), new Source()];
    output.open(first);
    first.append('a');
    output.open(second);
    second.append('b');
    first.append('lost to this one');
    output.open(first);
    first.append('c');
    expect(drained(output).join('')).toBe('abc');
  });

  test('consecutive own bytes are one piece; those of two outputs on one slab stay apart', () => {
    const slab = new Slab();
    const [one, two] = [new Output(slab), new Output(slab)];
    write(one, 'ab');
    write(one, 'cd');
    write(two, 'ef');
    write(one, 'gh');
    expect(drained(one)).toEqual(['abcd', 'gh']);
    expect(drained(two)).toEqual(['ef']);
  });

  test('tells its listener once for each time it becomes non-empty by its own bytes', () => {
    const output = new Output(new Slab());
    let dirty = 0;
    output.listener = { onDirty: () => dirty++ };
    write(output, 'a');
    write(output, 'b');
    expect(dirty).toBe(1);
    drained(output);
    write(output, 'c');
    expect(dirty).toBe(2);
  });

  test('compact keeps the bytes and lets go of what they lay in', () => {
    const output = new Output(new Slab());
    const source = new Source();
    write(output, 'x');
    output.open(source);
    source.append('yz');
    output.compact();
    source.bytes.fill(0);
    expect(drained(output)).toEqual(['xyz']);
  });

  test('is congested only when it is blocked and over its limit', () => {
    const output = new Output(new Slab());
    output.limit = 4;
    write(output, 'abcdef');
    expect(output.congested).toBe(false);
    output.block(0, 0);
    expect(output.congested).toBe(true);
    drained(output);
    expect(output.congested).toBe(false);
  });

  test('a frame larger than a slab has a buffer of its own', () => {
    const output = new Output(new Slab());
    const text = 'x'.repeat(200_000);
    write(output, text);
    write(output, 'end');
    expect(drained(output).join('')).toBe(`${text}end`);
  });
});
