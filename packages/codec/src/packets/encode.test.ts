import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConnackPacket,
  type ConnectPacket,
  decodePublish,
  encodePacket,
  encodePublishProperties,
  encodeUtf8,
  type Packet,
  PacketReader,
  PacketWriter,
  type ProtocolVersion,
  type PublishPacket,
  peekProtocolVersion,
  publishSize,
  type Subscription,
  UsageError,
  writePublishInto,
} from '../index.ts';
import { publishPacket } from '../testing/arbitraries.ts';
import { hexBytes, toHex } from '../testing/hex.ts';

const publish: PublishPacket = {
  type: 'publish',
  topic: 'a/b',
  payload: hexBytes("'hi'"),
  qos: 1,
  retain: true,
  dup: false,
  packetIdentifier: 10,
  properties: undefined,
};
const connect: ConnectPacket = {
  type: 'connect',
  protocolVersion: 4,
  cleanStart: true,
  keepAlive: 60,
  clientId: 'me',
  username: undefined,
  password: undefined,
  will: undefined,
  properties: undefined,
  bridge: false,
};
const subscription: Subscription = {
  topicFilter: 'a/#',
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
};
const connack: ConnackPacket = { type: 'connack', sessionPresent: false, reasonCode: 0, properties: undefined };

describe('the bytes of', () => {
  const cases: [name: string, version: ProtocolVersion, packet: Packet, bytes: string][] = [
    ['a 3.1 CONNECT', 3, { ...connect, protocolVersion: 3 }, "10 10 0006'MQIsdp'03 02 003C 0002'me'"],
    ['a 3.1.1 CONNECT', 4, connect, "10 0E 0004'MQTT'04 02 003C 0002'me'"],
    ['a 5.0 CONNECT', 4, { ...connect, protocolVersion: 5 }, "10 0F 0004'MQTT'05 02 003C 00 0002'me'"],
    ['a bridge', 4, { ...connect, bridge: true }, "10 0E 0004'MQTT'84 02 003C 0002'me'"],
    [
      'a CONNECT with everything',
      5,
      {
        ...connect,
        protocolVersion: 5,
        cleanStart: false,
        username: 'u',
        password: hexBytes('00'),
        will: { topic: 'w', payload: hexBytes('01'), qos: 2, retain: true, properties: { willDelayInterval: 5 } },
        properties: { sessionExpiryInterval: 0xffff_ffff, receiveMaximum: undefined },
      },
      "10 26 0004'MQTT'05 F4 003C 05 11FFFFFFFF 0002'me' 05 1800000005 0001'w' 000101 0001'u' 000100",
    ],
    ['a 3.1.1 CONNACK', 4, { ...connack, sessionPresent: true }, '20 02 01 00'],
    ['a 3.1 CONNACK, which has no Session Present', 3, { ...connack, sessionPresent: true }, '20 02 00 00'],
    ['a 5.0 CONNACK', 5, { ...connack, reasonCode: 0x87 }, '20 03 00 87 00'],
    ['a 3.1.1 PUBLISH', 4, publish, "33 09 0003'a/b' 000A 'hi'"],
    ['a 5.0 PUBLISH', 5, publish, "33 0A 0003'a/b' 000A 00 'hi'"],
    [
      'a 5.0 PUBLISH with an alias only',
      5,
      { ...publish, topic: '', qos: 2, packetIdentifier: 1, dup: true, properties: { topicAlias: 7 } },
      "3D 0A 0000 0001 03 230007 'hi'",
    ],
    ['a PUBACK', 4, { type: 'puback', packetIdentifier: 1, reasonCode: 0, properties: undefined }, '40 02 0001'],
    [
      'a 5.0 PUBACK of success',
      5,
      { type: 'puback', packetIdentifier: 1, reasonCode: 0, properties: {} },
      '40 02 0001',
    ],
    [
      'a 5.0 PUBREC of failure',
      5,
      { type: 'pubrec', packetIdentifier: 1, reasonCode: 0x87, properties: undefined },
      '50 03 0001 87',
    ],
    [
      'a 3.1.1 PUBREC of failure, which cannot be told',
      4,
      { type: 'pubrec', packetIdentifier: 1, reasonCode: 0x87, properties: { reasonString: 'x' } },
      '50 02 0001',
    ],
    [
      'a 5.0 PUBREL with words',
      5,
      { type: 'pubrel', packetIdentifier: 1, reasonCode: 0, properties: { reasonString: 'x' } },
      "62 08 0001 00 04 1F0001'x'",
    ],
    ['a PUBCOMP', 3, { type: 'pubcomp', packetIdentifier: 0xffff, reasonCode: 0, properties: undefined }, '70 02 FFFF'],
    [
      'a 3.1.1 SUBSCRIBE',
      4,
      { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] },
      "82 08 0001 0003'a/#' 01",
    ],
    [
      'a 5.0 SUBSCRIBE',
      5,
      {
        type: 'subscribe',
        packetIdentifier: 1,
        properties: { subscriptionIdentifier: 300 },
        subscriptions: [{ ...subscription, qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 }],
      },
      "82 0C 0001 03 0BAC02 0003'a/#' 2E",
    ],
    [
      'a 3.1.1 SUBACK, which knows one refusal',
      4,
      { type: 'suback', packetIdentifier: 1, properties: undefined, reasonCodes: [2, 0x87] },
      '90 04 0001 02 80',
    ],
    [
      'a 5.0 SUBACK',
      5,
      { type: 'suback', packetIdentifier: 1, properties: undefined, reasonCodes: [2, 0x87] },
      '90 05 0001 00 02 87',
    ],
    [
      'an UNSUBSCRIBE',
      4,
      { type: 'unsubscribe', packetIdentifier: 1, properties: undefined, topicFilters: ['a', 'b'] },
      "A2 08 0001 0001'a' 0001'b'",
    ],
    [
      'a 3.1.1 UNSUBACK',
      4,
      { type: 'unsuback', packetIdentifier: 1, properties: undefined, reasonCodes: [0x11] },
      'B0 02 0001',
    ],
    [
      'a 5.0 UNSUBACK',
      5,
      { type: 'unsuback', packetIdentifier: 1, properties: undefined, reasonCodes: [0x11] },
      'B0 04 0001 00 11',
    ],
    ['a PINGREQ', 5, { type: 'pingreq' }, 'C0 00'],
    ['a PINGRESP', 4, { type: 'pingresp' }, 'D0 00'],
    ['a 3.1.1 DISCONNECT', 4, { type: 'disconnect', reasonCode: 0, properties: undefined }, 'E0 00'],
    ['a 5.0 DISCONNECT, normal', 5, { type: 'disconnect', reasonCode: 0, properties: undefined }, 'E0 00'],
    ['a 5.0 DISCONNECT', 5, { type: 'disconnect', reasonCode: 0x8e, properties: undefined }, 'E0 01 8E'],
    [
      'a 5.0 DISCONNECT with properties',
      5,
      { type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 1 } },
      'E0 07 00 05 1100000001',
    ],
    [
      'an AUTH',
      5,
      { type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'm' } },
      "F0 06 18 04 150001'm'",
    ],
  ];
  for (const [name, version, packet, bytes] of cases) {
    it(name, () => expect(toHex(encodePacket(packet, version))).toBe(toHex(hexBytes(bytes))));
  }

  it('a packet whose length needs two, three and four bytes', () => {
    for (const size of [200, 20_000, 2_100_000]) {
      const subscriptions = Array.from({ length: size / 100 }, (_, i) => ({
        ...subscription,
        topicFilter: String(i).padStart(100, 'x'),
      }));
      const bytes = encodePacket({ type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions }, 4);
      const reader = new PacketReader();
      reader.push(bytes);
      expect(reader.next()).toBe(true);
      expect(reader.end).toBe(bytes.length);
    }
  });

  it('a property list whose length needs two bytes', () => {
    const bytes = encodePacket({ ...connack, properties: { reasonString: 'r'.repeat(300) } }, 5);
    expect(toHex(bytes.subarray(0, 10))).toBe('20b30200 00af02 1f012c'.replaceAll(' ', ''));
    expect(bytes.length).toBe(3 + 0x133);
  });
});

