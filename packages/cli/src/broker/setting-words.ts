import { SETTINGS, type SettingError } from '@hawser/broker';
import { nearest } from '@hawser/parameters';
import { meant } from '../exit-error.ts';

/** Words for a setting that is not one. */
export function explainSetting(error: SettingError): string {
  return error.code === 'unknown-key' ? unknownKey(error.key) : error.message;
}

/** "there is no setting 'x'; did you mean y?", `more` being names that are taken here too. */
export function unknownKey(key: string, more: readonly string[] = []): string {
  return `there is no setting '${key}'${meant(nearest(key, [...more, ...Object.keys(SETTINGS)]))}`;
}
