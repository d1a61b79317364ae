import type { Parameter } from './parameter.ts';

/**
 * Turns the text of a flag, a form field or an environment variable into the option's value. Text that does not fit is
 * given back as it is, so that `checkValue` can name it.
 *
 * `pairs` reads one `name=value`. The protocol version is taken as people write it: 31, 311, 3.1.1, mqttv5, 5.
 */
export function parseText(parameter: Parameter, text: string): unknown {
  switch (parameter.type) {
    case 'integer':
    case 'number':
      return /^[+-]?\d[\d_,]*(\.\d+)?$/.test(text) ? Number(text.replace(/[_,]/g, '')) : text;
    case 'boolean':
      return booleans.get(text.toLowerCase()) ?? text;
    case 'pairs': {
      const at = text.indexOf('=');
      return at === -1 ? text : [[text.slice(0, at), text.slice(at + 1)]];
    }
    case 'enum':
      if (parameter.name === 'protocolVersion') return versions.get(text.toLowerCase()) ?? text;
      return parameter.values.find((value) => String(value) === text) ?? text;
    default:
      return text;
  }
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
]);

const versions: ReadonlyMap<string, number | string> = new Map<string, number | string>([
  ...['3', '31', '3.1', 'mqttv31', 'mqttv3.1'].map((name) => [name, 3] as const),
  ...['4', '311', '3.1.1', 'mqttv311', 'mqttv3.1.1'].map((name) => [name, 4] as const),
  ...['5', '50', '5.0', 'mqttv5', 'mqttv50', 'mqttv5.0'].map((name) => [name, 5] as const),
  ['auto', 'auto'] as const,
]);
