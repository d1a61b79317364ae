import { usageError } from '../exit-error.ts';

/** A reader for commander of a whole number in a range. Throws ExitError 64. */
export function wholeNumber(
  flag: string,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    const range = maximum === Number.MAX_SAFE_INTEGER ? `${minimum} or more` : `${minimum} to ${maximum}`;
    throw usageError(`${flag}: takes a whole number, ${range}, not '${text}'`);
  };
}
