import type { Parameter, ParameterType } from './parameter.ts';

/** What is wrong with one value, in words that follow the parameter's name; `undefined` when nothing is. */
export interface ValueProblem {
  readonly code: ValueProblemCode;
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

/** Stable codes of what can be wrong with a single value. */
export type ValueProblemCode = 'wrong-type' | 'out-of-range' | 'not-one-of' | 'bad-text' | 'probably-milliseconds';

const longest = 40;
/** A duration whose range ends at a day or less: thousands in it are most likely milliseconds. */
const longestWait = 86_400;

/**
 * Checks one value against its row of the table: type, range, allowed values, text that UTF-8 can carry
 * ([MQTT5-1.5.4-1], [MQTT5-1.5.4-2]). The message says what was given, what is taken and what to do.
 */
export function checkValue(parameter: Parameter, value: unknown): ValueProblem | undefined {
  if (parameter.many && Array.isArray(value)) {
    for (const item of value) {
      const problem = checkOne(parameter, item);
      if (problem) return problem;
    }
    return undefined;
  }
  return checkOne(parameter, value);
}

/** "seconds, 0 to 65,535": what a parameter takes, for a message or a form. */
export function describeRange(parameter: Parameter): string {
  const { type, unit, minimum, maximum, values } = parameter;
  if (values) return `one of ${values.map((value) => show(value)).join(', ')}`;
  const words = kindOf(parameter);
  if (minimum === undefined && maximum === undefined) return words;
  const isText = type === 'string' || type === 'bytes';
  const range =
    maximum === undefined ? `${count(minimum ?? 0)} or more` : `${count(minimum ?? 0)} to ${count(maximum)}`;
  if (isText) return `${words}, ${range} bytes`;
  return unit === undefined || unit === 'count' || unit === 'port' ? `${words}, ${range}` : `${unit}, ${range}`;
}

function checkOne(parameter: Parameter, value: unknown): ValueProblem | undefined {
  if (parameter.values) {
    return parameter.values.some((allowed) => allowed === value)
      ? undefined
      : error('not-one-of', parameter, given(parameter, value));
  }
  const types: readonly ParameterType[] = [parameter.type, ...(parameter.also ?? [])];
  if (!types.some((type) => isOfType(type, value))) return error('wrong-type', parameter, given(parameter, value));
  if (typeof value === 'number') return checkNumber(parameter, value);
  if (typeof value === 'string') return checkText(parameter, value);
  if (value instanceof Uint8Array) return checkLength(parameter, value.length);
  if (Array.isArray(value)) {
    const bad = value.flat().find((word) => typeof word === 'string' && !isText(word));
    return bad === undefined ? undefined : notText();
  }
  return undefined;
}

function checkNumber(parameter: Parameter, value: number): ValueProblem | undefined {
  const { unit, minimum = 0, maximum = Number.POSITIVE_INFINITY } = parameter;
  const fits = value >= minimum && value <= maximum;
  if (unit === 'seconds' && value >= 5000 && value % 1000 === 0 && maximum <= longestWait) {
    const hint = `${fits ? 'is a long time' : 'is out of range'}: ${describeRange(parameter)}; did you mean ${count(value / 1000)}?`;
    return fits
      ? { code: 'probably-milliseconds', severity: 'warning', message: `${count(value)} ${hint}` }
      : {
          code: 'out-of-range',
          severity: 'error',
          message: `${count(value)} ${hint} Durations are seconds here, not milliseconds`,
        };
  }
  return fits ? undefined : error('out-of-range', parameter, count(value));
}

function checkText(parameter: Parameter, value: string): ValueProblem | undefined {
  if (parameter.type === 'string' && !isText(value)) return notText();
  return checkLength(parameter, utf8Length(value));
}

function checkLength(parameter: Parameter, bytes: number): ValueProblem | undefined {
  const { minimum = 0, maximum = Number.POSITIVE_INFINITY } = parameter;
  if (bytes >= minimum && bytes <= maximum) return undefined;
  return error('out-of-range', parameter, bytes === 0 ? 'empty text' : `${count(bytes)} bytes`);
}

function isOfType(type: ParameterType, value: unknown): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return Number.isSafeInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'bytes':
      return typeof value === 'string' || value instanceof Uint8Array;
    case 'function':
      return typeof value === 'function';
    case 'pairs':
      return Array.isArray(value) && value.every(isPair);
    case 'enum':
      return false;
    default:
      return type satisfies never;
  }
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'string';
}

/** A UTF-8 Encoded String: no U+0000, no half of a surrogate pair. [MQTT5-1.5.4-1] [MQTT5-1.5.4-2] */
function isText(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

function notText(): ValueProblem {
  return {
    code: 'bad-text',
    severity: 'error',
    message: 'contains U+0000 or half a surrogate pair, which MQTT text cannot carry',
  };
}

function utf8Length(value: string): number {
  let bytes = 0;
  for (const character of value) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

function error(code: ValueProblemCode, parameter: Parameter, what: string): ValueProblem {
  return { code, severity: 'error', message: `${what} is not ${describeRange(parameter)}` };
}

const words: Record<ParameterType, string> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  bytes: 'text or bytes',
  enum: 'one of its values',
  pairs: "pairs: [['name', 'value'], ...]",
  function: 'a function',
};

function kindOf(parameter: Parameter): string {
  return [parameter.type, ...(parameter.also ?? [])].map((type) => words[type]).join(' or ');
}

function given(parameter: Parameter, value: unknown): string {
  return parameter.secret ? 'the given value' : show(value);
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > longest ? `${value.slice(0, longest)}…` : value}'`;
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? 'a function' : String(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return Array.isArray(value) ? 'a list' : 'an object';
}

function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 });
}
