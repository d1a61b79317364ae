import { violation } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import { checkTopicName } from '../topics/topic-name.ts';
import { type Direction, MAXIMUM_REMAINING_LENGTH, PacketType, type ProtocolVersion, type QoS } from '../types.ts';
import { BodyReader, truncated } from '../wire/body-reader.ts';
import { checkPublishFlags } from '../wire/first-byte.ts';
import { copyBytes, type PacketWriter, packetTooLarge, varintSize, writeVarint } from '../wire/packet-writer.ts';
import { decodeProperties, encodePublishProperties, type PublishProperties } from '../wire/properties.ts';
import type { TopicCache } from '../wire/topic-cache.ts';
import { decodeUtf8Strict, encodeUtf8 } from '../wire/utf8.ts';
import { packetIdentifierZero } from './checks.ts';

/** A message on its way (section 3.3). */
export interface PublishPacket {
  type: 'publish';
  /** Empty only with a Topic Alias. */
  topic: string;
  /** Decoded: a view of the bytes it came in. Copy what is kept. */
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  dup: boolean;
  /** 0 with QoS 0. */
  packetIdentifier: number;
  properties: PublishProperties | undefined;
}

/*
 * fixed header     0011, DUP, QoS (2), RETAIN, Remaining Length
 * variable header  Topic Name         string
 *                  Packet Identifier  two bytes, with QoS 1 and 2
 *                  Properties         5.0
 * payload          the rest
 */

/**
 * Decodes a PUBLISH, the packet there are most of. With a `topics` cache a known topic costs no string; a PUBLISH without
 * properties allocates itself and a view for its payload.
 */
export function decodePublish(
  firstByte: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
  direction: Direction,
  topics?: TopicCache,
  limits: DecodeLimits = defaultDecodeLimits,
): PublishPacket {
  checkPublishFlags(firstByte & 15);
  const qos = ((firstByte >> 1) & 3) as QoS;
  need('Topic Name', 2, end - start);
  const topicStart = start + 2;
  let at = topicStart + (((bytes[start] as number) << 8) | (bytes[start + 1] as number));
  need('Topic Name', at - topicStart, end - topicStart);
  let topic = '';
  if (at > topicStart) {
    topic =
      topics === undefined ? decodeTopic(bytes, topicStart, at, limits) : topics.intern(bytes, topicStart, at).name;
  }
  // [MQTT311-2.3.1-5] [MQTT5-2.2.1-2]
  let packetIdentifier = 0;
  if (qos !== 0) {
    need('Packet Identifier', 2, end - at);
    packetIdentifier = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    // [MQTT311-2.3.1-1] [MQTT5-2.2.1-3]
    if (packetIdentifier === 0) throw packetIdentifierZero('PUBLISH');
    at += 2;
  }
  let properties: PublishProperties | undefined;
  if (version === 5) {
    if (at < end && bytes[at] === 0) {
      at++;
    } else {
      const reader = new BodyReader('PUBLISH', bytes, at, end);
      properties = decodeProperties(reader, PacketType.PUBLISH, limits);
      at = reader.position;
      // [MQTT5-3.3.4-6]
      if (direction === 'to-server' && properties?.subscriptionIdentifiers !== undefined) {
        throw violation('PUBLISH', 'subscription-identifier-from-client');
      }
    }
  }
  // [MQTT311-3.3.2-1] [MQTT5-3.3.2-1] [MQTT311-4.7.3-1] [MQTT5-4.7.3-1], section 3.3.2.1 of 5.0
  if (topic === '' && properties?.topicAlias === undefined) {
    throw violation('PUBLISH', 'topic-name-missing', 'there is no Topic Alias');
  }
  return {
    type: 'publish',
    topic,
    // Not subarray: of a Node Buffer that makes another Buffer, several times slower.
    payload: new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, end - at),
    qos,
    retain: (firstByte & 1) !== 0,
    dup: (firstByte & 8) !== 0,
    packetIdentifier,
    properties,
  };
}

function need(field: string, needed: number, left: number): void {
  if (needed > left) throw truncated('PUBLISH', field, needed, left);
}

