import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** One option as it stands in a mosquitto.conf. */
export interface ConfLine {
  /** Absolute path of the file it stands in. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly name: string;
  /** All that follows the name, without the blanks around it. */
  readonly value: string;
}

/** A mosquitto.conf that Mosquitto would refuse too. The message names file and line. */
export class MosquittoConfError extends Error {
  override readonly name = 'MosquittoConfError';

  constructor({ file, line }: Pick<ConfLine, 'file' | 'line'>, message: string) {
    super(`${file}:${line}: ${message}`);
  }
}

/**
 * The options of a mosquitto.conf in their order, those of `include_dir` at the place where it stands: files that end in
 * `.conf`, capital letters first, and only out of the main file. Throws MosquittoConfError, and the system's error for a main file
 * that cannot be read.
 */
export function readConfLines(path: string): readonly ConfLine[] {
  const main = resolve(path);
  return linesOf(main).flatMap((entry) => (entry.name === 'include_dir' ? included(entry, dirname(main)) : [entry]));
}

function included(entry: ConfLine, directory: string): readonly ConfLine[] {
  const folder = resolve(directory, entry.value);
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.conf'));
    return names.sort(byCodeUnits).flatMap((name) => linesOf(join(folder, name)));
  } catch (error) {
    throw new MosquittoConfError(entry, `include_dir ${folder} cannot be read: ${messageOf(error)}`);
  }
}

function linesOf(file: string): readonly ConfLine[] {
  const lines: ConfLine[] = [];
  for (const [index, raw] of readFileSync(file, 'utf8').split(/\r?\n/).entries()) {
    const text = raw.trim();
    if (text === '' || raw.startsWith('#')) continue;
    const [, name = '', value = ''] = /^(\S+)\s*(.*)$/.exec(text) ?? [];
    lines.push({ file, line: index + 1, name, value });
  }
  return lines;
}

/** `true`, `1`, `false` or `0`; what follows a blank is not looked at, as in Mosquitto. */
export function flagOf(entry: ConfLine): boolean {
  const [word = ''] = entry.value.split(/\s/);
  if (word === 'true' || word === '1') return true;
  if (word === 'false' || word === '0') return false;
  throw new MosquittoConfError(entry, `${entry.name} takes true or false`);
}

/** A whole number; what follows a blank is not looked at, as in Mosquitto. */
export function numberOf(entry: ConfLine): number {
  const [word = ''] = entry.value.split(/\s/);
  if (!/^-?\d+$/.test(word)) throw new MosquittoConfError(entry, `${entry.name} takes a whole number`);
  return Number(word);
}

/** Anything but nothing. */
export function textOf(entry: ConfLine): string {
  if (entry.value === '') throw new MosquittoConfError(entry, `${entry.name} has no value`);
  return entry.value;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
