import { Command } from 'commander';
import { EXIT, ExitError } from '../exit-error.ts';
import { print } from '../output.ts';

interface ConfigFlags {
  readonly config?: string;
  readonly set?: readonly string[];
  readonly schema?: boolean;
  readonly json?: boolean;
  readonly changed?: boolean;
}

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `hawser config`: what is in force, and who said so. */
export function configCommand(): Command {
  return new Command('config')
    .description('print the configuration in force, with the source of each value; secrets are hidden')
    .helpOption('-h, --help', 'print this help')
    .option('-c, --config <file>', 'the YAML file')
    .option('-s, --set <key=value>', 'one setting, over those of the file; repeat for more', append)
    .option('--changed', 'only what is not the default')
    .option('--json', 'as JSON')
    .option('--schema', 'print the JSON Schema of the file instead, for editors')
    .action(async ({ config, set, schema, json, changed }: ConfigFlags) => {
      const { ConfigurationError, configurationJsonSchema, explainConfiguration, loadConfiguration } = await import(
        '@hawser/config'
      );
      if (schema === true) {
        print(`${JSON.stringify(configurationJsonSchema(), null, 2)}\n`);
        return;
      }
      try {
        const configuration = loadConfiguration({ file: config, environment: process.env, flags: { set } });
        const values = explainConfiguration(configuration).filter(
          ({ source }) => changed !== true || source !== 'default',
        );
        print(json === true ? `${JSON.stringify(values, null, 2)}\n` : table(values));
      } catch (error) {
        if (error instanceof ConfigurationError) throw new ExitError(EXIT.failed, error.message, { cause: error });
        throw error;
      }
    });
}

function table(rows: readonly { readonly key: string; readonly value: string; readonly source: string }[]): string {
  const width = Math.max(0, ...rows.map(({ key }) => key.length));
  return rows.map(({ key, value, source }) => `${key.padEnd(width)}  ${value}  # ${source}\n`).join('');
}
