import * as fc from 'fast-check';
import { allowedReasonCodes } from '../allowed-reason-codes.ts';
import type { AckPacket } from '../packets/ack.ts';
import type { AuthPacket } from '../packets/auth.ts';
import type { ConnackPacket } from '../packets/connack.ts';
import type { ConnectPacket, WillMessage } from '../packets/connect.ts';
import type { DisconnectPacket } from '../packets/disconnect.ts';
import type { Packet } from '../packets/packet.ts';
import type { PublishPacket } from '../packets/publish.ts';
import type { SubackPacket } from '../packets/suback.ts';
import type { SubscribePacket, Subscription } from '../packets/subscribe.ts';
import type { UnsubackPacket } from '../packets/unsuback.ts';
import type { UnsubscribePacket } from '../packets/unsubscribe.ts';
import { type Direction, PacketType, type ProtocolVersion, type QoS } from '../types.ts';
import type { PropertiesOf, PropertyContext } from '../wire/property-lists.ts';
import { type PropertyRow, propertyTable } from '../wire/property-table.ts';

/*
 * Generators of everything the codec can carry, for property tests here and in the packages above. They make packets that are
 * valid for a version and a direction, so that decode∘encode is the identity on them. Not part of the package's exports.
 */

/** Any string MQTT allows: well-formed, no U+0000; U+FEFF, control characters and characters of four bytes come often. */
export const mqttString: fc.Arbitrary<string> = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 24 }),
    fc.string({ unit: fc.constantFrom('a', 'é', '水', '\u{1F6A2}', '\uFEFF', '\uFFFF', '\u0001', ' ', '/') }),
  )
  .map((text) => text.replaceAll('\0', '').toWellFormed());

/** Bytes, mostly few. */
export const bytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ minLength: 120, maxLength: 300 }),
);

const level: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'sensors', '$SYS', 'ü'),
  mqttString.map((text) => text.replaceAll(/[+#/]/g, '')),
);

/** A valid Topic Name. */
export const topicName: fc.Arbitrary<string> = fc
  .array(level, { minLength: 1, maxLength: 6 })
  .map((levels) => levels.join('/'))
  .filter((topic) => topic !== '');

/** A valid Topic Filter without `$share`. */
export const plainTopicFilter: fc.Arbitrary<string> = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 6 }), fc.boolean())
  .map(([levels, everythingBelow]) => [...levels, ...(everythingBelow ? ['#'] : [])].join('/'))
  .filter((filter) => filter !== '' && !filter.startsWith('$share/'));

/** A valid Topic Filter of a Shared Subscription. */
export const sharedTopicFilter: fc.Arbitrary<string> = fc
  .tuple(
    level.filter((name) => name !== ''),
    plainTopicFilter,
  )
  .map(([name, filter]) => `$share/${name}/${filter}`);

/** Any valid Topic Filter. */
export const topicFilter: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: plainTopicFilter },
  { weight: 1, arbitrary: sharedTopicFilter },
);

export const packetIdentifier: fc.Arbitrary<number> = fc.integer({ min: 1, max: 0xffff });
export const qos: fc.Arbitrary<QoS> = fc.constantFrom(0, 1, 2);

function value(row: PropertyRow): fc.Arbitrary<unknown> {
  const min = row.nonZero ? 1 : 0;
  switch (row.wireType) {
    case 'u8':
      return row.isBoolean ? fc.boolean() : fc.constantFrom(0, 1);
    case 'u16':
      return fc.integer({ min, max: 0xffff });
    case 'u32':
      return fc.integer({ min, max: 0xffff_ffff });
    case 'varint':
      return fc.oneof(fc.integer({ min, max: 300 }), fc.integer({ min, max: 268_435_455 }));
    case 'binary':
      return bytes;
    case 'string':
      return row.name === 'responseTopic' ? topicName : mqttString;
    case 'pair':
      return fc.tuple(mqttString, mqttString);
  }
}

/** A property list of one place, `undefined` when it would be empty. `without` leaves members out. */
export function properties<C extends PropertyContext>(
  context: C,
  without: readonly string[] = [],
): fc.Arbitrary<PropertiesOf[C] | undefined> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const row of propertyTable) {
    if (!row.contexts.includes(context.toString(16)) || without.includes(row.name)) continue;
    model[row.name] = row.repeatable ? fc.array(value(row), { minLength: 1, maxLength: 4 }) : value(row);
  }
  const list = fc.record(model, { requiredKeys: [], noNullPrototype: true }).map((members) => {
    if ('authenticationData' in members && !('authenticationMethod' in members)) delete members.authenticationData;
    return Object.keys(members).length === 0 ? undefined : (members as PropertiesOf[C]);
  });
  return fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 3, arbitrary: list });
}

