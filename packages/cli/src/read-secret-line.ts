import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { printNote } from './output.ts';

/** Asks on the terminal, and shows nothing of what is typed; from a pipe the first line is taken. */
export async function readSecretLine(question: string): Promise<string> {
  const isTerminal = process.stdin.isTTY === true;
  if (isTerminal) printNote(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: isTerminal });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
    if (isTerminal) printNote('\n');
  }
}
