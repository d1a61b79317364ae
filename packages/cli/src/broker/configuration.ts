import { resolve } from 'node:path';
import {
  isSettingKey,
  type ListenerOptions,
  parseSetting,
  SETTINGS,
  SettingError,
  type Settings,
} from '@hawser/broker';
import { ListenUrlError, parseListenUrl } from '@hawser/transport';
import type { BrokerFlags } from '../commands/broker.ts';
import { EXIT, ExitError, usageError } from '../exit-error.ts';
import { readConfigFile } from './config-file.ts';
import { DEFAULT_LISTENERS } from './default-listeners.ts';
import { explainSetting } from './setting-words.ts';

/** Everything `hawser broker` was told: flags over the file over the defaults. */
export interface BrokerConfiguration {
  readonly listeners: readonly ListenerOptions[];
  /** Directory of the data; undefined: in memory. */
  readonly dataDirectory: string | undefined;
  /** `HOST:PORT`, undefined: the default, false: none. */
  readonly console: string | undefined | false;
  readonly settings: Partial<Settings>;
}

const DEFAULT_DATA = './hawser-data';

/** Reads flags and file. Throws ExitError. */
export function readConfiguration(flags: BrokerFlags): BrokerConfiguration {
  const file = flags.config === undefined ? {} : readConfigFile(flags.config);
  const listeners =
    flags.listen?.map((url) => ({ url })) ?? file.listeners ?? DEFAULT_LISTENERS.map((url) => ({ url }));
  for (const { url } of listeners) checkUrl(url);
  const data = flags.data ?? file.data ?? DEFAULT_DATA;
  if (data === '') throw usageError("--data needs a directory, or 'memory'");
  const console =
    typeof flags.console === 'string' ? checkAddress(flags.console) : flags.console === false ? false : undefined;
  return {
    listeners,
    dataDirectory: data === 'memory' ? undefined : resolve(data),
    console: console ?? file.console,
    settings: Object.assign({}, file.settings, ...(flags.set ?? []).map(parseAssignment)) as Partial<Settings>,
  };
}

function parseAssignment(text: string): Partial<Settings> {
  const at = text.indexOf('=');
  if (at < 1) {
    const example = isSettingKey(text) ? `${text}=${String(SETTINGS[text].default)}` : 'limits.keepAliveMax=300';
    throw usageError(`--set takes key=value, such as ${example}, not '${text}'`);
  }
  try {
    return parseSetting(text.slice(0, at).trim(), text.slice(at + 1));
  } catch (error) {
    if (error instanceof SettingError) throw new ExitError(EXIT.failed, `--set ${text}: ${explainSetting(error)}`);
    throw error;
  }
}

function checkUrl(url: string): void {
  try {
    parseListenUrl(url);
  } catch (error) {
    if (error instanceof ListenUrlError) throw new ExitError(EXIT.failed, `cannot listen: ${error.message}`);
    throw error;
  }
}

function checkAddress(text: string): string {
  const port = /^(?:\[[0-9a-f:.]+\]|[^:[\]/]*):(\d{1,5})$/i.exec(text)?.[1];
  if (port === undefined || Number(port) > 65_535) {
    throw new ExitError(EXIT.failed, `--console takes HOST:PORT, such as 127.0.0.1:8080, not '${text}'`);
  }
  return text;
}
