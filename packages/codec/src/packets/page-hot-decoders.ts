import { violation } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import { checkTopicName } from '../topics/topic-name.ts';
import type { Direction, ProtocolVersion, QoS } from '../types.ts';
import { openPacket } from '../wire/body-reader.ts';
import { packetTypes } from '../wire/first-byte.ts';
import { decodeProperties } from '../wire/properties.ts';
import type { TopicCache } from '../wire/topic-cache.ts';
import type { AckPacket, AckType } from './ack.ts';
import { decodePacketIdentifier, readReason } from './checks.ts';
import type { PublishPacket } from './publish.ts';

// hot-decoders.ts for pages, where short is better than fast (`imports` in package.json). The clauses are tagged there.

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
  const reader = openPacket(firstByte, bytes, start, end, version, direction);
  const qos = ((firstByte >> 1) & 3) as QoS;
  let topic = reader.string('Topic Name');
  if (topic !== '') {
    if (topics) topic = topics.intern(bytes, start + 2, reader.position).name;
    else checkTopicName(topic, limits.topicLevels, 'PUBLISH: Topic Name');
  }
  const packetIdentifier = qos === 0 ? 0 : decodePacketIdentifier(reader, violation);
  const properties = version === 5 ? decodeProperties(reader, PacketType.PUBLISH, limits) : undefined;
  if (direction === 'to-server' && properties?.subscriptionIdentifiers) {
    throw violation('PUBLISH', 'subscription-identifier-from-client');
  }
  if (topic === '' && !properties?.topicAlias) {
    throw violation('PUBLISH', 'topic-name-missing', 'there is no Topic Alias');
  }
  return {
    type: 'publish',
    topic,
    payload: new Uint8Array(bytes.buffer, bytes.byteOffset + reader.position, reader.remaining),
    qos,
    retain: (firstByte & 1) !== 0,
    dup: (firstByte & 8) !== 0,
    packetIdentifier,
    properties,
  };
}

export function decodeAck(
  firstByte: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): AckPacket {
  const reader = openPacket(firstByte, bytes, start, end, version, direction);
  const type = (firstByte >> 4) as AckType;
  const packetIdentifier = decodePacketIdentifier(reader, violation);
  const reason = readReason(reader, type, version, direction, limits);
  return { type: packetTypes[type], packetIdentifier, ...reason } as AckPacket;
}
