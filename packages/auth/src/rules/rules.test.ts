import { topicMatches } from '@hawser/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NEVER, wants } from '../testing/requests.ts';
import { coversFilter, filtersOverlap } from './filters.ts';
import { type Rule, rules } from './rules.ts';

const level = fc.constantFrom('a', 'b', '', '$x');
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', '', '$x', '+'), { minLength: 0, maxLength: 3 }),
    fc.constantFrom('#', '+', 'a'),
  )
  .map(([levels, last]) => [...levels, last].join('/'));

/** Every topic of up to four levels out of a small alphabet that no filter above names completely. */
const TOPICS: readonly string[] = (() => {
  const all: string[] = [];
  let ends: string[][] = [[]];
  for (let depth = 0; depth < 4; depth++) {
    ends = ends.flatMap((levels) => ['a', 'b', '', '$x', 'z'].map((next) => [...levels, next]));
    all.push(...ends.map((levels) => levels.join('/')));
  }
  return all.filter((name) => name !== '');
})();

describe("topics that begin with '$'", () => {
  const publish = (list: Rule[], topic: string, clientId: string, username?: string) =>
    rules(list)(wants('publish', topic, { client: { clientId, username } }), NEVER);

  it.each(['%c/#', '%c', '%u/#', '%c%u/#', '#', '+/#'])(
    'are not permitted by %s, whatever a client is called',
    (topics) => {
      for (const name of ['$SYS', '$'])
        for (const topic of ['$SYS/broker/version', '$SYS', '$/a'])
          expect(publish([{ allow: 'all', topics }], topic, name, name)).toBeUndefined();
    },
  );

  it('are permitted by a rule that names them, and denied by a name', () => {
    expect(publish([{ allow: 'publish', topics: '$SYS/%c/#' }], '$SYS/dev/x', 'dev')).toBe('allow');
    expect(publish([{ deny: 'all', topics: '%c/#' }], '$SYS/x', '$SYS')).toBe('deny');
  });
});

describe('filters against filters', () => {
  it('covers: what matches the inner one matches the outer one, and nothing less is enough', () => {
    fc.assert(
      fc.property(filter, filter, (outer, inner) => {
        const expected = TOPICS.every((name) => !topicMatches(inner, name) || topicMatches(outer, name));
        const actual = coversFilter(outer.split('/'), inner.split('/'));
        // Never more than it may; less only where a `+` and a literal together make up a wildcard.
        if (actual) expect(expected).toBe(true);
        if (inner === outer) expect(actual).toBe(true);
      }),
    );
  });

  it('overlaps: exactly when some topic matches both', () => {
    fc.assert(
      fc.property(filter, filter, (one, other) => {
        const expected = TOPICS.some((name) => topicMatches(one, name) && topicMatches(other, name));
        expect(filtersOverlap(one.split('/'), other.split('/'))).toBe(expected);
      }),
      { numRuns: 1000, examples: [['+', '/#']] },
    );
  });

  it('for a Topic Name both are matching', () => {
    fc.assert(
      fc.property(filter, topic, (one, name) => {
        fc.pre(name !== '');
        expect(coversFilter(one.split('/'), name.split('/'))).toBe(topicMatches(one, name));
        expect(filtersOverlap(one.split('/'), name.split('/'))).toBe(topicMatches(one, name));
      }),
    );
  });
});

type Case = readonly [
  rules: readonly Rule[],
  request: ReturnType<typeof wants>,
  expected: 'allow' | 'deny' | undefined,
];

const own: Rule = { allow: 'all', topics: 'devices/%c/#' };
const user: Rule = { allow: 'publish', topics: 'users/%u/#' };
const all: Rule = { allow: 'all', topics: '#' };
const secret: Rule = { deny: 'all', topics: 'secret/#' };
const tls = {
  protocol: 'TLSv1.3',
  cipher: 'x',
  peerSubject: 'CN=d',
  peerCommonName: 'd',
  peerCertificate: undefined,
  serverName: undefined,
};

