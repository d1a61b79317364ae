import { SETTINGS, type Setting } from './settings-table.ts';

type Widen<T> = T extends number ? number : T extends boolean ? boolean : T;

export type SettingKey = keyof typeof SETTINGS;
export type Settings = { readonly [K in SettingKey]: (typeof SETTINGS)[K] extends Setting<infer T> ? Widen<T> : never };

/** A setting that does not exist, or a value it cannot have. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
  readonly code: 'unknown-key' | 'bad-value';
  readonly key: string;

  constructor(code: 'unknown-key' | 'bad-value', key: string, message: string) {
    super(message);
    this.code = code;
    this.key = key;
  }
}

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(SETTINGS, key);
}

/** The settings with these changed. Throws SettingError. */
export function settingsWith(changes: Partial<Settings> = {}): Settings {
  const settings: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(SETTINGS)) settings[key] = setting.default;
  for (const [key, value] of Object.entries(changes)) {
    if (!isSettingKey(key)) throw new SettingError('unknown-key', key, `there is no setting '${key}'`);
    if (value !== undefined) settings[key] = checkSetting(key, value);
  }
  return settings as Settings;
}

/** A setting's value out of text, as `--set key=value` and the environment bring it. Throws SettingError. */
export function parseSetting(key: string, text: string): Partial<Settings> {
  if (!isSettingKey(key)) throw new SettingError('unknown-key', key, `there is no setting '${key}'`);
  const sample: unknown = SETTINGS[key].default;
  let value: unknown = text;
  if (typeof sample === 'number' && text.trim() !== '' && !Number.isNaN(Number(text))) value = Number(text);
  if (typeof sample === 'boolean') value = text === 'true' ? true : text === 'false' ? false : text;
  return { [key]: checkSetting(key, value) };
}

function checkSetting(key: SettingKey, value: unknown): unknown {
  const setting: Setting<unknown> = SETTINGS[key];
  const bad = (allowed: string) =>
    new SettingError(
      'bad-value',
      key,
      `${key} cannot be ${JSON.stringify(value) ?? String(value)}: it takes ${allowed}`,
    );
  if (typeof setting.default === 'number') {
    const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER, unit } = setting;
    if (typeof value !== 'number' || !(value >= minimum && value <= maximum))
      throw bad(`${minimum} to ${maximum} ${unit ?? ''}`.trim());
    if (unit !== 's' && !Number.isInteger(value)) throw bad('a whole number');
  } else if (typeof setting.default === 'boolean') {
    if (typeof value !== 'boolean') throw bad('true or false');
  } else {
    if (typeof value !== 'string') throw bad('text');
    if (setting.values !== undefined && !setting.values.includes(value)) throw bad(setting.values.join(', '));
  }
  return value;
}