describe('what cannot be encoded', () => {
  const cases: [name: string, version: ProtocolVersion, packet: Packet, code: string][] = [
    ['a topic with a wildcard', 4, { ...publish, topic: 'a/#' }, 'topic-name-invalid'],
    ['an empty topic', 4, { ...publish, topic: '' }, 'topic-name-invalid'],
    [
      'an empty topic with an alias, in 3.1.1',
      4,
      { ...publish, topic: '', properties: { topicAlias: 1 } },
      'topic-name-invalid',
    ],
    ['a topic with U+0000', 4, { ...publish, topic: 'a\0' }, 'topic-name-invalid'],
    ['a topic with a lone surrogate', 4, { ...publish, topic: '\ud800' }, 'topic-name-invalid'],
    ['a topic that is too long', 4, { ...publish, topic: 'x'.repeat(65_536) }, 'topic-name-invalid'],
    ['Packet Identifier 0', 4, { ...publish, packetIdentifier: 0 }, 'packet-identifier-out-of-range'],
    ['Packet Identifier 65,536', 4, { ...publish, packetIdentifier: 65_536 }, 'packet-identifier-out-of-range'],
    ['a Packet Identifier with QoS 0', 4, { ...publish, qos: 0 }, 'packet-identifier-with-qos-0'],
    ['DUP with QoS 0', 4, { ...publish, qos: 0, packetIdentifier: 0, dup: true }, 'dup-with-qos-0'],
    ['QoS 3', 4, { ...publish, qos: 3 as 2 }, 'invalid-qos'],
    ['a Topic Alias of 0', 5, { ...publish, properties: { topicAlias: 0 } }, 'property-out-of-range'],
    [
      'a Message Expiry Interval that is negative',
      5,
      { ...publish, properties: { messageExpiryInterval: -1 } },
      'property-out-of-range',
    ],
    [
      'a Message Expiry Interval with a fraction',
      5,
      { ...publish, properties: { messageExpiryInterval: 1.5 } },
      'property-out-of-range',
    ],
    [
      'a Response Topic with a wildcard',
      5,
      { ...publish, properties: { responseTopic: 'a/+' } },
      'response-topic-invalid',
    ],
    [
      'a property of another packet',
      5,
      { ...publish, properties: { receiveMaximum: 1 } as object },
      'property-not-allowed',
    ],
    ['a property there is not', 5, { ...publish, properties: { nonsense: 1 } as object }, 'property-not-allowed'],
    ['a Content Type with U+0000', 5, { ...publish, properties: { contentType: '\0' } }, 'null-in-string'],
    [
      'Correlation Data that is too long',
      5,
      { ...publish, properties: { correlationData: new Uint8Array(65_536) } },
      'binary-too-long',
    ],
    [
      'an ack without an identifier',
      4,
      { type: 'puback', packetIdentifier: 0, reasonCode: 0, properties: undefined },
      'packet-identifier-out-of-range',
    ],
    [
      "an ack with another packet's Reason Code",
      5,
      { type: 'puback', packetIdentifier: 1, reasonCode: 0x92, properties: undefined },
      'reason-code-not-allowed',
    ],
    [
      'no subscription',
      4,
      { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [] },
      'no-topic-filters',
    ],
    [
      'a bad filter',
      4,
      {
        type: 'subscribe',
        packetIdentifier: 1,
        properties: undefined,
        subscriptions: [{ ...subscription, topicFilter: 'a#' }],
      },
      'topic-filter-invalid',
    ],
    [
      'No Local in 3.1.1',
      4,
      {
        type: 'subscribe',
        packetIdentifier: 1,
        properties: undefined,
        subscriptions: [{ ...subscription, noLocal: true }],
      },
      'option-not-in-this-version',
    ],
    [
      'Retain Handling in 3.1',
      3,
      {
        type: 'subscribe',
        packetIdentifier: 1,
        properties: undefined,
        subscriptions: [{ ...subscription, retainHandling: 1 }],
      },
      'option-not-in-this-version',
    ],
    [
      'Retain Handling 3',
      5,
      {
        type: 'subscribe',
        packetIdentifier: 1,
        properties: undefined,
        subscriptions: [{ ...subscription, retainHandling: 3 as 2 }],
      },
      'invalid-retain-handling',
    ],
    [
      'No Local on a Shared Subscription',
      5,
      {
        type: 'subscribe',
        packetIdentifier: 1,
        properties: undefined,
        subscriptions: [{ ...subscription, topicFilter: '$share/g/a', noLocal: true }],
      },
      'no-local-on-shared-subscription',
    ],
    [
      'no filter to unsubscribe',
      4,
      { type: 'unsubscribe', packetIdentifier: 1, properties: undefined, topicFilters: [] },
      'no-topic-filters',
    ],
    [
      'a refusal in a 3.1 SUBACK',
      3,
      { type: 'suback', packetIdentifier: 1, properties: undefined, reasonCodes: [0x80] },
      'reason-code-not-allowed',
    ],
    [
      'a SUBACK without codes',
      5,
      { type: 'suback', packetIdentifier: 1, properties: undefined, reasonCodes: [] },
      'no-reason-codes',
    ],
    [
      'an UNSUBACK without codes',
      5,
      { type: 'unsuback', packetIdentifier: 1, properties: undefined, reasonCodes: [] },
      'no-reason-codes',
    ],
    [
      'a password without a user name in 3.1.1',
      4,
      { ...connect, password: hexBytes('00') },
      'password-without-username',
    ],
    [
      'an Authentication Method in 3.1.1',
      4,
      { ...connect, properties: { authenticationMethod: 'm' } },
      'property-not-in-this-version',
    ],
    [
      'Authentication Data without a method',
      5,
      { ...connect, protocolVersion: 5, properties: { authenticationData: hexBytes('00') } },
      'authentication-data-without-method',
    ],
    ['a Keep Alive of 65,536', 4, { ...connect, keepAlive: 65_536 }, 'keep-alive-out-of-range'],
    ['a Keep Alive with a fraction', 4, { ...connect, keepAlive: 0.5 }, 'keep-alive-out-of-range'],
    ['a 5.0 bridge', 5, { ...connect, protocolVersion: 5, bridge: true }, 'bridge-not-in-this-version'],
    [
      'a Will Topic with a wildcard',
      4,
      { ...connect, will: { topic: '+', payload: hexBytes(''), qos: 0, retain: false, properties: undefined } },
      'topic-name-invalid',
    ],
    [
      'a Will Payload that is too long',
      4,
      {
        ...connect,
        will: { topic: 'w', payload: new Uint8Array(65_536), qos: 0, retain: false, properties: undefined },
      },
      'binary-too-long',
    ],
    ['a Client ID with U+0000', 4, { ...connect, clientId: '\0' }, 'null-in-string'],
    [
      'Session Present with a refusal',
      5,
      { ...connack, sessionPresent: true, reasonCode: 0x87 },
      'session-present-with-refusal',
    ],
    ['a 5.0 code in a 3.1.1 CONNACK', 4, { ...connack, reasonCode: 0x87 }, 'reason-code-not-allowed'],
    ['a 3.x code in a 5.0 CONNACK', 5, { ...connack, reasonCode: 5 }, 'reason-code-not-allowed'],
    [
      'a DISCONNECT with a reason in 3.1.1',
      4,
      { type: 'disconnect', reasonCode: 4, properties: undefined },
      'reason-code-not-in-this-version',
    ],
    [
      "a DISCONNECT with an ack's reason",
      5,
      { type: 'disconnect', reasonCode: 0x91, properties: undefined },
      'reason-code-not-allowed',
    ],
    [
      'AUTH in 3.1.1',
      4,
      { type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'm' } },
      'packet-not-in-this-version',
    ],
    [
      'AUTH without a method',
      5,
      { type: 'auth', reasonCode: 0x18, properties: undefined },
      'authentication-method-missing',
    ],
  ];
  for (const [name, version, packet, code] of cases) {
    it(`${name} is a UsageError`, () => {
      let error: unknown;
      try {
        encodePacket(packet, version);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(UsageError);
      expect(error).toMatchObject({ code });
    });
  }
});

