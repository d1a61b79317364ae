import { Command, Option } from 'commander';
import { DEFAULT_API } from '../api/default-api.ts';
import type { BackupFlags } from '../data/backup-data.ts';

const DEFAULT_DIRECTORY = './hawser-data';

/** `hawser data`: what a broker has on disk, looked at, repaired and moved while no broker uses it. */
export function dataCommand(): Command {
  const data = new Command('data')
    .description("check, repair, export, import and back up a broker's data directory")
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .action(() => data.help({ error: true }));
  const add = (name: string, description: string): Command => {
    const command = data.command(name).description(description).helpOption('-h, --help', 'print this help');
    command.exitOverride().configureOutput({ outputError: () => {} });
    return command.showSuggestionAfterError(false).allowExcessArguments(false);
  };
  // Imported in each action, so that `hawser pub` does not wait for a database to be loaded.
  add('check', 'say whether the data is whole; exit code 1 when it is not')
    .argument('[dir]', 'the data directory', DEFAULT_DIRECTORY)
    .action(async (directory: string) => (await import('../data/check-data.ts')).checkData(directory));
  add('repair', 'make damaged data usable with all that can be read; keeps the old data beside it')
    .argument('[dir]', 'the data directory', DEFAULT_DIRECTORY)
    .action(async (directory: string) => (await import('../data/check-data.ts')).repairData(directory));
  add('export', 'write sessions and messages as JSON lines')
    .argument('[dir]', 'the data directory', DEFAULT_DIRECTORY)
    .option('-o, --output <file>', 'into this file instead of standard output')
    .action(async (directory: string, { output }: { output?: string }) =>
      (await import('../data/move-data.ts')).exportData(directory, output),
    );
  add('import', 'make a data directory from JSON lines; it must be empty')
    .argument('<file>', "a file of 'hawser data export', or - for standard input")
    .argument('[dir]', 'the data directory', DEFAULT_DIRECTORY)
    .action(async (file: string, directory: string) =>
      (await import('../data/move-data.ts')).importData(file, directory),
    );
  add('backup', 'copy the data into an empty directory; of a broker that runs, it makes the copy itself')
    .argument('<target>', 'the directory to be made')
    .argument('[dir]', 'the data directory', DEFAULT_DIRECTORY)
    .addOption(new Option('--api <url>', 'API of the broker, where one runs').default(DEFAULT_API).env('HAWSER_API'))
    .option('--token-file <file>', "file with the API's token (default: api-token in the data directory)")
    .action(async (target: string, directory: string, flags: BackupFlags) =>
      (await import('../data/backup-data.ts')).backupData(target, directory, flags),
    );
  return data;
}
