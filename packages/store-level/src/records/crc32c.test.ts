import { describe, expect, it } from 'vitest';
import { crc32c } from './crc32c.ts';

describe('crc32c', () => {
  it('gives the sums of RFC 3720, B.4', () => {
    const sum = (bytes: Uint8Array): number => crc32c(bytes, 0, bytes.length);
    expect(sum(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(sum(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(sum(new Uint8Array(32).map((_, index) => index))).toBe(0x46dd794e);
    expect(sum(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('goes on from the sum of what is in front', () => {
    const bytes = Buffer.from('one stretch of bytes in any two parts');
    for (let at = 0; at <= bytes.length; at++) {
      expect(crc32c(bytes, at, bytes.length, crc32c(bytes, 0, at))).toBe(crc32c(bytes, 0, bytes.length));
    }
  });
});
