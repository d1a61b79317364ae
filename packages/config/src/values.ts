/** A map of keys as YAML has them. */
export type Values = { [key: string]: unknown };

export type Path = readonly (string | number)[];

export function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `listeners[0].url`. */
export function formatPath(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** Puts `value` below keys with dots, making the maps on the way. */
export function setAt(target: Values, keys: readonly string[], value: unknown): void {
  let at = target;
  for (const key of keys.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    if (isValues(next)) at = next;
    else {
      const made: Values = {};
      define(at, key, made);
      at = made;
    }
  }
  define(at, keys.at(-1) ?? '', value);
}

/** `from` over `onto`: maps are joined, everything else is replaced. */
export function mergeInto(onto: Values, from: Values): void {
  for (const [key, value] of Object.entries(from)) {
    const there = Object.hasOwn(onto, key) ? onto[key] : undefined;
    if (isValues(there) && isValues(value)) mergeInto(there, value);
    else define(onto, key, value);
  }
}

/** The end of each branch that is no map; a list is one end. */
export function* leavesOf(
  value: unknown,
  path: readonly string[] = [],
): Generator<readonly [readonly string[], unknown]> {
  if (isValues(value) && Object.keys(value).length > 0) {
    for (const [key, below] of Object.entries(value)) yield* leavesOf(below, [...path, key]);
  } else yield [path, value];
}

/** `__proto__` in a file is a key like any other. */
function define(target: Values, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
