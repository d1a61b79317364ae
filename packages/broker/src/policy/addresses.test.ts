import { describe, expect, it } from 'vitest';
import { addressSet, isLoopback, subscriberOf } from './addresses.ts';

describe('addresses', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
    ['2001:db8::7', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:0001::9', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['0:0:0:0:0:ffff:cb00:7107', '203.0.113.7'],
    ['', ''],
  ])('%s is one of %s', (address, subscriber) => {
    expect(subscriberOf(address)).toBe(subscriber);
  });

  it('belong to networks', () => {
    const set = addressSet(['10.0.0.0/8', '2001:db8::/32', '192.168.1.7']);
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', '2001:DB8::1', '192.168.1.7'])
      expect(set(address)).toBe(true);
    for (const address of ['11.1.2.3', '192.168.1.8', '2001:db9::1', '', 'memory']) expect(set(address)).toBe(false);
    expect(isLoopback('127.9.9.9')).toBe(true);
    expect(isLoopback('::1')).toBe(true);
    expect(isLoopback('::ffff:7f00:1')).toBe(true);
    const mapped = addressSet(['::ffff:10.0.0.0/104']);
    expect([mapped('10.9.9.9'), mapped('11.9.9.9')]).toEqual([true, false]);
  });

  it.each(['10.0.0.0/33', 'example.com', '10.0.0.0/8/8', '', '10.0.0.0/x', '::/129'])('%j is none', (entry) => {
    expect(() => addressSet([entry])).toThrow(RangeError);
  });
});
