import { describe, expect, it } from 'vitest';
import { explainListenFailure } from './listen-error.ts';
import { formatListenUrl, ListenUrlError, parseListenUrl } from './listen-url.ts';

describe('parseListenUrl', () => {
  it.each([
    ['mqtt://localhost', { transport: 'tcp', host: 'localhost', port: 1883, path: undefined }],
    ['tcp://0.0.0.0:1884', { transport: 'tcp', host: '0.0.0.0', port: 1884, path: undefined }],
    ['MQTT://localhost/', { transport: 'tcp', host: 'localhost', port: 1883, path: undefined }],
    ['mqtts://[::1]', { transport: 'tls', host: '::1', port: 8883, path: undefined }],
    ['tls://[fe80::1%eth0]:1', { transport: 'tls', host: 'fe80::1%eth0', port: 1, path: undefined }],
    ['ssl://example.com:65535', { transport: 'tls', host: 'example.com', port: 65_535, path: undefined }],
    ['ws://localhost', { transport: 'ws', host: 'localhost', port: 8083, path: '/mqtt' }],
    ['ws://localhost:8080/', { transport: 'ws', host: 'localhost', port: 8080, path: '/mqtt' }],
    ['wss://localhost/a/b', { transport: 'wss', host: 'localhost', port: 8084, path: '/a/b' }],
    [' mqtt://*:0 ', { transport: 'tcp', host: '', port: 0, path: undefined }],
    ['mqtt://:1883', { transport: 'tcp', host: '', port: 1883, path: undefined }],
  ])('reads %s', (text, address) => {
    expect(parseListenUrl(text)).toEqual(address);
  });

  it.each([
    ['http://localhost', 'unknown-scheme', 'use mqtt or tcp, mqtts or tls or ssl, ws, wss'],
    ['quic://localhost', 'unknown-scheme', '"quic"'],
    ['localhost:1883', 'bad-url', 'mqtt://localhost:1883'],
    ['1883', 'bad-url', 'mqtt://localhost:1883'],
    ['mqtt://localhost:', 'bad-port', '1 to 65535'],
    ['mqtt://localhost:mqtt', 'bad-port', '"mqtt"'],
    ['mqtt://localhost:65536', 'bad-port', '65536'],
    ['mqtt://localhost:-1', 'bad-port', '-1'],
    ['mqtt://::1:1883', 'bad-host', 'brackets'],
    ['mqtt://[1.2.3]:1883', 'bad-host', '[1.2.3]'],
    ['mqtt://local host', 'bad-host', 'local host'],
    ['mqtt://user:secret@localhost', 'bad-userinfo', 'user name'],
    ['mqtt://localhost/mqtt', 'bad-path', 'only ws and wss'],
    ['ws://localhost/mqtt?a=b', 'bad-path', '?a=b'],
  ])('refuses %s', (text, code, words) => {
    let error: unknown;
    try {
      parseListenUrl(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ListenUrlError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it('is the inverse of formatListenUrl', () => {
    for (const url of ['mqtt://127.0.0.1:1883', 'mqtts://[::1]:8883', 'ws://a.example:80/mqtt', 'wss://[::]:1/x']) {
      expect(formatListenUrl(parseListenUrl(url))).toBe(url);
    }
    expect(formatListenUrl(parseListenUrl('tls://*:0'), 4711)).toBe('mqtts://[::]:4711');
  });
});

describe('explainListenFailure', () => {
  it.each([
    ['EADDRINUSE', 'port-in-use', 'port 1883 on 127.0.0.1 is in use by another program'],
    ['EACCES', 'port-not-permitted', 'this user may not listen on port 1883'],
    ['EADDRNOTAVAIL', 'address-not-available', '127.0.0.1 is not an address of this machine'],
    ['ENOTFOUND', 'host-not-found', 'no address is known for the name 127.0.0.1'],
    ['EINVAL', 'listen-failed', 'could not listen on port 1883 of 127.0.0.1: what'],
  ])('has words for %s', (systemCode, code, message) => {
    const cause = Object.assign(new Error('what'), { code: systemCode });
    expect(explainListenFailure(cause, '127.0.0.1', 1883)).toMatchObject({ code, message, cause });
  });

  it('says why a low port is not permitted', () => {
    const error = explainListenFailure(Object.assign(new Error(), { code: 'EACCES' }), '', 80);
    expect(error.message).toContain('CAP_NET_BIND_SERVICE');
  });
});
