import { describe, expect, it } from 'vitest';
import { forwardedFor, senderOf, UNKNOWN_SENDER } from './forwarded.ts';

const isTrusted = (address: string): boolean => address.startsWith('10.') || address === '::1';

describe('X-Forwarded-For', () => {
  it.each([
    ['one proxy', '10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['proxies in a row', '10.0.0.1', '203.0.113.7, 10.0.0.2, 10.0.0.3', '203.0.113.7'],
    ['what the client wrote itself', '10.0.0.1', '1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['who pretends to be a proxy', '10.0.0.1', '10.0.0.9, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['proxies alone', '10.0.0.1', '10.0.0.5', '10.0.0.5'],
    ['words', '10.0.0.1', 'unknown', '10.0.0.1'],
    ['words behind an address', '10.0.0.1', '203.0.113.7, unknown, 10.0.0.2', '10.0.0.2'],
    ['nothing', '10.0.0.1', '', '10.0.0.1'],
    ['a port', '10.0.0.1', '203.0.113.7:4711', '203.0.113.7'],
    ['IPv6', '::1', '2001:DB8::7', '2001:db8::7'],
    ['IPv6 with a port', '::1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['IPv4 in IPv6', '::1', '::ffff:203.0.113.7', '203.0.113.7'],
    ['a proxy that is not trusted', '203.0.113.9', '1.1.1.1', '203.0.113.9'],
  ])('%s', (_name, from, header, client) => {
    expect(forwardedFor(from, header, isTrusted)).toBe(client);
  });

  it('may come in several lines, and be as long as it likes', () => {
    expect(forwardedFor('10.0.0.1', ['1.1.1.1', '203.0.113.7'], isTrusted)).toBe('203.0.113.7');
    expect(forwardedFor('10.0.0.1', `203.0.113.7${', 10.0.0.2'.repeat(10_000)}`, isTrusted)).toBe('10.0.0.2');
    expect(forwardedFor('10.0.0.1', undefined, isTrusted)).toBe('10.0.0.1');
  });
});

describe('the sender of a request', () => {
  it('is not this machine where a proxy on it has brought it that nobody has named', () => {
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-forwarded-host', 'x-forwarded-proto', 'via'])
      expect(senderOf('127.0.0.1', { [name]: '127.0.0.1' }, isTrusted), name).toBe(UNKNOWN_SENDER);
    expect(senderOf('127.0.0.1', {}, isTrusted)).toBe('127.0.0.1');
  });

  it('is whom a named proxy says, and any other address whatever it says', () => {
    expect(senderOf('::1', { 'x-forwarded-for': '203.0.113.7' }, isTrusted)).toBe('203.0.113.7');
    expect(senderOf('198.51.100.1', { 'x-forwarded-for': '127.0.0.1' }, isTrusted)).toBe('198.51.100.1');
  });
});
