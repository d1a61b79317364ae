import type { Message } from '@hawser/client';
import { toJsonText, visible } from '@hawser/parameters/safe-text';
import { usageError } from '../exit-error.ts';
import { toJson } from './message-json.ts';
import { visiblePayload } from './visible-payload.ts';

type Field = (message: Message, at: Date) => Uint8Array | string | number | undefined;

/** The letters of mosquitto_sub's `-F`. */
const FIELDS: Readonly<Record<string, Field>> = {
  '%': () => '%',
  t: ({ topic }) => topic,
  p: ({ payload }) => payload,
  x: ({ payload }) => Buffer.from(payload).toString('hex'),
  X: ({ payload }) => Buffer.from(payload).toString('hex').toUpperCase(),
  l: ({ payload }) => payload.length,
  q: ({ qos }) => qos,
  r: ({ retain }) => (retain ? 1 : 0),
  d: ({ dup }) => (dup ? 1 : 0),
  j: (message, at) => toJsonText(toJson(message, at)),
  I: (_message, at) => at.toISOString(),
  U: (_message, at) => (at.getTime() / 1000).toFixed(3),
  C: ({ contentType }) => contentType,
  D: ({ correlationData }) => correlationData,
  E: ({ messageExpiryInterval }) => messageExpiryInterval,
  F: ({ payloadFormatIndicator }) => payloadFormatIndicator,
  P: ({ userProperties }) => userProperties.map(([name, value]) => `${name}:${value}`).join(' '),
  R: ({ responseTopic }) => responseTopic,
  S: ({ subscriptionIdentifiers }) => subscriptionIdentifiers.join(' '),
};
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', '\\': '\\' };

/** Prints by a template: `%t` topic, `%p` payload, `%q` QoS … as mosquitto_sub's `-F` has them. Throws ExitError 64. */
export function templateFormat(template: string, isTerminal: boolean): (message: Message, at: Date) => Uint8Array {
  const fields: Field[] = [];
  /** Texts of the template itself, which may have line ends. */
  const literals = new Set<number>();
  const pattern = /%(.?)|\\([nrt0\\])|[^%\\]+|\\/gs;
  for (const [words, letter, escaped] of template.matchAll(pattern)) {
    if (letter === undefined) {
      const text = escaped === undefined ? words : (ESCAPES[escaped] ?? '');
      literals.add(fields.push(() => text) - 1);
      continue;
    }
    const field = Object.hasOwn(FIELDS, letter) ? FIELDS[letter] : undefined;
    if (field === undefined)
      throw usageError(
        `--format: there is no %${letter}; there are ${Object.keys(FIELDS)
          .map((name) => `%${name}`)
          .join(' ')}`,
      );
    fields.push(field);
  }
  return (message, at) =>
    Buffer.concat(
      fields.map((field, place) => {
        const value = field(message, at) ?? '';
        const isPayload = value instanceof Uint8Array;
        if (isTerminal && !literals.has(place))
          return Buffer.from(isPayload ? visiblePayload(value) : visible(String(value)));
        return isPayload ? value : Buffer.from(String(value));
      }),
    );
}
