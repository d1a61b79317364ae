import { nearest } from '@hawser/parameters';
import { type Command, CommanderError } from 'commander';
import { EXIT, ExitError, meant } from './exit-error.ts';

/** Says on standard error what went wrong, and returns the exit code. */
export function reportError(error: unknown, program: Command): number {
  if (error instanceof CommanderError) {
    const command = commandOf(program);
    printError(wordsOf(error, command), `see "${fullName(command)} --help"`);
    return EXIT.usage;
  }
  if (error instanceof ExitError) {
    printError(error.message, error.hint);
    return error.exitCode;
  }
  printError(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return EXIT.failed;
}

/** One line, and a second one with what to do. */
export function printError(message: string, hint?: string): void {
  process.stderr.write(`hawser: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`);
}

function wordsOf(error: CommanderError, command: Command): string {
  const words = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  const [stray] = command.args;
  if (error.code === 'commander.excessArguments' && stray !== undefined) {
    if (command.parent !== null && command.commands.length === 0) return `'${stray}' belongs to no flag`;
    const names = command.commands.map((known) => known.name());
    return `there is no command '${stray}'${meant(nearest(stray, names))}`;
  }
  const given = /'([^']+)'/.exec(words)?.[1];
  if (given === undefined) return words;
  if (error.code === 'commander.unknownOption') {
    const flags = command.options.flatMap(({ long }) => long ?? []);
    return `unknown flag ${given}${meant(given.length > 2 ? nearest(given, flags) : undefined)}`;
  }
  return words;
}

/** The command that was being run when the arguments were found wanting. */
function commandOf(program: Command): Command {
  return program.commands.find((command) => command.name() === program.args[0]) ?? program;
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}
