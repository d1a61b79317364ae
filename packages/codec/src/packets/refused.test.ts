import { describe, expect, it } from 'vitest';
import {
  type Direction,
  decodePacket,
  MalformedPacketError,
  type Packet,
  ProtocolError,
  type ProtocolVersion,
  propertyTable,
  TopicCache,
  UnsupportedVersionError,
} from '../index.ts';
import { hexBytes } from '../testing/hex.ts';

const MALFORMED = 0x81;
const PROTOCOL = 0x82;

/** First byte and body; what is expected: the error's code and Reason Code, or nothing when the packet is fine. */
type Case = [name: string, firstByte: number, body: string, code?: string, reasonCode?: number];

function decode(firstByte: number, body: string, version: ProtocolVersion, direction: Direction): Packet {
  const bytes = hexBytes(body);
  return decodePacket({ firstByte, bytes, bodyStart: 0, end: bytes.length }, version, direction);
}

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

function table(
  title: string,
  versions: readonly ProtocolVersion[],
  direction: Direction,
  cases: readonly Case[],
): void {
  for (const version of versions) {
    describe(`${title}, level ${version} ${direction}`, () => {
      for (const [name, firstByte, body, code, reasonCode] of cases) {
        it(`${code === undefined ? 'accepts' : 'refuses'} ${name}`, () => {
          const bytes = hexBytes(body);
          if (code === undefined) {
            expect(() => decode(firstByte, body, version, direction)).not.toThrow();
            return;
          }
          const error = caught(() => decode(firstByte, body, version, direction));
          expect(error).toMatchObject({ code, reasonCode });
          expect(error).toBeInstanceOf(reasonCode === MALFORMED ? MalformedPacketError : ProtocolError);
          if (firstByte >> 4 !== 3) return;
          // The cache is another way to the same answer.
          const cached = caught(() =>
            decodePacket({ firstByte, bytes, bodyStart: 0, end: bytes.length }, version, direction, new TopicCache(64)),
          );
          expect(cached).toMatchObject({ code, reasonCode });
        });
      }
    });
  }
}

const all = [3, 4, 5] as const;
const v3x = [3, 4] as const;

const hexByte = (value: number): string => value.toString(16).padStart(2, '0');

describe('the fixed header', () => {
  for (const version of all) {
    const flagged: [type: number, allowed: readonly number[], direction: Direction, code?: string][] = [
      [2, [0], 'to-client'],
      [4, [0], 'to-server'],
      [5, [0], 'to-server'],
      [6, version === 3 ? [2, 3, 10, 11] : [2], 'to-server'],
      [7, [0], 'to-client'],
      [8, version === 3 ? [2, 3, 10, 11] : [2], 'to-server'],
      [9, [0], 'to-client'],
      [10, version === 3 ? [2, 3, 10, 11] : [2], 'to-server'],
      [11, [0], 'to-client'],
      [12, [0], 'to-server'],
      [13, [0], 'to-client'],
      [14, [0], 'to-server'],
    ];
    if (version === 5) flagged.push([15, [0], 'to-server']);
    for (const [type, allowed, direction] of flagged) {
      for (let flags = 0; flags < 16; flags++) {
        if (allowed.includes(flags)) continue;
        it(`type ${type} refuses flags ${flags.toString(2)}, level ${version}`, () => {
          expect(caught(() => decode((type << 4) | flags, '0001', version, direction))).toMatchObject({
            code: 'reserved-flags',
            reasonCode: MALFORMED,
          });
        });
      }
    }
    for (let flags = 0; flags < 16; flags++) {
      it(`type 0 with flags ${flags} does not exist, level ${version}`, () => {
        for (const direction of ['to-server', 'to-client'] as const) {
          expect(caught(() => decode(flags, '', version, direction))).toMatchObject({
            code: 'reserved-packet-type',
            reasonCode: PROTOCOL,
          });
        }
      });
    }
    for (const firstByte of [0x20, 0x90, 0xb0, 0xd0]) {
      it(`${hexByte(firstByte)} from a client is the wrong way, level ${version}`, () => {
        expect(caught(() => decode(firstByte, '', version, 'to-server'))).toMatchObject({
          code: 'wrong-direction',
          reasonCode: PROTOCOL,
        });
      });
    }
    for (const firstByte of [0x10, 0x82, 0xa2, 0xc0]) {
      it(`${hexByte(firstByte)} from a server is the wrong way, level ${version}`, () => {
        expect(caught(() => decode(firstByte, '', version, 'to-client'))).toMatchObject({
          code: 'wrong-direction',
          reasonCode: PROTOCOL,
        });
      });
    }
  }

  it('3.1 allows DUP on requests, and does not look at RETAIN', () => {
    for (const flags of [2, 3, 10, 11]) {
      expect(decode(0x60 | flags, '0001', 3, 'to-server')).toMatchObject({ type: 'pubrel', packetIdentifier: 1 });
      expect(decode(0x80 | flags, "0001 0001'a' 00", 3, 'to-server')).toMatchObject({ type: 'subscribe' });
      expect(decode(0xa0 | flags, "0001 0001'a'", 3, 'to-server')).toMatchObject({ type: 'unsubscribe' });
    }
  });

  for (const version of v3x) {
    it(`AUTH does not exist in level ${version}`, () => {
      expect(caught(() => decode(0xf0, '', version, 'to-server'))).toMatchObject({
        code: 'reserved-packet-type',
        reasonCode: MALFORMED,
      });
    });
    it(`DISCONNECT from a server does not exist in level ${version}`, () => {
      expect(caught(() => decode(0xe0, '', version, 'to-client'))).toMatchObject({ code: 'wrong-direction' });
    });
  }
});

const CONNECT4 = "0004'MQTT'04";
const CONNECT5 = "0004'MQTT'05";
const CONNECT3 = "0006'MQIsdp'03";

