import { copyBytes } from '#short-loops';
import * as PacketType from '../packet-type.ts';
import { MAXIMUM_REMAINING_LENGTH, type ProtocolVersion, type QoS } from '../types.ts';
import { packetTooLarge, varintSize, writeVarint } from '../wire/packet-writer.ts';
import { encodePublishProperties } from '../wire/properties.ts';
import type { PublishProperties } from '../wire/property-lists.ts';
import { encodeUtf8 } from '../wire/utf8.ts';

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
 * The exact size of a PUBLISH in bytes. `properties` is an encoded list without its length (`encodePublishProperties`); it is
 * ignored below 5.0. Over 268,435,460 there is no such packet: the caller holds it against what the receiver takes, which is no more.
 */
export function publishSize(
  topicBytes: number,
  payloadBytes: number,
  qos: QoS,
  version: ProtocolVersion,
  properties: Uint8Array | undefined,
): number {
  const remaining = remainingLength(topicBytes, payloadBytes, qos, version, properties);
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
    const length = properties?.length ?? 0;
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

/** A whole PUBLISH. Throws UsageError; `packet-too-large` for what no packet can hold. */
export function encodePublish(packet: PublishPacket, version: ProtocolVersion): Uint8Array {
  const { topic, payload, qos, retain, dup, packetIdentifier } = packet;
  const topicBytes = encodeUtf8(topic, 'PUBLISH: Topic Name');
  const properties = version === 5 ? encodePublishProperties(packet.properties) : undefined;
  const remaining = remainingLength(topicBytes.length, payload.length, qos, version, properties);
  if (remaining > MAXIMUM_REMAINING_LENGTH) throw packetTooLarge(remaining);
  const bytes = new Uint8Array(publishSize(topicBytes.length, payload.length, qos, version, properties));
  writePublishInto(bytes, 0, topicBytes, payload, qos, retain, dup, packetIdentifier, version, properties);
  return bytes;
}
