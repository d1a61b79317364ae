import type { Configuration } from './load.ts';
import { formatPath, isValues, type Path } from './values.ts';

/** One value that is in force, for people. */
export interface ExplainedValue {
  readonly key: string;
  /** As YAML in one line; secrets are `***`. */
  readonly value: string;
  /** `default`, `hawser.yaml:12`, `HAWSER_DATA`, `--set …`. */
  readonly source: string;
}

const SECRET = /(?:^|[.\]])(?:passphrase|secret|headers\.[^.]+)$/;

/** Every value in force with who said it. */
export function explainConfiguration(configuration: Configuration): readonly ExplainedValue[] {
  return [...walk(configuration.effective, [])].map(([path, value]) => {
    const key = formatPath(path);
    const source = configuration.sourceOf(path);
    return { key, value: show(key, value), source: hidePassword(source) };
  });
}

function* walk(value: unknown, path: Path): Generator<readonly [Path, unknown]> {
  if (isValues(value) && Object.keys(value).length > 0 && !SECRET.test(formatPath(path))) {
    for (const [key, below] of Object.entries(value)) if (below !== undefined) yield* walk(below, [...path, key]);
  } else if (Array.isArray(value) && value.some(isValues)) {
    for (const [index, below] of value.entries()) yield* walk(below, [...path, index]);
  } else yield [path, value];
}

function show(key: string, value: unknown): string {
  if (SECRET.test(key) && typeof value === 'string') return '***';
  if (typeof value === 'string') return hidePassword(value);
  return hidePassword(JSON.stringify(value));
}

/** `https://user:password@host`. */
function hidePassword(text: string): string {
  return text.replace(/(:\/\/[^/@:\s]*):[^/@\s]*@/g, '$1:***@');
}
