import type { Message } from '@hawser/client';
import { nearest } from '@hawser/parameters';
import { meant, usageError } from '../exit-error.ts';
import { toJson } from './message-json.ts';
import { templateFormat } from './template.ts';

/** Turns a message into the bytes that are printed for it, without the line's end. */
export type MessageFormat = (message: Message, at: Date) => Uint8Array;

const NAMES = ['text', 'json', 'hex', 'base64'] as const;

/** The format of a name, or of a template such as `%t %p`. Throws ExitError 64. `verbose`: the topic goes before the payload. */
export function chooseFormat(name: string, verbose: boolean): MessageFormat {
  if (name.includes('%')) return templateFormat(name);
  switch (name) {
    case 'text':
      return withTopic(verbose, ({ payload }) => payload);
    case 'hex':
      return withTopic(verbose, ({ payload }) => Buffer.from(Buffer.from(payload).toString('hex')));
    case 'base64':
      return withTopic(verbose, ({ payload }) => Buffer.from(Buffer.from(payload).toString('base64')));
    case 'json':
      return (message, at) => Buffer.from(JSON.stringify(toJson(message, at)));
    default:
      throw usageError(
        `--format takes ${NAMES.join(', ')} or a template such as '%t %p', not '${name}'${meant(nearest(name, NAMES))}`,
      );
  }
}

function withTopic(verbose: boolean, payloadOf: (message: Message) => Uint8Array): MessageFormat {
  if (!verbose) return payloadOf;
  return (message) => Buffer.concat([Buffer.from(`${message.topic} `), payloadOf(message)]);
}
