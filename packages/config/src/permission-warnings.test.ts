import { describe, expect, it } from 'vitest';
import { loadConfiguration } from './load.ts';
import { permissionWarnings } from './permission-warnings.ts';

function warningsOf(configuration: object): readonly string[] {
  const set = Object.entries(configuration).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return permissionWarnings(loadConfiguration({ flags: { set } }));
}

const url = 'mqtt://127.0.0.1:1883';
const users = { allow: 'all', topics: '#', users: 'admin' };
const byName = { allow: 'all', topics: 'devices/%u/#' };
const chain = [{ http: { url: 'https://example.org/' } }];
const closed = { default: 'deny' };

describe('names that nobody checks', () => {
  it.each([
    ['a rule with users', { listeners: [{ url }], authorization: { ...closed, rules: [users] } }],
    ['a rule with %u', { listeners: [{ url }], authorization: { ...closed, rules: [byName] } }],
    ['a rule of the listener', { listeners: [{ url, authorization: { ...closed, rules: [byName] } }] }],
    ['same-principal', { listeners: [{ url, clientIds: 'same-principal' }] }],
    [
      'an open listener beside one with a chain',
      {
        listeners: [{ url }, { url: 'mqtt://127.0.0.1:1884', authentication: { chain } }],
        authorization: { rules: [users] },
      },
    ],
  ])('are told where %s believes them', (_what, configuration) => {
    expect(warningsOf(configuration)).toEqual([
      expect.stringContaining(`nobody checks the user names that clients of ${url} give`),
    ]);
  });

  it.each([
    [
      'there is a chain',
      {
        listeners: [{ url, clientIds: 'same-principal' }],
        authentication: { chain },
        authorization: { rules: [users] },
      },
    ],
    [
      'rules name nobody',
      { listeners: [{ url }], authorization: { ...closed, rules: [{ allow: 'all', topics: '%c/#' }] } },
    ],
    [
      'nobody may come without a name',
      { listeners: [{ url }], authentication: { anonymous: false }, authorization: { ...closed, rules: [users] } },
    ],
  ])('are not told where %s', (_what, configuration) => {
    expect(warningsOf(configuration)).toEqual([]);
  });
});

describe('rules that restrict nothing', () => {
  const rules = [{ allow: 'all', topics: 'public/#' }];

  it('are told where all of them allow, and so does the default', () => {
    const told = (key: string) => expect.stringContaining(`${key}.rules restrict nothing`);
    expect(warningsOf({ authentication: { anonymous: true }, authorization: { rules } })).toEqual([
      told('authorization'),
    ]);
    expect(warningsOf({ authentication: { chain }, authorization: { rules, default: 'allow' } })).toEqual([
      told('authorization'),
    ]);
    expect(warningsOf({ listeners: [{ url, authorization: { rules } }] })).toEqual([
      told('listeners[0].authorization'),
    ]);
  });

  it('are not told where one denies, the default does, or a service is asked', () => {
    expect(warningsOf({ authorization: { rules, default: 'deny' } })).toEqual([]);
    expect(warningsOf({ authorization: { rules: [...rules, { deny: 'all', topics: '#' }] } })).toEqual([]);
    expect(warningsOf({ authentication: { chain }, authorization: { rules } })).toEqual([]);
    expect(warningsOf({ authorization: { rules, http: { url: 'https://example.org/' } } })).toEqual([]);
  });
});
