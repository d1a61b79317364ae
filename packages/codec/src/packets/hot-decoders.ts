import { violation } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import { checkTopicName } from '../topics/topic-name.ts';
import type { Direction, ProtocolVersion, QoS } from '../types.ts';
import { BodyReader, openPacket, truncated } from '../wire/body-reader.ts';
import { checkPublishFlags, packetTypes } from '../wire/first-byte.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import { decodeProperties } from '../wire/properties.ts';
import type { PublishProperties } from '../wire/property-lists.ts';
import type { TopicCache } from '../wire/topic-cache.ts';
import { decodeUtf8Strict } from '../wire/utf8.ts';
import type { AckPacket, AckType } from './ack.ts';
import { decodePacketIdentifier, packetIdentifierZero, readReason } from './checks.ts';
import type { PublishPacket } from './publish.ts';

// Of the packets there are most of: as few objects as can be.

/**
 * Decodes a PUBLISH, the packet there are most of. With a `topics` cache a known topic costs no string; a PUBLISH without
 * properties allocates itself and a view for its payload.
 */
export function decodePublish(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  topics?: TopicCache,
  limits: DecodeLimits = defaultDecodeLimits,
): PublishPacket {
  const { firstByte, bytes, bodyStart, end } = packet;
  checkPublishFlags(firstByte & 15);
  const qos = ((firstByte >> 1) & 3) as QoS;
  need('Topic Name', 2, end - bodyStart);
  const topicStart = bodyStart + 2;
  let at = topicStart + (((bytes[bodyStart] as number) << 8) | (bytes[bodyStart + 1] as number));
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
 * The Packet Identifier of a PUBACK, PUBREC, PUBREL or PUBCOMP in its shortest form: success, no properties. Most come like this, and need
 * no object. 0: the packet is another, or longer, or wrong; `decodeAck` reads it.
 */
export function shortAckIdentifier({ firstByte, bytes, bodyStart, end }: PacketBytes): number {
  const type = firstByte >> 4;
  if (end - bodyStart !== 2 || type < PacketType.PUBACK || type > PacketType.PUBCOMP) return 0;
  if ((firstByte & 15) !== (type === PacketType.PUBREL ? 2 : 0)) return 0;
  return ((bytes[bodyStart] as number) << 8) | (bytes[bodyStart + 1] as number);
}

/** Decodes a PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function decodeAck(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): AckPacket {
  const reader = openPacket(packet, version, direction);
  const type = (packet.firstByte >> 4) as AckType;
  // [MQTT311-2.3.1-1] [MQTT5-2.2.1-3]
  const packetIdentifier = decodePacketIdentifier(reader, violation);
  // [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1] [MQTT5-3.7.2-1]
  const { reasonCode, properties } = readReason(reader, type, version, direction, limits);
  return { type: packetTypes[type], packetIdentifier, reasonCode, properties } as AckPacket;
}