table('CONNECT 3.1.1', [4], 'to-server', [
  ['the least there can be', 0x10, `${CONNECT4} 02 000A 0001'p'`],
  ['an empty Client ID, which is the broker to judge', 0x10, `${CONNECT4} 00 000A 0000`],
  ['everything', 0x10, `${CONNECT4} F6 000A 0001'p' 0001'w' 0001'm' 0001'u' 0001'p'`],
  ['an empty user name', 0x10, `${CONNECT4} 82 000A 0001'p' 0000`],
  ['a password with a NUL', 0x10, `${CONNECT4} C2 000A 0001'p' 0001'u' 0003 610062`],
  ['an empty Will Payload', 0x10, `${CONNECT4} 06 000A 0001'p' 0001'w' 0000`],
  ['the bridge bit', 0x10, "0004'MQTT'84 02 000A 0001'p'"],
  ['flags in the first byte', 0x11, `${CONNECT4} 02 000A 0001'p'`, 'reserved-flags', MALFORMED],
  ['DUP in the first byte', 0x18, `${CONNECT4} 02 000A 0001'p'`, 'reserved-flags', MALFORMED],
  [
    'the reserved connect flag [MQTT311-3.1.2-3]',
    0x10,
    `${CONNECT4} 03 000A 0001'p'`,
    'invalid-connect-flags',
    MALFORMED,
  ],
  ['Will QoS without Will [MQTT311-3.1.2-13]', 0x10, `${CONNECT4} 0A 000A 0001'p'`, 'invalid-connect-flags', MALFORMED],
  [
    'Will Retain without Will [MQTT311-3.1.2-15]',
    0x10,
    `${CONNECT4} 22 000A 0001'p'`,
    'invalid-connect-flags',
    MALFORMED,
  ],
  [
    'Will QoS 3 [MQTT311-3.1.2-14]',
    0x10,
    `${CONNECT4} 1E 000A 0001'p' 0001'w' 0001'm'`,
    'invalid-connect-flags',
    MALFORMED,
  ],
  [
    'a password without a user name [MQTT311-3.1.2-22]',
    0x10,
    `${CONNECT4} 42 000A 0001'p' 0001'p'`,
    'invalid-connect-flags',
    MALFORMED,
  ],
  ['an empty Will Topic', 0x10, `${CONNECT4} 06 000A 0001'p' 0000 0001'm'`, 'topic-name-invalid', MALFORMED],
  ['a Will Topic with #', 0x10, `${CONNECT4} 06 000A 0001'p' 0003'a/#' 0001'm'`, 'topic-name-invalid', MALFORMED],
  ['a Will Topic with +', 0x10, `${CONNECT4} 06 000A 0001'p' 0001'+' 0001'm'`, 'topic-name-invalid', MALFORMED],
  ['a Will without topic and payload', 0x10, `${CONNECT4} 06 000A 0001'p'`, 'truncated', MALFORMED],
  ['a Will without payload', 0x10, `${CONNECT4} 06 000A 0001'p' 0001'w'`, 'truncated', MALFORMED],
  ['a user name that is not there', 0x10, `${CONNECT4} 82 000A 0001'p'`, 'truncated', MALFORMED],
  ['a password that is not there', 0x10, `${CONNECT4} C2 000A 0001'p' 0001'u'`, 'truncated', MALFORMED],
  ['a user name its flag does not announce', 0x10, `${CONNECT4} 02 000A 0001'p' 0001'u'`, 'trailing-bytes', MALFORMED],
  [
    'a password its flag does not announce',
    0x10,
    `${CONNECT4} 82 000A 0001'p' 0001'u' 0001'p'`,
    'trailing-bytes',
    MALFORMED,
  ],
  ['no Client ID', 0x10, `${CONNECT4} 02 000A`, 'truncated', MALFORMED],
  ['half a Client ID', 0x10, `${CONNECT4} 02 000A 0005'ab'`, 'truncated', MALFORMED],
  ['no Keep Alive', 0x10, `${CONNECT4} 02 00`, 'truncated', MALFORMED],
  ['no flags', 0x10, CONNECT4, 'truncated', MALFORMED],
  ['nothing', 0x10, '', 'truncated', MALFORMED],
  ['a Client ID with U+0000', 0x10, `${CONNECT4} 02 000A 0003 610062`, 'null-in-string', MALFORMED],
  ['a Client ID with a surrogate', 0x10, `${CONNECT4} 02 000A 0003 EDA080`, 'surrogate-in-string', MALFORMED],
  ['a user name that is not UTF-8', 0x10, `${CONNECT4} 82 000A 0001'p' 0002 C020`, 'invalid-utf8', MALFORMED],
  ['a Will Topic with U+0000', 0x10, `${CONNECT4} 06 000A 0001'p' 0001 00 0000`, 'null-in-string', MALFORMED],
  ['a Protocol Name that is not UTF-8', 0x10, '0001 FF 04 02 000A 0000', 'invalid-utf8', MALFORMED],
]);

table('CONNECT 3.1', [3], 'to-server', [
  ['the least there can be', 0x10, `${CONNECT3} 02 000A 0001'p'`],
  ['flags in the first byte, which 3.1 does not use', 0x14, `${CONNECT3} 02 000A 0001'p'`],
  ['the lowest connect flag, which 3.1 does not use', 0x10, `${CONNECT3} 03 000A 0001'p'`],
  ['Will bits without Will, which 3.1 ignores', 0x10, `${CONNECT3} 3A 000A 0001'p'`],
  ['a missing user name, of which the Remaining Length says so', 0x10, `${CONNECT3} 82 000A 0001'p'`],
  ['a missing user name and password', 0x10, `${CONNECT3} C2 000A 0001'p'`],
  ['a missing password', 0x10, `${CONNECT3} C2 000A 0001'p' 0001'u'`],
  ['half a user name', 0x10, `${CONNECT3} 82 000A 0001'p' 0005'u'`, 'truncated', MALFORMED],
  ['a password without a user name', 0x10, `${CONNECT3} 42 000A 0001'p' 0001'p'`, 'invalid-connect-flags', MALFORMED],
  ['Will QoS 3', 0x10, `${CONNECT3} 1E 000A 0001'p' 0001'w' 0001'm'`, 'invalid-connect-flags', MALFORMED],
]);

