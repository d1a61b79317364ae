import { isSettingKey, SETTINGS, type Setting } from '@hawser/broker';
import { explainConfiguration } from './explain.ts';
import type { Configuration } from './load.ts';

/** A value that is another than before. */
export interface ConfigurationChange {
  readonly key: string;
  /** Secrets are hidden. Undefined: it was not there. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** It is in force only after a restart. */
  readonly needsRestart: boolean;
}

/** What differs. Secrets are compared, and never shown. */
export function compareConfigurations(before: Configuration, after: Configuration): readonly ConfigurationChange[] {
  const old = new Map(explainConfiguration(before).map(({ key, value }) => [key, value]));
  const now = new Map(explainConfiguration(after).map(({ key, value }) => [key, value]));
  const changes: ConfigurationChange[] = [];
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const [from, to] = [old.get(key), now.get(key)];
    const isHidden = from === '***' && to === '***' && read(before, key) !== read(after, key);
    if (from !== to || isHidden) changes.push({ key, from, to, needsRestart: needsRestart(key) });
  }
  return changes;
}

/** Policies are made anew; addresses, paths of TLS files and the data directory stay what they were. */
function needsRestart(key: string): boolean {
  if (isSettingKey(key)) {
    const setting: Setting<unknown> = SETTINGS[key];
    return setting.reach === 'start';
  }
  if (/^(?:authentication|authorization)(?:[.[]|$)/.test(key)) return false;
  return !/^listeners\[\d+\]\.authentication\./.test(key);
}

function read(configuration: Configuration, key: string): unknown {
  return key
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
    .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], configuration.effective);
}