const CASES: readonly Case[] = [
  [[own], wants('publish', 'devices/device-7/t'), 'allow'],
  [[own], wants('publish', 'devices/device-8/t'), undefined],
  [[own], wants('subscribe', 'devices/device-7/#'), 'allow'],
  [[own], wants('subscribe', 'devices/+/t'), undefined],
  [[own], wants('subscribe', 'devices/#'), undefined],
  // Names that would be wildcards, or lead elsewhere.
  [[own], wants('publish', 'devices/+/t', { client: { clientId: '+' } }), undefined],
  [[own], wants('subscribe', 'devices/+/t', { client: { clientId: '+' } }), undefined],
  [[own], wants('subscribe', 'devices/#', { client: { clientId: '#' } }), undefined],
  [[own], wants('publish', 'devices/a/b', { client: { clientId: 'a/b' } }), undefined],
  [
    [{ deny: 'all', topics: 'devices/%c/admin' }, all],
    wants('publish', 'devices/a/b/admin', { client: { clientId: 'a/b' } }),
    'deny',
  ],
  [[user], wants('publish', 'users/alice/x', { client: { username: 'alice' } }), 'allow'],
  [[user], wants('publish', 'users//x', { client: { username: '' } }), undefined],
  [[user], wants('publish', 'users//x'), undefined],
  // A certificate counts when it was verified.
  [
    [{ allow: 'all', topics: 'c/%cert' }],
    wants('publish', 'c/d', { client: { tls: { ...tls, authorized: true } } }),
    'allow',
  ],
  [
    [{ allow: 'all', topics: 'c/%cert' }],
    wants('publish', 'c/d', { client: { tls: { ...tls, authorized: false } } }),
    undefined,
  ],
  // The order of the rules, and subscriptions that would take in what is denied.
  [[secret, all], wants('subscribe', '#'), 'deny'],
  [[secret, all], wants('subscribe', '+/x'), 'deny'],
  [[secret, all], wants('subscribe', 'open/#'), 'allow'],
  [[all, secret], wants('subscribe', 'secret/x'), 'allow'],
  [[secret, all], wants('publish', 'secret'), 'deny'],
  [[all], wants('subscribe', '$SYS/#'), undefined],
  [[all], wants('publish', '$SYS/broker'), undefined],
  // Actions.
  [[{ allow: 'publish', topics: '#' }], wants('subscribe', 'a'), undefined],
  [[{ deny: 'retain', topics: '#' }, all], wants('publish', 'a', { retain: true }), 'deny'],
  [[{ deny: 'retain', topics: '#' }, all], wants('publish', 'a'), 'allow'],
  [[{ allow: 'retain', topics: '#' }], wants('publish', 'a'), undefined],
  [[{ allow: ['subscribe', 'retain'], topics: ['a', 'b'] }], wants('subscribe', 'b'), 'allow'],
  // Users, clients, addresses, QoS.
  [[{ ...all, users: ['alice', 'bob'] }], wants('publish', 'a', { client: { username: 'bob' } }), 'allow'],
  [[{ ...all, users: 'alice' }], wants('publish', 'a'), undefined],
  [[{ ...all, anonymous: true }], wants('publish', 'a'), 'allow'],
  [[{ ...all, anonymous: true }], wants('publish', 'a', { client: { username: 'alice' } }), undefined],
  [[{ ...secret, anonymous: true }, all], wants('subscribe', '#', { client: { username: 'alice' } }), 'allow'],
  [[{ ...secret, anonymous: true }, all], wants('subscribe', '#'), 'deny'],
  [[{ ...all, clients: 'device-7' }], wants('publish', 'a'), 'allow'],
  [[{ ...all, addresses: '10.0.0.0/8' }], wants('publish', 'a', { client: { remoteAddress: '10.9.8.7' } }), 'allow'],
  [
    [{ ...all, addresses: '10.0.0.0/8' }],
    wants('publish', 'a', { client: { remoteAddress: '::ffff:10.9.8.7' } }),
    'allow',
  ],
  [[{ ...all, addresses: '10.0.0.0/8' }], wants('publish', 'a', { client: { remoteAddress: '11.0.0.1' } }), undefined],
  [
    [{ ...all, addresses: ['loopback', '2001:db8::/32'] }],
    wants('publish', 'a', { client: { remoteAddress: '2001:db8::7' } }),
    'allow',
  ],
  [[{ ...all, addresses: 'loopback' }], wants('publish', 'a', { client: { remoteAddress: '' } }), undefined],
  [[{ ...all, qos: [0, 1] }], wants('publish', 'a', { qos: 2 }), undefined],
  [[{ ...all, qos: 2 }], wants('publish', 'a', { qos: 2 }), 'allow'],
];

describe('rules', () => {
  it.each(CASES)('%j: %j is %s', (list, request, expected) => {
    expect(rules(list)(request, NEVER)).toBe(expected);
  });

  it.each([
    [{ topics: '#' }],
    [{ allow: 'all', deny: 'all', topics: '#' }],
    [{ allow: 'all', topics: [] }],
    [{ allow: 'all', topics: 'a/#/b' }],
    [{ allow: 'all', topics: '$share/g/a' }],
    [{ allow: 'all', topics: '#', users: 'alice', anonymous: true }],
    [{ allow: 'all', topics: '#', addresses: '10.0.0.0/40' }],
    [{ allow: 'all', topics: '#', addresses: 'example.com' }],
  ] as const)('refuses the rule %j', (rule) => {
    expect(() => rules([rule as Rule])).toThrow(RangeError);
  });
});