table('CONNECT 5.0', [5], 'to-server', [
  ['the least there can be', 0x10, `${CONNECT5} 02 000A 00 0001'p'`],
  ['a password without a user name', 0x10, `${CONNECT5} 42 000A 00 0001'p' 0001'p'`],
  ['a Will with properties', 0x10, `${CONNECT5} 06 000A 00 0001'p' 05 18 00000005 0001'w' 0001'm'`],
  ['Session Expiry Interval', 0x10, `${CONNECT5} 02 000A 05 11 FFFFFFFF 0001'p'`],
  ['flags in the first byte', 0x12, `${CONNECT5} 02 000A 00 0001'p'`, 'reserved-flags', MALFORMED],
  [
    'the reserved connect flag [MQTT5-3.1.2-3]',
    0x10,
    `${CONNECT5} 03 000A 00 0001'p'`,
    'invalid-connect-flags',
    MALFORMED,
  ],
  [
    'Will QoS without Will [MQTT5-3.1.2-11]',
    0x10,
    `${CONNECT5} 0A 000A 00 0001'p'`,
    'invalid-connect-flags',
    MALFORMED,
  ],
  [
    'Will QoS 3 [MQTT5-3.1.2-12]',
    0x10,
    `${CONNECT5} 1E 000A 00 0001'p' 00 0001'w' 0000`,
    'invalid-connect-flags',
    MALFORMED,
  ],
  ['an empty Will Topic', 0x10, `${CONNECT5} 06 000A 00 0001'p' 00 0000 0000`, 'topic-name-invalid', MALFORMED],
  ['no Property Length', 0x10, `${CONNECT5} 02 000A`, 'truncated', MALFORMED],
  ['a Property Length beyond the packet', 0x10, `${CONNECT5} 02 000A 20 0001'p'`, 'truncated', MALFORMED],
  [
    'Session Expiry Interval twice',
    0x10,
    `${CONNECT5} 02 000A 0A 1100000001 1100000001 0001'p'`,
    'duplicate-property',
    PROTOCOL,
  ],
  ['Session Expiry Interval cut off', 0x10, `${CONNECT5} 02 000A 01 11 0001'p'`, 'truncated', MALFORMED],
  ['Receive Maximum 0', 0x10, `${CONNECT5} 02 000A 03 210000 0001'p'`, 'property-out-of-range', PROTOCOL],
  ['Maximum Packet Size 0', 0x10, `${CONNECT5} 02 000A 05 2700000000 0001'p'`, 'property-out-of-range', PROTOCOL],
  ['Request Response Information 2', 0x10, `${CONNECT5} 02 000A 02 1902 0001'p'`, 'property-out-of-range', PROTOCOL],
  ['Request Problem Information 2', 0x10, `${CONNECT5} 02 000A 02 1702 0001'p'`, 'property-out-of-range', PROTOCOL],
  [
    'Authentication Data without a method',
    0x10,
    `${CONNECT5} 02 000A 04 160001'd' 0001'p'`,
    'authentication-data-without-method',
    PROTOCOL,
  ],
  ['a User Property without a value', 0x10, `${CONNECT5} 02 000A 04 260001'k' 0001'p'`, 'truncated', MALFORMED],
  [
    'Will Delay Interval outside the Will',
    0x10,
    `${CONNECT5} 02 000A 05 1800000001 0001'p'`,
    'property-not-allowed',
    MALFORMED,
  ],
  [
    'a Will Response Topic with a wildcard',
    0x10,
    `${CONNECT5} 06 000A 00 0001'p' 04 08 0001'#' 0001'w' 0000`,
    'response-topic-invalid',
    PROTOCOL,
  ],
  ['trailing bytes', 0x10, `${CONNECT5} 02 000A 00 0001'p' 00`, 'trailing-bytes', MALFORMED],
]);

describe('CONNECT of another protocol', () => {
  const cases: [body: string, protocolName: string, protocolLevel: number][] = [
    ["0004'MQTT'06 02 000A 00 0000", 'MQTT', 6],
    ["0004'MQTT'03 02 000A 0000", 'MQTT', 3],
    ["0004'MQTT'02 02 000A 0000", 'MQTT', 2],
    ["0004'MQTT'00 02 000A 0000", 'MQTT', 0],
    ["0004'MQTT'85 02 000A 00 0000", 'MQTT', 0x85],
    ["0006'MQIsdp'04 02 000A 0000", 'MQIsdp', 4],
    ["0006'MQIsdp'02 02 000A 0000", 'MQIsdp', 2],
    ["0004'MQTU'04 02 000A 0000", 'MQTU', 0],
    ["0003'MQT'04 02 000A 0000", 'MQT', 0],
    ["0005'MQTTT'04 02 000A 0000", 'MQTTT', 0],
    ["0004'mqtt'04 02 000A 0000", 'mqtt', 0],
    ['0000 04 02 000A 0000', '', 0],
  ];
  for (const [body, protocolName, protocolLevel] of cases) {
    it(`${JSON.stringify(protocolName)} in ${body.slice(0, 16)} is named`, () => {
      const error = caught(() => decode(0x10, body, 5, 'to-server'));
      expect(error).toBeInstanceOf(UnsupportedVersionError);
      expect(error).toMatchObject({
        code: 'unsupported-protocol-version',
        reasonCode: 0x84,
        protocolName,
        protocolLevel,
      });
    });
  }
});

table('CONNACK 3.1.1', [4], 'to-client', [
  ['accepted', 0x20, '0000'],
  ['a session that is present', 0x20, '0100'],
  ['a refusal', 0x20, '0005'],
  ['a reserved flag', 0x20, '0200', 'reserved-bits', MALFORMED],
  ['a reserved Return Code', 0x20, '0006', 'reason-code-not-allowed', PROTOCOL],
  ['Session Present with a refusal [MQTT311-3.2.2-4]', 0x20, '0105', 'session-present-with-refusal', PROTOCOL],
  ['a third byte', 0x20, '000000', 'trailing-bytes', MALFORMED],
  ['one byte', 0x20, '00', 'truncated', MALFORMED],
  ["5.0's refusal of the version", 0x20, '008400', 'unsupported-protocol-version', 0x84],
]);

table('CONNACK 3.1', [3], 'to-client', [
  ['accepted', 0x20, '0000'],
  ['a reserved byte that is not 0', 0x20, 'FF00'],
]);

