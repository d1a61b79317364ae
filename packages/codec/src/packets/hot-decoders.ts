import { malformed, violation } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import { reasonCodesOf } from '../reason-codes.ts';
import { checkTopicName } from '../topics/topic-name.ts';
import type { Direction, ProtocolVersion, QoS } from '../types.ts';
import { BodyReader, truncated } from '../wire/body-reader.ts';
import { checkFirstByte, checkPublishFlags, packetName, packetTypes } from '../wire/first-byte.ts';
import { decodeProperties, type PublishProperties, type ReasonProperties } from '../wire/properties.ts';
import type { TopicCache } from '../wire/topic-cache.ts';
import { decodeUtf8Strict } from '../wire/utf8.ts';
import type { AckPacket, AckType } from './ack.ts';
import { checkReasonCode, packetIdentifierZero } from './checks.ts';
import type { PublishPacket } from './publish.ts';

// Of the packets there are most of: as few objects as can be.

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

/** Decodes a PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function decodeAck(
  firstByte: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): AckPacket {
  checkFirstByte(firstByte, version, direction);
  const type = (firstByte >> 4) as AckType;
  const length = end - start;
  if (length < 2) throw truncated(packetName(firstByte), 'Packet Identifier', 2, length);
  const packetIdentifier = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  // [MQTT311-2.3.1-1] [MQTT5-2.2.1-3]
  if (packetIdentifier === 0) throw packetIdentifierZero(packetName(firstByte));
  let reasonCode = 0;
  let properties: ReasonProperties | undefined;
  if (length > 2) {
    const name = packetName(firstByte);
    if (version !== 5) {
      throw malformed(name, 'trailing-bytes', length - 2);
    }
    reasonCode = bytes[start + 2] as number;
    // [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1] [MQTT5-3.7.2-1]
    if (reasonCode !== 0) checkReasonCode(reasonCode, reasonCodesOf(type, direction), name);
    if (length > 3) {
      const reader = new BodyReader(name, bytes, start + 3, end);
      properties = decodeProperties(reader, type, limits);
      reader.finish();
    }
  }
  return { type: packetTypes[type], packetIdentifier, reasonCode, properties } as AckPacket;
}
