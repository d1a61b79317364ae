import { encodeUtf8 } from '@hawser/codec';
import { Delivery } from '../messages/delivery.ts';
import { Message } from '../messages/message.ts';
import type { StoredMessage, StoredQueueEntry } from './store.ts';

/** Two clocks: one that only grows, and one that outlives the process. */
export interface WallTime {
  toWall(ms: number): number;
  fromWall(wallMs: number): number;
}

/** A message as it is kept: its times on the wall clock. */
export function storedMessage(message: Message, time: WallTime): StoredMessage {
  const stored = {
    topic: message.topic.name,
    payload: message.payload,
    qos: message.qos,
    retain: message.retain,
    properties: message.properties,
    publishedAt: time.toWall(message.receivedAtMs),
    ...(message.publisher === undefined ? {} : { publisher: message.publisher }),
  };
  return message.expiresAtMs === Number.POSITIVE_INFINITY
    ? stored
    : { ...stored, expiresAt: time.toWall(message.expiresAtMs) };
}

export function messageOf(stored: StoredMessage, time: WallTime): Message {
  return new Message(
    {
      topic: { name: stored.topic, bytes: encodeUtf8(stored.topic) },
      payload: stored.payload,
      qos: stored.qos,
      retain: stored.retain,
      properties: stored.properties,
      publisher: stored.publisher,
      receivedAtMs: time.fromWall(stored.publishedAt),
      expiresAtMs: stored.expiresAt === undefined ? Number.POSITIVE_INFINITY : time.fromWall(stored.expiresAt),
    },
    true,
  );
}

/** `ready`: a page shows what is not committed yet; it may not be seen before this ticket is. */
export function deliveryOf(entry: StoredQueueEntry, ready: number, time: WallTime): Delivery {
  const identifiers = entry.subscriptionIdentifiers.length === 0 ? undefined : entry.subscriptionIdentifiers;
  const delivery = new Delivery(
    messageOf(entry.message, time),
    entry.qos,
    entry.retain,
    identifiers,
    entry.shared,
    entry.sequence,
    ready,
  );
  delivery.isReplay = entry.replayed === true;
  return delivery;
}
