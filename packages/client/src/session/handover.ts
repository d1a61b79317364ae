import { ignorable } from '../promises.ts';
import type { PublishResult } from '../results.ts';
import type { OutgoingContent } from './outgoing.ts';

/** All messages of QoS 0 end so. */
const HANDED: PublishResult = { qos: 0, reasonCode: 0 };

/**
 * Messages of QoS 0 that are in the output of a connection, but not with its transport yet. They share one promise, which settles when they have
 * been handed over: nothing is made for a single message.
 */
export interface Handover {
  readonly messages: readonly OutgoingContent[];
  /** Settles with the others of this turn. */
  add(message: OutgoingContent): Promise<PublishResult>;
  /** The transport has all of them. */
  settle(): void;
  /** The connection is lost before: they have not been sent. `resend` settles when they have. */
  takeBack(resend: (messages: readonly OutgoingContent[]) => Promise<unknown>): void;
  /** Nobody will send them. */
  reject(error: Error): void;
  /** Settles when those that are there now have been handed over, or will not be. */
  readonly promise: Promise<unknown> | undefined;
}

export function handoverOf(): Handover {
  let messages: OutgoingContent[] = [];
  let waiting: PromiseWithResolvers<PublishResult> | undefined;

  const end = (): PromiseWithResolvers<PublishResult> | undefined => {
    const ended = waiting;
    waiting = undefined;
    messages = [];
    return ended;
  };

  return {
    get messages() {
      return messages;
    },

    get promise() {
      return waiting?.promise;
    },

    add(message) {
      messages.push(message);
      if (!waiting) {
        waiting = Promise.withResolvers<PublishResult>();
        ignorable(waiting.promise);
      }
      return waiting.promise;
    },

    settle() {
      end()?.resolve(HANDED);
    },

    takeBack(resend) {
      if (!waiting) return;
      const taken = messages;
      end()?.resolve(resend(taken).then(() => HANDED));
    },

    reject(error) {
      end()?.reject(error);
    },
  };
}
