import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainAddress } from './plain-address.ts';

describe('the one form of an address', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:cb00:7107', '203.0.113.7'],
    ['0000:0000:0000:0000:0000:ffff:203.0.113.7', '203.0.113.7'],
    ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['memory', 'memory'],
    ['not:an:address', 'not:an:address'],
    [undefined, ''],
  ])('of %s is %s', (address, plain) => {
    expect(plainAddress(address)).toBe(plain);
  });

  it('is the same for every way to write an address, and its own plain form (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
        const short = plainAddress(groups.map((group) => group.toString(16)).join(':'));
        const long = plainAddress(groups.map((group) => group.toString(16).toUpperCase().padStart(4, '0')).join(':'));
        expect(long).toBe(short);
        expect(plainAddress(short)).toBe(short);
        expect(isIP(short)).toBeGreaterThan(0);
      }),
    );
  });

  it('of every IPv4 address that is mapped is that address (property)', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        for (const written of [`::ffff:${address}`, `::ffff:${hex}`, `0:0:0:0:0:ffff:${hex}`])
          expect(plainAddress(written)).toBe(address);
      }),
    );
  });
});
