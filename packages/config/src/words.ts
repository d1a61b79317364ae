import { isSettingKey, SettingError, settingsWith } from '@hawser/broker';
import { nearest } from '@hawser/parameters';
import { z } from 'zod';
import { assignableKeys, meant } from './assignments.ts';
import { configurationSchema } from './schema/configuration-schema.ts';
import { settingGroups } from './schema/settings-schema.ts';
import { formatPath, isValues, type Path } from './values.ts';

type Issue = z.core.$ZodIssue;

/** What is wrong, in words that help; one issue may be several problems. */
export function wordsFor(issue: Issue, value: unknown): readonly { readonly path: Path; readonly text: string }[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const key = formatPath(path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => ({ path: [...path, name], text: unknownKey(name, path) }));
  }
  if (issue.code === 'invalid_union' && isValues(value)) {
    // A map can only have been meant for the one that is a map.
    const meantFor = issue.errors.find((issues) => issues.every((inner) => inner.path.length > 0));
    if (meantFor !== undefined)
      return meantFor.flatMap((inner) => wordsFor({ ...inner, path: [...path, ...inner.path] }, undefined));
  }
  if (key !== '' && isSettingKey(key)) return [{ path, text: settingWords(key, value) }];
  if (path.length === 1 && issue.code === 'invalid_type' && settingGroups().has(key)) {
    return [{ path, text: `'${key}' is a group of settings: indent them below it` }];
  }
  return [{ path, text: `${key} ${plainWords(issue)}` }];
}

function settingWords(key: string, value: unknown): string {
  try {
    settingsWith({ [key]: value ?? '' });
  } catch (error) {
    if (error instanceof SettingError) return error.message;
    throw error;
  }
  return `${key} has a value it cannot have`;
}

function plainWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && issue.message.includes('received undefined')
        ? 'is needed'
        : `takes ${typeWords(issue.expected)}`;
    case 'invalid_value':
      return `takes ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'number' ? `is ${issue.minimum} at least` : 'must not be empty';
    case 'too_big':
      return `is ${issue.maximum} at most`;
    default:
      return issue.message;
  }
}

function typeWords(expected: string): string {
  switch (expected) {
    case 'string':
      return 'a text';
    case 'number':
    case 'int':
      return 'a number';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
    case 'record':
      return 'keys and values: indent them below it';
    default:
      return expected;
  }
}

/** "there is no key 'x' in tls; did you mean y?" */
function unknownKey(name: string, path: Path): string {
  const names = keysAt(path);
  const elsewhere = path.length === 0 ? keysByName() : new Map<string, string>();
  const guess =
    nearest(name, names) ??
    elsewhere.get(nearest(name, [...elsewhere.keys()]) ?? '') ??
    // `limits.conections: 3` in one line is right but for its name.
    (name.includes('.') ? nearest(name, assignableKeys()) : undefined);
  const where = path.length === 0 ? '' : ` in ${formatPath(path)}`;
  return `there is no key '${name}'${where}${meant(guess)}`;
}

function keysAt(path: Path): readonly string[] {
  let schema: unknown = configurationSchema;
  for (const part of path) {
    schema = unwrap(schema);
    if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodObject) schema = (schema.shape as Record<string, unknown>)[String(part)];
    else return [];
  }
  schema = unwrap(schema);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap());
  }
  if (schema instanceof z.ZodUnion) return schema.options.find((option) => option instanceof z.ZodObject) ?? schema;
  return schema;
}

/** Keys in groups by their names without the group, the first that has it: `connections` is `limits.connections`. */
function keysByName(): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const [group, schema] of Object.entries(configurationSchema.shape)) {
    const inner = unwrap(schema);
    if (inner instanceof z.ZodObject)
      for (const name of Object.keys(inner.shape)) if (!keys.has(name)) keys.set(name, `${group}.${name}`);
  }
  return keys;
}
