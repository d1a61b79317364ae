import { describe, expect, test } from 'vitest';
import type { ClientInfo } from '../policy/policies.ts';
import { Counters } from '../recorder/counters.ts';
import { type Settings, settingsWith } from '../settings.ts';
import { Gatekeeper } from './gatekeeper.ts';

const HERE = '203.0.113.7';
const THERE = '198.51.100.9';

function gate(changes: Partial<Settings> = {}) {
  const core = {
    settings: settingsWith(changes),
    counters: new Counters(),
    time: 0,
    delay: 0,
    now: () => core.time,
    wallNow: () => core.time,
    loopDelayMs: () => core.delay,
  };
  return { core, gatekeeper: new Gatekeeper(core, undefined) };
}

function clientOf(changes: Partial<ClientInfo> = {}): ClientInfo {
  return {
    clientId: 'c',
    username: undefined,
    protocolVersion: 5,
    remoteAddress: HERE,
    remotePort: 1,
    listener: '',
    tls: undefined,
    userProperties: [],
    ...changes,
  };
}

describe('the gatekeeper', () => {
  test('limits.connectionsPerAddress: one more is refused, and those that go make room', () => {
    const { core, gatekeeper } = gate({ 'limits.connectionsPerAddress': 2 });
    const arrive = (address: string) => gatekeeper.onArrival(address, 0)?.detail;
    expect([arrive(HERE), arrive(HERE), arrive(THERE)]).toEqual([undefined, undefined, undefined]);
    expect(arrive(HERE)).toEqual({ is: 'connections-of-address', address: HERE, limit: 2 });
    expect(core.counters.limitedConnections).toBe(1);
    gatekeeper.onGone(HERE);
    gatekeeper.onGone(HERE);
    expect(arrive(HERE)).toBeUndefined();
  });

  test('limits.connectRatePerAddress: one address that comes too often takes nothing from others', () => {
    const { gatekeeper } = gate({ 'limits.connectRatePerAddress': 1 });
    expect(gatekeeper.onArrival(HERE, 0)).toBeUndefined();
    expect(gatekeeper.onArrival(HERE, 0)?.code).toBe('connection-rate-exceeded');
    expect(gatekeeper.onArrival(THERE, 0)).toBeUndefined();
    expect(gatekeeper.onArrival(HERE, 1000)).toBeUndefined();
  });

  test('other settings hold from the next look on', () => {
    const { core, gatekeeper } = gate();
    expect(gatekeeper.hasRates).toBe(false);
    core.settings = settingsWith({ 'limits.messageRate': 10, 'bans.exempt': HERE });
    expect(gatekeeper.hasRates).toBe(true);
    expect([gatekeeper.isExempt(HERE), gatekeeper.isExempt(THERE)]).toEqual([true, false]);
  });

  test.each([
    ['an address', HERE],
    ['a Client Identifier', 'client:c'],
    ['a user', 'user:u'],
    ['a Client Identifier at an address', `pair:c@${HERE}`],
  ])('a ban of %s is found where that is known first', (_what, target) => {
    const { core, gatekeeper } = gate();
    const asked = (): (string | undefined)[] => [
      gatekeeper.onHandshake(HERE)?.code,
      gatekeeper.onArrival(HERE, 0)?.code,
      gatekeeper.onConnect('c', HERE)?.code,
      gatekeeper.onIdentified(clientOf({ username: 'u' }), undefined)?.code,
    ];
    expect(asked()).toEqual([undefined, undefined, undefined, undefined]);
    gatekeeper.bans.add(target, 'by hand', 60);
    const banned = asked();
    expect(banned.filter((code) => code === 'banned')).toHaveLength(target === HERE ? 2 : 1);
    expect(core.counters.bannedConnections).toBe(target === HERE ? 2 : 1);
    expect(gatekeeper.isMeant(target, clientOf({ username: 'u' }), HERE)).toBe(true);
    expect(gatekeeper.isMeant(target, clientOf({ clientId: 'd' }), THERE)).toBe(false);
  });

  test('a ban of a user holds for a client that only claims the name', () => {
    const { gatekeeper } = gate();
    gatekeeper.bans.add('user:u', 'by hand', 60);
    expect(gatekeeper.onIdentified(clientOf({ claimedUsername: 'u' }), undefined)?.code).toBe('banned');
  });

  test('an exempt address is not banned, but what has a name is', () => {
    const { gatekeeper } = gate({ 'bans.exempt': HERE, 'bans.failedLogins': 1 });
    gatekeeper.countFailedLogin(HERE);
    gatekeeper.countFailedLogin(HERE);
    expect(gatekeeper.bans.list()).toEqual([]);
    gatekeeper.bans.add('client:c', 'by hand', 60);
    expect(gatekeeper.onConnect('c', HERE)?.code).toBe('banned');
  });

  test('bans.failedLogins: wrong credentials count, as clients that hang up while they are checked', () => {
    const { core, gatekeeper } = gate({ 'bans.failedLogins': 2 });
    const detail = { is: 'plain' } as const;
    const wrong = { code: 'bad-user-name-or-password', reasonCode: 0x86, detail, by: 'self' } as const;
    gatekeeper.onRefused(HERE, { ...wrong, reasonCode: 0x87 });
    gatekeeper.onRefused(HERE, { ...wrong, by: 'network' });
    expect(core.counters.failedLogins).toBe(0);
    gatekeeper.onRefused(HERE, wrong);
    gatekeeper.countAbandonedLogin(HERE);
    expect([core.counters.failedLogins, core.counters.abandonedLogins]).toEqual([1, 1]);
    expect(gatekeeper.bans.find(HERE)).toMatchObject({ offence: 'failed-logins' });
  });

  test('limits.connectionsPerUser: another is refused, one that takes over is not, and an end makes room', () => {
    const { gatekeeper } = gate({ 'limits.connectionsPerUser': 1 });
    const user = clientOf({ username: 'u' });
    gatekeeper.onAccepted(user);
    expect(gatekeeper.onIdentified(user, undefined)?.detail).toEqual({ is: 'connections-of-user', limit: 1 });
    expect(gatekeeper.onIdentified(user, user)).toBeUndefined();
    expect(gatekeeper.onIdentified(clientOf(), undefined)).toBeUndefined();
    gatekeeper.onClosed(user);
    expect(gatekeeper.onIdentified(user, undefined)).toBeUndefined();
  });

  test('limits.loopDelay: nobody new while the event loop is late', () => {
    const { core, gatekeeper } = gate({ 'limits.loopDelay': 1 });
    core.delay = 1000;
    expect(gatekeeper.onConnect('c', HERE)).toBeUndefined();
    core.delay = 1501;
    expect(gatekeeper.onConnect('c', HERE)).toMatchObject({
      code: 'server-busy',
      detail: { is: 'loop-late', ms: 1501 },
    });
    expect(core.counters.overloadRefusals).toBe(1);
  });
});
