import { readFileSync } from 'node:fs';
import {
  isSettingKey,
  type ListenerOptions,
  SETTINGS,
  SettingError,
  type Settings,
  settingsWith,
} from '@hawser/broker';
import { ListenError, TlsFiles, type TlsPaths } from '@hawser/transport';
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { EXIT, ExitError } from '../exit-error.ts';
import { explainSetting, unknownKey } from './setting-words.ts';

/** What a configuration file says; what it does not mention is absent. */
export interface ConfigFile {
  readonly listeners?: readonly ListenerOptions[];
  readonly data?: string;
  readonly console?: string | false;
  readonly settings?: Partial<Settings>;
}

const TLS_KEYS = ['cert', 'key', 'passphrase', 'certificates', 'ca', 'crl', 'verify', 'minVersion', 'ciphers'];
const OWN_KEYS = ['listeners', 'data', 'console'];
const GROUPS: ReadonlySet<string> = new Set(Object.keys(SETTINGS).map((key) => key.slice(0, key.lastIndexOf('.'))));

/**
 * Reads a YAML file: `listeners` (URLs, or maps with `url`, `versions` and `tls`), `data`, `console`, and the settings, their keys
 * nested or with dots. Throws ExitError with file and line.
 */
export function readConfigFile(path: string): ConfigFile {
  return new ConfigReader(path, readText(path)).read();
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'that is a directory' : String(code);
    throw new ExitError(EXIT.failed, `cannot read the configuration ${path}: ${why}`);
  }
}

class ConfigReader {
  readonly #path: string;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #settings: Record<string, unknown> = {};
  #listeners: ListenerOptions[] | undefined;
  #data: string | undefined;
  #console: string | false | undefined;

  constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  read(): ConfigFile {
    const document = parseDocument(this.#text, { lineCounter: this.#lines, prettyErrors: false });
    const [mistake] = document.errors;
    if (mistake !== undefined) this.#fail(mistake.pos[0], mistake.message);
    const root = document.contents;
    if (root !== null && !(isScalar(root) && root.value === null)) {
      if (!isMap(root)) this.#fail(0, 'a configuration is a map of keys and values');
      else for (const pair of root.items) this.#readPair(pair, '');
    }
    return {
      ...(this.#listeners === undefined ? {} : { listeners: this.#listeners }),
      ...(this.#data === undefined ? {} : { data: this.#data }),
      ...(this.#console === undefined ? {} : { console: this.#console }),
      settings: this.#settings,
    };
  }

  #readPair({ key: keyNode, value }: Pair, prefix: string): void {
    const key = prefix + String(isScalar(keyNode) ? keyNode.value : keyNode);
    const at = offsetOf(keyNode);
    if (key === 'listeners') this.#listeners = this.#readListeners(value, at);
    else if (key === 'data') this.#data = this.#readString(value, at, 'data', "a directory or 'memory'");
    else if (key === 'console')
      this.#console =
        isScalar(value) && value.value === false ? false : this.#readString(value, at, key, 'HOST:PORT or false');
    else if (isSettingKey(key)) this.#readSetting(key, value, at);
    else if (GROUPS.has(key) && isMap(value)) this.#readGroup(value, key);
    else if (GROUPS.has(key)) this.#fail(at, `'${key}' is a group of settings: indent them below it`);
    else this.#fail(at, unknownKey(key, prefix === '' ? OWN_KEYS : []));
  }

  #readGroup(map: YAMLMap, key: string): void {
    for (const pair of map.items) this.#readPair(pair, `${key}.`);
  }

  #readSetting(key: string, node: unknown, at: number): void {
    const value = isScalar(node) ? node.value : undefined;
    try {
      settingsWith({ [key]: value ?? '' } as Partial<Settings>);
    } catch (error) {
      if (error instanceof SettingError) this.#fail(at, explainSetting(error));
      throw error;
    }
    this.#settings[key] = value ?? '';
  }

  #readListeners(node: unknown, at: number): ListenerOptions[] {
    const items = isSeq(node) ? node.items : [node];
    if (items.length === 0) this.#fail(at, 'listeners: at least one is needed');
    return items.map((item) =>
      isMap(item) ? this.#readListener(item) : { url: this.#readString(item, at, 'listeners', 'URLs') },
    );
  }

  #readListener(map: YAMLMap): ListenerOptions {
    let url: string | undefined;
    let versions: (3 | 4 | 5)[] | undefined;
    let tls: TlsFiles | undefined;
    for (const { key: keyNode, value } of map.items) {
      const key = String(isScalar(keyNode) ? keyNode.value : keyNode);
      const at = offsetOf(keyNode);
      if (key === 'url') url = this.#readString(value, at, 'url', 'a URL');
      else if (key === 'versions') versions = this.#readVersions(value, at);
      else if (key === 'tls') tls = this.#readTls(value, at);
      else this.#fail(at, `a listener has no '${key}', only url, versions and tls`);
    }
    if (url === undefined) this.#fail(offsetOf(map), 'a listener needs a url');
    return {
      url: url ?? '',
      ...(versions === undefined ? {} : { versions }),
      ...(tls === undefined ? {} : { tls }),
    };
  }

  #readTls(node: unknown, at: number): TlsFiles {
    if (!isMap(node)) return this.#fail(at, `tls takes a map of ${TLS_KEYS.join(', ')}`);
    const paths = node.toJSON() as TlsPaths;
    const unknown = Object.keys(paths).find((key) => !TLS_KEYS.includes(key));
    if (unknown !== undefined) return this.#fail(at, `tls has no '${unknown}', only ${TLS_KEYS.join(', ')}`);
    if (typeof paths.cert !== 'string' || typeof paths.key !== 'string') {
      return this.#fail(at, 'tls needs cert and key, PEM files');
    }
    try {
      return new TlsFiles(paths);
    } catch (error) {
      if (error instanceof ListenError) return this.#fail(at, error.message);
      throw error;
    }
  }

  #readVersions(node: unknown, at: number): (3 | 4 | 5)[] {
    const items = isSeq(node) ? node.items : [node];
    return items.map((item) => {
      const value = isScalar(item) ? item.value : undefined;
      return value === 3 || value === 4 || value === 5
        ? value
        : this.#fail(at, 'versions are 3 (3.1), 4 (3.1.1) and 5 (5.0)');
    });
  }

  #readString(node: unknown, at: number, key: string, what: string): string {
    if (isScalar(node) && typeof node.value === 'string' && node.value !== '') return node.value;
    return this.#fail(at, `${key} takes ${what}`);
  }

  #fail(offset: number, message: string): never {
    throw new ExitError(EXIT.failed, `${this.#path}:${this.#lines.linePos(offset).line}: ${message}`);
  }
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}
