import { Command } from 'commander';
import { EXIT, ExitError } from '../exit-error.ts';
import { print, printNote } from '../output.ts';

interface CheckFlags {
  readonly config?: string;
  readonly set?: readonly string[];
}

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `hawser check --config FILE`: says what is wrong with a configuration, without starting anything. */
export function checkCommand(): Command {
  return new Command('check')
    .description('check a configuration and the files it names, without starting a broker')
    .helpOption('-h, --help', 'print this help')
    .option('-c, --config <file>', 'the YAML file')
    .option('-s, --set <key=value>', 'one setting, over those of the file; repeat for more', append)
    .action(async ({ config, set }: CheckFlags) => {
      const { checkConfiguration, ConfigurationError, loadConfiguration } = await import('@hawser/config');
      try {
        const configuration = loadConfiguration({ file: config, environment: process.env, flags: { set } });
        const warnings = checkConfiguration(configuration);
        for (const warning of warnings) printNote(`warning: ${warning}\n`);
        const count =
          warnings.length === 0 ? '' : ` (${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'})`;
        print(`${configuration.file ?? 'the configuration'} is in order${count}\n`);
      } catch (error) {
        if (error instanceof ConfigurationError) throw new ExitError(EXIT.failed, error.message, { cause: error });
        throw error;
      }
    });
}
