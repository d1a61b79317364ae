import type { ConnectEvidence, ConnectOptions, Negotiated, TlsOptions } from '@hawser/client';
import { describe, expect, it } from 'vitest';
import { findInConnection, findInNegotiated, findInOptions } from './connection-findings.ts';
import { DAY_MS } from './evidence.ts';
import { Findings } from './findings.ts';
import type { Severity } from './report.ts';

const NOW = Date.UTC(2030, 0, 15);

type Seen = readonly (readonly [Severity, string])[];

function seen(findings: Findings): Seen {
  return findings.list.map(({ severity, code }) => [severity, code]);
}

describe('options', () => {
  it.each<[string, ConnectOptions, Seen]>([
    ['nothing said', {}, []],
    ['Keep Alive 0', { keepAlive: 0 }, [['warning', 'keep-alive-off']]],
    ['a long Keep Alive', { keepAlive: 1000 }, [['info', 'keep-alive-long']]],
    [
      'a Keep Alive that was meant in milliseconds',
      { keepAlive: 60_000 },
      [
        ['warning', 'probably-milliseconds'],
        ['info', 'keep-alive-long'],
      ],
    ],
    ['a delay that was meant in milliseconds', { reconnect: { delay: 1000 } }, [['warning', 'probably-milliseconds']]],
    [
      'Session Expiry 0 with Clean Start false',
      { clientId: 'a', cleanStart: false },
      [['warning', 'session-without-expiry']],
    ],
    [
      'a persistent session with a random ID',
      { cleanStart: false, sessionExpiryInterval: 60 },
      [
        ['warning', 'session-without-client-id'],
        ['warning', 'queue-never-read'],
      ],
    ],
    [
      'a persistent session of 3.1.1 with a random ID',
      { cleanStart: false, protocolVersion: 4 },
      [
        ['warning', 'session-without-client-id'],
        ['warning', 'queue-never-read'],
      ],
    ],
    [
      'a session that each start discards',
      { clientId: 'a', sessionExpiryInterval: 86_400 },
      [['warning', 'queue-never-read']],
    ],
    ['a session for a lost network', { clientId: 'a', sessionExpiryInterval: 600 }, []],
    [
      'a session for ever',
      { clientId: 'a', cleanStart: false, sessionExpiryInterval: 0xffff_ffff },
      [['info', 'session-never-expires']],
    ],
    ['a session as it should be', { clientId: 'a', cleanStart: false, sessionExpiryInterval: 600 }, []],
    [
      'a Client ID that is long for 3.1',
      { clientId: 'a'.repeat(24), protocolVersion: 3 },
      [['warning', 'client-id-too-long']],
    ],
  ])('%s', (_what, options, expected) => {
    for (const language of ['en', 'zh'] as const) {
      const findings = new Findings(language);
      findInOptions(options, findings);
      expect(seen(findings)).toEqual(expected);
      for (const { message, hint } of findings.list) expect(message + hint).not.toMatch(/[{}]|undefined|NaN/);
    }
  });
});

