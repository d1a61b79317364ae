import { SETTINGS } from '@hawser/broker';
import { nearest } from '@hawser/parameters';
import { parse } from 'yaml';
import { ConfigurationError, type ConfigurationProblem } from './problems.ts';
import { setAt, type Values } from './values.ts';

/** Keys that a flag or the environment can set as one. */
const OWN_KEYS = [
  'listeners',
  'data',
  'data.directory',
  'console',
  'console.listen',
  'console.users',
  'console.passwordFile',
  'console.hostNames',
  'console.tls',
  'console.tls.cert',
  'console.tls.key',
  'console.forwardedFrom',
  'tls',
  'tls.cert',
  'tls.key',
  'tls.passphrase',
  'tls.ca',
  'tls.crl',
  'tls.verify',
  'tls.minVersion',
  'tls.ciphers',
  'tls.certificates',
  'log',
  'log.level',
  'authentication',
  'authentication.anonymous',
  'authentication.chain',
  'authorization',
  'authorization.default',
  'authorization.rules',
  'authorization.http',
];

/** Variables of `hawser` that are not the broker's. */
const OTHERS =
  /^HAWSER_(?:(?:CONFIG|URL|HOST|PORT|USERNAME|PASSWORD|CLIENT_ID|CA|CERT|KEY|DEBUG|LANG|E2E|TEST|BENCH)(?:_|$)|(?:CONSOLE_PASSWORD|API|API_TOKEN)$)/;

export function assignableKeys(): readonly string[] {
  return [...OWN_KEYS, ...Object.keys(SETTINGS)];
}

/** `HAWSER_LIMITS_KEEP_ALIVE_MAX` for `limits.keepAliveMax`. */
export function variableOf(key: string): string {
  return `HAWSER_${key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}

/** Values, and which variable or flag said each. */
export interface AssignedValues {
  readonly values: Values;
  /** By key. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Reads `HAWSER_…`. An empty one is not there. Throws ConfigurationError for one that nothing is named like. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): AssignedValues {
  const keys = new Map(assignableKeys().map((key) => [variableOf(key), key]));
  const collected = new Collector();
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('HAWSER_') || text === undefined || text === '') continue;
    const key = keys.get(name);
    if (key !== undefined) collected.add(key, text, name);
    else if (!OTHERS.test(name)) {
      collected.problems.push({
        key: '',
        source: name,
        text: `there is no such variable${meant(nearest(name, [...keys.keys()]))}`,
      });
    }
  }
  return collected.finish();
}

/** Reads the texts of `--set key=value`. Throws ConfigurationError. */
export function readAssignments(texts: readonly string[]): AssignedValues {
  const keys = new Set(assignableKeys());
  const collected = new Collector();
  for (const text of texts) {
    const at = text.indexOf('=');
    const key = text.slice(0, Math.max(0, at)).trim();
    const source = `--set ${mayHaveSecrets(key) ? key : text}`;
    if (at < 1) collected.problems.push({ key: '', source, text: 'takes key=value, such as limits.keepAliveMax=300' });
    else if (keys.has(key)) collected.add(key, text.slice(at + 1), source);
    else
      collected.problems.push({ key, source, text: `there is no setting '${key}'${meant(nearest(key, [...keys]))}` });
  }
  return collected.finish();
}

/** A map or a list in one line may have a passphrase somewhere; errors and the configuration that is shown go to logs. */
function mayHaveSecrets(key: string): boolean {
  return /^(?:tls|listeners|authentication|authorization|console)(?:\.|$)/.test(key);
}

class Collector {
  readonly problems: ConfigurationProblem[] = [];
  readonly #values: Values = {};
  readonly #sources = new Map<string, string>();

  add(key: string, text: string, source: string): void {
    try {
      const path = key === 'data' ? 'data.directory' : key;
      setAt(this.#values, path.split('.'), readValue(path, text));
      this.#sources.set(path, source);
    } catch (error) {
      const words = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
      this.problems.push({ key, source, text: `cannot be read: ${words}` });
    }
  }

  finish(): AssignedValues {
    if (this.problems.length > 0) throw new ConfigurationError(this.problems);
    return { values: this.#values, sources: this.#sources };
  }
}

/** Texts stay as they are; everything else is YAML in one line. A list of URLs may have commas alone. */
function readValue(key: string, text: string): unknown {
  if (key === 'listeners' && !text.trimStart().startsWith('[')) return text.split(',').map((url) => url.trim());
  const setting: { readonly default: unknown } | undefined = Object.hasOwn(SETTINGS, key)
    ? SETTINGS[key as keyof typeof SETTINGS]
    : undefined;
  if (typeof setting?.default === 'string') return text;
  if (key === 'data.directory' || (key.startsWith('tls.') && key !== 'tls.passphrase')) return text;
  return parse(text);
}

/** "; did you mean x?" or nothing. */
export function meant(name: string | undefined): string {
  return name === undefined ? '' : `; did you mean ${name}?`;
}