table('CONNACK 5.0', [5], 'to-client', [
  ['accepted', 0x20, '000000'],
  ['accepted with properties', 0x20, '0100 03 210014'],
  ["3.x's refusal, from a server that does not know 5.0", 0x20, '0001'],
  ['a reserved flag [MQTT5-3.2.2-1]', 0x20, '020000', 'reserved-bits', MALFORMED],
  ['Session Present with a refusal [MQTT5-3.2.2-6]', 0x20, '018700', 'session-present-with-refusal', PROTOCOL],
  ['a Reason Code that is not its own', 0x20, '000100', 'reason-code-not-allowed', PROTOCOL],
  ['success without properties', 0x20, '0000', 'truncated', MALFORMED],
  ['Maximum QoS 2', 0x20, '0000 02 2402', 'property-out-of-range', PROTOCOL],
  ['Retain Available 2', 0x20, '0000 02 2502', 'property-out-of-range', PROTOCOL],
  ['Wildcard Subscription Available 2', 0x20, '0000 02 2802', 'property-out-of-range', PROTOCOL],
  ['Receive Maximum 0', 0x20, '0000 03 210000', 'property-out-of-range', PROTOCOL],
  ['Authentication Data without a method', 0x20, "0000 04 160001'd'", 'authentication-data-without-method', PROTOCOL],
  ['trailing bytes', 0x20, '000000 00', 'trailing-bytes', MALFORMED],
]);

const T = "0005'topic'";

table('PUBLISH 3.x', v3x, 'to-server', [
  ['QoS 0', 0x30, `${T} 'payload'`],
  ['QoS 0, retained, empty', 0x31, T],
  ['QoS 1', 0x32, `${T} 1234`],
  ['QoS 2 again', 0x3c, `${T} 1234 'payload'`],
  ['a topic with control characters', 0x30, '0004 61011F7F'],
  ['a topic with a non-character', 0x30, '0003 EFBFBF'],
  ['a topic of four-byte characters', 0x30, '0005 41F0AA9B94'],
  ['a topic that begins with U+FEFF', 0x30, '0004 EFBBBF61'],
  ['a topic of slashes', 0x30, "0003'///'"],
  ['a topic of $', 0x30, "0009'$test/tst'"],
]);

table('PUBLISH', all, 'to-server', [
  ['DUP with QoS 0 [MQTT311-3.3.1-2]', 0x38, `${T} 00`, 'dup-with-qos-0', MALFORMED],
  ['QoS 3 [MQTT311-3.3.1-4]', 0x36, `${T} 1234 00`, 'invalid-qos', MALFORMED],
  ['QoS 3 with DUP', 0x3e, `${T} 1234 00`, 'invalid-qos', MALFORMED],
  ['Packet Identifier 0, QoS 1', 0x32, `${T} 0000 00`, 'packet-identifier-zero', PROTOCOL],
  ['Packet Identifier 0, QoS 2', 0x34, `${T} 0000 00`, 'packet-identifier-zero', PROTOCOL],
  ['no Packet Identifier', 0x32, T, 'truncated', MALFORMED],
  ['half a Packet Identifier', 0x32, `${T} 12`, 'truncated', MALFORMED],
  ['an empty topic', 0x30, '0000 00', 'topic-name-missing', PROTOCOL],
  ['half a topic', 0x30, "0005'top'", 'truncated', MALFORMED],
  ['half a topic length', 0x30, '00', 'truncated', MALFORMED],
  ['nothing', 0x30, '', 'truncated', MALFORMED],
  ['a topic with U+0000', 0x30, '0005 746F700070 00', 'null-in-string', MALFORMED],
  ['a long topic with U+0000', 0x30, "0012 'sensors/room/abc' 0000 00", 'null-in-string', MALFORMED],
  ['a topic with a surrogate', 0x30, '0005 746FEDA080 00', 'surrogate-in-string', MALFORMED],
  ['a topic with the last surrogate', 0x30, '0005 746FEDBFBF 00', 'surrogate-in-string', MALFORMED],
  ['a topic that is overlong', 0x30, '0002 C1BF 00', 'invalid-utf8', MALFORMED],
  ['a topic with +', 0x30, "0005'+opic' 00", 'topic-name-invalid', MALFORMED],
  ['a topic with # [MQTT311-3.3.2-2]', 0x30, "0005'topi#' 00", 'topic-name-invalid', MALFORMED],
  ['a topic of 129 levels', 0x30, `0080 ${'2f'.repeat(128)} 00`, 'topic-name-too-deep', 0x90],
]);

const P = (list: string): string => `${T} ${hexByte(hexBytes(list).length)} ${list} 'payload'`;

