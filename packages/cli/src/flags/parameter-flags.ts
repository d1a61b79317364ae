import { checkValue, type Parameter, parseText } from '@hawser/parameters';
import { parameterTexts } from '@hawser/parameters/texts';
import { type Command, Option } from 'commander';
import { usageError } from '../exit-error.ts';

/** Values of flags by the name of their parameter, as the flags gave them: the last one counts, pairs add up. */
export type GivenValues = Map<string, unknown>;

/** Adds the flags of these rows of the parameters table to a command. What they say arrives in `given`. */
export function addParameterFlags(command: Command, rows: readonly Parameter[], given: GivenValues): void {
  for (const parameter of rows) {
    const [short, ...long] = flagsOf(parameter);
    for (const [index, name] of long.entries())
      addFlag(command, parameter, index === 0 ? short : undefined, name, given);
  }
}

/** The flag by which messages call a parameter: the long one. */
export function flagName(parameter: Parameter): string {
  return parameter.cli.find((flag) => flag.startsWith('--')) ?? parameter.name;
}

/** Takes one text for a parameter, as a flag or the environment brings it. Throws ExitError 64 when it does not fit. */
export function giveText(given: GivenValues, parameter: Parameter, text: string, label = flagName(parameter)): void {
  const value = parseText(parameter, text);
  const problem = checkValue(parameter, value);
  if (problem?.severity === 'error')
    throw usageError(`${label}: ${parameter.type === 'pairs' ? `'${text}' is not name=value` : problem.message}`);
  const before = given.get(parameter.name);
  given.set(
    parameter.name,
    parameter.type === 'pairs' && Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value,
  );
}

/** The short flag or undefined, then the long ones. */
function flagsOf({ cli }: Parameter): (string | undefined)[] {
  return cli[0]?.startsWith('--') === false ? [...cli] : [undefined, ...cli];
}

function addFlag(
  command: Command,
  parameter: Parameter,
  short: string | undefined,
  long: string | undefined,
  given: GivenValues,
): void {
  if (long === undefined) return;
  const words = short === undefined ? long : `${short}, ${long}`;
  const isSwitch = parameter.type === 'boolean';
  const option = new Option(isSwitch ? words : `${words} <${placeholder(parameter)}>`, describe(parameter));
  if (parameter.cli.indexOf(long) > (short === undefined ? 0 : 1)) option.hideHelp();
  command.addOption(option);
  command.on(`option:${option.name()}`, (text: string | null) => {
    // A switch names what is not the default.
    if (isSwitch) given.set(parameter.name, parameter.default !== true);
    else giveText(given, parameter, text ?? '', long);
  });
}

function describe(parameter: Parameter): string {
  const text = parameterTexts[parameter.name]?.en ?? '';
  const { default: value } = parameter;
  return value === undefined || typeof value === 'boolean' ? text : `${text} (default: ${value})`;
}

function placeholder(parameter: Parameter): string {
  if (parameter.type === 'pairs') return 'name=value';
  if (parameter.unit === 'seconds') return 'seconds';
  return parameter.name
    .slice(parameter.name.lastIndexOf('.') + 1)
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