describe('writePublishInto', () => {
  it('writes what encodePacket does, in publishSize bytes, at any offset', () => {
    for (const version of [3, 4, 5] as const) {
      fc.assert(
        fc.property(publishPacket(version, 'to-client'), fc.nat(20), (packet, offset) => {
          const topic = encodeUtf8(packet.topic);
          const properties = encodePublishProperties(packet.properties);
          const size = publishSize(topic.length, packet.payload.length, packet.qos, version, properties);
          const target = new Uint8Array(offset + size + 3).fill(0xee);
          const end = writePublishInto(
            target,
            offset,
            topic,
            packet.payload,
            packet.qos,
            packet.retain,
            packet.dup,
            packet.packetIdentifier,
            version,
            properties,
          );
          expect(end).toBe(offset + size);
          expect(target.slice(offset, end)).toEqual(encodePacket(packet, version));
          expect(toHex(target.slice(end))).toBe('eeeeee');
        }),
      );
    }
  });

  it('puts the Packet Identifier behind the topic, however long the Remaining Length is written', () => {
    for (const version of [4, 5] as const) {
      for (const payload of [0, 200, 20_000]) {
        const sent = { ...publish, payload: new Uint8Array(payload), packetIdentifier: 0x1234 };
        const bytes = encodePacket(sent, version);
        const reader = new PacketReader();
        reader.push(bytes);
        expect(reader.next()).toBe(true);
        const at = reader.bodyStart + 2 + publish.topic.length;
        expect([...bytes.subarray(at, at + 2)]).toEqual([0x12, 0x34]);
        expect(decodePublish(reader, version, 'to-client')).toStrictEqual(sent);
      }
    }
  });

  it('refuses a packet that is larger than any can be', () => {
    expect(publishSize(1, 268_435_455 - 3, 0, 4, undefined)).toBe(268_435_460);
    expect(publishSize(1, 268_435_455 - 2, 0, 4, undefined)).toBe(268_435_461);
    const largest: PublishPacket = {
      type: 'publish',
      topic: 't',
      payload: new Uint8Array(268_435_455 - 2),
      qos: 0,
      retain: false,
      dup: false,
      packetIdentifier: 0,
      properties: undefined,
    };
    expect(() => encodePacket(largest, 4)).toThrow(UsageError);
  });
});

