import type { PublishProperties, QoS, Topic } from '@hawser/codec';

/** What a message is made of. */
export interface MessageContent {
  readonly topic: Topic;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Without Topic Alias and Subscription Identifiers: those belong to one connection. */
  readonly properties: PublishProperties | undefined;
  /** Client ID of the publisher; undefined: the server itself. */
  readonly publisher: string | undefined;
  /** When it was taken, and when its Message Expiry Interval ends (Infinity: never); milliseconds as the caller counts. */
  readonly receivedAtMs: number;
  readonly expiresAtMs: number;
}
