import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader, SERVER_FRAMING } from './ws-frames.ts';

interface Frame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly payload: Uint8Array;
  readonly mask: readonly number[];
}

/** A client's frame, the plain way. */
function encode({ opcode, fin, payload, mask }: Frame): Uint8Array {
  const length = payload.length;
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(length));
  const words = length < 126 ? [length] : length < 65_536 ? [126, ...size.subarray(6)] : [127, ...size];
  const [short, ...rest] = words as [number, ...number[]];
  const head = [(fin ? 0x80 : 0) | opcode, 0x80 | short, ...rest, ...mask];
  return Uint8Array.from([...head, ...payload.map((byte, i) => byte ^ (mask[i % 4] as number))]);
}

function frame(opcode: number, payload: Iterable<number> = [], fin = true): Uint8Array {
  return encode({ opcode, fin, payload: Uint8Array.from(payload), mask: [1, 2, 3, 4] });
}

function read(reader: FrameReader, chunks: Iterable<Uint8Array>): Uint8Array {
  return Buffer.concat([...chunks].map((chunk) => reader.take(Uint8Array.from(chunk))));
}

const bytes = fc.uint8Array({ maxLength: 300 });
const mask = fc.oneof(fc.constant([0, 0, 0, 0]), fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }));

describe('a client taken out of its frames', () => {
  it('is the same stream however its messages are fragmented, its bytes split, and Pings put between', () => {
    const message = fc.array(fc.record({ payload: bytes, mask }), { minLength: 1, maxLength: 4 });
    const ping = fc.option(fc.record({ payload: fc.uint8Array({ maxLength: 125 }), mask }), { nil: undefined });
    fc.assert(
      fc.property(fc.array(fc.tuple(message, ping), { maxLength: 8 }), fc.array(fc.nat(40)), (messages, cuts) => {
        const wire: Uint8Array[] = [];
        const sent: Uint8Array[] = [];
        let lastPing: Uint8Array | undefined;
        for (const [parts, between] of messages) {
          parts.forEach((part, i) => {
            wire.push(encode({ ...part, opcode: i === 0 ? 2 : 0, fin: i === parts.length - 1 }));
            sent.push(part.payload);
            if (i > 0 || between === undefined) return;
            wire.push(encode({ ...between, opcode: 9, fin: true }));
            lastPing = between.payload;
          });
        }
        const stream = Buffer.concat(wire);
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = 1 + (cuts.length === 0 ? stream.length : (cuts[i % cuts.length] as number));
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        const reader = new FrameReader();
        expect(Buffer.compare(read(reader, chunks), Buffer.concat(sent))).toBe(0);
        expect(reader.end).toBeUndefined();
        expect(reader.takePong()).toEqual(
          lastPing === undefined ? undefined : Buffer.from([0x8a, lastPing.length, ...lastPing]),
        );
      }),
    );
  });

  it('takes frames with each length of the length', () => {
    for (const size of [0, 125, 126, 65_535, 65_536, 200_001]) {
      const payload = new Uint8Array(size).map((_, i) => i * 7);
      const reader = new FrameReader();
      const got = read(reader, [encode({ opcode: 2, fin: true, payload, mask: [9, 8, 7, 6] }), frame(2, [1])]);
      expect(Buffer.compare(got, Buffer.concat([payload, Uint8Array.of(1)]))).toBe(0);
    }
  });

  it.each([
    ['reserved bits', [0xc2, 0x80, 0, 0, 0, 0], 'reserved bits'],
    ['no mask', [0x82, 0x01, 5], 'must be masked'],
    ['opcode 3', [0x83, 0x80, 0, 0, 0, 0], 'no opcode 3'],
    ['opcode 11', [0x8b, 0x80, 0, 0, 0, 0], 'no opcode 11'],
    ['a fragmented Ping', [0x09, 0x80, 0, 0, 0, 0], 'fragmented'],
    ['a Ping of 126 bytes', [0x89, 0xfe, 0, 126, 0, 0, 0, 0], 'longer than 125'],
    ['a continuation of nothing', [0x80, 0x80, 0, 0, 0, 0], 'continuation without'],
    ['a message in a message', [0x02, 0x80, 0, 0, 0, 0, 0x82, 0x80, 0, 0, 0, 0], 'within another'],
    ['a length over 2 ** 53', [0x82, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], '2 ** 53'],
    ['a Close of one byte', [0x88, 0x81, 0, 0, 0, 0, 3], 'may not be sent'],
    ['a Close with 1006', [0x88, 0x82, 0, 0, 0, 0, 3, 238], 'may not be sent'],
  ])('ends with 1002 at %s, and reads nothing after it', (_, wire, words) => {
    const reader = new FrameReader();
    expect([...read(reader, [frame(2, [7]), Uint8Array.from(wire), frame(2, [8])])]).toEqual([7]);
    expect(reader.end?.error).toMatchObject({
      code: 'websocket-frame-invalid',
      message: expect.stringContaining(words),
    });
    expect([...(reader.end?.answer ?? [])]).toEqual([0x88, 2, 3, 234]);
  });

  it('ends with 1003 at a text frame', () => {
    const reader = new FrameReader();
    expect([...read(reader, [frame(2, [7]), frame(1, [65])])]).toEqual([7]);
    expect(reader.end?.error).toMatchObject({ code: 'websocket-text-frame' });
    expect([...(reader.end?.answer.subarray(0, 4) ?? [])]).toEqual([0x88, 31, 3, 235]);
  });

  it('answers a Close with its code, and has words for what it says', () => {
    const going = new FrameReader();
    read(going, [frame(8, [3, 233])]);
    expect(going.end).toEqual({ answer: Buffer.from([0x88, 2, 3, 233]), error: undefined });
    const own = new FrameReader();
    read(own, [frame(8, [0x0f, 0xa1, ...Buffer.from('enough')])]);
    expect(own.end?.error?.message).toBe('the WebSocket was closed with code 4001 (enough)');
    const bare = new FrameReader();
    read(bare, [frame(8)]);
    expect(bare.end).toEqual({ answer: Buffer.from([0x88, 2, 3, 232]), error: undefined });
  });
});

/** Frames of a server: their payloads. */
function split(wire: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  const view = Buffer.from(wire);
  for (let at = 0; at < view.length; ) {
    expect(view[at]).toBe(0x82);
    const short = view[at + 1] as number;
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    const size = short < 126 ? short : short === 126 ? view.readUInt16BE(at + 2) : Number(view.readBigUInt64BE(at + 2));
    found.push(view.subarray(at + header, at + header + size));
    at += header + size;
  }
  return found;
}

describe('a server puts each packet into a frame', () => {
  it('of every size, and packets that lie side by side', () => {
    const sizes = [2, 125, 126, 65_535, 65_536, 300_000, 2, 2];
    const wire = sizes.map((size, i) => {
      const header = SERVER_FRAMING.headerBytes(size);
      const framed = new Uint8Array(header + size).fill(i, header);
      SERVER_FRAMING.writeHeader(framed, header, size);
      return framed;
    });
    const payloads = split(Buffer.concat(wire));
    expect(payloads.map(({ length }) => length)).toEqual(sizes);
    expect(payloads.every((payload, i) => payload.every((byte) => byte === i))).toBe(true);
  });
});
