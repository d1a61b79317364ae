import { readFileSync } from 'node:fs';
import { isSettingKey } from '@hawser/broker';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { ConfigurationError } from './problems.ts';
import { formatPath, isValues, mergeInto, type Path, setAt, type Values } from './values.ts';

/** What a file says, and on which lines. */
export interface FileValues {
  readonly values: Values;
  /** Line of a key, from 1; of the nearest one above where that key is not in the file. */
  lineOf(path: Path): number;
}

/** Reads a YAML file. Settings may be nested or have their dots: `limits.connections: 5`. Throws ConfigurationError. */
export function readYamlFile(path: string): FileValues {
  return parseYaml(path, readText(path));
}

export function parseYaml(path: string, text: string): FileValues {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const problems = document.errors.map(({ pos, message }) => ({
    key: '',
    source: `${path}:${lineAt(pos[0])}`,
    text: message,
  }));
  if (problems.length > 0) throw new ConfigurationError(problems);
  const raw: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
  if (!isValues(raw)) {
    throw new ConfigurationError([
      { key: '', source: `${path}:1`, text: 'a configuration is a map of keys and values' },
    ]);
  }
  const known = new Map<string, number>([['', 1]]);
  collectLines(document.contents, [], known, lineAt);
  return {
    values: undotted(raw),
    lineOf(wanted) {
      for (let length = wanted.length; length > 0; length--) {
        const line = known.get(formatPath(wanted.slice(0, length)));
        if (line !== undefined) return line;
      }
      return 1;
    },
  };
}

function undotted(raw: Values): Values {
  const values: Values = {};
  for (const [key, value] of Object.entries(raw)) {
    const there = Object.hasOwn(values, key) ? values[key] : undefined;
    if (key.includes('.') && isSettingKey(key)) setAt(values, key.split('.'), value);
    else if (isValues(value) && isValues(there)) mergeInto(there, value);
    else setAt(values, [key], value);
  }
  return values;
}

function collectLines(node: unknown, path: Path, known: Map<string, number>, lineAt: (offset: number) => number): void {
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      const below = [...path, String(key.value)];
      known.set(formatPath(below), lineAt(key.range?.[0] ?? 0));
      collectLines(value, below, known, lineAt);
    }
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) {
      const range = (item as { readonly range?: readonly number[] | null }).range;
      known.set(formatPath([...path, index]), lineAt(range?.[0] ?? 0));
      collectLines(item, [...path, index], known, lineAt);
    }
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'that is a directory' : code;
    throw new ConfigurationError([{ key: '', source: '', text: `cannot read the configuration ${path}: ${why}` }]);
  }
}
