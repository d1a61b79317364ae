import { misuse, UsageError } from '../errors.ts';
import { hex } from '../reason-codes.ts';
import { filterFault, isSharedFilter } from '../topics/topic-filter.ts';
import { isValidTopicName, quote } from '../topics/topic-name.ts';
import { type ProtocolVersion, versionName } from '../types.ts';
import { hasNoProperties } from '../wire/properties.ts';
import { lacksMethod } from './auth.ts';
import { checkAuthentication } from './checks.ts';
import type { ConnectPacket } from './connect.ts';
import type { Packet } from './packet.ts';
import type { PublishPacket } from './publish.ts';
import type { Subscription } from './subscribe.ts';

/**
 * Throws UsageError for what a caller of `encodePacket` can do wrong and the writers do not look at. A client does without: its options,
 * topics and filters are checked before they become packets.
 */
export function requireEncodable(packet: Packet, version: ProtocolVersion): void {
  if ('packetIdentifier' in packet && !(packet.type === 'publish' && packet.qos === 0)) {
    requirePacketIdentifier(packet.packetIdentifier, packet.type.toUpperCase());
  }
  switch (packet.type) {
    case 'connect':
      requireConnect(packet);
      return;
    case 'publish':
      requirePublish(packet, version);
      return;
    case 'subscribe':
      if (packet.subscriptions.length === 0) throw noTopicFilters('SUBSCRIBE');
      for (const subscription of packet.subscriptions) requireSubscription(subscription, version);
      return;
    case 'unsubscribe':
      if (packet.topicFilters.length === 0) throw noTopicFilters('UNSUBSCRIBE');
      packet.topicFilters.forEach(requireTopicFilter);
      return;
    case 'disconnect':
      if (version === 5 || packet.reasonCode === 0) return;
      throw new UsageError(
        'reason-code-not-in-this-version',
        `DISCONNECT: MQTT ${versionName(version)} cannot say ${hex(packet.reasonCode)}; close the connection instead`,
      );
    case 'auth':
      if (version !== 5) throw new UsageError('packet-not-in-this-version', 'AUTH exists in MQTT 5.0 only');
      if (lacksMethod(packet.reasonCode, hasNoProperties(packet.properties) ? undefined : packet.properties)) {
        throw new UsageError('authentication-method-missing', 'AUTH needs an authenticationMethod');
      }
      return;
    default:
  }
}

function requirePacketIdentifier(packetIdentifier: number, packet: string): void {
  if (Number.isInteger(packetIdentifier) && packetIdentifier >= 1 && packetIdentifier <= 0xffff) return;
  throw new UsageError(
    'packet-identifier-out-of-range',
    `${packet}: Packet Identifier is ${packetIdentifier}; it must be an integer from 1 to 65535`,
  );
}

function requireQoS(qos: number, field: string): void {
  if (qos === 0 || qos === 1 || qos === 2) return;
  throw new UsageError('invalid-qos', `${field} is ${qos}; it must be 0, 1 or 2`);
}

function requireConnect({ protocolVersion, keepAlive, bridge, will, properties }: ConnectPacket): void {
  if (protocolVersion !== 5 && properties?.authenticationMethod !== undefined) {
    throw new UsageError(
      'property-not-in-this-version',
      `MQTT ${versionName(protocolVersion)} has no Authentication Method`,
    );
  }
  if (!Number.isInteger(keepAlive) || keepAlive < 0 || keepAlive > 0xffff) {
    throw new UsageError('keep-alive-out-of-range', `Keep Alive is ${keepAlive}; 0 to 65535 seconds are allowed`);
  }
  if (bridge && protocolVersion === 5) {
    throw new UsageError('bridge-not-in-this-version', 'MQTT 5.0 has No Local and Retain As Published, no bridge bit');
  }
  checkAuthentication(properties, 'CONNECT', misuse);
  if (will === undefined) return;
  requireQoS(will.qos, 'Will QoS');
  if (!isValidTopicName(will.topic)) {
    throw new UsageError('topic-name-invalid', `Will Topic ${quote(will.topic)} is no Topic Name`);
  }
}

function requirePublish(
  { topic, qos, dup, packetIdentifier, properties }: PublishPacket,
  version: ProtocolVersion,
): void {
  requireQoS(qos, 'PUBLISH: QoS');
  if (qos === 0 && dup) throw new UsageError('dup-with-qos-0', 'PUBLISH: DUP cannot be set with QoS 0');
  if (qos === 0 && packetIdentifier !== 0) {
    throw new UsageError('packet-identifier-with-qos-0', 'PUBLISH: QoS 0 has no Packet Identifier; it must be 0');
  }
  const aliased = version === 5 && properties?.topicAlias !== undefined;
  if (!(topic === '' && aliased) && !isValidTopicName(topic)) {
    throw new UsageError('topic-name-invalid', `PUBLISH: ${quote(topic)} is no Topic Name`);
  }
}

function requireSubscription({ topicFilter, qos, noLocal }: Subscription, version: ProtocolVersion): void {
  requireTopicFilter(topicFilter);
  requireQoS(qos, `QoS of ${quote(topicFilter)}`);
  if (version === 5 && noLocal && isSharedFilter(topicFilter)) {
    throw new UsageError('no-local-on-shared-subscription', `No Local is not allowed for ${quote(topicFilter)}`);
  }
}

function requireTopicFilter(topicFilter: string): void {
  const fault = filterFault(topicFilter);
  if (fault === undefined) return;
  throw new UsageError('topic-filter-invalid', `Topic Filter ${quote(topicFilter)}: ${fault}`);
}

function noTopicFilters(packet: string): UsageError {
  return new UsageError('no-topic-filters', `${packet} needs at least one Topic Filter`);
}