table('PUBLISH 5.0', [5], 'to-server', [
  ['no properties', 0x30, `${T} 00 'payload'`],
  ['no Property Length', 0x30, T, 'truncated', MALFORMED],
  ['a Property Length beyond the packet', 0x30, `${T} 05 01`, 'truncated', MALFORMED],
  ['a Property Length of five bytes', 0x30, `${T} 8080808001`, 'invalid-length', MALFORMED],
  ['a Property Length longer than it needs', 0x30, `${T} 8000`, 'non-minimal-length', MALFORMED],
  ['Payload Format Indicator 0', 0x30, P('0100')],
  ['Payload Format Indicator 1', 0x30, P('0101')],
  ['Payload Format Indicator 2', 0x30, P('0102'), 'property-out-of-range', PROTOCOL],
  ['Payload Format Indicator twice', 0x30, P('01010101'), 'duplicate-property', PROTOCOL],
  ['Payload Format Indicator cut off', 0x30, P('01'), 'truncated', MALFORMED],
  ['Message Expiry Interval 0', 0x30, P('0200000000')],
  ['Message Expiry Interval twice', 0x30, P('02000000010200000001'), 'duplicate-property', PROTOCOL],
  ['Topic Alias', 0x30, P('230001')],
  ['a Topic Alias instead of a topic', 0x30, '0000 03 230001'],
  ['Topic Alias 0 [MQTT5-3.3.2-8]', 0x30, P('230000'), 'topic-alias-invalid', 0x94],
  ['Topic Alias twice', 0x30, P('230001230002'), 'duplicate-property', PROTOCOL],
  ['an empty topic with other properties', 0x30, '0000 02 0101', 'topic-name-missing', PROTOCOL],
  ['a Response Topic', 0x30, P("080001'r'")],
  ['a Response Topic with # [MQTT5-3.3.2-14]', 0x30, P("080003'r/#'"), 'response-topic-invalid', PROTOCOL],
  ['a Response Topic with +', 0x30, P("080001'+'"), 'response-topic-invalid', PROTOCOL],
  ['an empty Response Topic', 0x30, P('080000'), 'response-topic-invalid', PROTOCOL],
  ['Response Topic twice', 0x30, P("080001'r'080001'r'"), 'duplicate-property', PROTOCOL],
  ['empty Correlation Data', 0x30, P('090000')],
  ['Correlation Data twice', 0x30, P('090000090000'), 'duplicate-property', PROTOCOL],
  ['an empty Content Type', 0x30, P('030000')],
  ['Content Type twice', 0x30, P('030000030000'), 'duplicate-property', PROTOCOL],
  ['a Content Type with U+0000', 0x30, P('03000100'), 'null-in-string', MALFORMED],
  ['User Properties that repeat', 0x30, P("260001'a'0001'b'260001'a'0001'b'")],
  ['an empty User Property', 0x30, P('2600000000')],
  ['a User Property without a value', 0x30, P("260001'a'"), 'truncated', MALFORMED],
  ['a User Property that is not UTF-8', 0x30, P("260001 FF 0001'b'"), 'invalid-utf8', MALFORMED],
  [
    'a Subscription Identifier from a client [MQTT5-3.3.4-6]',
    0x30,
    P('0B01'),
    'subscription-identifier-from-client',
    PROTOCOL,
  ],
  ['Subscription Identifier 0', 0x30, P('0B00'), 'property-out-of-range', PROTOCOL],
  ['a Subscription Identifier longer than it needs', 0x30, P('0B8000'), 'non-minimal-length', MALFORMED],
  ['a Subscription Identifier of five bytes', 0x30, P('0B8080808001'), 'invalid-length', MALFORMED],
  ['a property value reaching into the payload', 0x30, `${T} 03 030005 'payload'`, 'truncated', MALFORMED],
]);

table('PUBLISH 5.0', [5], 'to-client', [
  ['several Subscription Identifiers', 0x30, P('0B010B7F0B8001')],
  ['Subscription Identifier 0', 0x30, P('0B00'), 'property-out-of-range', PROTOCOL],
]);

for (const [name, firstByte, wrong] of [
  ['PUBACK', 0x40, ['01', '11', '18', '92', '8f', 'ff']],
  ['PUBREC', 0x50, ['01', '11', '92', '9e', 'ff']],
  ['PUBREL', 0x62, ['10', '80', '91', 'ff']],
  ['PUBCOMP', 0x70, ['10', '80', '91', 'ff']],
] as const) {
  table(name, all, 'to-server', [
    ['an identifier', firstByte, '0001'],
    ['nothing', firstByte, '', 'truncated', MALFORMED],
    ['one byte', firstByte, '01', 'truncated', MALFORMED],
    ['Packet Identifier 0', firstByte, '0000', 'packet-identifier-zero', PROTOCOL],
  ]);
  table(name, v3x, 'to-server', [['a third byte', firstByte, '000100', 'trailing-bytes', MALFORMED]]);
  table(name, [5], 'to-server', [
    ['a Reason Code', firstByte, '000100'],
    ['a Reason Code and no properties', firstByte, '00010000'],
    ['a Reason String', firstByte, "000100 04 1F0001'p'"],
    ['User Properties', firstByte, "000100 0E 260001'p'0001'q'260001'p'0001'q'"],
    ['trailing bytes', firstByte, '0001000000', 'trailing-bytes', MALFORMED],
    ['properties that are not there', firstByte, '00010001', 'truncated', MALFORMED],
    ['Reason String twice', firstByte, "000100 08 1F0001'p'1F0001'q'", 'duplicate-property', PROTOCOL],
    ['half a Reason String', firstByte, '000100 02 1F00', 'truncated', MALFORMED],
    ...wrong.map(
      (code): Case => [`Reason Code ${code}`, firstByte, `0001${code}`, 'reason-code-not-allowed', PROTOCOL],
    ),
    ...wrong.map(
      (code): Case => [
        `Reason Code ${code} with properties`,
        firstByte,
        `0001${code}00`,
        'reason-code-not-allowed',
        PROTOCOL,
      ],
    ),
  ]);
}

table('SUBSCRIBE 3.x', v3x, 'to-server', [
  ['one', 0x82, "1234 0001'p' 00"],
  ['two', 0x82, "1234 0001'p' 01 0001'q' 02"],
  ['a Shared Subscription', 0x82, "1234 000A'$share/g/t' 01"],
  ['Packet Identifier 0', 0x82, "0000 0001'p' 00", 'packet-identifier-zero', MALFORMED],
  ['QoS 3 [MQTT311-3.8.3-4]', 0x82, "1234 0001'p' 03", 'invalid-subscription-options', MALFORMED],
  ...['04', '08', '10', '20', '40', '80'].map(
    (options): Case => [
      `the reserved bit ${options}`,
      0x82,
      `1234 0001'p' ${options}`,
      'invalid-subscription-options',
      MALFORMED,
    ],
  ),
  ['no filter [MQTT311-3.8.3-3]', 0x82, '1234', 'no-topic-filters', PROTOCOL],
  ['no QoS', 0x82, "1234 0001'p'", 'truncated', MALFORMED],
  ['a second filter without QoS', 0x82, "1234 0001'p' 00 0001'q'", 'truncated', MALFORMED],
  ['a byte too many', 0x82, "1234 0001'p' 00 00", 'truncated', MALFORMED],
  ['an empty filter', 0x82, '1234 0000 00', 'topic-filter-invalid', MALFORMED],
  ['an empty second filter', 0x82, "1234 0001'p' 00 0000 00", 'topic-filter-invalid', MALFORMED],
  ['half an identifier', 0x82, '12', 'truncated', MALFORMED],
  ['nothing', 0x82, '', 'truncated', MALFORMED],
]);

