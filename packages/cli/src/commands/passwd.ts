import type { ConsoleRole } from '@hawser/auth';
import { Command, Option } from 'commander';
import { EXIT, ExitError, usageError } from '../exit-error.ts';
import { print } from '../output.ts';

interface PasswdFlags {
  readonly batch?: boolean;
  readonly delete?: boolean;
  readonly scram?: boolean;
  readonly consoleRole?: ConsoleRole;
}

/** Those of @hawser/auth, written out: a command is described before what it runs is loaded. */
const ROLES: readonly ConsoleRole[] = ['viewer', 'operator', 'admin'];

/** `hawser passwd FILE USER`: a line of a password file. */
export function passwdCommand(): Command {
  return new Command('passwd')
    .description('add a user to a password file, change its password, or delete it')
    .helpOption('-h, --help', 'print this help')
    .argument('<file>', 'the password file; made when it is not there')
    .argument('<user>', 'the user name')
    .argument('[password]', 'with -b: the password')
    .option(
      '-b, --batch',
      'the password stands behind the user, as for mosquitto_passwd; others on this machine can see it',
    )
    .option('-D, --delete', 'delete the user')
    .option('--scram', 'the line serves SCRAM-SHA-256 too (default: argon2id)')
    .addOption(
      new Option(
        '--console-role <role>',
        'the file is one of users of the console: viewer reads, operator also reads payloads, cuts off, bans, admin does all',
      ).choices(ROLES),
    )
    .action(async (file: string, user: string, given: string | undefined, flags: PasswdFlags) => {
      const { changePassword } = await import('@hawser/auth');
      checkGiven(given, flags);
      const password = flags.delete === true ? undefined : (given ?? (await askPassword(user)));
      const { consoleRole: role, scram } = flags;
      if (role !== undefined && scram === true) throw usageError('--scram is for users of MQTT, not of the console');
      try {
        const done = changePassword({ file, user, password, kind: scram === true ? 'scram' : 'argon2id', role });
        const as = role === undefined || password === undefined ? '' : ` as ${role}`;
        print(`${user} ${done} in ${file}${as}; a running broker sees it within a second\n`);
      } catch (error) {
        throw new ExitError(EXIT.failed, error instanceof Error ? error.message : String(error), { cause: error });
      }
    });
}

/** A password on the command line is one only where somebody said so. */
function checkGiven(given: string | undefined, flags: PasswdFlags): void {
  if (flags.delete === true && given !== undefined) throw usageError('--delete takes no password');
  if (flags.batch === true && given === undefined)
    throw usageError('-b takes FILE USER PASSWORD, in this order, as mosquitto_passwd does');
  if (flags.batch !== true && given !== undefined)
    throw usageError('a password on the command line needs -b: others on this machine can see it there');
}

/** Twice from the terminal without an echo; one line from a pipe. */
async function askPassword(user: string): Promise<string> {
  const { readSecretLine } = await import('../read-secret-line.ts');
  const password = await readSecretLine(`Password for ${user}: `);
  if (password === '') throw new ExitError(EXIT.failed, 'an empty password is none');
  if (process.stdin.isTTY && (await readSecretLine('Again: ')) !== password) {
    throw new ExitError(EXIT.failed, 'the two passwords differ; nothing was changed');
  }
  return password;
}
