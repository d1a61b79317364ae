import type { UserProperties } from '@hawser/codec';
import { isPlainObject, nearest, show } from '@hawser/parameters';
import { UsageError } from './errors.ts';
import type { UserPropertiesOption } from './options.ts';

/** Options that are true or false. */
const FLAGS: readonly string[] = ['retain', 'noLocal', 'retainAsPublished'];

/**
 * What a call was given as options: names that it knows, flags and signals of the right kind. A name that is not known is an error that names
 * the one that was meant. What is `undefined` counts as not given. Values are checked where they are encoded.
 */
export function checkOptions(call: string, given: object, names: readonly string[]): void {
  checkKind(call, given);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!names.includes(name)) {
      const meant = nearest(name, names);
      throw new UsageError('unknown-option', `${name}: unknown option${meant ? `; did you mean ${meant}?` : ''}`);
    }
    if (FLAGS.includes(name) && typeof value !== 'boolean') throw wrongType(name, 'true or false', value);
    if (name === 'signal') checkSignal(value);
  }
}

/** Throws UsageError for what are no options: a callback, a QoS alone, null. `last`: what stands behind them, which is a callback where others have one. */
export function checkKind(call: string, given: unknown, last?: unknown): void {
  for (const value of [given, last])
    if (typeof value === 'function')
      throw new UsageError('wrong-type', `${call}() takes no callback: it returns a promise, await ${call}(…)`);
  if (isPlainObject(given)) return;
  const instead = [0, 1, 2].includes(given as number) ? `{ qos: ${given} }` : 'an object of options';
  throw wrongType(`the options of ${call}()`, instead, given);
}

export function checkFunction(what: string, given: unknown): void {
  if (typeof given !== 'function') throw wrongType(what, 'a function', given);
}

/** By what it does, for it may be of another realm. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal !== undefined && typeof (signal as Partial<AbortSignal> | null)?.throwIfAborted !== 'function')
    throw wrongType('signal', 'an AbortSignal', signal);
}

/** User Properties as they are sent. An object is taken too: a name has one value, or a list. Throws UsageError for anything else. */
export function pairsOf(given: UserPropertiesOption | undefined): UserProperties | undefined {
  if (given === undefined) return undefined;
  if (Array.isArray(given)) return given;
  if (!isPlainObject(given))
    throw wrongType('userProperties', "pairs: [['name', 'value'], ...], or { name: 'value' }", given);
  return Object.entries(given).flatMap(([name, values]) => [values].flat().map((value) => [name, value] as const));
}

function wrongType(what: string, instead: string, given: unknown): UsageError {
  return new UsageError('wrong-type', `${what}: takes ${instead}, not ${show(given)}`);
}
