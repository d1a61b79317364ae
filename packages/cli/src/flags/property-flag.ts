import { messageParameters, type Parameter, parameters } from '@hawser/parameters';
import { type Command, Option } from 'commander';
import { usageError } from '../exit-error.ts';
import { type GivenValues, giveText } from './parameter-flags.ts';

/** Control Packets that `-D` gives properties to. */
type Target = 'connect' | 'publish' | 'will';

/**
 * `-D COMMAND IDENTIFIER VALUE` of mosquitto_pub and mosquitto_sub: `-D publish user-property name value`,
 * `-D connect session-expiry-interval 60`, `-D will will-delay-interval 5`.
 */
export class PropertyFlag {
  readonly #words: string[] = [];

  constructor(command: Command) {
    command.addOption(
      new Option(
        '-D, --property <words>',
        'a property: connect|publish|will IDENTIFIER VALUE, as mosquitto_pub takes it',
      ),
    );
    command.on('option:property', (words: string) => this.#words.push(...wordsIn(words)));
  }

  /** Puts the properties among the values of the flags. Throws ExitError 64. */
  apply(connection: GivenValues, message: GivenValues | undefined): void {
    const words = [...this.#words];
    while (words.length > 0) {
      const [target, identifier, value] = words.splice(0, 3);
      if (target === undefined || identifier === undefined || value === undefined) {
        throw usageError(`-D takes three words, COMMAND IDENTIFIER VALUE, or four for a user-property`);
      }
      if (!isTarget(target) || (target === 'publish' && message === undefined)) {
        throw usageError(
          `-D ${target}: properties are taken for connect, ${message === undefined ? '' : 'publish, '}will`,
        );
      }
      const row = findRow(target, identifier);
      let text = value;
      if (row.type === 'pairs') {
        const second = words.shift();
        if (second === undefined) throw usageError(`-D ${target} ${identifier} takes a name and a value`);
        text = `${value}=${second}`;
      }
      giveText(
        target === 'publish' && message !== undefined ? message : connection,
        row,
        text,
        `-D ${target} ${identifier}`,
      );
    }
  }
}

const SEPARATOR = '\0';

/**
 * Joins what follows each `-D` to one argument, so that a word of a property is never taken for a flag: `-D publish content-type -x`. An
 * argument that belongs to another flag is left alone, whatever it looks like.
 */
export function joinProperties(command: Command, argv: readonly string[]): string[] {
  const joined: string[] = [];
  const left = [...argv];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    joined.push(word);
    if (word === '--') return [...joined, ...left];
    const option = command.options.find(({ short, long }) => word === short || word === long);
    if (option?.long === '--property') {
      const count = left[1] === USER_PROPERTY ? 4 : 3;
      joined.push(left.splice(0, count).join(SEPARATOR));
    } else if (option?.required) joined.push(...left.splice(0, 1));
  }
  return joined;
}

function wordsIn(joined: string): string[] {
  return joined.split(SEPARATOR);
}

const USER_PROPERTY = 'user-property';

function isTarget(word: string): word is Target {
  return word === 'connect' || word === 'publish' || word === 'will';
}

function findRow(target: Target, identifier: string): Parameter {
  const rows = rowsOf(target);
  const row = rows.get(identifier);
  if (row !== undefined) return row;
  throw usageError(`-D ${target}: there is no property '${identifier}'`);
}

/** Rows by the specification's name of the property in lower case with hyphens. */
function rowsOf(target: Target): ReadonlyMap<string, Parameter> {
  const rows = target === 'publish' ? messageParameters() : parameters;
  const byIdentifier = new Map<string, Parameter>();
  for (const row of rows) {
    if (!row.versions.includes(5) || row.versions.length > 1) continue;
    const [group, member] = row.name.includes('.') ? row.name.split('.', 2) : [undefined, row.name];
    if (target === 'will' ? group !== 'will' : group !== undefined && group !== 'authentication') continue;
    const name = kebab(member ?? '');
    byIdentifier.set(SPECIAL[row.name] ?? name, row);
  }
  return byIdentifier;
}

const SPECIAL: Readonly<Record<string, string>> = {
  userProperties: USER_PROPERTY,
  'will.userProperties': USER_PROPERTY,
  'will.delayInterval': 'will-delay-interval',
  'authentication.method': 'authentication-method',
};

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
