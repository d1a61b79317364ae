import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { EXIT, ExitError } from '../exit-error.ts';
import { print, printNote } from '../output.ts';

/** `hawser import mosquitto.conf`: the same for Hawser, as far as it goes. */
export function importCommand(): Command {
  return new Command('import')
    .description('make a configuration out of a mosquitto.conf')
    .helpOption('-h, --help', 'print this help')
    .argument('<file>', 'the mosquitto.conf; its acl_file is read too')
    .option('-o, --output <file>', 'write it there; it must not exist (default: standard output)')
    .action(async (file: string, { output }: { readonly output?: string }) => {
      const { importMosquitto } = await import('@hawser/config');
      try {
        const { yaml, notes } = importMosquitto(file);
        if (output === undefined) print(yaml);
        else writeFileSync(output, yaml, { flag: 'wx', mode: 0o600 });
        for (const note of notes) printNote(`note: ${note}\n`);
      } catch (error) {
        throw new ExitError(EXIT.failed, error instanceof Error ? error.message : String(error), { cause: error });
      }
    });
}
