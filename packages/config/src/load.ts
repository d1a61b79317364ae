import { dirname, resolve } from 'node:path';
import { SETTINGS, type Settings, settingsWith } from '@hawser/broker';
import { type AssignedValues, readAssignments, readEnvironment } from './assignments.ts';
import { resolvePaths } from './file-paths.ts';
import { ConfigurationError, type ConfigurationProblem } from './problems.ts';
import { configurationSchema, type OwnConfiguration } from './schema/configuration-schema.ts';
import { isValues, leavesOf, mergeInto, type Path, setAt, type Values } from './values.ts';
import { wordsFor } from './words.ts';
import { type FileValues, readYamlFile } from './yaml-file.ts';

/** Where a configuration is said; each over the one after it: flags, environment, file, defaults. */
export interface ConfigurationSources {
  readonly file?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly flags?: {
    readonly listen?: readonly string[] | undefined;
    readonly data?: string | undefined;
    readonly console?: string | boolean | undefined;
    readonly consoleUsers?: string | undefined;
    readonly consolePasswordFile?: string | undefined;
    readonly logLevel?: string | undefined;
    /** `key=value`. */
    readonly set?: readonly string[] | undefined;
  };
}

/** A configuration that is in order. */
export interface Configuration extends OwnConfiguration {
  /** The file it came from. Paths in it are relative to its directory, those of flags and variables to the working directory. */
  readonly file: string | undefined;
  /** All settings of the broker. */
  readonly settings: Settings;
  /** Everything by key, checked, defaults filled in; what `explain` shows. */
  readonly effective: Values;
  /** Who said the value of a key: `default`, `hawser.yaml:12`, `HAWSER_DATA`, `--set …`. */
  sourceOf(path: Path): string;
}

/** Reads, joins and checks. Throws ConfigurationError with every problem there is. */
export function loadConfiguration(sources: ConfigurationSources = {}): Configuration {
  const path = sources.file ?? sources.environment?.HAWSER_CONFIG;
  const file = path === undefined || path === '' ? undefined : readYamlFile(path);
  const environment = readEnvironment(sources.environment ?? {});
  const flags = readFlags(sources.flags ?? {});
  const merged: Values = {};
  // Each by itself: `--console :8080` over a map in the file is another address for the same users.
  if (file !== undefined) {
    const values = structuredClone(writtenOut(file.values));
    resolvePaths(values, dirname(resolve(path ?? '')));
    mergeInto(merged, values);
  }
  mergeInto(merged, writtenOut(environment.values));
  mergeInto(merged, writtenOut(flags.values));
  if (Array.isArray(merged.listeners)) merged.listeners = merged.listeners.map(asListener);
  else if (typeof merged.listeners === 'string') merged.listeners = [asListener(merged.listeners)];
  const origin = new Origins(path, file, environment, flags);
  const parsed = configurationSchema.safeParse(merged);
  if (!parsed.success) throw new ConfigurationError(problemsOf(parsed.error.issues, merged, origin));
  const effective: Values = parsed.data;
  return {
    ...(parsed.data as unknown as OwnConfiguration),
    file: path === undefined || path === '' ? undefined : resolve(path),
    settings: settingsWith(settingsIn(effective)),
    effective,
    sourceOf: (wanted) => origin.of(wanted) ?? 'default',
  };
}

/** The settings of the broker among the values. */
function settingsIn(values: Values): Partial<Settings> {
  const found: Record<string, unknown> = {};
  for (const key of Object.keys(SETTINGS)) {
    const [group = '', name] = key.split('.');
    const below = values[group];
    found[key] = name === undefined ? below : isValues(below) ? below[name] : undefined;
  }
  return found as Partial<Settings>;
}

/** `data: DIR` is `data: { directory: DIR }`, and `console: HOST:PORT` is `console: { listen: HOST:PORT }`. */
function writtenOut(values: Values): Values {
  if (typeof values.data === 'string') values.data = { directory: values.data };
  if (typeof values.console === 'string') values.console = { listen: values.console };
  return values;
}

function asListener(value: unknown): unknown {
  return typeof value === 'string' ? { url: value } : value;
}

function readFlags({
  listen,
  data,
  console,
  consoleUsers,
  consolePasswordFile,
  logLevel,
  set,
}: NonNullable<ConfigurationSources['flags']>): AssignedValues {
  const assigned = readAssignments(set ?? []);
  const values: Values = { ...assigned.values };
  const sources = new Map(assigned.sources);
  const put = (key: string, value: unknown, flag: string): void => {
    values[key] = value;
    sources.set(key, flag);
  };
  if (listen !== undefined && listen.length > 0) put('listeners', [...listen], '--listen');
  if (data !== undefined) {
    setAt(values, ['data', 'directory'], data);
    sources.set('data.directory', '--data');
  }
  if (logLevel !== undefined) {
    setAt(values, ['log', 'level'], logLevel);
    sources.set('log.level', '--log-level');
  }
  const ofConsole = { listen: console, users: consoleUsers, passwordFile: consolePasswordFile };
  const names = { listen: '--console', users: '--console-users', passwordFile: '--console-password-file' };
  for (const key of ['listen', 'users', 'passwordFile'] as const) {
    if (typeof ofConsole[key] !== 'string') continue;
    setAt(values, ['console', key], ofConsole[key]);
    sources.set(`console.${key}`, names[key]);
  }
  if (console === false) put('console', false, '--no-console');
  return { values, sources };
}

/** Who said what. */
class Origins {
  readonly #path: string | undefined;
  readonly #file: FileValues | undefined;
  readonly #fromFile: ReadonlySet<string>;
  readonly #assigned: readonly AssignedValues[];

  constructor(path: string | undefined, file: FileValues | undefined, ...assigned: readonly AssignedValues[]) {
    this.#path = path;
    this.#file = file;
    this.#assigned = assigned;
    this.#fromFile = new Set([...leavesOf(file?.values ?? {})].map(([leaf]) => leaf.join('.')));
  }

  /** Undefined: nobody said anything of it. */
  of(path: Path): string | undefined {
    for (const { sources } of [...this.#assigned].reverse()) {
      for (let length = path.length; length > 0; length--) {
        const source = sources.get(path.slice(0, length).join('.'));
        if (source !== undefined) return source;
      }
    }
    for (let length = path.length; length > 0; length--) {
      if (this.#fromFile.has(path.slice(0, length).join('.'))) return this.#inFile(path);
    }
    return undefined;
  }

  /** Of something that is wrong: somewhere it must have been said, at least what is around it. */
  ofProblem(path: Path): string {
    return this.of(path) ?? (this.#file === undefined ? '' : this.#inFile(path));
  }

  #inFile(path: Path): string {
    return `${this.#path}:${this.#file?.lineOf(path) ?? 1}`;
  }
}

function problemsOf(
  issues: readonly Parameters<typeof wordsFor>[0][],
  merged: Values,
  origin: Origins,
): readonly ConfigurationProblem[] {
  return issues.flatMap((issue) => {
    const value = issue.path.reduce<unknown>(
      (at, part) => (at as Record<PropertyKey, unknown> | undefined)?.[part],
      merged,
    );
    return wordsFor(issue, value).map(({ path, text }) => ({
      key: path.join('.'),
      source: origin.ofProblem(path),
      text,
    }));
  });
}
