import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressSet, isLoopback, subscriberOf } from '../policy/addresses.ts';
import { settingsWith } from '../settings.ts';
import { BanList } from './ban-list.ts';
import { TokenBucket } from './token-bucket.ts';

function banList(changes: Parameters<typeof settingsWith>[0] = {}) {
  const context = { now: 0, settings: settingsWith(changes), wallNow: () => context.now };
  return { context, bans: new BanList(context) };
}

describe('bans', () => {
  it('come with the last offence a window may have, and end by themselves', () => {
    const { context, bans } = banList();
    expect(bans.countOffence('a', 2, 'x')).toBeUndefined();
    expect(bans.countOffence('b', 2, 'x')).toBeUndefined();
    expect(bans.countOffence('a', 2, 'x')).toMatchObject({ target: 'a', until: 60_000, times: 1 });
    expect(bans.find('a')).toBeDefined();
    expect(bans.find('b')).toBeUndefined();
    context.now = 60_000;
    expect(bans.find('a')).toBeUndefined();
    expect(bans.list()).toEqual([]);
  });

  it('do not come when offences lie far apart', () => {
    const { context, bans } = banList();
    for (let i = 0; i < 10; i++) {
      expect(bans.countOffence('a', 2, 'x')).toBeUndefined();
      context.now += 60_000;
    }
  });

  it('last twice as long each time, up to the longest, and are forgiven after a good while', () => {
    const { context, bans } = banList({ 'bans.longest': 200 });
    const lengths = [1, 2, 3, 4].map(() => {
      const length = (bans.add('a', 'x').until - context.now) / 1000;
      context.now += length * 1000;
      return length;
    });
    expect(lengths).toEqual([60, 120, 200, 200]);
    context.now += 201_000;
    expect(bans.add('a', 'x').until - context.now).toBe(60_000);
  });

  it('can be taken back, set by hand, and switched off', () => {
    const { bans } = banList();
    bans.add('a', 'by hand', 5);
    expect(bans.find('a')).toMatchObject({ until: 5000 });
    expect(bans.remove('a')).toBe(true);
    expect(bans.find('a')).toBeUndefined();
    expect(bans.remove('a')).toBe(false);
    for (let i = 0; i < 100; i++) expect(bans.countOffence('a', 0, 'x')).toBeUndefined();
  });

  it('are bounded in number', () => {
    const { bans } = banList({ 'bans.remembered': 16 });
    for (let i = 0; i < 1000; i++) bans.add(String(i), 'x');
    expect(bans.list()).toHaveLength(16);
    expect(bans.find('999')).toBeDefined();
    expect(bans.total).toBe(1000);
  });
});

describe('a rate', () => {
  it('never lets more through than it says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }),
        (rate, steps) => {
          const bucket = new TokenBucket(rate, 0);
          let now = 0;
          let taken = 0;
          for (const step of steps) {
            now += step;
            if (bucket.take(now)) taken++;
          }
          expect(taken).toBeLessThanOrEqual(rate + (now * rate) / 1000 + 1e-6);
        },
      ),
    );
  });

  it('says how long it takes until what was used is made up for', () => {
    const bucket = new TokenBucket(10, 0);
    expect(bucket.spend(10, 0)).toBe(0);
    expect(bucket.spend(5, 0)).toBeCloseTo(500);
    expect(bucket.take(499)).toBe(false);
    expect(bucket.spend(0, 500)).toBe(0);
  });
});

describe('addresses', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
    ['2001:db8::7', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:0001::9', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('%s is one of %s', (address, subscriber) => {
    expect(subscriberOf(address)).toBe(subscriber);
  });

  it('belong to networks', () => {
    const set = addressSet(['10.0.0.0/8', '2001:db8::/32', '192.168.1.7']);
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1', '192.168.1.7'])
      expect(set(address)).toBe(true);
    for (const address of ['11.1.2.3', '192.168.1.8', '2001:db9::1', '', 'memory']) expect(set(address)).toBe(false);
    expect(isLoopback('127.9.9.9')).toBe(true);
    expect(isLoopback('::1')).toBe(true);
  });

  it.each(['10.0.0.0/33', 'example.com', '10.0.0.0/8/8', '', '10.0.0.0/x', '::/129'])('%j is none', (entry) => {
    expect(() => addressSet([entry])).toThrow(RangeError);
  });
});
