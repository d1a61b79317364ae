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

/**
 * The publication that a QoS 0 PUBLISH is. One object is used for each message in turn, since this is the way of most: it is good for as long as
 * `Router.publish` runs, which keeps nothing of it.
 */
export class FramedPublication implements Publication {
  topic = '';
  payload: Uint8Array = NOTHING;
  qos: PublishPacket['qos'] = 0;
  retain = false;
  properties: PublishProperties | undefined;
  frame: Frame | undefined;
  readonly #frame = { bytes: NOTHING, start: 0, end: 0, version: 4 as ProtocolVersion };

  /** `packet`: where its bytes are. */
  take(
    { topic, payload, qos, retain, properties }: PublishPacket,
    { bytes, start, end }: Omit<Frame, 'version'>,
    version: ProtocolVersion,
  ): Publication {
    this.topic = topic;
    this.payload = payload;
    this.qos = qos;
    this.retain = retain;
    this.properties = properties;
    this.frame = undefined;
    if (properties?.topicAlias !== undefined) return this;
    const frame = this.#frame;
    frame.bytes = bytes;
    frame.start = start;
    frame.end = end;
    frame.version = version;
    this.frame = frame;
    return this;
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

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