const S = (filter: string, options: string): string =>
  `1234 00 ${filter.length.toString(16).padStart(4, '0')}'${filter}' ${options}`;

table('SUBSCRIBE 5.0', [5], 'to-server', [
  ['one', 0x82, S('p', '00')],
  ['all options', 0x82, S('p', '2E')],
  ['Retain Handling 1', 0x82, S('p', '10')],
  ['Retain Handling 3', 0x82, S('p', '30'), 'invalid-retain-handling', PROTOCOL],
  ['QoS 3', 0x82, S('p', '03'), 'invalid-qos', PROTOCOL],
  ['the reserved bit 40 [MQTT5-3.8.3-5]', 0x82, S('p', '40'), 'reserved-bits', MALFORMED],
  ['the reserved bit 80 [MQTT5-3.8.3-5]', 0x82, S('p', '80'), 'reserved-bits', MALFORMED],
  ['a Shared Subscription', 0x82, S('$share/g/t', '01')],
  [
    'No Local on a Shared Subscription [MQTT5-3.8.3-4]',
    0x82,
    S('$share/g/t', '05'),
    'no-local-on-shared-subscription',
    PROTOCOL,
  ],
  ['an empty ShareName [MQTT5-4.8.2-1]', 0x82, S('$share//t', '01'), 'topic-filter-invalid', MALFORMED],
  ['a ShareName with + [MQTT5-4.8.2-2]', 0x82, S('$share/g+/t', '01'), 'topic-filter-invalid', MALFORMED],
  ['a ShareName with # [MQTT5-4.8.2-2]', 0x82, S('$share/#/t', '01'), 'topic-filter-invalid', MALFORMED],
  ['a ShareName and nothing', 0x82, S('$share/g', '01'), 'topic-filter-invalid', MALFORMED],
  ['a ShareName and an empty filter', 0x82, S('$share/g/', '01'), 'topic-filter-invalid', MALFORMED],
  ['# that is not last', 0x82, S('a/#/b', '00'), 'topic-filter-invalid', MALFORMED],
  ['# that is not alone', 0x82, S('a#', '00'), 'topic-filter-invalid', MALFORMED],
  ['+ that is not alone', 0x82, S('a/b+/c', '00'), 'topic-filter-invalid', MALFORMED],
  ['an empty filter', 0x82, S('', '00'), 'topic-filter-invalid', MALFORMED],
  ['a filter of 129 levels', 0x82, S('/'.repeat(128), '00'), 'topic-filter-too-deep', 0x8f],
  ['a filter of 128 levels', 0x82, S('/'.repeat(127), '00')],
  ['no filter [MQTT5-3.8.3-2]', 0x82, '1234 00', 'no-topic-filters', PROTOCOL],
  ['no Property Length', 0x82, '1234', 'truncated', MALFORMED],
  ['Packet Identifier 0', 0x82, "0000 00 0001'p' 00", 'packet-identifier-zero', MALFORMED],
  ['a Subscription Identifier', 0x82, "1234 02 0B01 0001'p' 00"],
  ['the largest Subscription Identifier', 0x82, "1234 05 0BFFFFFF7F 0001'p' 00"],
  ['Subscription Identifier 0', 0x82, "1234 02 0B00 0001'p' 00", 'property-out-of-range', PROTOCOL],
  ['Subscription Identifier twice', 0x82, "1234 04 0B010B01 0001'p' 00", 'duplicate-property', PROTOCOL],
  ['a filter with U+0000', 0x82, '1234 00 0001 00 00', 'null-in-string', MALFORMED],
  ['a filter with a surrogate', 0x82, '1234 00 0003 EDA080 00', 'surrogate-in-string', MALFORMED],
]);

table('UNSUBSCRIBE 3.x', v3x, 'to-server', [
  ['one', 0xa2, "1234 0001'p'"],
  ['Packet Identifier 0', 0xa2, "0000 0001'p'", 'packet-identifier-zero', MALFORMED],
  ['no filter [MQTT311-3.10.3-2]', 0xa2, '1234', 'no-topic-filters', PROTOCOL],
  ['an empty filter', 0xa2, "1234 0001'p' 0000", 'topic-filter-invalid', MALFORMED],
  ['half a filter', 0xa2, '1234 0001', 'truncated', MALFORMED],
]);

table('UNSUBSCRIBE 5.0', [5], 'to-server', [
  ['one', 0xa2, "1234 00 0001'p'"],
  ['no filter [MQTT5-3.10.3-2]', 0xa2, '1234 00', 'no-topic-filters', PROTOCOL],
  ['a broken ShareName', 0xa2, "1234 00 0009'$share//t'", 'topic-filter-invalid', MALFORMED],
  ['a Subscription Identifier', 0xa2, "1234 02 0B01 0001'p'", 'property-not-allowed', MALFORMED],
]);

table('SUBACK 3.1', [3], 'to-client', [
  ['granted', 0x90, '1234 000102'],
  ['0x80, which 3.1 does not have', 0x90, '1234 80', 'reason-code-not-allowed', PROTOCOL],
]);
table('SUBACK 3.1.1', [4], 'to-client', [
  ['granted and refused', 0x90, '1234 00010280'],
  ['a reserved code [MQTT311-3.9.3-2]', 0x90, '1234 03', 'reason-code-not-allowed', PROTOCOL],
  ['no code', 0x90, '1234', 'no-reason-codes', PROTOCOL],
  ['Packet Identifier 0', 0x90, '0000 00', 'packet-identifier-zero', MALFORMED],
]);
table('SUBACK 5.0', [5], 'to-client', [
  ['granted and refused', 0x90, '1234 00 00010280838F919EA1A287 97'],
  ['0x11', 0x90, '1234 00 11', 'reason-code-not-allowed', PROTOCOL],
  ['no code', 0x90, '1234 00', 'no-reason-codes', PROTOCOL],
]);

