import { encodeUtf8, type PublishProperties, type WillMessage } from '@hawser/codec';
import { Message } from '../messages/message.ts';

/** A Will Message, kept with the session it was set for [MQTT5-3.1.2-7]. */
export interface Will {
  readonly message: Message;
  /** Will Delay Interval, seconds. */
  readonly delayInterval: number;
  /** When it is published, the network being gone; Infinity: it is not. */
  dueAtMs: number;
}

/** The Will of a CONNECT. */
export function willOf(will: WillMessage, publisher: string, now: number): Will {
  const { willDelayInterval = 0, ...properties } = will.properties ?? {};
  const message = new Message(
    {
      topic: { name: will.topic, bytes: encodeUtf8(will.topic) },
      payload: will.payload,
      qos: will.qos,
      retain: will.retain,
      properties: Object.keys(properties).length === 0 ? undefined : (properties satisfies PublishProperties),
      publisher,
      receivedAtMs: now,
      expiresAtMs: Number.POSITIVE_INFINITY,
    },
    false,
  );
  return { message: message.keep(), delayInterval: willDelayInterval ?? 0, dueAtMs: Number.POSITIVE_INFINITY };
}