function propertiesIn<C extends PropertyContext>(
  version: ProtocolVersion,
  context: C,
  without: readonly string[] = [],
): fc.Arbitrary<PropertiesOf[C] | undefined> {
  return version === 5 ? properties(context, without) : fc.constant(undefined);
}

function willMessage(version: ProtocolVersion): fc.Arbitrary<WillMessage> {
  return fc.record(
    { topic: topicName, payload: bytes, qos, retain: fc.boolean(), properties: propertiesIn(version, 0) },
    { noNullPrototype: true },
  );
}

/** A CONNECT. */
export function connectPacket(version: ProtocolVersion): fc.Arbitrary<ConnectPacket> {
  return fc
    .record(
      {
        type: fc.constant('connect' as const),
        protocolVersion: fc.constant(version),
        cleanStart: fc.boolean(),
        keepAlive: fc.integer({ min: 0, max: 0xffff }),
        clientId: mqttString,
        username: fc.option(mqttString, { nil: undefined }),
        password: fc.option(bytes, { nil: undefined }),
        will: fc.option(willMessage(version), { nil: undefined }),
        properties: propertiesIn(version, PacketType.CONNECT),
        bridge: version === 5 ? fc.constant(false) : fc.boolean(),
      },
      { noNullPrototype: true },
    )
    .map((packet) => (version !== 5 && packet.username === undefined ? { ...packet, password: undefined } : packet));
}

/** A CONNACK. */
export function connackPacket(version: ProtocolVersion): fc.Arbitrary<ConnackPacket> {
  const reasonCode: fc.Arbitrary<number> =
    version === 5 ? fc.constantFrom(...allowedReasonCodes.CONNACK) : fc.integer({ min: 0, max: 5 });
  return fc
    .record(
      {
        type: fc.constant('connack' as const),
        sessionPresent: version === 3 ? fc.constant(false) : fc.boolean(),
        reasonCode: fc.oneof(fc.constant(0), reasonCode),
        properties: propertiesIn(version, PacketType.CONNACK),
      },
      { noNullPrototype: true },
    )
    .map((packet) => (packet.reasonCode === 0 ? packet : { ...packet, sessionPresent: false }));
}

/** A PUBLISH. */
export function publishPacket(version: ProtocolVersion, direction: Direction): fc.Arbitrary<PublishPacket> {
  return fc
    .record(
      {
        type: fc.constant('publish' as const),
        topic: topicName,
        payload: bytes,
        qos,
        retain: fc.boolean(),
        dup: fc.boolean(),
        packetIdentifier,
        properties: propertiesIn(
          version,
          PacketType.PUBLISH,
          direction === 'to-server' ? ['subscriptionIdentifiers'] : [],
        ),
        aliasOnly: fc.boolean(),
      },
      { noNullPrototype: true },
    )
    .map(({ aliasOnly, ...packet }) => ({
      ...packet,
      topic: aliasOnly && packet.properties?.topicAlias !== undefined ? '' : packet.topic,
      dup: packet.dup && packet.qos !== 0,
      packetIdentifier: packet.qos === 0 ? 0 : packet.packetIdentifier,
    }));
}

/** A PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function ackPacket(version: ProtocolVersion): fc.Arbitrary<AckPacket> {
  const one = (name: 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP'): fc.Arbitrary<AckPacket> =>
    fc.record(
      {
        type: fc.constant(name.toLowerCase() as AckPacket['type']),
        packetIdentifier,
        reasonCode: version === 5 ? fc.constantFrom(...allowedReasonCodes[name]) : fc.constant(0),
        properties: propertiesIn(version, PacketType[name]),
      },
      { noNullPrototype: true },
    );
  return fc.oneof(one('PUBACK'), one('PUBREC'), one('PUBREL'), one('PUBCOMP'));
}

function subscription(version: ProtocolVersion): fc.Arbitrary<Subscription> {
  const flag = version === 5 ? fc.boolean() : fc.constant(false);
  const retainHandling: fc.Arbitrary<0 | 1 | 2> = version === 5 ? fc.constantFrom(0, 1, 2) : fc.constant(0);
  return fc
    .record({ topicFilter, qos, noLocal: flag, retainAsPublished: flag, retainHandling }, { noNullPrototype: true })
    .map((entry) => (entry.topicFilter.startsWith('$share/') ? { ...entry, noLocal: false } : entry));
}

/** A SUBSCRIBE. */
export function subscribePacket(version: ProtocolVersion): fc.Arbitrary<SubscribePacket> {
  return fc.record(
    {
      type: fc.constant('subscribe' as const),
      packetIdentifier,
      properties: propertiesIn(version, PacketType.SUBSCRIBE),
      subscriptions: fc.array(subscription(version), { minLength: 1, maxLength: 5 }),
    },
    { noNullPrototype: true },
  );
}

