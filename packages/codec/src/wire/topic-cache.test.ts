import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { decodePublish, encodePacket, encodeUtf8, MalformedPacketError, TopicCache } from '../index.ts';
import { topicName } from '../testing/arbitraries.ts';
import { hexBytes } from '../testing/hex.ts';

function intern(cache: TopicCache, topic: string) {
  const bytes = encodeUtf8(topic);
  return cache.intern(bytes, 0, bytes.length);
}

describe('TopicCache', () => {
  it('gives the same Topic for the same bytes, wherever they lie', () => {
    const cache = new TopicCache();
    const first = intern(cache, 'a/b');
    intern(cache, 'other');
    const chunk = hexBytes("FF 'a/b' FF");
    expect(cache.intern(chunk, 1, 4)).toBe(first);
    expect(first).toEqual({ name: 'a/b', bytes: encodeUtf8('a/b') });
    expect(intern(cache, 'a/b')).toBe(first);
  });

  it('copies the bytes it keeps', () => {
    const cache = new TopicCache();
    const chunk = new Uint8Array(65_536);
    chunk.set(encodeUtf8('a/b'));
    const topic = cache.intern(chunk, 0, 3);
    expect(topic.bytes.buffer.byteLength).toBe(3);
    chunk.fill(0);
    expect(topic.bytes).toEqual(encodeUtf8('a/b'));
  });

  it('is right for any sequence of topics, however small the table', () => {
    fc.assert(
      fc.property(fc.array(topicName, { maxLength: 300 }), (topics) => {
        const cache = new TopicCache(1);
        for (const topic of topics) expect(intern(cache, topic).name).toBe(topic);
      }),
      { numRuns: 30 },
    );
  });

  it('stays bounded and keeps what fits', () => {
    const cache = new TopicCache(256);
    for (let i = 0; i < 5000; i++) intern(cache, `sensors/${i}/temperature`);
    const slots = Object.values(cache).find((value): value is unknown[] => Array.isArray(value));
    expect(slots?.length).toBe(256);
    const few = new TopicCache(8192);
    const known = Array.from({ length: 2000 }, (_, i) => intern(few, `site/${i % 7}/device/${i}`));
    const again = Array.from({ length: 2000 }, (_, i) => intern(few, `site/${i % 7}/device/${i}`));
    const hits = again.filter((topic, i) => topic === known[i]).length;
    expect(hits).toBeGreaterThan(1900);
  });

  it('does not keep very long topics', () => {
    const cache = new TopicCache();
    const long = 'x'.repeat(60_000);
    const first = intern(cache, long);
    intern(cache, 'short');
    const second = intern(cache, long);
    expect(second).not.toBe(first);
    expect(second.name).toBe(long);
  });

  for (const [name, bytes, code] of [
    ['nothing', '', 'topic-name-invalid'],
    ['+', "'a/+'", 'topic-name-invalid'],
    ['#', "'#'", 'topic-name-invalid'],
    ['U+0000', '610062', 'null-in-string'],
    ['a surrogate', 'EDA080', 'surrogate-in-string'],
    ['an overlong slash', 'C0AF', 'invalid-utf8'],
  ] as const) {
    it(`refuses ${name} every time`, () => {
      const cache = new TopicCache();
      const topic = hexBytes(bytes);
      for (let i = 0; i < 2; i++) {
        expect(() => cache.intern(topic, 0, topic.length)).toThrow(MalformedPacketError);
        expect(() => cache.intern(topic, 0, topic.length)).toThrow(expect.objectContaining({ code }));
      }
    });
  }

  it('refuses too many levels', () => {
    expect(() => intern(new TopicCache(64, 3), 'a/b/c/d')).toThrow(
      expect.objectContaining({ code: 'topic-name-too-deep', reasonCode: 0x90 }),
    );
    expect(intern(new TopicCache(64, 3), 'a/b/c').name).toBe('a/b/c');
  });

  it('saves decodePublish the string', () => {
    const cache = new TopicCache();
    const bytes = encodePacket(
      {
        type: 'publish',
        topic: 'a/b',
        payload: new Uint8Array([1, 2]),
        qos: 0,
        retain: false,
        dup: false,
        packetIdentifier: 0,
        properties: undefined,
      },
      4,
    );
    const intern = vi.spyOn(cache, 'intern');
    const packet = decodePublish({ firstByte: 0x30, bytes, bodyStart: 2, end: bytes.length }, 4, 'to-server', cache);
    expect(packet.topic).toBe('a/b');
    expect(intern).toHaveReturnedWith({ name: 'a/b', bytes: encodeUtf8('a/b') });
    expect(packet.payload).toEqual(new Uint8Array([1, 2]));
    expect(packet.payload.buffer).toBe(bytes.buffer);
    expect(Object.getPrototypeOf(packet.payload)).toBe(Uint8Array.prototype);
  });
});
