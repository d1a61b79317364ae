import { encodePublishProperties, type PublishProperties, type QoS, type Topic } from '@hawser/codec';
import type { MessageContent } from '@hawser/protocol';

/**
 * An Application Message on its way: never changed, shared by everybody who gets it. Its payload may be a view of a
 * socket's chunk until somebody keeps it.
 */
export class Message implements MessageContent {
  readonly topic: Topic;
  payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  properties: PublishProperties | undefined;
  readonly publisher: string | undefined;
  readonly receivedAtMs: number;
  readonly expiresAtMs: number;
  /** Its number in the store, where several sessions wait for it; 0: none. */
  storeSequence = 0;
  /** The store takes it: decided once, before anything of it is written, for all that is to be written. */
  isStorable = true;
  /** Queues and windows of sessions that hold it. */
  holders = 0;
  readonly #propertiesSize: number;
  /** 0: nobody has asked. */
  #cost = 0;
  #kept: boolean;
  #encoded: Uint8Array | undefined;
  #isEncoded = false;

  /** `kept`: payload and properties are the message's own, nobody will overwrite them. */
  constructor(content: MessageContent, kept: boolean) {
    this.topic = content.topic;
    this.payload = content.payload;
    this.qos = content.qos;
    this.retain = content.retain;
    this.properties = content.properties;
    this.#propertiesSize = content.properties === undefined ? 0 : sizeOfProperties(content.properties);
    this.publisher = content.publisher;
    this.receivedAtMs = content.receivedAtMs;
    this.expiresAtMs = content.expiresAtMs;
    this.#kept = kept;
  }

  /** Bytes it holds, as the bounds of queues count them: topic, payload, and what of its properties can be long. */
  get size(): number {
    return this.topic.bytes.length + this.payload.length + this.#propertiesSize;
  }

  /**
   * Memory it takes, about, however many hold it; no less than half of what it really is in any shape. Text has two bytes a character
   * in memory, and properties are encoded once more for those who get the same.
   */
  get cost(): number {
    if (this.#cost === 0) {
      const properties = this.properties === undefined ? 0 : costOfProperties(this.properties);
      this.#cost = MESSAGE_BYTES + 2 * this.topic.bytes.length + this.payload.length + properties;
    }
    return this.#cost;
  }

  /** Makes it its own: what is queued, stored or retained must not hold a socket's chunk. Idempotent. */
  keep(): this {
    if (this.#kept) return this;
    this.#kept = true;
    // Not slice(): that of a Buffer, which an embedder may publish, copies nothing.
    this.payload = new Uint8Array(this.payload);
    const correlationData = this.properties?.correlationData;
    if (correlationData !== undefined)
      this.properties = { ...this.properties, correlationData: new Uint8Array(correlationData) };
    return this;
  }

  isExpired(now: number): boolean {
    return now >= this.expiresAtMs;
  }

  /**
   * The properties for one receiver, encoded, without the length in front. The Message Expiry Interval is what is left
   * of it [MQTT5-3.3.2-6]; encoded once where all receivers get the same.
   */
  encodeProperties(
    now: number,
    subscriptionIdentifiers: readonly number[] | undefined,
    topicAlias: number | undefined,
  ): Uint8Array | undefined {
    const waited = this.expiresAtMs === Number.POSITIVE_INFINITY ? 0 : Math.floor((now - this.receivedAtMs) / 1000);
    if (subscriptionIdentifiers === undefined && topicAlias === undefined && waited <= 0) {
      if (!this.#isEncoded) {
        this.#isEncoded = true;
        // [MQTT5-3.3.2-4] [MQTT5-3.3.2-15] [MQTT5-3.3.2-16] [MQTT5-3.3.2-17] [MQTT5-3.3.2-18] [MQTT5-3.3.2-20]
        this.#encoded = encodePublishProperties(this.properties);
      }
      return this.#encoded;
    }
    const properties: PublishProperties = { ...this.properties };
    if (waited > 0 && properties.messageExpiryInterval !== undefined) {
      properties.messageExpiryInterval = Math.max(1, properties.messageExpiryInterval - waited);
    }
    // [MQTT5-3.3.4-3] [MQTT5-3.3.4-4] [MQTT5-3.3.4-5]
    if (subscriptionIdentifiers !== undefined) properties.subscriptionIdentifiers = [...subscriptionIdentifiers];
    if (topicAlias !== undefined) properties.topicAlias = topicAlias;
    return encodePublishProperties(properties);
  }
}

/** What a message takes in memory beside its content, and what properties do. */
const MESSAGE_BYTES = 384;
const PROPERTIES_BYTES = 192;
const USER_PROPERTY_COST = 112;
const BYTES_OF_CHARACTER = 3;

function costOfProperties({ contentType, responseTopic, correlationData, userProperties }: PublishProperties): number {
  let cost = PROPERTIES_BYTES + 2 * (correlationData?.length ?? 0);
  cost += BYTES_OF_CHARACTER * ((contentType?.length ?? 0) + (responseTopic?.length ?? 0));
  for (const [key, value] of userProperties ?? [])
    cost += BYTES_OF_CHARACTER * (key.length + value.length) + USER_PROPERTY_COST;
  return cost;
}

/** What a User Property counts for beside its text. */
const USER_PROPERTY_BYTES = 64;

function sizeOfProperties(properties: PublishProperties): number {
  const { contentType, responseTopic, correlationData, userProperties } = properties;
  let size = (contentType?.length ?? 0) + (responseTopic?.length ?? 0) + (correlationData?.length ?? 0);
  for (const [key, value] of userProperties ?? []) size += key.length + value.length + USER_PROPERTY_BYTES;
  return size;
}