/** A SUBACK. */
export function subackPacket(version: ProtocolVersion): fc.Arbitrary<SubackPacket> {
  const code: fc.Arbitrary<number> =
    version === 5
      ? fc.constantFrom(...allowedReasonCodes.SUBACK)
      : fc.constantFrom(0, 1, 2, ...(version === 4 ? [0x80] : []));
  return fc.record(
    {
      type: fc.constant('suback' as const),
      packetIdentifier,
      properties: propertiesIn(version, PacketType.SUBACK),
      reasonCodes: fc.array(code, { minLength: 1, maxLength: 5 }),
    },
    { noNullPrototype: true },
  );
}

/** An UNSUBSCRIBE. */
export function unsubscribePacket(version: ProtocolVersion): fc.Arbitrary<UnsubscribePacket> {
  return fc.record(
    {
      type: fc.constant('unsubscribe' as const),
      packetIdentifier,
      properties: propertiesIn(version, PacketType.UNSUBSCRIBE),
      topicFilters: fc.array(topicFilter, { minLength: 1, maxLength: 5 }),
    },
    { noNullPrototype: true },
  );
}

/** An UNSUBACK. */
export function unsubackPacket(version: ProtocolVersion): fc.Arbitrary<UnsubackPacket> {
  return fc.record(
    {
      type: fc.constant('unsuback' as const),
      packetIdentifier,
      properties: propertiesIn(version, PacketType.UNSUBACK),
      reasonCodes:
        version === 5
          ? fc.array(fc.constantFrom<number>(...allowedReasonCodes.UNSUBACK), { minLength: 1, maxLength: 5 })
          : fc.constant<number[]>([]),
    },
    { noNullPrototype: true },
  );
}

/** A DISCONNECT. In 3.x only a client sends it. */
export function disconnectPacket(version: ProtocolVersion, direction: Direction): fc.Arbitrary<DisconnectPacket> {
  return fc.record(
    {
      type: fc.constant('disconnect' as const),
      reasonCode:
        version === 5 ? fc.constantFrom<number>(...allowedReasonCodes[`DISCONNECT ${direction}`]) : fc.constant(0),
      properties: propertiesIn(
        version,
        PacketType.DISCONNECT,
        direction === 'to-client' ? ['sessionExpiryInterval'] : [],
      ),
    },
    { noNullPrototype: true },
  );
}

/** An AUTH, 5.0 only. */
export function authPacket(direction: Direction): fc.Arbitrary<AuthPacket> {
  return fc
    .record(
      {
        type: fc.constant('auth' as const),
        reasonCode: fc.constantFrom<number>(...allowedReasonCodes[`AUTH ${direction}`]),
        method: mqttString,
        properties: properties(PacketType.AUTH, ['authenticationMethod', 'authenticationData']),
        data: fc.option(bytes, { nil: undefined }),
      },
      { noNullPrototype: true },
    )
    .map(({ method, data, ...packet }) => ({
      ...packet,
      properties: {
        authenticationMethod: method,
        ...(data === undefined ? {} : { authenticationData: data }),
        ...packet.properties,
      },
    }));
}

/** Any packet that may travel in a direction, CONNECT included. */
export function anyPacket(version: ProtocolVersion, direction: Direction): fc.Arbitrary<Packet> {
  const both: fc.Arbitrary<Packet>[] = [publishPacket(version, direction), ackPacket(version)];
  if (version === 5) both.push(disconnectPacket(version, direction), authPacket(direction));
  if (direction === 'to-client') {
    return fc.oneof(
      ...both,
      connackPacket(version),
      subackPacket(version),
      unsubackPacket(version),
      fc.constant<Packet>({ type: 'pingresp' }),
    );
  }
  if (version !== 5) both.push(disconnectPacket(version, direction));
  return fc.oneof(
    ...both,
    connectPacket(version),
    subscribePacket(version),
    unsubscribePacket(version),
    fc.constant<Packet>({ type: 'pingreq' }),
  );
}
