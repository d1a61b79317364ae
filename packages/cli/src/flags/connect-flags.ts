import { readFileSync } from 'node:fs';
import { findParameter, type OptionProblem, type Parameter, parameters, validateOptions } from '@hawser/parameters';
import { flagsOf, longFlagOf } from '@hawser/parameters/flags';
import { parameterTexts } from '@hawser/parameters/texts';
import { type Command, Option } from 'commander';
import { EXIT, ExitError, usageError } from '../exit-error.ts';
import { addParameterFlags, EXPIRY, FOREVER, type GivenValues, giveText } from './parameter-flags.ts';

/** Parameters of TLS whose flags name a file. */
const FILES = ['tls.ca', 'tls.cert', 'tls.key'];
const GROUPS: readonly (readonly [string, (name: string) => boolean])[] = [
  ['Connection:', (name) => !/^(will|tls|reconnect)\b/.test(name)],
  ['Will:', (name) => name.startsWith('will.')],
  ['TLS:', (name) => name.startsWith('tls.')],
  ['Reconnecting:', (name) => name.startsWith('reconnect')],
];
const SECRETS_FROM = { username: 'HAWSER_USERNAME', password: 'HAWSER_PASSWORD' } as const;

/** The flags of a connection, made from the parameters table, on one command. */
export class ConnectFlags {
  readonly given: GivenValues = new Map();
  #passwordFile: string | undefined;

  constructor(command: Command) {
    for (const [heading, belongs] of GROUPS) {
      command.optionsGroup(heading);
      addParameterFlags(
        command,
        parameters.filter((row) => flagsOf(row).length > 0 && belongs(row.name)),
        parameterTexts,
        this.given,
      );
    }
    command.optionsGroup('Connection:');
    command.addOption(new Option('--password-file <file>', 'file whose first line is the password'));
    command.on('option:password-file', (path: string) => {
      this.#passwordFile = path;
    });
    command.addOption(new Option('--will-delay <seconds>').hideHelp());
    const delay = findParameter('will.delayInterval');
    if (delay !== undefined) command.on('option:will-delay', (text: string) => giveText(this.given, delay, text));
  }

  /** Reconnecting was spoken of. */
  get givesReconnect(): boolean {
    return [...this.given.keys()].some((name) => name.startsWith('reconnect'));
  }

  /**
   * The options of `connect(options)`, checked. Throws ExitError: 64 for what the command line says wrong, 1 for a
   * file that cannot be read.
   */
  options(environment: NodeJS.ProcessEnv): { readonly options: object; readonly warnings: readonly OptionProblem[] } {
    const values: GivenValues = new Map(this.given);
    this.#addCredentials(values, environment);
    for (const name of FILES) {
      const path = values.get(name);
      if (typeof path === 'string') values.set(name, readFile(path, labelOf(name)));
      else if (Array.isArray(path))
        values.set(
          name,
          path.map((one) => readFile(String(one), labelOf(name))),
        );
    }
    // As for mosquitto_sub: a session that is to be kept is kept until somebody ends it.
    if (values.get('cleanStart') === false && !values.has(EXPIRY) && speaks5(values.get('protocolVersion')))
      values.set(EXPIRY, FOREVER);
    const usesTls = [...values.keys()].some((name) => name.startsWith('tls.'));
    // With certificates on the command line nobody means plain TCP.
    if (usesTls && !values.has('url') && !values.has('transport')) values.set('transport', 'mqtts');
    const options = nest(values);
    const problems = validateOptions(options, { platform: 'node', label: labelOf });
    const mistake = problems.find(({ severity }) => severity === 'error');
    if (mistake !== undefined) throw usageError(mistake.message);
    return { options, warnings: problems };
  }

  #addCredentials(values: GivenValues, environment: NodeJS.ProcessEnv): void {
    if (this.#passwordFile !== undefined) {
      if (values.has('password'))
        throw usageError('--password-file: given together with --password; use one or the other');
      const [line = ''] = readFile(this.#passwordFile, '--password-file').toString('utf8').split(/\r?\n/);
      values.set('password', line);
    }
    for (const [name, variable] of Object.entries(SECRETS_FROM)) {
      const text = environment[variable];
      if (text !== undefined && text !== '' && !values.has(name)) values.set(name, text);
    }
  }
}

/** 5.0 alone has a Session Expiry Interval; with `auto` another version may be spoken in the end. */
function speaks5(version: unknown): boolean {
  return version === undefined || version === 5;
}

/** How the command line calls an option: by its flag. */
export function labelOf(option: string): string {
  const parameter: Parameter | undefined = findParameter(option);
  return parameter === undefined ? option : longFlagOf(parameter);
}

/** `will.topic` becomes `{ will: { topic } }`. `--no-reconnect` leaves nothing to say about reconnecting. */
function nest(values: GivenValues): object {
  const options: Record<string, unknown> = {};
  const groups: Record<string, Record<string, unknown>> = {};
  for (const [name, value] of values) {
    const dot = name.indexOf('.');
    if (dot === -1) {
      options[name] = value;
      continue;
    }
    const group = name.slice(0, dot);
    groups[group] ??= {};
    groups[group][name.slice(dot + 1)] = value;
  }
  return { ...groups, ...options };
}

/** The bytes of a file that a flag names. Throws ExitError. */
export function readFile(path: string, flag: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const why =
      { ENOENT: 'there is no such file', EACCES: 'no permission', EISDIR: 'that is a directory' }[code] ?? code;
    throw new ExitError(EXIT.failed, `${flag}: cannot read ${path}: ${why}`, { cause: error });
  }
}