describe('the connection', () => {
  const found = (
    options: ConnectOptions,
    evidence: ConnectEvidence,
    tls: { readonly authorized: boolean } | undefined,
    hasCredentials = false,
  ): Seen => {
    const findings = new Findings('en');
    findInConnection(options, evidence, tls, hasCredentials, NOW, findings);
    return seen(findings);
  };

  it.each<[string, string, boolean, Seen]>([
    ['loopback', '127.0.0.1', true, []],
    ['loopback, IPv6', '::1', true, []],
    ['a private network', '192.168.1.7', true, [['warning', 'credentials-unencrypted']]],
    ['a private network, IPv6', 'fd00::7', true, [['warning', 'credentials-unencrypted']]],
    ['the Internet', '203.0.113.7', true, [['error', 'credentials-unencrypted']]],
    [
      'the Internet, anonymous',
      '203.0.113.7',
      false,
      [
        ['info', 'unencrypted'],
        ['warning', 'anonymous-access'],
      ],
    ],
  ])('a password in clear, or none: %s', (_what, peerAddress, hasCredentials, expected) => {
    expect(found({}, { host: 'h', peerAddress }, undefined, hasCredentials)).toEqual(expected);
  });

  const insecure: TlsOptions = { insecure: true };

  it.each<[string, string, TlsOptions, boolean, Seen]>([
    ['verified', '203.0.113.7', {}, true, []],
    ['not verified', '203.0.113.7', insecure, false, [['error', 'tls-not-verified']]],
    ['not verified, over loopback', '127.0.0.1', insecure, false, [['warning', 'tls-not-verified']]],
    ['not verified without need', '203.0.113.7', insecure, true, [['warning', 'tls-not-verified-needlessly']]],
  ])('TLS %s', (_what, peerAddress, tls, authorized, expected) => {
    expect(found({ tls }, { host: 'h', peerAddress }, { authorized }, true)).toEqual(expected);
  });

  it.each<[string, number, number, Seen]>([
    ['has a year', -10, 355, []],
    ['is good for six days, fresh', 0, 6, []],
    ['is good for six days, and one is left', -5, 1, [['warning', 'certificate-expires-soon']]],
    ['has three weeks of a year left', -344, 21, [['warning', 'certificate-expires-soon']]],
    ['has a day of a year left', -364, 1, [['error', 'certificate-expires-soon']]],
    ['has expired', -365, -1, [['error', 'certificate-expired']]],
  ])('a certificate that %s', (_what, fromDays, toDays, expected) => {
    const certificate = {
      subject: 'CN=h',
      issuer: 'CN=ca',
      names: ['h'],
      validFromMs: NOW + fromDays * DAY_MS,
      validToMs: NOW + toDays * DAY_MS,
      fingerprint: 'AA',
    };
    expect(found({}, { host: 'h', peerAddress: '::1', certificates: [certificate] }, { authorized: true })).toEqual(
      expected,
    );
  });
});

describe('what was granted', () => {
  const value = <T>(effective: T, requested?: T, granted?: T) => ({ requested, granted, effective });
  const good: Negotiated = {
    protocolVersion: value(5),
    clientId: value('a'),
    keepAlive: value(60, 60),
    cleanStart: true,
    sessionPresent: false,
    sessionExpiryInterval: value<number | undefined>(0, 0),
    receiveMaximum: value(65_535),
    maximumQoS: value(2),
    retainAvailable: value(true),
    maximumPacketSize: value(1_048_576),
    topicAliasMaximum: value(0),
    wildcardSubscriptionAvailable: value(true),
    subscriptionIdentifierAvailable: value(true),
    sharedSubscriptionAvailable: value(true),
    responseInformation: undefined,
    serverReference: undefined,
    authenticationMethod: undefined,
    reasonString: undefined,
    userProperties: [],
  };

  it.each<[string, Partial<Negotiated>, ConnectOptions, Seen]>([
    ['all', {}, {}, []],
    ['another Keep Alive', { keepAlive: value(30, 60, 30) }, {}, [['info', 'keep-alive-changed']]],
    ['the same Keep Alive', { keepAlive: value(60, 60, 60) }, {}, []],
    [
      'a shorter session',
      { sessionExpiryInterval: value<number | undefined>(10, 100, 10) },
      {},
      [['warning', 'session-expiry-capped']],
    ],
    ['QoS 1', { maximumQoS: value(1) }, {}, [['warning', 'qos-not-available']]],
    ['no retain', { retainAvailable: value(false) }, {}, [['warning', 'retain-not-available']]],
    ['no wildcards', { wildcardSubscriptionAvailable: value(false) }, {}, [['warning', 'wildcard-not-available']]],
    ['no shared subscriptions', { sharedSubscriptionAvailable: value(false) }, {}, [['info', 'shared-not-available']]],
    [
      'no identifiers',
      { subscriptionIdentifierAvailable: value(false) },
      {},
      [['info', 'subscription-identifiers-not-available']],
    ],
    ['small packets', { maximumPacketSize: value(1000) }, {}, [['info', 'packet-size-small']]],
    ['an older version', { protocolVersion: value(4) }, { protocolVersion: 'auto' }, [['info', 'older-version']]],
  ])('%s', (_what, change, options, expected) => {
    const findings = new Findings('en');
    findInNegotiated(options, { ...good, ...change } as Negotiated, findings);
    expect(seen(findings)).toEqual(expected);
  });
});
