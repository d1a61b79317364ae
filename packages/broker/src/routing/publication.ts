import type { ProtocolVersion, PublishPacket, PublishProperties } from '@hawser/codec';
import type { BrokerCore } from '../core.ts';
import { Message } from '../messages/message.ts';

/** A QoS 0 PUBLISH as its publisher has sent it, without a Topic Alias: receivers of the same version get just these bytes. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly version: ProtocolVersion;
}

/** A message to be routed: a PUBLISH as it came, or one of the broker's own. */
export interface Publication
  extends Readonly<Pick<PublishPacket, 'topic' | 'payload' | 'qos' | 'retain' | 'properties'>> {
  /** A view of bytes that others have later, as the payload is; undefined: it is encoded anew for all. */
  readonly frame?: Frame | undefined;
}

/** The publication that a QoS 0 PUBLISH is. `packet`: where its bytes are. */
export function framedPublication(
  { topic, payload, qos, retain, properties }: PublishPacket,
  { bytes, start, end }: Omit<Frame, 'version'>,
  version: ProtocolVersion,
): Publication {
  const frame = properties?.topicAlias === undefined ? { bytes, start, end, version } : undefined;
  return { topic, payload, qos, retain, properties, frame };
}

/** Topic Alias and Subscription Identifiers belong to one connection. */
export function withoutConnectionProperties(properties: PublishProperties | undefined): PublishProperties | undefined {
  if (properties === undefined) return undefined;
  if (properties.topicAlias === undefined && properties.subscriptionIdentifiers === undefined) return properties;
  return { ...properties, topicAlias: undefined, subscriptionIdentifiers: undefined };
}

/** The message that a publication is. Its expiry is bounded by `messages.expiryMax`. */
export function toMessage(
  publication: Publication,
  route: { readonly topic: { readonly name: string; readonly bytes: Uint8Array } },
  publisher: string | undefined,
  now: number,
  core: BrokerCore,
): Message {
  const properties = withoutConnectionProperties(publication.properties);
  const maximum = core.settings['messages.expiryMax'];
  const asked = properties?.messageExpiryInterval;
  const seconds = Math.min(asked ?? 0xffff_ffff, maximum);
  return new Message(
    {
      topic: route.topic,
      payload: publication.payload,
      qos: publication.qos,
      retain: publication.retain,
      properties,
      publisher,
      receivedAtMs: now,
      expiresAtMs: asked === undefined && maximum === 0xffff_ffff ? Number.POSITIVE_INFINITY : now + seconds * 1000,
    },
    false,
  );
}
