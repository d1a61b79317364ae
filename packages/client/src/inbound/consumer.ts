import { topicMatches } from '@hawser/codec';
import type { Message } from './message.ts';

/** A message of QoS 1 or 2 that is to be acknowledged in its turn. */
export interface Entry {
  readonly packetIdentifier: number;
  readonly qos: 1 | 2;
  /** Its acknowledgement: 0 or a Reason Code; undefined: nobody has dealt with the message. */
  answer: number | undefined;
}

/** A message on its way to those who take it. */
export interface Delivery {
  readonly message: Message;
  /** Undefined with QoS 0. */
  readonly entry: Entry | undefined;
  /** Consumers that have the message and have not dealt with it. */
  open: number;
  /** Consumers that had come by then have had the message. */
  givenAt: number;
  /** The program has had it. */
  isHad: boolean;
}

/** A part of the program that gets messages. */
export interface Consumer {
  /** Topic Filters; undefined: all topics. */
  readonly filters?: readonly string[] | undefined;
  /** Gets only what came by one of these Subscription Identifiers, if the message has any that a consumer has. */
  readonly identifiers?: ReadonlySet<number> | undefined;
  /** It keeps what it gets, has a bound for that, and calls `Inbox.release` when it has dealt with a message. */
  readonly keeps?: boolean;
  /** It does not keep up. */
  readonly isFull?: boolean;
  /** The program waits for its next message. */
  readonly isAwaited?: boolean;
  /** Without `keeps` the message has been dealt with when this returns, or when the promise that it returns has settled. */
  deliver(delivery: Delivery): unknown;
  /** The server sends again what this has kept at QoS 1 and not dealt with. */
  forgetRepeated?(): void;
}

/** One of the consumer's filters matches. */
export function matches({ filters }: Consumer, { topic }: Message): boolean {
  return !filters || filters.some((filter) => topicMatches(filter, topic));
}

/** The message came by a subscription of this consumer. */
export function isMeantFor({ identifiers }: Consumer, { subscriptionIdentifiers }: Message): boolean {
  return subscriptionIdentifiers.some((identifier) => identifiers?.has(identifier));
}
