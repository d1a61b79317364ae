import { resolve } from 'node:path';
import { visible } from '@hawser/parameters/safe-text';
import { checkLevelStore, repairLevelStore, type StoreDamage } from '@hawser/store-level';
import { EXIT, ExitError } from '../exit-error.ts';
import { print } from '../output.ts';
import { shellWord } from '../shell-word.ts';
import { inWords } from './store-words.ts';

/** How many places are listed; the others are counted. */
const MOST_LISTED = 50;

/** `hawser data check`: every file, batch and record. Throws ExitError when something is damaged, or cannot be looked at. */
export async function checkData(path: string): Promise<void> {
  const directory = resolve(path);
  const damages = await inWords(checkLevelStore(directory));
  if (damages.length === 0) {
    print(`The data in ${directory} is whole.\n`);
    return;
  }
  print(listOf(damages));
  throw new ExitError(EXIT.failed, `the data in ${directory} is damaged`, {
    hint: `restore a backup, or keep what can be read: hawser data repair ${shellWord(path)}`,
  });
}

/** `hawser data repair`: what is lost is listed. Throws ExitError when it cannot be done. */
export async function repairData(path: string): Promise<void> {
  const directory = resolve(path);
  const { backup, records, lost } = await inWords(repairLevelStore(directory));
  const summary = lost.length === 0 ? 'Nothing is lost.' : `Lost: ${lost.length}.`;
  const lines = [`The data in ${directory} can be used again, with ${records} records. ${summary}`];
  lines.push(`The old data is in ${backup}; remove it when nothing is missed.`);
  print(`${lines.join('\n')}\n${listOf(lost)}`);
}

function listOf(damages: readonly StoreDamage[]): string {
  const lines = damages.slice(0, MOST_LISTED).map(({ where, what }) => `  ${visible(where)}: ${visible(what)}`);
  if (damages.length > MOST_LISTED) lines.push(`  and ${damages.length - MOST_LISTED} more`);
  return lines.map((line) => `${line}\n`).join('');
}
