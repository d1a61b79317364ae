import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import { checkTopicFilter } from '../topics/topic-filter.ts';
import type { Direction, ProtocolVersion } from '../types.ts';
import { openPacket } from '../wire/body-reader.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import { decodeProperties, writeProperties } from '../wire/properties.ts';
import type { UserOnlyProperties } from '../wire/property-lists.ts';
import { decodePacketIdentifier } from './checks.ts';
import { checkFilterCount, noTopicFilters } from './subscribe.ts';

/** Ends subscriptions (section 3.10). */
export interface UnsubscribePacket {
  type: 'unsubscribe';
  packetIdentifier: number;
  properties: UserOnlyProperties | undefined;
  topicFilters: string[];
}

/*
 * fixed header     1010 0010, Remaining Length
 * variable header  Packet Identifier  two bytes
 *                  Properties         5.0
 * payload          Topic Filters      strings, one or more
 */

/** Decodes an UNSUBSCRIBE. Topic Filters are checked as in a SUBSCRIBE. */
export function decodeUnsubscribe(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): UnsubscribePacket {
  const reader = openPacket(packet, version, direction);
  const packetIdentifier = decodePacketIdentifier(reader);
  const properties = version === 5 ? decodeProperties(reader, PacketType.UNSUBSCRIBE, limits) : undefined;
  const topicFilters: string[] = [];
  while (reader.remaining > 0) {
    checkFilterCount(topicFilters.length, limits, 'UNSUBSCRIBE');
    // [MQTT311-3.10.3-1] [MQTT5-3.10.3-1]
    const topicFilter = reader.string('Topic Filter');
    checkTopicFilter(topicFilter, limits.topicLevels, 'UNSUBSCRIBE: Topic Filter');
    topicFilters.push(topicFilter);
  }
  // [MQTT311-3.10.3-2] [MQTT5-3.10.3-2]
  if (topicFilters.length === 0) throw noTopicFilters('UNSUBSCRIBE');
  return { type: 'unsubscribe', packetIdentifier, properties, topicFilters };
}

/** Appends what follows an UNSUBSCRIBE's fixed header. Throws UsageError. */
export function writeUnsubscribeBody(writer: PacketWriter, packet: UnsubscribePacket, version: ProtocolVersion): void {
  writer.u16(packet.packetIdentifier);
  if (version === 5) writeProperties(writer, PacketType.UNSUBSCRIBE, packet.properties);
  for (const topicFilter of packet.topicFilters) writer.string(topicFilter, 'Topic Filter');
}
