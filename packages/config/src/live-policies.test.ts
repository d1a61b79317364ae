import type { AuthorizationRequest, ClientInfo } from '@hawser/broker';
import { describe, expect, it } from 'vitest';
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
