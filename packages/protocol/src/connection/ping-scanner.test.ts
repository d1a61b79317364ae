import { encodePacket, encodeUtf8, type Packet } from '@hawser/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PingScanner } from './ping-scanner.ts';

test('PINGREQ are found wherever the stream is cut', () => {
  const packetOf = (size: number | 'ping'): Packet =>
    size === 'ping'
      ? { type: 'pingreq' }
      : {
          type: 'publish',
          topic: 't',
          // As a PINGREQ would look.
          payload: new Uint8Array(size).map((_, i) => (i % 2 === 0 ? 0xc0 : 0)),
          qos: 0,
          retain: false,
          dup: false,
          packetIdentifier: 0,
          properties: undefined,
        };
  const size = fc.oneof(fc.constant('ping' as const), fc.constantFrom(0, 1, 120, 130, 17_000));
  fc.assert(
    fc.property(fc.array(size), fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sizes, cuts) => {
      const stream = Buffer.concat(sizes.map((one) => encodePacket(packetOf(one), 5)));
      const scanner = new PingScanner();
      let found = 0;
      for (let at = 0, i = 0; at < stream.length; i++) {
        const part = cuts[i % cuts.length] as number;
        found += scanner.scan(stream.subarray(at, at + part));
        at += part;
      }
      expect(found).toBe(sizes.filter((one) => one === 'ping').length);
    }),
  );
  expect(new PingScanner().scan(encodeUtf8(''))).toBe(0);
});
