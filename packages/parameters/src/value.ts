import { bytesIn, isPlainObject, show } from './bytes.ts';
import type { Parameter, ParameterType } from './parameter.ts';

/** What is wrong with one value, in words that follow the parameter's name; `undefined` when nothing is. */
export interface ValueProblem {
  readonly code: ValueProblemCode;
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

/** Stable codes of what can be wrong with a single value. */
export type ValueProblemCode = 'wrong-type' | 'out-of-range' | 'not-one-of' | 'bad-text' | 'probably-milliseconds';

/** A duration whose range ends at a day or less: thousands in it are most likely milliseconds. */
const longestWait = 86_400;
/** One whose range ends at an hour is a matter of seconds: one thousand is enough. */
const longestDelay = 3600;

/**
 * Checks one value against its row of the table: type, range, allowed values, text that UTF-8 can carry
 * ([MQTT5-1.5.4-1], [MQTT5-1.5.4-2]). The message says what was given, what is taken and what to do.
 */
export function checkValue(parameter: Parameter, value: unknown): ValueProblem | undefined {
  for (const item of parameter.many && Array.isArray(value) ? value : [value]) {
    const found = checkOne(parameter, item);
    if (found) return found;
  }
  return undefined;
}

/** "a whole number of seconds, 0 to 65,535": what a parameter takes, for a message or a form. */
export function describeRange({ type, also, unit, minimum, maximum, values }: Parameter): string {
  if (type === 'enum') return `one of ${values.map(show).join(', ')}`;
  const words = [type, ...also].map((one) => types[one][0]).join(' or ') + (unit ? ` of ${unit}` : '');
  const isOpen = maximum === Number.POSITIVE_INFINITY;
  if (minimum === 0 && isOpen) return words;
  const length = type === 'string' || type === 'bytes' ? ' bytes' : '';
  return `${words}, ${count(minimum)} ${isOpen ? 'or more' : `to ${count(maximum)}`}${length}`;
}

function checkOne(parameter: Parameter, value: unknown): ValueProblem | undefined {
  const { type, also, values, minimum, maximum } = parameter;
  const unfit = (code: ValueProblemCode, given: string): ValueProblem =>
    problem(code, `takes ${describeRange(parameter)}, not ${given}`);
  const given = parameter.secret ? 'the given value' : show(value);
  if (type === 'enum') return values.some((allowed) => allowed === value) ? undefined : unfit('not-one-of', given);
  if (![type, ...also].some((one) => types[one][1](value))) return unfit('wrong-type', given);
  if (typeof value === 'number') {
    const isLong = maximum <= longestWait && value % 1000 === 0 && value >= (maximum > longestDelay ? 5000 : 1000);
    const meant = parameter.unit === 'seconds' && isLong ? `; did you mean ${count(value / 1000)}?` : '';
    if (value < minimum || value > maximum) return unfit('out-of-range', count(value) + meant);
    return meant ? problem('probably-milliseconds', `${count(value)} seconds${meant}`, 'warning') : undefined;
  }
  // Pairs are two lists deep, or an object of texts.
  const texts = isPlainObject(value) ? Object.entries(value) : [value];
  if (type !== 'bytes' && texts.flat(2).some((text) => typeof text === 'string' && !isText(text))) {
    return problem('bad-text', 'contains U+0000 or half a surrogate pair');
  }
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : bytesIn(value);
  if (bytes && (bytes.length < minimum || bytes.length > maximum)) {
    return unfit('out-of-range', bytes.length === 0 ? 'empty text' : `${count(bytes.length)} bytes`);
  }
  return undefined;
}

function problem(code: ValueProblemCode, message: string, severity: ValueProblem['severity'] = 'error'): ValueProblem {
  return { code, severity, message };
}

// Every platform this runs on has it; neither Node's nor the browser's types are loaded here.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** A UTF-8 Encoded String: no U+0000, no half of a surrogate pair. [MQTT5-1.5.4-1] [MQTT5-1.5.4-2] */
function isText(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

const isString = (value: unknown): boolean => typeof value === 'string';
const isPair = (value: unknown): boolean => Array.isArray(value) && value.length === 2 && value.every(isString);

/** In words, and in fact. */
const types: Record<
  Exclude<ParameterType, 'enum'> | 'object',
  readonly [words: string, holds: (value: unknown) => boolean]
> = {
  string: ['text', isString],
  integer: ['a whole number', Number.isSafeInteger],
  number: ['a number', Number.isFinite],
  boolean: ['true or false', (value) => typeof value === 'boolean'],
  bytes: ['text or bytes', (value) => isString(value) || bytesIn(value) !== undefined],
  pairs: [
    "pairs: [['name', 'value'], ...] or { name: 'value' }",
    (value) =>
      Array.isArray(value)
        ? value.every(isPair)
        : isPlainObject(value) && Object.values(value).every((one) => [one].flat().every(isString)),
  ],
  function: ['a function', (value) => typeof value === 'function'],
  object: ['an object of options', isPlainObject],
};

function count(value: number): string {
  return value.toLocaleString('en-US');
}
