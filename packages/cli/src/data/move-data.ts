import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { exportLevelStore, importLevelStore } from '@hawser/store-level';
import { EXIT, ExitError } from '../exit-error.ts';
import { print } from '../output.ts';
import { inWords } from './store-words.ts';

/** `hawser data export`: JSON lines into a file, or to standard output. Throws ExitError. */
export async function exportData(directory: string, output: string | undefined): Promise<void> {
  const target = output === undefined ? process.stdout : createWriteStream(output, { flags: 'wx' });
  const failed = new Promise<never>((_, reject) => {
    if (output !== undefined) target.once('error', (error) => reject(notWritten(output, error)));
  });
  const write = async (lines: string): Promise<void> => {
    if (!target.write(lines)) await Promise.race([once(target, 'drain'), failed]);
  };
  const records = await Promise.race([inWords(exportLevelStore(resolve(directory), write)), failed]);
  if (output === undefined) return;
  target.end();
  await Promise.race([finished(target), failed]);
  print(`Wrote ${records} records to ${output}.\n`);
}

/** `hawser data import`: from a file, or `-` for standard input. Throws ExitError. */
export async function importData(file: string, path: string): Promise<void> {
  const directory = resolve(path);
  const input = file === '-' ? process.stdin : createReadStream(file);
  if (file !== '-') {
    await once(input, 'open').catch((error: Error) => {
      throw new ExitError(EXIT.failed, `cannot read ${file}: ${error.message}`, { cause: error });
    });
  }
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const records = await inWords(importLevelStore(directory, lines));
  print(`Made ${directory} with ${records} records.\n`);
}

function notWritten(file: string, error: Error): ExitError {
  return new ExitError(EXIT.failed, `cannot write ${file}: ${error.message}`, { cause: error });
}
