import { checkValue, type Parameter, parseText } from '@hawser/parameters';
import { parameterDefaults } from '@hawser/parameters/defaults';
import { flagsOf, longFlagOf } from '@hawser/parameters/flags';
import type { ParameterText } from '@hawser/parameters/texts';
import { type Command, Option } from 'commander';
import { usageError } from '../exit-error.ts';

/** Session Expiry Interval of a session that never ends [MQTT5-3.1.2.11.2]. */
export const FOREVER = 0xffff_ffff;
export const EXPIRY = 'sessionExpiryInterval';
/** How mosquitto_sub and people write it. */
const FOREVER_WORDS: ReadonlySet<string> = new Set(['-1', 'max', '∞']);

/** Values of flags by the name of their parameter, as the flags gave them: the last one counts; pairs and lists add up. */
export type GivenValues = Map<string, unknown>;

/** What `--help` says where the table's sentence speaks of an option, and a flag is something else. */
const FLAG_TEXTS: Readonly<Record<string, string>> = {
  payload: 'The message.',
  retain: 'The server keeps it for who subscribes later; an empty message removes what was kept.',
  password: 'Password or token; rather in --password-file or HAWSER_PASSWORD, where nobody can list it.',
  username: 'User name for the server to check; HAWSER_USERNAME when not given.',
  cleanStart: 'Go on with the stored session (Clean Start 0; in 3.x Clean Session 0).',
  requestResponseInformation: 'Ask the server for Response Information, from which response topics can be made.',
  requestProblemInformation: 'Ask the server not to explain failures with a Reason String and User Properties.',
  'will.retain': 'The server keeps the Will as the retained message of its topic.',
  'tls.ca': "File with certificates (PEM) to trust instead of the system's; repeat for more.",
  'tls.cert': "File with this client's certificate (PEM), for mutual TLS.",
  'tls.key': 'File with the private key of that certificate (PEM).',
  'tls.insecure': 'Take any certificate: anybody on the way can read and change everything. For tests only.',
  reconnect: 'Do not connect again when the connection is lost.',
  'reconnect.initial': 'Try on when the very first attempt fails, instead of ending with its error.',
};

/** Adds the flags of these rows of the parameters table to a command. What they say arrives in `given`. */
export function addParameterFlags(
  command: Command,
  rows: readonly Parameter[],
  texts: Readonly<Record<string, ParameterText>>,
  given: GivenValues,
): void {
  for (const parameter of rows) {
    const [short, ...long] = shortAndLong(parameter);
    for (const [index, name] of long.entries())
      addFlag(command, parameter, index === 0 ? short : undefined, name, given, texts);
  }
}

/** Takes one text for a parameter, as a flag or the environment brings it. Throws ExitError 64 when it does not fit. */
export function giveText(given: GivenValues, parameter: Parameter, text: string, label = longFlagOf(parameter)): void {
  const value = parseText(parameter, FOREVER_WORDS.has(text) && parameter.name === EXPIRY ? String(FOREVER) : text);
  const problem = checkValue(parameter, value);
  if (problem?.severity === 'error')
    throw usageError(`${label}: ${parameter.type === 'pairs' ? `'${text}' is not name=value` : problem.message}`);
  const before = given.get(parameter.name);
  if (parameter.type === 'pairs' && Array.isArray(value)) given.set(parameter.name, [...listOf(before), ...value]);
  else given.set(parameter.name, parameter.many ? [...listOf(before), value] : value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The short flag or undefined, then the long ones. */
function shortAndLong(parameter: Parameter): (string | undefined)[] {
  const cli = flagsOf(parameter);
  return cli[0]?.startsWith('--') === false ? [...cli] : [undefined, ...cli];
}

function addFlag(
  command: Command,
  parameter: Parameter,
  short: string | undefined,
  long: string | undefined,
  given: GivenValues,
  texts: Readonly<Record<string, ParameterText>>,
): void {
  if (long === undefined) return;
  const words = short === undefined ? long : `${short}, ${long}`;
  const isSwitch = parameter.type === 'boolean';
  const option = new Option(isSwitch ? words : `${words} <${placeholder(parameter)}>`, describe(parameter, texts));
  if (flagsOf(parameter).indexOf(long) > (short === undefined ? 0 : 1)) option.hideHelp();
  command.addOption(option);
  command.on(`option:${option.name()}`, (text: string | null) => {
    // A switch names what is not the default.
    if (isSwitch) given.set(parameter.name, parameterDefaults[parameter.name] !== true);
    else giveText(given, parameter, text ?? '', long);
  });
}

function describe({ name }: Parameter, texts: Readonly<Record<string, ParameterText>>): string {
  const value = parameterDefaults[name];
  const text = FLAG_TEXTS[name] ?? texts[name]?.en ?? '';
  return value === undefined || typeof value === 'boolean' ? text : `${text} (default: ${value})`;
}

function placeholder(parameter: Parameter): string {
  if (parameter.type === 'pairs') return 'name=value';
  if (parameter.unit === 'seconds') return 'seconds';
  return parameter.name
    .slice(parameter.name.lastIndexOf('.') + 1)
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