describe('encodePublishProperties', () => {
  it('is undefined when there is nothing', () => {
    expect(encodePublishProperties(undefined)).toBeUndefined();
    expect(encodePublishProperties({})).toBeUndefined();
    expect(encodePublishProperties({ contentType: undefined, userProperties: [] })).toBeUndefined();
  });

  it('keeps order and repeats of User Properties', () => {
    const encoded = encodePublishProperties({
      userProperties: [
        ['b', '1'],
        ['a', '2'],
        ['b', '1'],
      ],
    });
    expect(toHex(encoded ?? new Uint8Array())).toBe(
      toHex(hexBytes("260001'b'0001'1' 260001'a'0001'2' 260001'b'0001'1'")),
    );
  });
});

describe('PacketWriter', () => {
  it('writes integers to their bounds, and a length of any size before what it counts', () => {
    const writer = new PacketWriter();
    writer.u32(0xdead_beef);
    writer.varint(268_435_455);
    const mark = writer.beginLength();
    for (let i = 0; i < 200; i++) writer.u16(0x0102);
    writer.endLength(mark);
    expect(toHex(writer.take())).toBe(`deadbeefffffff7f9003${'0102'.repeat(200)}`);
    expect(() => writer.varint(268_435_456)).toThrow(UsageError);
    expect(() => writer.varint(-1)).toThrow(UsageError);
  });
});

describe('peekProtocolVersion', () => {
  for (const [body, version] of [
    ["0006'MQIsdp'03", 3],
    ["0004'MQTT'04 FF", 4],
    ["0004'MQTT'84", 4],
    ["0004'MQTT'05", 5],
    ["0004'MQTT'06", undefined],
    ["0004'MQTT'", undefined],
    ["0004'NOPE'04", undefined],
    ['FFFF', undefined],
    ['00', undefined],
    ['', undefined],
  ] as const) {
    it(`says ${version} of ${body}`, () => {
      const bytes = hexBytes(body);
      expect(peekProtocolVersion(bytes, 0, bytes.length)).toBe(version);
    });
  }
});
