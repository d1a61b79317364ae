import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { MalformedPacketError, PacketReader, ProtocolError } from '../index.ts';
import { hexBytes } from '../testing/hex.ts';

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

function frame(firstByte: number, size: number): Uint8Array {
  const header = size < 128 ? [firstByte, size] : [firstByte, (size & 0x7f) | 0x80, size >> 7];
  const bytes = new Uint8Array(header.length + size).map((_, i) => i & 0xff);
  bytes.set(header);
  return bytes;
}

function join(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

describe('PacketReader', () => {
  it('gives packets that lie whole in a chunk where they lie', () => {
    const reader = new PacketReader();
    const chunk = join(frame(0x30, 5), frame(0xc0, 0), frame(0x32, 300));
    reader.push(chunk);
    expect(reader.next()).toBe(true);
    expect([reader.firstByte, reader.start, reader.bodyStart, reader.end]).toEqual([0x30, 0, 2, 7]);
    expect(reader.bytes).toBe(chunk);
    expect(reader.next()).toBe(true);
    expect([reader.firstByte, reader.start, reader.bodyStart, reader.end]).toEqual([0xc0, 7, 9, 9]);
    expect(reader.next()).toBe(true);
    expect([reader.firstByte, reader.start, reader.bodyStart, reader.end]).toEqual([0x32, 9, 12, 312]);
    expect(reader.bytes).toBe(chunk);
    expect(reader.next()).toBe(false);
    expect(reader.next()).toBe(false);
  });

  it('lets go of a chunk that is used up', () => {
    const reader = new PacketReader();
    const chunk = join(frame(0x30, 5), frame(0x30, 100).subarray(0, 40));
    reader.push(chunk);
    expect(reader.next()).toBe(true);
    expect(reader.next()).toBe(false);
    const held = Object.values(reader).filter((value) => value instanceof Uint8Array);
    expect(held.some((bytes) => bytes.buffer === chunk.buffer)).toBe(false);
    expect(reader.bufferedBytes).toBe(40);
  });

  it('counts what it holds', () => {
    const reader = new PacketReader();
    expect(reader.bufferedBytes).toBe(0);
    reader.push(frame(0x30, 10));
    reader.push(frame(0x30, 20));
    expect(reader.bufferedBytes).toBe(34);
    reader.next();
    expect(reader.bufferedBytes).toBe(22);
    reader.push(new Uint8Array([0x30]));
    expect(reader.bufferedBytes).toBe(23);
    reader.next();
    expect(reader.end - reader.bodyStart).toBe(20);
    expect(reader.bufferedBytes).toBe(1);
    expect(reader.next()).toBe(false);
    expect(reader.bufferedBytes).toBe(1);
  });

  it('keeps chunks in order that are pushed before earlier ones are consumed', () => {
    const stream = join(...Array.from({ length: 40 }, (_, i) => frame(0x30, i * 7)));
    const reader = new PacketReader();
    for (let at = 0; at < stream.length; at += 13) reader.push(stream.slice(at, at + 13));
    const sizes: number[] = [];
    while (reader.next()) {
      sizes.push(reader.end - reader.bodyStart);
      const copy = reader.bytes.slice(reader.start, reader.end);
      expect(copy).toEqual(frame(0x30, reader.end - reader.bodyStart));
    }
    expect(sizes).toEqual(Array.from({ length: 40 }, (_, i) => i * 7));
  });

  it('gives the same packets however the stream is cut and drained', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(5), fc.nat(400), fc.constant(16_000)), { maxLength: 12 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.boolean()), { minLength: 1, maxLength: 12 }),
        (sizes, cuts) => {
          const stream = join(...sizes.map((size) => frame(0x32, size)));
          const reader = new PacketReader();
          const found: number[] = [];
          const drain = (): void => {
            while (reader.next()) {
              const size = reader.end - reader.bodyStart;
              found.push(size);
              expect(reader.firstByte).toBe(0x32);
              if (size < 500) expect(reader.bytes.slice(reader.start, reader.end)).toEqual(frame(0x32, size));
            }
          };
          let pushed = 0;
          for (let i = 0; pushed < stream.length; i++) {
            const [size, draining] = cuts[i % cuts.length] as [number, boolean];
            reader.push(stream.slice(pushed, pushed + size));
            pushed = Math.min(stream.length, pushed + size);
            if (draining) drain();
          }
          drain();
          expect(found).toEqual(sizes);
          expect(reader.bufferedBytes).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('gives each packet that came in parts memory of its own', () => {
    const reader = new PacketReader();
    const kept: Uint8Array[] = [];
    for (const size of [50, 50]) {
      const whole = frame(0x30, size);
      reader.push(whole.slice(0, 20));
      expect(reader.next()).toBe(false);
      reader.push(whole.slice(20));
      expect(reader.next()).toBe(true);
      kept.push(reader.bytes.subarray(reader.start, reader.end));
    }
    expect(kept[0]).toEqual(frame(0x30, 50));
    expect(kept[0]?.buffer).not.toBe(kept[1]?.buffer);
  });

  it('has all it needs when its chunks are taken back', () => {
    const reader = new PacketReader();
    const whole = frame(0x30, 300);
    for (let at = 0; at < whole.length; at += 100) {
      const chunk = whole.slice(at, at + 100);
      reader.push(chunk);
      if (at < 300) expect(reader.next()).toBe(false);
      else expect(reader.next()).toBe(true);
      if (at < 300) chunk.fill(0xff);
    }
    expect(reader.bytes.slice(reader.start, reader.end)).toEqual(whole);

    const two = join(frame(0x32, 5), frame(0x30, 7));
    reader.push(two);
    expect(reader.next()).toBe(true);
    reader.keep();
    two.fill(0xff);
    expect(reader.bytes.slice(reader.start, reader.end)).toEqual(frame(0x32, 5));
    expect(reader.next()).toBe(true);
    expect(reader.bytes.slice(reader.start, reader.end)).toEqual(frame(0x30, 7));
  });

  it('allocates for what has arrived, not for what is announced', () => {
    const allocated: number[] = [];
    const Original = Uint8Array;
    vi.stubGlobal(
      'Uint8Array',
      new Proxy(Original, {
        construct(target, args: unknown[], newTarget) {
          if (typeof args[0] === 'number') allocated.push(args[0]);
          return Reflect.construct(target, args, newTarget) as object;
        },
      }),
    );
    try {
      const reader = new PacketReader();
      reader.push(hexBytes('30 FFFFFF7F 0001'));
      allocated.length = 0;
      expect(reader.next()).toBe(false);
      expect(allocated.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(512);
      for (let i = 0; i < 10; i++) {
        reader.push(new Original(1000));
        expect(reader.next()).toBe(false);
      }
      expect(reader.bufferedBytes).toBe(10_007);
      expect(Math.max(...allocated)).toBeLessThanOrEqual(20_500);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('refuses a packet over the maximum as soon as its length is known, holding nothing', () => {
    const reader = new PacketReader(100);
    reader.push(frame(0x30, 98));
    expect(reader.next()).toBe(true);
    reader.push(new Uint8Array([0x30]));
    expect(reader.next()).toBe(false);
    reader.push(new Uint8Array([99]));
    const error = caught(() => reader.next());
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code: 'packet-too-large', reasonCode: 0x95 });
    expect(reader.bufferedBytes).toBe(0);
  });

  it('takes a new maximum from the next packet on', () => {
    const reader = new PacketReader(100);
    reader.push(join(frame(0x30, 50), frame(0x30, 50)));
    expect(reader.next()).toBe(true);
    reader.maximumPacketSize = 51;
    expect(caught(() => reader.next())).toMatchObject({ code: 'packet-too-large' });
  });

  it('takes the largest packet there can be by default', () => {
    const reader = new PacketReader();
    reader.push(hexBytes('30 FFFFFF7F'));
    expect(reader.next()).toBe(false);
  });

  for (const [name, bytes, code] of [
    ['four bytes that go on', '30 80808080', 'invalid-length'],
    ['five bytes', '30 FFFFFFFF7F', 'invalid-length'],
    ['two bytes for 0', '30 8000', 'non-minimal-length'],
    ['two bytes for 127', '30 FF00', 'non-minimal-length'],
    ['four bytes for 1', '30 81808000', 'non-minimal-length'],
  ] as const) {
    it(`refuses a length of ${name}, whole or byte by byte, and stays broken`, () => {
      const whole = new PacketReader();
      whole.push(hexBytes(`C000 ${bytes} C000`));
      expect(whole.next()).toBe(true);
      const error = caught(() => whole.next());
      expect(error).toBeInstanceOf(MalformedPacketError);
      expect(error).toMatchObject({ code, reasonCode: 0x81 });
      whole.push(hexBytes('C000'));
      expect(caught(() => whole.next())).toBe(error);

      const pieces = new PacketReader();
      const error2 = caught(() => {
        for (const byte of hexBytes(bytes)) {
          pieces.push(new Uint8Array([byte]));
          while (pieces.next());
        }
      });
      expect(error2).toMatchObject({ code, reasonCode: 0x81 });
    });
  }
});
