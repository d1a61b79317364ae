import type {
  AckPacket,
  ConnectPacket,
  ProtocolVersion,
  PublishPacket,
  QoS,
  SubscribePacket,
  Subscription,
  UnsubscribePacket,
  WillMessage,
} from '@hawser/codec';
import { utf8 } from './bytes.ts';

/** What a CONNECT says, where it differs from the usual. */
export type ConnectFields = Partial<Omit<ConnectPacket, 'type' | 'will'>> & { readonly will?: WillFields | undefined };

type WillFields = Partial<Omit<WillMessage, 'payload'>> & { readonly topic: string; readonly payload?: string };

/** A CONNECT: Clean Start, Keep Alive 60. */
export function connectPacket(version: ProtocolVersion, { will, ...fields }: ConnectFields): ConnectPacket {
  return {
    type: 'connect',
    protocolVersion: version,
    cleanStart: true,
    keepAlive: 60,
    clientId: '',
    username: undefined,
    password: undefined,
    properties: undefined,
    bridge: false,
    will: will === undefined ? undefined : willMessage(will),
    ...fields,
  };
}

function willMessage({ payload = 'will', ...fields }: WillFields): WillMessage {
  return { payload: utf8(payload), qos: 0, retain: false, properties: undefined, ...fields };
}

type PublishFields = Partial<Omit<PublishPacket, 'type' | 'topic' | 'payload'>>;

/** A PUBLISH with QoS 0 and no properties, where nothing else is said. */
export function publish(topic: string, payload: string | Uint8Array, fields: PublishFields = {}): PublishPacket {
  return {
    type: 'publish',
    topic,
    payload: typeof payload === 'string' ? utf8(payload) : payload,
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: 0,
    properties: undefined,
    ...fields,
  };
}

type SubscriptionFields = Partial<Omit<Subscription, 'topicFilter'>>;

/** One subscription of a SUBSCRIBE. */
export function filter(topicFilter: string, qos: QoS = 0, fields: SubscriptionFields = {}): Subscription {
  return { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0, ...fields };
}

/** A SUBSCRIBE. */
export function subscribe(
  packetIdentifier: number,
  subscriptions: readonly Subscription[],
  properties?: SubscribePacket['properties'],
): SubscribePacket {
  return { type: 'subscribe', packetIdentifier, subscriptions: [...subscriptions], properties };
}

/** An UNSUBSCRIBE. */
export function unsubscribe(packetIdentifier: number, ...topicFilters: string[]): UnsubscribePacket {
  return { type: 'unsubscribe', packetIdentifier, topicFilters, properties: undefined };
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP. */
export function ack(type: AckPacket['type'], packetIdentifier: number, reasonCode = 0): AckPacket {
  return { type, packetIdentifier, reasonCode, properties: undefined };
}
