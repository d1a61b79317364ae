import { MalformedPacketError, misuse, ProtocolError, violation } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import * as ReasonCode from '../reason-code.ts';
import { hex } from '../reason-codes.ts';
import { hasProperties } from '../strictness.ts';
import { checkTopicFilter, isSharedFilter } from '../topics/topic-filter.ts';
import { quote } from '../topics/topic-name.ts';
import { type Direction, type ProtocolVersion, type QoS, versionName } from '../types.ts';
import { openPacket } from '../wire/body-reader.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import { decodeProperties, writeProperties } from '../wire/properties.ts';
import type { SubscribeProperties } from '../wire/property-lists.ts';
import { decodePacketIdentifier } from './checks.ts';

/** Asks for subscriptions (section 3.8). */
export interface SubscribePacket {
  type: 'subscribe';
  packetIdentifier: number;
  properties: SubscribeProperties | undefined;
  subscriptions: Subscription[];
}

/** One Topic Filter with its options. The last three are 5.0's: false, false and 0 in 3.x. */
export interface Subscription {
  topicFilter: string;
  qos: QoS;
  noLocal: boolean;
  retainAsPublished: boolean;
  /** 0: send retained messages; 1: if the subscription is new; 2: do not. */
  retainHandling: 0 | 1 | 2;
}

const NO_LOCAL = 0x04;
const RETAIN_AS_PUBLISHED = 0x08;

/*
 * fixed header     1000 0010, Remaining Length
 * variable header  Packet Identifier  two bytes
 *                  Properties         5.0
 * payload          one or more of
 *                    Topic Filter          string
 *                    Subscription Options  byte: reserved (2), Retain Handling (2), Retain As Published, No Local, QoS (2);
 *                                          3.x: reserved (6), QoS (2)
 */

/** Decodes a SUBSCRIBE. Topic Filters are checked, Shared Subscriptions in every version. */
export function decodeSubscribe(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): SubscribePacket {
  const reader = openPacket(packet, version, direction);
  const packetIdentifier = decodePacketIdentifier(reader);
  const properties = version === 5 ? decodeProperties(reader, PacketType.SUBSCRIBE, limits) : undefined;
  const subscriptions: Subscription[] = [];
  while (reader.remaining > 0) {
    checkFilterCount(subscriptions.length, limits, 'SUBSCRIBE');
    // [MQTT311-3.8.3-1] [MQTT5-3.8.3-1]
    const topicFilter = reader.string('Topic Filter');
    const options = reader.u8('Subscription Options');
    checkTopicFilter(topicFilter, limits.topicLevels, 'SUBSCRIBE: Topic Filter');
    subscriptions.push(decodeOptions(topicFilter, options, version));
  }
  // [MQTT311-3.8.3-3] [MQTT5-3.8.3-2]
  if (subscriptions.length === 0) throw noTopicFilters('SUBSCRIBE');
  return { type: 'subscribe', packetIdentifier, properties, subscriptions };
}

/** The ProtocolError for a SUBSCRIBE or UNSUBSCRIBE that names nothing. */
export function noTopicFilters(packet: string): ProtocolError {
  return new ProtocolError('no-topic-filters', `${packet}: there is no Topic Filter in it; it must have at least one`);
}

/** Throws before one more Topic Filter than `limits` allows is read. */
export function checkFilterCount(count: number, limits: DecodeLimits, packet: string): void {
  if (count < limits.topicFilters) return;
  const limit = limits.topicFilters;
  const excess = { is: 'too-many-topic-filters', limit, where: packet } as const;
  throw violation(packet, 'too-many-topic-filters', `more than ${limit}`, ReasonCode.QuotaExceeded, excess);
}

function decodeOptions(topicFilter: string, options: number, version: ProtocolVersion): Subscription {
  const qos = options & 3;
  if (!hasProperties(version)) {
    // [MQTT311-3.8.3-4]; 3.1 is held to it too
    if (options > 2) {
      throw new MalformedPacketError(
        'invalid-subscription-options',
        `SUBSCRIBE: the byte after ${quote(topicFilter)} is ${hex(options)}; in MQTT ${versionName(version)} it is a QoS, 0 to 2`,
      );
    }
    return { topicFilter, qos: qos as QoS, noLocal: false, retainAsPublished: false, retainHandling: 0 };
  }
  // [MQTT5-3.8.3-5]
  if ((options & 0xc0) !== 0) {
    throw new MalformedPacketError(
      'reserved-bits',
      `SUBSCRIBE: the options of ${quote(topicFilter)} are ${hex(options)}; the two highest bits must be 0`,
    );
  }
  if (qos === 3) {
    throw new ProtocolError('invalid-qos', `SUBSCRIBE: QoS 3 for ${quote(topicFilter)}; it is 0, 1 or 2`);
  }
  const retainHandling = options >> 4;
  if (retainHandling === 3) {
    throw new ProtocolError(
      'invalid-retain-handling',
      `SUBSCRIBE: Retain Handling 3 for ${quote(topicFilter)}; it is 0, 1 or 2`,
    );
  }
  const noLocal = (options & NO_LOCAL) !== 0;
  // [MQTT5-3.8.3-4]
  if (noLocal && isSharedFilter(topicFilter)) {
    throw new ProtocolError(
      'no-local-on-shared-subscription',
      `SUBSCRIBE: No Local for the Shared Subscription ${quote(topicFilter)}`,
    );
  }
  return {
    topicFilter,
    qos: qos as QoS,
    noLocal,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

/** Appends what follows a SUBSCRIBE's fixed header. Throws UsageError, also for options that 3.x cannot express. */
export function writeSubscribeBody(writer: PacketWriter, packet: SubscribePacket, version: ProtocolVersion): void {
  writer.u16(packet.packetIdentifier);
  if (version === 5) writeProperties(writer, PacketType.SUBSCRIBE, packet.properties);
  for (const { topicFilter, qos, noLocal, retainAsPublished, retainHandling } of packet.subscriptions) {
    writer.string(topicFilter, 'Topic Filter');
    if (retainHandling !== 0 && retainHandling !== 1 && retainHandling !== 2) {
      throw misuse('SUBSCRIBE', 'invalid-retain-handling', retainHandling);
    }
    const options = (noLocal ? NO_LOCAL : 0) | (retainAsPublished ? RETAIN_AS_PUBLISHED : 0) | (retainHandling << 4);
    if (options !== 0 && version !== 5) {
      throw misuse('SUBSCRIBE', 'option-not-in-this-version', `MQTT ${versionName(version)}`);
    }
    writer.u8(qos | options);
  }
}
