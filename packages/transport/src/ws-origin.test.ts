import { describe, expect, it } from 'vitest';
import { originRefusal } from './ws-origin.ts';

const HERE = 'broker.example:8083';

describe('originRefusal', () => {
  it.each([
    ['no Origin: no browser', undefined, HERE, undefined],
    ['a page of the same IPv4 address, on another port', 'http://192.0.2.7:8080', '192.0.2.7:8083', undefined],
    ['a page of the same IPv6 address', 'http://[2001:db8::1]:8080', '[2001:db8::1]:8083', undefined],
    ['a page of localhost', 'http://localhost:5173', HERE, undefined],
    ['a page of a name below localhost', 'http://app.localhost', HERE, undefined],
    ['a page of 127.0.0.1', 'http://127.0.0.1', HERE, undefined],
    ['a page of ::1', 'http://[::1]:3000', HERE, undefined],
    ['one of a list', 'https://app.example', HERE, ['https://other.example', 'https://app.example']],
    ['one of a list, written otherwise', 'https://app.example', HERE, ['https://APP.example:443/']],
    ['any, with *', 'https://evil.example', HERE, ['*']],
    ['files, when null is in the list', 'null', HERE, ['null']],
    ['no Origin, whatever the list', undefined, HERE, ['https://app.example']],
  ])('lets in %s', (_what, origin, host, allowed) => {
    expect(originRefusal(origin, host, allowed, false)).toBeUndefined();
  });

  it.each([
    ['a page of another host', 'https://evil.example', HERE, undefined],
    ['a page of a host below this one', 'https://evil.broker.example', HERE, undefined],
    ['a page whose name begins like loopback', 'http://127.0.0.1.evil.example', HERE, undefined],
    ['a page whose name ends like localhost', 'http://evil-localhost', HERE, undefined],
    ['a file or a sandboxed frame', 'null', HERE, undefined],
    ['what is no origin', 'nonsense', HERE, undefined],
    ['an empty Origin', '', HERE, undefined],
    ['any page where no host is named', 'https://broker.example', undefined, undefined],
    ['a page that is not in the list', 'https://evil.example', HERE, ['https://app.example']],
    ['another scheme than in the list', 'http://app.example', HERE, ['https://app.example']],
    ['another port than in the list', 'https://app.example:8443', HERE, ['https://app.example']],
    ['the same host when there is a list without it', 'https://broker.example', HERE, ['https://app.example']],
    ['files, when not in the list', 'null', HERE, ['https://app.example']],
  ])('refuses %s', (_what, origin, host, allowed) => {
    expect(originRefusal(origin, host, allowed, false)).toBe(
      allowed === undefined ? 'origin-elsewhere' : 'origin-not-listed',
    );
  });

  it.each([
    ['a page of the same host', 'https://broker.example'],
    ['a page of the same host, on another port', 'https://broker.example:8080'],
  ])('lets in %s over TLS, which proves the name; without TLS anybody can let a name lead here', (_what, origin) => {
    expect(originRefusal(origin, HERE, undefined, true)).toBeUndefined();
    expect(originRefusal(origin, HERE, undefined, false)).toBe('origin-uncertain');
    expect(originRefusal(origin, HERE, [origin], false)).toBeUndefined();
  });
});
