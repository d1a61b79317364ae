import { nearest } from '@hawser/parameters';
import { toJsonText, visible, visibleLines } from '@hawser/parameters/safe-text';
import { type Command, CommanderError } from 'commander';
import { EXIT, ExitError, meant } from './exit-error.ts';
import { print, printNote } from './output.ts';

/** What went wrong, for people and for programs. */
interface Failure {
  /** A stable name: that of the cause where it has one, `usage` for a wrong command line. */
  readonly code: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
  readonly exitCode: number;
}

/**
 * Says what went wrong and returns the exit code: words on standard error, or, where JSON was asked for, one object on standard output, so that
 * a program reads JSON whatever happens.
 */
export function reportError(error: unknown, program: Command, asJson: boolean): number {
  const failure = failureOf(error, program);
  const { code, message, hint, exitCode } = failure;
  if (asJson) print(`${toJsonText({ error: { code, message, ...(hint === undefined ? {} : { hint }) }, exitCode })}\n`);
  else printNote(`hawser: ${visibleLines(message)}\n${hint === undefined ? '' : `  ${visible(hint)}\n`}`);
  return exitCode;
}

function failureOf(error: unknown, program: Command): Failure {
  if (error instanceof CommanderError) {
    const command = commandOf(program);
    const hint = `see "${fullName(command)} --help"`;
    return { code: 'usage', message: wordsOf(error, command), hint, exitCode: EXIT.usage };
  }
  if (error instanceof ExitError) {
    const { message, hint, exitCode } = error;
    return { code: codeOf(error), message, hint, exitCode };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'internal-error', message, exitCode: EXIT.failed };
}

/** That of the client's error below it, such as `refused` or `unknown-scheme`. */
function codeOf({ cause, exitCode }: ExitError): string {
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  const names: Readonly<Record<number, string>> = { [EXIT.usage]: 'usage', [EXIT.unreachable]: 'unreachable' };
  return names[exitCode] ?? 'failed';
}

function wordsOf(error: CommanderError, command: Command): string {
  const words = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  const [stray] = command.args;
  // What follows a command that there is not are the flags of what was meant.
  const isNoCommand = command.parent === null && stray?.startsWith('-') === false;
  if ((error.code === 'commander.excessArguments' || isNoCommand) && stray !== undefined) {
    if (command.parent !== null && command.commands.length === 0) return `'${stray}' belongs to no flag`;
    const names = command.commands.map((known) => known.name());
    return `there is no command '${stray}'${meant(OTHER_NAMES[stray] ?? nearest(stray, names))}`;
  }
  const given = /'([^']+)'/.exec(words)?.[1];
  if (given === undefined) return words;
  if (error.code === 'commander.unknownOption') {
    const flags = command.options.flatMap(({ long }) => long ?? []);
    return `unknown flag ${given}${meant(given.length > 2 ? nearest(given, flags) : undefined)}`;
  }
  return words;
}

/** What other programs call the commands. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  publish: 'pub',
  subscribe: 'sub',
  server: 'broker',
  serve: 'broker',
  start: 'broker',
  run: 'broker',
  conn: 'doctor',
  connect: 'doctor',
  password: 'passwd',
  cert: 'certs',
  validate: 'check',
};

/** The command that was being run when the arguments were found wanting. */
function commandOf(program: Command): Command {
  return program.commands.find((command) => command.name() === program.args[0]) ?? program;
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}
