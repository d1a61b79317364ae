import type { Message } from '@hawser/protocol';

/** A Will Message, kept with the session it was set for [MQTT5-3.1.2-7]. */
export interface Will {
  readonly message: Message;
  /** Will Delay Interval, seconds. */
  readonly delayInterval: number;
  /** When it is published, the network being gone; Infinity: it is not. */
  dueAtMs: number;
}
