import { Command } from 'commander';

export function subCommand(): Command {
  return new Command('sub');
}
