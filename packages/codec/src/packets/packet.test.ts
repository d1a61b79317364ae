import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Direction,
  decodePacket,
  encodePacket,
  MalformedPacketError,
  type Packet,
  PacketReader,
  ProtocolError,
  type ProtocolVersion,
  shortAckIdentifier,
  TopicCache,
} from '../index.ts';
import {
  ackPacket,
  anyPacket,
  authPacket,
  connackPacket,
  connectPacket,
  disconnectPacket,
  publishPacket,
  subackPacket,
  subscribePacket,
  unsubackPacket,
  unsubscribePacket,
} from '../testing/arbitraries.ts';
import { hexBytes } from '../testing/hex.ts';

const versions: readonly ProtocolVersion[] = [3, 4, 5];
const directions: readonly Direction[] = ['to-server', 'to-client'];

function readAll(
  chunks: readonly Uint8Array[],
  version: ProtocolVersion,
  direction: Direction,
  topics?: TopicCache,
): Packet[] {
  const reader = new PacketReader();
  const packets: Packet[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) {
      packets.push(decodePacket(reader, version, direction, topics));
    }
  }
  expect(reader.bufferedBytes).toBe(0);
  return packets;
}

describe('the shortest form of an acknowledgement', () => {
  const types = ['', '', '', '', 'puback', 'pubrec', 'pubrel', 'pubcomp'];

  it('is told only from what decodes to a success without properties, and from all of that', () => {
    for (const version of versions) {
      for (let firstByte = 0; firstByte < 256; firstByte++) {
        for (const body of ['0000', '0001', 'FFFE', '01', '000100', '00010000']) {
          const bytes = hexBytes(body);
          const found = { firstByte, bytes, bodyStart: 0, end: bytes.length };
          const packetIdentifier = shortAckIdentifier(found);
          const type = types[firstByte >> 4];
          const isShort = (firstByte & 15) === (type === 'pubrel' ? 2 : 0) && (body === '0001' || body === 'FFFE');
          expect(packetIdentifier !== 0, `${firstByte.toString(16)} ${body}`).toBe(Boolean(type) && isShort);
          if (packetIdentifier === 0) continue;
          const packet = { type, packetIdentifier, reasonCode: 0, properties: undefined };
          for (const direction of directions) expect(decodePacket(found, version, direction)).toStrictEqual(packet);
        }
      }
    }
  });
});

describe('decode∘encode is the identity', () => {
  for (const version of versions) {
    const cases: [string, Direction, fc.Arbitrary<Packet>][] = [
      ['connect', 'to-server', connectPacket(version)],
      ['connack', 'to-client', connackPacket(version)],
      ['publish', 'to-server', publishPacket(version, 'to-server')],
      ['publish', 'to-client', publishPacket(version, 'to-client')],
      ['acks', 'to-server', ackPacket(version)],
      ['acks', 'to-client', ackPacket(version)],
      ['subscribe', 'to-server', subscribePacket(version)],
      ['suback', 'to-client', subackPacket(version)],
      ['unsubscribe', 'to-server', unsubscribePacket(version)],
      ['unsuback', 'to-client', unsubackPacket(version)],
      ['pingreq', 'to-server', fc.constant<Packet>({ type: 'pingreq' })],
      ['pingresp', 'to-client', fc.constant<Packet>({ type: 'pingresp' })],
      ['disconnect', 'to-server', disconnectPacket(version, 'to-server')],
    ];
    if (version === 5) {
      cases.push(
        ['disconnect', 'to-client', disconnectPacket(version, 'to-client')],
        ['auth', 'to-server', authPacket('to-server')],
        ['auth', 'to-client', authPacket('to-client')],
      );
    }
    for (const [name, direction, arbitrary] of cases) {
      it(`${name} ${direction}, level ${version}`, () => {
        fc.assert(
          fc.property(arbitrary, (packet) => {
            const [decoded, ...more] = readAll([encodePacket(packet, version)], version, direction);
            expect(more).toEqual([]);
            expect(decoded).toStrictEqual(packet);
          }),
          { numRuns: 150 },
        );
      });
    }
  }
});

describe('a stream of packets', () => {
  for (const version of versions) {
    for (const direction of directions) {
      it(`is the same however it is cut, level ${version} ${direction}`, () => {
        fc.assert(
          fc.property(
            fc.array(anyPacket(version, direction), { maxLength: 5 }),
            fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 8 }),
            (packets, sizes) => {
              const stream = new Uint8Array(packets.flatMap((packet) => [...encodePacket(packet, version)]));
              const chunks: Uint8Array[] = [];
              for (let at = 0, i = 0; at < stream.length; i++) {
                const size = sizes[i % sizes.length] as number;
                chunks.push(stream.slice(at, at + size));
                at += size;
              }
              expect(readAll([stream], version, direction)).toStrictEqual(packets);
              expect(readAll(chunks, version, direction, new TopicCache(64))).toStrictEqual(packets);
            },
          ),
          { numRuns: 60 },
        );
      });
    }
  }
});

describe('bytes from an enemy', () => {
  for (const version of versions) {
    for (const direction of directions) {
      it(`throw nothing but codec errors, and what is accepted can be encoded again, level ${version} ${direction}`, () => {
        const mutated = fc
          .tuple(
            anyPacket(version, direction),
            fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }),
            fc.integer({ min: -3, max: 3 }),
          )
          .map(([packet, changes, stretch]) => {
            const bytes = encodePacket(packet, version);
            const body = new Uint8Array(Math.max(0, bytes.length - 2 + stretch));
            const start = bytes.length < 130 ? 2 : 3;
            body.set(bytes.subarray(start, start + body.length));
            for (const [at, value] of changes) if (body.length > 0) body[at % body.length] = value;
            return { firstByte: bytes[0] as number, body };
          });
        const random = fc.record({
          firstByte: fc.integer({ min: 0, max: 255 }),
          body: fc.uint8Array({ maxLength: 60 }),
        });
        fc.assert(
          fc.property(fc.oneof({ weight: 3, arbitrary: mutated }, random), ({ firstByte, body }) => {
            let packet: Packet;
            try {
              packet = decodePacket({ firstByte, bytes: body, bodyStart: 0, end: body.length }, version, direction);
            } catch (error) {
              if (error instanceof MalformedPacketError || error instanceof ProtocolError) {
                expect(error.code).toMatch(/^[a-z0-9-]+$/);
                expect(error.reasonCode).toBeGreaterThanOrEqual(0x80);
                expect(error.message.length).toBeGreaterThan(10);
                return;
              }
              throw error;
            }
            // A refused 5.0 CONNECT may be answered in the 3.x shape, which 5.0 itself cannot write.
            if (packet.type === 'connack' && version === 5 && packet.reasonCode < 6 && packet.reasonCode > 0) return;
            const answerVersion = packet.type === 'connect' ? packet.protocolVersion : version;
            const [again] = readAll([encodePacket(packet, answerVersion)], answerVersion, direction);
            expect(again).toStrictEqual(packet);
          }),
          { numRuns: 1500 },
        );
      });
    }
  }
});
