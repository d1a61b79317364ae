import { Command, CommanderError } from 'commander';
import { brokerCommand } from './commands/broker.ts';
import { certsCommand } from './commands/certs.ts';
import { checkCommand } from './commands/check.ts';
import { configCommand } from './commands/config.ts';
import { dataCommand } from './commands/data.ts';
import { doctorCommand } from './commands/doctor.ts';
import { explainCommand } from './commands/explain.ts';
import { importCommand } from './commands/import.ts';
import { passwdCommand } from './commands/passwd.ts';
import { pubCommand } from './commands/pub.ts';
import { subCommand } from './commands/sub.ts';
import { EXIT } from './exit-error.ts';
import { joinProperties } from './flags/property-flag.ts';
import { reportError } from './report-error.ts';
import { readVersion } from './version.ts';

/**
 * The command line: `hawser broker`, `hawser pub`, `hawser sub`. Settles when the command has ended and sets the process's exit
 * code: 0, 1 (could not be done), 2 (nobody to ask, or to connect to), 27 (`sub -W` ran out), 64 (wrong usage).
 */
export async function main(argv: string[]): Promise<void> {
  endQuietlyWhenNobodyReads();
  const program = createProgram();
  try {
    const command = program.commands.find((known) => known.name() === argv[0]);
    const words = command === undefined ? argv : [argv[0] ?? '', ...joinProperties(command, argv.slice(1))];
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    process.exitCode =
      error instanceof CommanderError && error.exitCode === 0
        ? EXIT.ok
        : reportError(error, program, asksForJson(argv));
  }
  await leaveNameServer();
}

function createProgram(): Command {
  const program = new Command('hawser')
    .description('MQTT broker and command line, for MQTT 3.1, 3.1.1 and 5.0')
    .version(readVersion(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    // `hawser -v` is the version, `hawser sub -v` is not.
    .enablePositionalOptions()
    .helpCommand('help [command]', 'print the help of a command')
    .action(() => {
      program.outputHelp({ error: true });
      process.exitCode = EXIT.usage;
    });
  const run = [brokerCommand(), pubCommand(), subCommand(), explainCommand(), doctorCommand()];
  const prepare = [checkCommand(), configCommand(), passwdCommand(), certsCommand(), importCommand(), dataCommand()];
  for (const command of [...run, ...prepare]) program.addCommand(command);
  for (const command of [program, ...program.commands]) {
    // Errors are worded and printed in one place, `reportError`.
    command.exitOverride().configureOutput({ outputError: () => {} });
    command.showSuggestionAfterError(false).allowExcessArguments(false);
  }
  return program;
}

/** Who asked for JSON gets errors in JSON too, those of the command line itself included. */
function asksForJson(argv: readonly string[]): boolean {
  return argv.includes('--json') || argv.includes('--format=json') || argv[argv.indexOf('--format') + 1] === 'json';
}

/** A name server that does not answer keeps a process for as long as the system asks it, though nobody waits for that any more. */
async function leaveNameServer(): Promise<void> {
  if (!process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap')) return;
  for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve));
  const code = Number(process.exitCode ?? EXIT.ok);
  // `process.exit` waits for the thread that asks; another program in the place of this one does not.
  if (process.platform !== 'win32') process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], process.env);
  process.exit(code);
}

/** `hawser sub ... | head -1`: the reader of a pipe may go at any time, and that is no error. */
function endQuietlyWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(EXIT.ok);
    });
  }
}
