import { describe, expect, it } from 'vitest';
import type { RecorderLog } from '../recorder/recorder-log.ts';
import { settingsWith } from '../settings.ts';
import { BanList } from './ban-list.ts';
import { clientTarget, pairTarget, parseBanTarget } from './ban-target.ts';

function banList(changes: Parameters<typeof settingsWith>[0] = {}) {
  const context = { now: 0, settings: settingsWith(changes), wallNow: () => context.now };
  return { context, bans: new BanList(context) };
}

describe('bans', () => {
  it('come with the last offence a window may have, and end by themselves', () => {
    const { context, bans } = banList();
    expect(bans.countOffence('a', 2, 'connects')).toBeUndefined();
    expect(bans.countOffence('b', 2, 'connects')).toBeUndefined();
    expect(bans.countOffence('a', 2, 'connects')).toMatchObject({ target: 'a', until: 60_000, times: 1 });
    expect(bans.find('a')).toBeDefined();
    expect(bans.find('b')).toBeUndefined();
    context.now = 60_000;
    expect(bans.find('a')).toBeUndefined();
    expect(bans.list()).toEqual([]);
  });

  it('do not come when offences lie far apart', () => {
    const { context, bans } = banList();
    for (let i = 0; i < 10; i++) {
      expect(bans.countOffence('a', 2, 'connects')).toBeUndefined();
      context.now += 60_000;
    }
  });

  it('last twice as long each time, up to the longest, and are forgiven after a good while', () => {
    const { context, bans } = banList({ 'bans.longest': 200 });
    const lengths = [1, 2, 3, 4].map(() => {
      const length = (bans.add('client:a', 'x').until - context.now) / 1000;
      context.now += length * 1000;
      return length;
    });
    expect(lengths).toEqual([60, 120, 200, 200]);
    context.now += 201_000;
    expect(bans.add('client:a', 'x').until - context.now).toBe(60_000);
  });

  it('can be taken back, set by hand, and switched off', () => {
    const { bans } = banList();
    bans.add('client:a', 'by hand', 5);
    expect(bans.find('client:a')).toMatchObject({ until: 5000 });
    expect(bans.remove('client:a')).toBe(true);
    expect(bans.find('client:a')).toBeUndefined();
    expect(bans.remove('client:a')).toBe(false);
    for (let i = 0; i < 100; i++) expect(bans.countOffence('a', 0, 'connects')).toBeUndefined();
    expect(() => bans.add('a', 'nobody is called so')).toThrow(RangeError);
  });

  it('are bounded in number', () => {
    const { bans } = banList({ 'bans.remembered': 16 });
    for (let i = 0; i < 1000; i++) bans.add(`client:${i}`, 'x');
    expect(bans.list()).toHaveLength(16);
    expect(bans.find('client:999')).toBeDefined();
    expect(bans.total).toBe(1000);
  });
});

describe('whom a ban is for', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['2001:DB8::7', '2001:db8:0:0::/64'],
    ['2001:db8:0:0::/64', '2001:db8:0:0::/64'],
    ['client:cam/7@x', 'client:cam/7@x'],
    ['user:al:ice', 'user:al:ice'],
    ['pair:cam@7@203.0.113.7', 'pair:cam@7@203.0.113.7'],
    ['pair:cam@2001:db8::9', 'pair:cam@2001:db8:0:0::/64'],
  ])('%s is %s, and stays so', (text, target) => {
    expect(parseBanTarget(text)).toBe(target);
    expect(parseBanTarget(target)).toBe(target);
  });

  it.each([
    ['10.0.0.0/8', /is a network/],
    ['10.0.0.1/32', /is a network/],
    ['2001:db8::/32', /is a network/],
    ['client:', /names nobody/],
    ['pair:cam', /no client or no address/],
    ['pair:cam@nowhere', /cannot be banned/],
    ['cam-7', /a ban is for 203.0.113.7, .*client:ID/],
    ['', /cannot be banned/],
  ])('%j is for nobody', (text, words) => {
    expect(() => parseBanTarget(text)).toThrow(words);
  });

  it('a Client Identifier of any length costs little, and is still its own', () => {
    const long = 'x'.repeat(60_000);
    expect(pairTarget(long, '10.0.0.1').length).toBeLessThan(200);
    expect(clientTarget(long)).not.toBe(clientTarget(`${long}y`));
    expect(parseBanTarget(clientTarget(long))).toBe(clientTarget(long));
  });

  it('those of people do not make room for those of attackers', () => {
    const { bans } = banList({ 'bans.remembered': 16 });
    bans.add('client:bad', 'by hand', 3600);
    for (let i = 0; i < 100; i++) bans.countOffence(`10.0.0.${i}`, 1, 'connects');
    expect(bans.list()).toHaveLength(17);
    expect(bans.find('client:bad')).toMatchObject({ by: 'operator' });
  });
});

describe('bans that survive a restart', () => {
  /** A log that keeps its lines, as files do. */
  class Lines implements RecorderLog {
    onRotated: (() => void) | undefined;
    readonly dropped = 0;
    lines: string[] = [];
    open = async () => [...this.lines];
    append = (line: string) => void this.lines.push(line);
    close = async () => {};
  }

  it('are read again, by the wall clock; those taken back and those long over are not', async () => {
    const log = new Lines();
    const context = { now: 1_000_000, settings: settingsWith(), wallNow: () => context.now };
    const before = new BanList(context, log);
    await before.open();
    before.add('203.0.113.7', 'one', 100);
    before.add('client:a', 'two', 7200);
    before.add('user:b', 'three', 7200);
    before.remove('user:b');
    before.countOffence('10.0.0.1', 1, 'connects');
    log.lines.push('{"target":"client:cut","un', '"x"', '{"target":5}');
    context.now += 101_000;
    const after = new BanList(context, log);
    await after.open();
    expect(after.list().map(({ target, reason }) => [target, reason])).toEqual([['client:a', 'two']]);
    // What is over is not forgotten at once: the next is longer.
    expect(after.countOffence('10.0.0.1', 1, 'connects')).toMatchObject({ times: 2 });
    context.now += 4 * 3600_000;
    const later = new BanList(context, log);
    await later.open();
    expect(later.countOffence('10.0.0.1', 1, 'connects')).toMatchObject({ times: 1 });
  });

  it('are written anew when the log forgets, those that last longest first, as far as there is room', async () => {
    const log = new Lines();
    const context = { now: 0, settings: settingsWith({ 'bans.fileBytes': 4096 }), wallNow: () => context.now };
    const bans = new BanList(context, log);
    await bans.open();
    for (let i = 1; i <= 100; i++) bans.add(`10.0.0.${i}`, 'x', i);
    log.lines = [];
    log.onRotated?.();
    expect(log.lines.join('\n').length).toBeLessThanOrEqual(1100);
    expect(log.lines[0]).toContain('10.0.0.100');
  });
});
