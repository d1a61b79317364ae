import { SETTINGS, type SettingKey } from '@hawser/broker';
import { z } from 'zod';

/**
 * The broker's settings by group, each with its range, default and sentence: `limits: { connections: … }`; `more` is for
 * groups that have keys besides.
 */
export function settingsShape(more: Readonly<Record<string, Record<string, z.ZodType>>>): Record<string, z.ZodType> {
  const groups = new Map(Object.entries(more));
  const shape: Record<string, z.ZodType> = {};
  for (const key of Object.keys(SETTINGS) as SettingKey[]) {
    const [group = '', name] = splitKey(key);
    if (name === undefined) shape[key] = schemaOf(key);
    else groups.set(group, { ...groups.get(group), [name]: schemaOf(key) });
  }
  for (const [group, members] of groups) {
    const schema = z.strictObject(members).prefault({});
    shape[group] = GROUPS[group] === undefined ? schema : schema.describe(GROUPS[group]);
  }
  return shape;
}

/** A sentence for each group. */
const GROUPS: Readonly<Record<string, string>> = {
  limits: 'Bounds of connections, packets, subscriptions and memory.',
  fanout: 'Messages to many subscribers.',
  backpressure: 'Publishers and subscribers that do not keep up.',
  queue: 'What waits for one session.',
  queues: 'What waits for all sessions.',
  data: 'Where sessions and messages are kept, and how much of them.',
  sessions: 'How many sessions there are, and for how long.',
  messages: 'What holds for every message.',
  subscriptions: 'What holds for every subscription.',
  policy: 'Authentication and authorization that take their time.',
  bans: 'Who is kept out for a while, and for what.',
  api: 'Bounds of the HTTP API: requests, logins, sessions, the audit log.',
  recorder: 'How much of what happened is remembered, to say why.',
  sys: 'The $SYS topics.',
  websocket: 'WebSockets.',
};

/** The names of the groups. */
export function settingGroups(): ReadonlySet<string> {
  return new Set(Object.keys(SETTINGS).flatMap((key) => (key.includes('.') ? [key.slice(0, key.indexOf('.'))] : [])));
}

function splitKey(key: string): readonly (string | undefined)[] {
  const at = key.indexOf('.');
  return at < 0 ? [key] : [key.slice(0, at), key.slice(at + 1)];
}

function schemaOf(key: SettingKey): z.ZodType {
  const setting: {
    readonly default: unknown;
    readonly minimum?: number;
    readonly maximum?: number;
    readonly values?: readonly string[];
    readonly unit?: string;
    readonly text: string;
  } = SETTINGS[key];
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER, values, unit, text } = setting;
  const described = unit === undefined ? text : `${text} (${unit})`;
  switch (typeof setting.default) {
    case 'number': {
      const number = z.number().min(minimum).max(maximum);
      return (unit === 's' ? number : number.int()).default(setting.default).describe(described);
    }
    case 'boolean':
      return z.boolean().default(setting.default).describe(described);
    default: {
      const fallback = String(setting.default);
      const type: z.ZodType<string, string> = values === undefined ? z.string() : z.enum([...values]);
      return type.default(fallback).describe(described);
    }
  }
}
