import { Command } from 'commander';

export function pubCommand(): Command {
  return new Command('pub');
}
