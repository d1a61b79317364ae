import { describe, expect, it } from 'vitest';
import {
  type ConnectPacket,
  decodePacket,
  encodePacket,
  type Packet,
  type PublishPacket,
  TopicCache,
  varintSize,
  writeVarint,
} from '../index.ts';
import { hexBytes } from '../testing/hex.ts';

/** The packet somewhere in a larger buffer, through a view that does not begin at its start: as Node's pool hands chunks out. */
function embedded(packet: Packet): { bytes: Uint8Array; start: number; end: number } {
  const encoded = encodePacket(packet, 5);
  const bytes = new Uint8Array(new ArrayBuffer(encoded.length + 40), 11, encoded.length + 20);
  bytes.fill(0xee);
  bytes.set(encoded, 7);
  return { bytes, start: 7, end: 7 + encoded.length };
}

const publish: PublishPacket = {
  type: 'publish',
  topic: 'a/topic/longer/than/the/short/way',
  payload: hexBytes('010203'),
  qos: 1,
  retain: false,
  dup: false,
  packetIdentifier: 9,
  properties: { correlationData: hexBytes('0405'), contentType: 'text/plain; charset=utf-8' },
};

const connect: ConnectPacket = {
  type: 'connect',
  protocolVersion: 5,
  cleanStart: true,
  keepAlive: 60,
  clientId: 'a-client-id-longer-than-the-short-way',
  username: 'u',
  password: hexBytes('0607'),
  will: {
    topic: 'w',
    payload: hexBytes('0809'),
    qos: 0,
    retain: false,
    properties: { correlationData: hexBytes('0A') },
  },
  properties: { authenticationMethod: 'm', authenticationData: hexBytes('0B') },
  bridge: false,
};

describe('what is decoded from the middle of a buffer', () => {
  it('is right, with and without a cache', () => {
    for (const packet of [publish, connect]) {
      const { bytes, start, end } = embedded(packet);
      for (const topics of [undefined, new TopicCache()]) {
        const decoded = decodePacket(
          { firstByte: bytes[start] as number, bytes, bodyStart: start + 2, end },
          5,
          'to-server',
          topics,
        );
        expect(decoded).toStrictEqual(packet);
      }
    }
  });

  it('is a view where it is a PUBLISH', () => {
    const { bytes, start, end } = embedded(publish);
    const decoded = decodePacket(
      { firstByte: bytes[start] as number, bytes, bodyStart: start + 2, end },
      5,
      'to-client',
    ) as PublishPacket;
    bytes.fill(0xff);
    expect(decoded.payload).toEqual(hexBytes('FFFFFF'));
    expect(decoded.properties?.correlationData).toEqual(hexBytes('FFFF'));
  });

  it('is a copy where it is a CONNECT, which outlives its bytes', () => {
    const { bytes, start, end } = embedded(connect);
    const decoded = decodePacket(
      { firstByte: bytes[start] as number, bytes, bodyStart: start + 2, end },
      5,
      'to-server',
    );
    bytes.fill(0xff);
    expect(decoded).toStrictEqual(connect);
  });
});

describe('Variable Byte Integers', () => {
  for (const [value, hex] of [
    [0, '00'],
    [127, '7F'],
    [128, '8001'],
    [16_383, 'FF7F'],
    [16_384, '808001'],
    [2_097_151, 'FFFF7F'],
    [2_097_152, '80808001'],
    [268_435_455, 'FFFFFF7F'],
  ] as const) {
    it(`${value} is ${hex}`, () => {
      const expected = hexBytes(hex);
      const target = new Uint8Array(expected.length);
      expect(varintSize(value)).toBe(expected.length);
      expect(writeVarint(target, 0, value)).toBe(expected.length);
      expect(target).toEqual(expected);
    });
  }
});