table('UNSUBACK 3.x', v3x, 'to-client', [
  ['an identifier', 0xb0, '1234'],
  ['a third byte', 0xb0, '123400', 'trailing-bytes', MALFORMED],
  ['Packet Identifier 0', 0xb0, '0000', 'packet-identifier-zero', MALFORMED],
]);
table('UNSUBACK 5.0', [5], 'to-client', [
  ['codes', 0xb0, '1234 00 0011'],
  ['QoS 1', 0xb0, '1234 00 01', 'reason-code-not-allowed', PROTOCOL],
  ['no code', 0xb0, '1234 00', 'no-reason-codes', PROTOCOL],
]);

table('PINGREQ', all, 'to-server', [
  ['nothing', 0xc0, ''],
  ['a body', 0xc0, '00', 'trailing-bytes', MALFORMED],
]);
table('PINGRESP', all, 'to-client', [
  ['nothing', 0xd0, ''],
  ['a body', 0xd0, '00', 'trailing-bytes', MALFORMED],
]);

table('DISCONNECT', v3x, 'to-server', [
  ['nothing', 0xe0, ''],
  ['a body', 0xe0, '00', 'trailing-bytes', MALFORMED],
]);
table('DISCONNECT 5.0', [5], 'to-server', [
  ['nothing', 0xe0, ''],
  ['a Reason Code', 0xe0, '04'],
  ['a Reason Code and no properties', 0xe0, '8200'],
  ['Session Expiry Interval', 0xe0, '00 05 1100000000'],
  ['Session Expiry Interval twice', 0xe0, '00 0A 11000000001100000000', 'duplicate-property', PROTOCOL],
  ['half a Session Expiry Interval', 0xe0, '00 04 11000000', 'truncated', MALFORMED],
  ['trailing bytes', 0xe0, '000000', 'trailing-bytes', MALFORMED],
  ...['01', '05', '87', '89', '8b', '8d', '8e', '8f', '9a', '9b', '9c', '9d', '9e', '9f', 'a0', 'a1', 'a2', 'ff'].map(
    (code): Case => [
      `${code}, which a client does not say [MQTT5-3.14.2-1]`,
      0xe0,
      code,
      'reason-code-not-allowed',
      PROTOCOL,
    ],
  ),
]);
table('DISCONNECT 5.0', [5], 'to-client', [
  ['a server that shuts down', 0xe0, '8B'],
  ['Server Reference', 0xe0, "9D 04 1C0001's'"],
  ['Session Expiry Interval [MQTT5-3.14.2-2]', 0xe0, '00 05 1100000000', 'session-expiry-from-server', PROTOCOL],
  ['0x04, which a server does not say', 0xe0, '04', 'reason-code-not-allowed', PROTOCOL],
]);

const A = "150001'm'";

table('AUTH', [5], 'to-server', [
  ['to go on', 0xf0, `18 04 ${A}`],
  ['to begin again', 0xf0, `19 08 ${A} 160001'd'`],
  ['success, which a client does not say [MQTT5-3.15.2-1]', 0xf0, `00 04 ${A}`, 'reason-code-not-allowed', PROTOCOL],
  ['nothing', 0xf0, '', 'reason-code-not-allowed', PROTOCOL],
  ['no method', 0xf0, '18', 'authentication-method-missing', PROTOCOL],
  ['data without a method', 0xf0, "18 04 160001'd'", 'authentication-method-missing', PROTOCOL],
  ['a method twice', 0xf0, `18 08 ${A}${A}`, 'duplicate-property', PROTOCOL],
  ['trailing bytes', 0xf0, `18 04 ${A} 00`, 'trailing-bytes', MALFORMED],
]);
table('AUTH', [5], 'to-client', [
  ['to go on', 0xf0, `18 04 ${A}`],
  ['success', 0xf0, `00 04 ${A}`],
  ['the bare success', 0xf0, ''],
  ['to begin again, which a server does not say', 0xf0, `19 04 ${A}`, 'reason-code-not-allowed', PROTOCOL],
  ['success with properties and no method', 0xf0, "00 04 1F0001'r'", 'authentication-method-missing', PROTOCOL],
]);

/** Table 2-4 of the specification, written down a second time: which property belongs where, and a value for it. */
const properties: [id: string, value: string, belongs: string][] = [
  ['01', '01', 'PUBLISH WILL'],
  ['02', '00000001', 'PUBLISH WILL'],
  ['03', '000174', 'PUBLISH WILL'],
  ['08', '000174', 'PUBLISH WILL'],
  ['09', '000174', 'PUBLISH WILL'],
  ['0b', '01', 'PUBLISH SUBSCRIBE'],
  ['11', '00000001', 'CONNECT CONNACK DISCONNECT'],
  ['12', '000174', 'CONNACK'],
  ['13', '0001', 'CONNACK'],
  ['15', '000174', 'CONNECT CONNACK AUTH'],
  ['16', '000174', 'CONNECT CONNACK AUTH'],
  ['17', '01', 'CONNECT'],
  ['18', '00000001', 'WILL'],
  ['19', '01', 'CONNECT'],
  ['1a', '000174', 'CONNACK'],
  ['1c', '000174', 'CONNACK DISCONNECT'],
  ['1f', '000174', 'CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH'],
  ['21', '0001', 'CONNECT CONNACK'],
  ['22', '0001', 'CONNECT CONNACK'],
  ['23', '0001', 'PUBLISH'],
  ['24', '01', 'CONNACK'],
  ['25', '01', 'CONNACK'],
  [
    '26',
    '0001740001 74',
    'CONNECT CONNACK PUBLISH WILL PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK DISCONNECT AUTH',
  ],
  ['27', '00000001', 'CONNECT CONNACK'],
  ['28', '01', 'CONNACK'],
  ['29', '01', 'CONNACK'],
  ['2a', '01', 'CONNACK'],
];

