import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthenticationRequest, AuthorizationRequest, ClientInfo } from '@hawser/broker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LivePolicies } from './live-policies.ts';
import { loadConfiguration } from './load.ts';

const NEVER = new AbortController().signal;

const publish = (listener: string, topic: string): AuthorizationRequest => {
  const client: ClientInfo = {
    clientId: 'device-7',
    username: undefined,
    protocolVersion: 5,
    remoteAddress: '127.0.0.1',
    remotePort: 50_000,
    listener,
    tls: undefined,
    userProperties: [],
  };
  return { client, action: 'publish', topic, qos: 0, retain: false };
};

function policiesOf(configuration: object): LivePolicies {
  const set = Object.entries(configuration).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return new LivePolicies(loadConfiguration({ flags: { set } }), () => {});
}

const allow = (topics: string) => ({ default: 'deny', rules: [{ allow: 'all', topics }] });

describe('authorization of each listener', () => {
  const listeners = [
    { url: 'mqtt://127.0.0.1:1', authorization: allow('a') },
    { url: 'mqtt://127.0.0.1:2', authorization: allow('+') },
    { url: 'mqtt://127.0.0.1:3' },
  ];
  const urls = listeners.map(({ url }) => url);

  it('takes the place of the shared one, which holds where there is none', () => {
    const policies = policiesOf({ listeners, authorization: allow('#') });
    policies.setListenerUrls(urls);
    const asked = (listener: string, topic: string) => policies.authorize?.(publish(listener, topic), NEVER);
    expect(['a', 'b', 'b/c'].map((topic) => urls.map((url) => asked(url, topic)))).toEqual([
      ['allow', 'allow', 'allow'],
      ['deny', 'allow', 'allow'],
      ['deny', 'deny', 'allow'],
    ]);
    expect(asked('ws://own-server', 'b/c')).toBe('allow');
  });

  it('a client whose listener is not known may do what is permitted everywhere', () => {
    const policies = policiesOf({ listeners, authorization: allow('#') });
    const asked = (listener: string, topic: string) => policies.authorize?.(publish(listener, topic), NEVER);
    for (const listener of ['', urls[1] ?? ''])
      expect([asked(listener, 'a'), asked(listener, 'b')]).toEqual(['allow', 'deny']);
  });

  it('is none at all where nothing is restricted', () => {
    expect(policiesOf({}).authorize).toBeUndefined();
  });
});

describe('a chain of password files and tokens', () => {
  const secret = 'a secret of thirty-two bytes, at least';
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'hawser-chain-'));
    // mosquitto_passwd before 2.0: `$6$`, of the password "pw".
    for (const name of ['alice', 'bob']) {
      const hash = createHash('sha512').update('pw').update('salt').digest('base64');
      writeFileSync(join(directory, name), `${name}:$6$${Buffer.from('salt').toString('base64')}$${hash}\n`);
    }
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const token = (claims: object): string => {
    const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
    const head = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
    return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`;
  };
  const login = (username: string, password: string): AuthenticationRequest => ({
    client: { ...publish('', 'a').client, username },
    password: new TextEncoder().encode(password),
    authenticationMethod: undefined,
    authenticationData: undefined,
    again: false,
  });
  const exp = Math.round(Date.now() / 1000) + 600;

  it('goes on to the next link for users whom a file does not know, in either order', async () => {
    const files = ['alice', 'bob'].map((name) => ({ passwords: { file: join(directory, name) } }));
    const jwt = { jwt: { secret } };
    for (const chain of [
      [...files, jwt],
      [jwt, ...files],
      [files[0], jwt, files[1]],
    ]) {
      const ask = policiesOf({ authentication: { chain } }).authenticatorOf(undefined);
      const asked = async (username: string, password: string) => ask(login(username, password), NEVER);
      for (const name of ['alice', 'bob'])
        expect(await asked(name, 'pw')).toMatchObject({ kind: 'allow', username: name });
      expect(await asked('dev', token({ sub: 'carol', exp }))).toMatchObject({ kind: 'allow', username: 'carol' });
      const wrong = await asked('alice', 'x');
      expect(wrong).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
      expect(await asked('nobody', 'x')).toEqual(wrong);
      // What is said of a token does not tell whether there is a user of the name that came with it.
      const expired = token({ sub: 'carol', exp: 1 });
      expect(await asked('alice', expired)).toEqual(await asked('nobody', expired));
      expect(await asked('alice', expired)).toMatchObject({ reason: 'the token has expired' });
    }
  });
});

describe('a listener without rules beside one that has some', () => {
  it('still permits no topic of the server’s own', () => {
    const listeners = [{ url: 'mqtt://127.0.0.1:1', authorization: allow('a') }, { url: 'mqtt://127.0.0.1:2' }];
    const policies = policiesOf({ listeners });
    policies.setListenerUrls(listeners.map(({ url }) => url));
    const asked = (topic: string) => policies.authorize?.(publish('mqtt://127.0.0.1:2', topic), NEVER);
    expect([asked('b'), asked('$SYS/broker/version')]).toEqual(['allow', 'deny']);
  });
});
