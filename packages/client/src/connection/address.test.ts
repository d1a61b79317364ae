import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressError, ConnectError, UsageError } from '../errors.ts';
import { addressOf, followReference, formatAddress, parseAddress } from './address.ts';

describe('parseAddress', () => {
  it.each([
    ['mqtt://host', 'mqtt', 'host', 1883, '/mqtt'],
    ['tcp://host', 'mqtt', 'host', 1883, '/mqtt'],
    ['MQTTS://Host', 'mqtts', 'host', 8883, '/mqtt'],
    ['ssl://host:1', 'mqtts', 'host', 1, '/mqtt'],
    ['tls://10.0.0.1', 'mqtts', '10.0.0.1', 8883, '/mqtt'],
    ['mqtt://[::1]:1884', 'mqtt', '::1', 1884, '/mqtt'],
    ['ws://host', 'ws', 'host', 80, '/mqtt'],
    ['ws://host/', 'ws', 'host', 80, '/mqtt'],
    ['wss://host/a/b?c=d#e', 'wss', 'host', 443, '/a/b?c=d'],
    ['wss://host?token=1', 'wss', 'host', 443, '/mqtt?token=1'],
    ['ws://host:80/x', 'ws', 'host', 80, '/x'],
    ['mqtt://höst', 'mqtt', 'xn--hst-sna', 1883, '/mqtt'],
  ])('%s', (url, transport, host, port, path) => {
    expect(parseAddress(url)).toMatchObject({ transport, host, port, path });
  });

  it('takes the root when the option says so', () => {
    expect(parseAddress('ws://host', '/').path).toBe('/');
    expect(parseAddress('ws://host/x', 'y').path).toBe('/y');
  });

  it('takes user name and password apart', () => {
    expect(parseAddress('mqtt://user:p%40s%3As@host')).toMatchObject({
      username: 'user',
      password: 'p@s:s',
      host: 'host',
    });
    expect(parseAddress('mqtt://user@host')).toMatchObject({ username: 'user', password: undefined });
    expect(parseAddress('mqtt://:p:q@host')).toMatchObject({ username: '', password: 'p:q' });
  });

  it('either understands any text or says what is wrong, without its password', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `mqtt://u:secret@${text}`),
        ),
        (url) => {
          try {
            const address = parseAddress(url);
            expect(address.port).toBeGreaterThan(0);
            expect(address.port).toBeLessThan(65_536);
          } catch (error) {
            expect(error).toBeInstanceOf(AddressError);
            expect(error).toBeInstanceOf(UsageError);
            expect(error).toBeInstanceOf(ConnectError);
          }
        },
      ),
    );
  });

  it.each(['mqt', 'mqttss', 'wsss', 'constructor'])('%s:// is no scheme', (scheme) => {
    expect(() => parseAddress(`${scheme}://host`)).toThrowError(expect.objectContaining({ code: 'unknown-scheme' }));
  });
});

describe('an address', () => {
  it('is made of single options', () => {
    expect(formatAddress(addressOf({ host: '[::1]', transport: 'tls' }))).toBe('mqtts://[::1]:8883');
    expect(formatAddress(addressOf({ transport: 'ws', port: 8083, path: 'x' }))).toBe('ws://localhost:8083/x');
  });

  it('follows a Server Reference, but never from TLS to plain text', () => {
    const from = parseAddress('mqtts://u:p@one:8884');
    expect(followReference(from, 'two')).toMatchObject({ transport: 'mqtts', host: 'two', port: 8884, username: 'u' });
    expect(followReference(from, 'two:1 three:2')).toMatchObject({ host: 'two', port: 1 });
    expect(followReference(from, '[::2]:7')).toMatchObject({ host: '::2', port: 7 });
    expect(followReference(from, 'mqtts://two:9')).toMatchObject({ host: 'two', port: 9, password: 'p' });
    expect(followReference(from, 'mqtt://two')).toBeUndefined();
    expect(followReference(from, ' ')).toBeUndefined();
    expect(followReference(from, 'two:x')).toBeUndefined();
  });
});