/** Each packet around a property list. */
const around: Record<string, [firstByte: number, before: string, after: string, direction: Direction]> = {
  CONNECT: [0x10, `${CONNECT5} 02 000A`, "0001'p'", 'to-server'],
  WILL: [0x10, `${CONNECT5} 06 000A 00 0001'p'`, "0001'w' 0000", 'to-server'],
  CONNACK: [0x20, '0000', '', 'to-client'],
  PUBLISH: [0x30, T, '', 'to-client'],
  PUBACK: [0x40, '000100', '', 'to-client'],
  PUBREC: [0x50, '000100', '', 'to-client'],
  PUBREL: [0x62, '000100', '', 'to-client'],
  PUBCOMP: [0x70, '000100', '', 'to-client'],
  SUBSCRIBE: [0x82, '0001', "0001'p'00", 'to-server'],
  SUBACK: [0x90, '0001', '00', 'to-client'],
  UNSUBSCRIBE: [0xa2, '0001', "0001'p'", 'to-server'],
  UNSUBACK: [0xb0, '0001', '00', 'to-client'],
  DISCONNECT: [0xe0, '00', '', 'to-server'],
  AUTH: [0xf0, '18', '', 'to-server'],
};

describe('each property in each packet', () => {
  for (const [packet, [firstByte, before, after, direction]] of Object.entries(around)) {
    const packetWith = (list: string): string => `${before} ${hexByte(hexBytes(list).length)} ${list} ${after}`;
    for (const [id, value, belongs] of properties) {
      const allowed = belongs.split(' ').includes(packet);
      it(`${packet} ${allowed ? 'takes' : 'refuses'} property ${id}`, () => {
        const needsMethod = (packet === 'AUTH' || id === '16') && id !== '15' && allowed;
        const body = packetWith(`${needsMethod ? '15000174' : ''}${id}${value}`);
        const error = caught(() => decode(firstByte, body, 5, direction));
        if (allowed) expect(error).toBeUndefined();
        else expect(error).toMatchObject({ code: 'property-not-allowed', reasonCode: MALFORMED });
      });
      if (!allowed || id === '26' || (id === '0b' && packet === 'PUBLISH')) continue;
      it(`${packet} refuses property ${id} twice`, () => {
        expect(caught(() => decode(firstByte, packetWith(id + value + id + value), 5, direction))).toMatchObject({
          code: 'duplicate-property',
          reasonCode: PROTOCOL,
        });
      });
      it(`${packet} refuses property ${id} without its value`, () => {
        expect(caught(() => decode(firstByte, packetWith(id), 5, direction))).toMatchObject({
          code: 'truncated',
          reasonCode: MALFORMED,
        });
      });
    }
    it(`${packet} refuses every other identifier`, () => {
      const known = new Set(properties.map(([id]) => Number.parseInt(id, 16)));
      for (let id = 0; id < 0x80; id++) {
        if (known.has(id)) continue;
        expect(caught(() => decode(firstByte, packetWith(`${hexByte(id)}01`), 5, direction))).toMatchObject({
          code: 'unknown-property',
          reasonCode: MALFORMED,
        });
      }
      for (const id of ['8001', 'FF7F', 'FFFFFF7F']) {
        expect(caught(() => decode(firstByte, packetWith(`${id}01`), 5, direction))).toMatchObject({
          reasonCode: MALFORMED,
        });
      }
      expect(caught(() => decode(firstByte, packetWith('8000 01'), 5, direction))).toMatchObject({
        code: 'non-minimal-length',
      });
    });
  }

  it('the table has these and no others', () => {
    expect([...new Set(propertyTable.map((row) => hexByte(row.id)))].sort()).toEqual(properties.map(([id]) => id));
  });
});

describe('limits', () => {
  it('bound the User Properties of a packet', () => {
    const limits = { topicLevels: 128, userProperties: 2, topicFilters: 10 };
    const body = (count: number): Uint8Array => hexBytes(P("260001'a'0001'b'".repeat(count)));
    const decodeWith = (bytes: Uint8Array): Packet =>
      decodePacket({ firstByte: 0x30, bytes, bodyStart: 0, end: bytes.length }, 5, 'to-server', undefined, limits);
    expect(decodeWith(body(2))).toMatchObject({
      properties: {
        userProperties: [
          ['a', 'b'],
          ['a', 'b'],
        ],
      },
    });
    expect(caught(() => decodeWith(body(3)))).toMatchObject({ code: 'too-many-user-properties', reasonCode: 0x97 });
  });

  it('bound the Topic Filters of a packet', () => {
    const limits = { topicLevels: 3, userProperties: 2, topicFilters: 2 };
    const run = (firstByte: number, body: string): Packet => {
      const bytes = hexBytes(body);
      return decodePacket({ firstByte, bytes, bodyStart: 0, end: bytes.length }, 4, 'to-server', undefined, limits);
    };
    expect(() => run(0x82, "0001 0001'a'00 0001'b'00")).not.toThrow();
    expect(caught(() => run(0x82, "0001 0001'a'00 0001'b'00 0001'c'00"))).toMatchObject({
      code: 'too-many-topic-filters',
      reasonCode: 0x97,
    });
    expect(caught(() => run(0xa2, "0001 0001'a' 0001'b' 0001'c'"))).toMatchObject({ code: 'too-many-topic-filters' });
    expect(() => run(0x82, "0001 0005'a/b/c'00")).not.toThrow();
    expect(caught(() => run(0x82, "0001 0007'a/b/c/d'00"))).toMatchObject({ code: 'topic-filter-too-deep' });
    expect(() => run(0x82, "0001 000E'$share/g/a/b/c'00")).not.toThrow();
    expect(caught(() => run(0x30, "0007'a/b/c/d'"))).toMatchObject({ code: 'topic-name-too-deep' });
  });
});

describe('words', () => {
  it('name the packet, what is wrong in the words of the code, what was found and what is allowed', () => {
    expect(caught(() => decode(0x10, `${CONNECT4} 02 000A 0005'ab'`, 4, 'to-server'))).toMatchObject({
      message: 'CONNECT: Client Identifier needs 5 bytes, 2 are left',
    });
    expect(caught(() => decode(0x40, '000192', 5, 'to-server'))).toMatchObject({
      message: 'PUBACK: reason code not allowed: 0x92; it may be 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99',
    });
    expect(caught(() => decode(0xc1, '', 4, 'to-server'))).toMatchObject({
      message: 'PINGREQ: reserved flags: 0001; they must be 0000',
    });
  });
});
