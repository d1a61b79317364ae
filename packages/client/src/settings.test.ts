import { systemClock } from '@hawser/transport';
import { describe, expect, it } from 'vitest';
import { AddressError, UsageError } from './errors.ts';
import type { ClientOptions } from './options.ts';
import type { Platform } from './platform.ts';
import { resolveOptions } from './settings.ts';

const platform: Platform = {
  name: 'node',
  clock: systemClock,
  random: () => 0,
  generateClientId: () => 'generated',
  dial: () => Promise.reject(new Error('not here')),
};

const warningsOf = (options: ClientOptions): string[] =>
  resolveOptions(options, platform).warnings.map(({ code }) => code);

describe('resolveOptions', () => {
  it('has the defaults of the table', () => {
    expect(resolveOptions({}, platform)).toMatchObject({
      clientId: 'generated',
      connectTimeout: 10,
      keepAlive: 60,
      cleanStart: true,
      protocolVersion: 5,
      fallsBack: false,
      reconnects: true,
      reconnect: { delay: 1, delayMax: 120, resetAfter: 30 },
      onTakenOver: 'stop',
      queue: { messages: 1000, bytes: 16_777_216, whenFull: 'error' },
    });
  });

  it('has the servers of the list alone when nothing else names one', () => {
    const servers = ['mqtt://a', 'mqtts://b'];
    const hostsOf = (options: ClientOptions) => resolveOptions(options, platform).addresses.map(({ host }) => host);
    expect(hostsOf({ servers })).toEqual(['a', 'b']);
    expect(hostsOf({ servers, port: 1 })).toEqual(['localhost', 'a', 'b']);
    expect(hostsOf({ servers, url: 'mqtt://first' })).toEqual(['first', 'a', 'b']);
    expect(hostsOf({ servers: [] })).toEqual(['localhost']);
  });

  it('gives each server the user info of its own address, else that of the first', () => {
    const { addresses } = resolveOptions(
      { url: 'mqtts://u:1@first', servers: ['mqtts://v:2@second', 'mqtts://third', 'mqtts://w@fourth'] },
      platform,
    );
    expect(addresses.map(({ host, username, password }) => [host, username, password])).toEqual([
      ['first', 'u', '1'],
      ['second', 'v', '2'],
      ['third', 'u', '1'],
      ['fourth', 'w', undefined],
    ]);
  });

  it('encodes the Will', () => {
    const { will } = resolveOptions(
      { will: { topic: 'a', payload: 'x', delayInterval: 5, correlationData: 'c' } },
      platform,
    );
    expect(will).toEqual({
      topic: 'a',
      payload: new Uint8Array([120]),
      qos: 0,
      retain: false,
      properties: { willDelayInterval: 5, correlationData: new Uint8Array([99]) },
    });
  });

  it.each<[string, ClientOptions, string]>([
    ['a misspelt option', { keepalive: 1 } as ClientOptions, 'did you mean keepAlive'],
    ['milliseconds', { connectTimeout: 30_000 }, 'seconds'],
    ['a Will with a wildcard', { will: { topic: 'a/#' } }, 'wildcard'],
    ['a Will without a topic', { will: { payload: 'x' } } as unknown as ClientOptions, 'will.topic'],
    ['a password alone in 3.1.1', { protocolVersion: 4, password: 'x' }, 'user name'],
    ['url and host', { url: 'mqtt://a', host: 'b' }, 'conflicting'],
    ['an acknowledge that is none', { acknowledge: 'later' } as unknown as ClientOptions, 'acknowledge'],
  ])('refuses %s', (_what, options, words) => {
    expect(() => resolveOptions(options, platform)).toThrowError(UsageError);
    expect(() => resolveOptions(options, platform)).toThrowError(words);
  });

  it('refuses what the version or the platform does not have', () => {
    expect(() => resolveOptions({ protocolVersion: 4, receiveMaximum: 5 }, platform)).toThrowError(AddressError);
    const browser: Platform = { ...platform, name: 'browser' };
    expect(() => resolveOptions({ tls: { key: 'x' } }, browser)).toThrowError(
      expect.objectContaining({ code: 'mutual-tls-in-browser', stage: 'address' }),
    );
  });

  it('falls back with auto, unless only 5.0 has an option that is set', () => {
    expect(resolveOptions({ protocolVersion: 'auto' }, platform).fallsBack).toBe(true);
    expect(resolveOptions({ protocolVersion: 'auto', will: { topic: 'a' } }, platform).fallsBack).toBe(true);
    expect(resolveOptions({ protocolVersion: 'auto', userProperties: [] }, platform).fallsBack).toBe(false);
    expect(
      resolveOptions({ protocolVersion: 'auto', will: { topic: 'a', delayInterval: 1 } }, platform).fallsBack,
    ).toBe(false);
  });

  it('warns of credentials in clear, but not on the loopback interface or over TLS', () => {
    expect(warningsOf({ url: 'mqtt://far', username: 'u' })).toEqual(['credentials-unencrypted']);
    expect(warningsOf({ url: 'ws://u:p@far' })).toEqual(['credentials-unencrypted']);
    expect(warningsOf({ url: 'mqtts://far', servers: ['mqtt://u:p@other'] })).toEqual(['credentials-unencrypted']);
    expect(warningsOf({ url: 'mqtts://far', username: 'u' })).toEqual([]);
    expect(warningsOf({ url: 'mqtt://localhost', username: 'u' })).toEqual([]);
    expect(warningsOf({ url: 'mqtt://far', username: '', password: '' })).toEqual([]);
    expect(warningsOf({ sessionExpiryInterval: 60 })).toEqual(['session-without-client-id']);
  });
});
