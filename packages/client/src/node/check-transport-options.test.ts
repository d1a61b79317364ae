import { describe, expect, it } from 'vitest';
import { addressOf, parseAddress } from '../connection/address.ts';
import { AddressError } from '../errors.ts';
import type { ClientOptions } from '../options.ts';
import { checkTransportOptions } from './check-transport-options.ts';

function check(options: ClientOptions): void {
  const { url, path, servers = [] } = options;
  const first = url === undefined ? addressOf(options) : parseAddress(url, path);
  checkTransportOptions(options, [first, ...servers.map((server) => parseAddress(server, path))]);
}

describe('checkTransportOptions', () => {
  it.each<[string, ClientOptions, string, string]>([
    [
      'TLS options to mqtt://',
      { url: 'mqtt://a', tls: { ca: 'ca.pem' } },
      'conflicting-options',
      'tls.ca: mqtt://a:1883 has no TLS; write mqtts:// or leave it out',
    ],
    ['TLS options to ws://', { url: 'ws://a', tls: { insecure: true } }, 'conflicting-options', 'write wss://'],
    ['TLS options without an address', { tls: { servername: 'a' } }, 'conflicting-options', 'mqtt://localhost:1883'],
    ['TLS options of a function', { url: 'mqtt://a', tls: () => ({}) }, 'conflicting-options', 'tls: mqtt://a:1883'],
    ['a certificate alone', { url: 'mqtts://a', tls: { cert: 'c' } }, 'missing-option', 'tls.key: missing'],
    ['a key alone', { url: 'mqtts://a', tls: { key: 'k' } }, 'missing-option', 'tls.cert: missing'],
    ['a passphrase alone', { url: 'wss://a', tls: { passphrase: 'p' } }, 'missing-option', 'tls.key: missing'],
    ['a path to mqtt://', { url: 'mqtt://a', path: '/mqtt' }, 'conflicting-options', 'path: mqtt://a:1883 has no path'],
    ['a path in mqtts://', { url: 'mqtts://a/topic' }, 'conflicting-options', "'/topic' is for ws:// and wss://"],
    ['a path in another server', { servers: ['mqtt://b?x=1'] }, 'conflicting-options', 'mqtt://b:1883'],
    ['host and port', { host: 'localhost:1883' }, 'bad-host', "write host: 'localhost', port: 1883"],
    ['an address as host', { host: 'mqtts://a' }, 'bad-host', "write url: 'mqtts://a:8883'"],
    ['an unknown scheme in the host', { host: 'mqt://a' }, 'bad-host', "write url: 'mqtt://localhost:1883'"],
    ['IPv6 and port as host', { host: '[::1]:1883' }, 'bad-host', "write host: '::1', port: 1883"],
  ])('refuses %s', (_what, options, code, words) => {
    expect(() => check(options)).toThrowError(AddressError);
    expect(() => check(options)).toThrowError(
      expect.objectContaining({ code, message: expect.stringContaining(words) }),
    );
  });

  it.each<[string, ClientOptions]>([
    ['nothing', {}],
    ['TLS options that say nothing', { url: 'mqtt://a', tls: { ca: undefined, insecure: false } }],
    ['TLS options for one of several servers', { url: 'mqtt://a', servers: ['mqtts://b'], tls: { ca: 'ca.pem' } }],
    ['a whole certificate', { url: 'wss://a', tls: { cert: 'c', key: 'k', passphrase: 'p' } }],
    ['a path for one of several servers', { url: 'mqtt://a', servers: ['ws://b'], path: '/x' }],
    ['a root that says nothing', { url: 'mqtt://a/' }],
    ['IPv6', { host: '::1' }],
    ['IPv6 in brackets', { host: '[fe80::1]' }],
  ])('takes %s', (_what, options) => {
    expect(() => check(options)).not.toThrow();
  });

  it('never tells a password', () => {
    const told = (options: ClientOptions): string => {
      try {
        check(options);
        return '';
      } catch (error) {
        return JSON.stringify(error) + String(error);
      }
    };
    expect(told({ host: 'mqtt://user:secret@a' })).toMatch(/^(?!.*secret).*mqtt:\/\/a:1883/);
    expect(told({ host: 'user:secret@a' })).toMatch(/^(?!.*secret).*host: 'a'/);
    expect(told({ url: 'mqtt://user:secret@a/x' })).toMatch(/^(?!.*secret).*mqtt:\/\/a:1883/);
  });
});
