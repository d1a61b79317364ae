import { nearest } from '@hawser/parameters';
import { UsageError } from './errors.ts';

/** A name that is not known is an error that names the one that was meant. What is `undefined` counts as not given. */
export function checkNames(given: object, names: readonly string[]): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || names.includes(name)) continue;
    const meant = nearest(name, names);
    throw new UsageError('unknown-option', `${name}: unknown option${meant ? `; did you mean ${meant}?` : ''}`);
  }
}