function decodeTopic(bytes: Uint8Array, start: number, end: number, limits: DecodeLimits): string {
  // [MQTT311-3.3.2-1] [MQTT5-3.3.2-1] [MQTT311-4.7.1-1] [MQTT5-4.7.0-1]
  const topic = decodeUtf8Strict(bytes, start, end, 'PUBLISH: Topic Name');
  checkTopicName(topic, limits.topicLevels, 'PUBLISH: Topic Name');
  return topic;
}

/**
 * The exact size of a PUBLISH in bytes. `properties` is an encoded list without its length (`encodePublishProperties`); it is
 * ignored below 5.0. Throws UsageError `packet-too-large` for what no packet can hold.
 */
export function publishSize(
  topicBytes: number,
  payloadBytes: number,
  qos: QoS,
  version: ProtocolVersion,
  properties: Uint8Array | undefined,
): number {
  const remaining = remainingLength(topicBytes, payloadBytes, qos, version, properties);
  if (remaining > MAXIMUM_REMAINING_LENGTH) {
    throw packetTooLarge(remaining);
  }
  return 1 + varintSize(remaining) + remaining;
}

function remainingLength(
  topicBytes: number,
  payloadBytes: number,
  qos: QoS,
  version: ProtocolVersion,
  properties: Uint8Array | undefined,
): number {
  let remaining = 2 + topicBytes + payloadBytes;
  if (qos !== 0) remaining += 2;
  if (version === 5) {
    const length = properties === undefined ? 0 : properties.length;
    remaining += varintSize(length) + length;
  }
  return remaining;
}

/**
 * Writes a PUBLISH of `publishSize` bytes at `offset` and returns the offset behind it. Nothing is checked: the topic is a
 * valid Topic Name's UTF-8, the Packet Identifier 1 to 65,535 (not written with QoS 0), DUP false with QoS 0, and there is room.
 */
export function writePublishInto(
  target: Uint8Array,
  offset: number,
  topic: Uint8Array,
  payload: Uint8Array,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetIdentifier: number,
  version: ProtocolVersion,
  properties: Uint8Array | undefined,
): number {
  target[offset] = (PacketType.PUBLISH << 4) | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  const remaining = remainingLength(topic.length, payload.length, qos, version, properties);
  let at = writeVarint(target, offset + 1, remaining);
  target[at++] = topic.length >>> 8;
  target[at++] = topic.length;
  at = copyBytes(target, at, topic);
  if (qos !== 0) {
    target[at++] = packetIdentifier >>> 8;
    target[at++] = packetIdentifier;
  }
  if (version === 5) {
    if (properties === undefined) {
      target[at++] = 0;
    } else {
      at = writeVarint(target, at, properties.length);
      at = copyBytes(target, at, properties);
    }
  }
  return copyBytes(target, at, payload);
}

/** Where in an encoded PUBLISH with QoS 1 or 2 that begins at `offset` the Packet Identifier stands, for patching its two bytes. */
export function publishIdentifierOffset(bytes: Uint8Array, offset: number): number {
  let at = offset + 1;
  while ((bytes[at] as number) > 0x7f) at++;
  at++;
  return at + 2 + (((bytes[at] as number) << 8) | (bytes[at + 1] as number));
}

/** Appends a whole PUBLISH. Throws UsageError, before anything is written. */
export function writePublish(writer: PacketWriter, packet: PublishPacket, version: ProtocolVersion): void {
  const { topic, payload, qos, retain, dup, packetIdentifier } = packet;
  const topicBytes = encodeUtf8(topic, 'PUBLISH: Topic Name');
  const properties = version === 5 ? encodePublishProperties(packet.properties) : undefined;
  const size = publishSize(topicBytes.length, payload.length, qos, version, properties);
  writer.reserve(size);
  writePublishInto(
    writer.bytes,
    writer.length,
    topicBytes,
    payload,
    qos,
    retain,
    dup,
    packetIdentifier,
    version,
    properties,
  );
  writer.length += size;
}
