import type { Message } from '@hawser/client';
import { nearest } from '@hawser/parameters';
import { toJsonText, visible } from '@hawser/parameters/safe-text';
import { meant, usageError } from '../exit-error.ts';
import { toJson } from './message-json.ts';
import { templateFormat } from './template.ts';
import { visiblePayload } from './visible-payload.ts';

/** Turns a message into the bytes that are printed for it, without the line's end. */
export type MessageFormat = (message: Message, at: Date) => Uint8Array;

const NAMES = ['text', 'raw', 'json', 'hex', 'base64'] as const;

/**
 * The format of a name, or of a template such as `%t %p`. Throws ExitError 64. `verbose`: the topic goes before the payload. `isTerminal`: what a
 * terminal would act on is shown in place of being obeyed, but for `raw`.
 */
export function chooseFormat(name: string, verbose: boolean, isTerminal: boolean): MessageFormat {
  if (name.includes('%')) return templateFormat(name, isTerminal);
  const topicOf = ({ topic }: Message): string => (isTerminal ? visible(topic) : topic);
  switch (name) {
    case 'text':
      return withTopic(verbose, topicOf, ({ payload }) =>
        isTerminal ? Buffer.from(visiblePayload(payload)) : payload,
      );
    case 'raw':
      return withTopic(
        verbose,
        ({ topic }) => topic,
        ({ payload }) => payload,
      );
    case 'hex':
      return withTopic(verbose, topicOf, ({ payload }) => Buffer.from(Buffer.from(payload).toString('hex')));
    case 'base64':
      return withTopic(verbose, topicOf, ({ payload }) => Buffer.from(Buffer.from(payload).toString('base64')));
    case 'json':
      return (message, at) => Buffer.from(toJsonText(toJson(message, at)));
    default:
      throw usageError(
        `--format takes ${NAMES.join(', ')} or a template such as '%t %p', not '${name}'${meant(nearest(name, NAMES))}`,
      );
  }
}

function withTopic(
  verbose: boolean,
  topicOf: (message: Message) => string,
  payloadOf: (message: Message) => Uint8Array,
): MessageFormat {
  if (!verbose) return payloadOf;
  return (message) => Buffer.concat([Buffer.from(`${topicOf(message)} `), payloadOf(message)]);
}
