import { describe, expect, it } from 'vitest';
import { settingsWith } from '../settings.ts';
import { ALLOWED, DENIED, type Permission } from './answers.ts';
import { Asker } from './asker.ts';
import { PermissionCache } from './permission-cache.ts';
import type { AuthorizationRequest, ClientInfo } from './policies.ts';

const CLIENT: ClientInfo = {
  clientId: 'dev-7',
  username: undefined,
  protocolVersion: 5,
  remoteAddress: '127.0.0.1',
  remotePort: 1,
  listener: 'mqtt:',
  tls: undefined,
  userProperties: [],
};
/** The wall clock of these tests is so far ahead of the broker's. */
const WALL_MS = 1_000_000;

const publish = (topic: string, client = CLIENT): AuthorizationRequest => ({
  client,
  action: 'publish',
  topic,
  qos: 0,
  retain: false,
});

function cacheOver(answer: () => Permission | Promise<Permission>, permissions = 100) {
  const asked: string[] = [];
  const policies = {
    generation: 1,
    mayPublish: (_asker: Asker, { topic }: AuthorizationRequest) => {
      asked.push(topic);
      return answer();
    },
    maySubscribe: () => DENIED,
  };
  const host = {
    policies,
    driverNode: { turn: { spend: () => {} } },
    settings: settingsWith({ 'limits.permissions': permissions }),
    fromWall: (wallMs: number) => wallMs - WALL_MS,
  };
  return { asked, policies, cache: new PermissionCache(host, new Asker()) };
}

describe('what a connection is remembered to be allowed', () => {
  it('is asked for once, topic by topic, until the rules or the client change', () => {
    const { asked, cache, policies } = cacheOver(() => ALLOWED);
    for (const topic of ['a', 'b', 'a', 'a', 'b']) expect(cache.decide(publish(topic), 0)).toBe(ALLOWED);
    expect(asked).toEqual(['a', 'b']);
    policies.generation++;
    cache.decide(publish('a'), 0);
    cache.decide(publish('a', { ...CLIENT }), 0);
    expect(asked).toEqual(['a', 'b', 'a', 'a']);
  });

  it('has a denial that came at once, and none that has an end or came later', async () => {
    for (const [answer, times] of [
      [() => DENIED, 1],
      [async () => DENIED, 3],
      [() => ({ decision: 'deny', expiresAt: WALL_MS + 10 }) as const, 3],
    ] as const) {
      const { asked, cache } = cacheOver(answer);
      for (let i = 0; i < 3; i++) expect(await cache.decide(publish('a'), 0)).toMatchObject({ decision: 'deny' });
      expect(asked).toHaveLength(times);
    }
  });

  it('ends with the time of the answer, also for the topic that was asked about last', () => {
    const { asked, cache } = cacheOver(() => ({ decision: 'allow', expiresAt: WALL_MS + 10 }));
    for (const now of [0, 9, 9, 10]) expect(cache.decide(publish('a'), now)).toMatchObject({ decision: 'allow' });
    expect(asked).toHaveLength(2);
  });

  it('is not what was answered while the rules changed', async () => {
    let settle: (permission: Permission) => void = () => {};
    const { asked, cache, policies } = cacheOver(
      () =>
        new Promise((resolve) => {
          settle = resolve;
        }),
    );
    const first = cache.decide(publish('a'), 0);
    policies.generation++;
    settle(ALLOWED);
    expect(await first).toBe(ALLOWED);
    cache.decide(publish('a'), 0);
    expect(asked).toEqual(['a', 'a']);
  });

  it('is bounded in number and in length', () => {
    const { asked, cache } = cacheOver(() => ALLOWED, 2);
    for (const topic of ['a', 'b', 'c', 'a']) cache.decide(publish(topic), 0);
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
    const long = 'x'.repeat(1000);
    for (let i = 0; i < 2; i++) cache.decide(publish(long), 0);
    expect(asked.filter((topic) => topic === long)).toHaveLength(2);
  });
});
