import type { Language } from './words.ts';

/** Fills the braces of a sentence: `{name}`, or `{count:message|messages}` for `1 message` and `2 messages`. */
export function fill(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)(?::([^|}]+)\|([^}]+))?\}/g, (_, name: string, one?: string, many?: string) => {
    const value = values[name] ?? '';
    return one === undefined ? String(value) : `${value} ${value === 1 ? one : many}`;
  });
}

/** A length of time for people: `3 min 20 s`. */
export function duration(ms: number, language: Language): string {
  const units = UNITS[language];
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)}${units[3]}`;
  const whole = Math.round(seconds);
  const parts: readonly [number, string][] = [
    [Math.floor(whole / 86_400), units[0]],
    [Math.floor((whole % 86_400) / 3600), units[1]],
    [Math.floor((whole % 3600) / 60), units[2]],
    [whole % 60, units[3]],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}

const UNITS = {
  en: [' d', ' h', ' min', ' s'],
  zh: [' 天', ' 小时', ' 分', ' 秒'],
} as const;

/** A moment for people, in UTC: broker and reader may stand in different places. */
export function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
