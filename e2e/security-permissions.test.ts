import { authorizers, chain, parseHash, passwords, type Rule, rules } from '@hawser/auth';
import type { Broker } from '@hawser/broker';
import type { ProtocolVersion, QoS } from '@hawser/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Attacker, startGuardedBroker, withAttacker } from './support/security-client.ts';

// mosquitto_passwd's $7$ with one iteration each: a table has many logins.
const users = new Map(
  ['alice', 'bob', 'admin', '+'].map((name) => {
    const hash = parseHash(
      '$6$46o+10LMAcLcf7yW$FEzp9Kc5SVTNH7U3coNVwhzW06nKu/v8g3+VMETZlJMo8sa7yLzvg5yZC4x7v2vvAaV5Kqedpy4kSBAiGPobdg==',
    );
    if (hash === undefined) throw new Error('unreadable');
    return [name, hash] as const;
  }),
);

const RULES: readonly Rule[] = [
  { deny: 'all', topics: 'secret/#', users: ['alice', 'bob', '+'] },
  { allow: 'all', topics: '#', users: 'admin' },
  { deny: 'retain', topics: 'users/%u/state' },
  { allow: 'all', topics: 'users/%u/#' },
  { allow: 'publish', topics: 'devices/%c/up' },
  { allow: 'subscribe', topics: ['devices/%c/down', 'news/#'] },
  { allow: 'publish', topics: 'low/#', qos: 0 },
  { allow: 'publish', topics: 'here/#', addresses: '127.0.0.2' },
];

let broker: Broker & { readonly port: number };

beforeAll(async () => {
  broker = await startGuardedBroker({
    authenticate: chain(passwords({ users: () => users })),
    authorize: authorizers([rules(RULES)], 'deny'),
    settings: { 'bans.failedLogins': 0 },
  });
});
afterAll(() => broker.close());

type Action = 'publish' | 'retain' | 'subscribe';
type Row = [user: string, action: Action, topic: string, qos: QoS, allowed: boolean, from?: string];

const TABLE: readonly Row[] = [
  ['alice', 'publish', 'users/alice/x', 1, true],
  ['alice', 'publish', 'users/alice', 1, true],
  ['alice', 'publish', 'users/bob/x', 1, false],
  ['alice', 'publish', 'users/alice/state', 1, true],
  ['alice', 'retain', 'users/alice/state', 1, false],
  ['alice', 'retain', 'users/alice/other', 1, true],
  ['alice', 'subscribe', 'users/alice/#', 1, true],
  ['alice', 'subscribe', 'users/+/x', 1, false],
  ['alice', 'subscribe', 'users/#', 1, false],
  ['alice', 'subscribe', '#', 1, false],
  ['alice', 'subscribe', '$share/g/users/alice/#', 1, true],
  ['alice', 'subscribe', '$share/g/users/bob/#', 1, false],
  ['alice', 'subscribe', '$SYS/#', 0, false],
  ['alice', 'publish', 'devices/device-7/up', 2, true],
  ['alice', 'publish', 'devices/device-8/up', 2, false],
  ['alice', 'publish', 'devices/device-7/down', 1, false],
  ['alice', 'subscribe', 'devices/device-7/down', 1, true],
  ['alice', 'subscribe', 'devices/device-7/up', 1, false],
  ['alice', 'subscribe', 'news/#', 0, true],
  ['alice', 'publish', 'news/today', 1, false],
  ['alice', 'publish', 'low/x', 1, false],
  ['alice', 'publish', 'here/x', 1, false],
  ['alice', 'publish', 'here/x', 1, true, '127.0.0.2'],
  ['alice', 'publish', 'secret/x', 1, false],
  ['admin', 'publish', 'secret/x', 1, true],
  ['admin', 'subscribe', '#', 2, true],
  ['admin', 'retain', 'anything', 1, true],
  ['admin', 'subscribe', '$SYS/#', 0, false],
  ['bob', 'publish', 'users/alice/x', 1, false],
  // A user who calls himself by a wildcard gets nobody's topics.
  ['+', 'subscribe', 'users/+/x', 1, false],
  ['+', 'publish', 'users/alice/x', 1, false],
];

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];

async function attempt(peer: Attacker, action: Action, topic: string, qos: QoS): Promise<boolean> {
  const denied = broker.counters.publishesDenied + broker.counters.subscribesDenied;
  if (action === 'subscribe') {
    const options = { topicFilter: topic, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 as const };
    peer.send({ type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [options] });
  } else {
    peer.send({
      type: 'publish',
      dup: false,
      qos,
      retain: action === 'retain',
      topic,
      packetIdentifier: qos === 0 ? 0 : 1,
      payload: new Uint8Array(0),
      properties: undefined,
    });
  }
  const answers = await peer.drain();
  const codes = answers.flatMap((packet) =>
    packet.type === 'suback' ? packet.reasonCodes : 'reasonCode' in packet ? [packet.reasonCode] : [],
  );
  const refused = broker.counters.publishesDenied + broker.counters.subscribesDenied > denied;
  // 5.0 says 0x87, 3.1.1 has 0x80 in the SUBACK; nothing else can be said there.
  if (refused && peer.version === 5 && (qos > 0 || action === 'subscribe')) expect(codes).toContain(0x87);
  if (refused && peer.version === 4 && action === 'subscribe') expect(codes).toContain(0x80);
  return !refused;
}

describe.each(VERSIONS)('permissions in protocol version %i', (version) => {
  it.each(TABLE)('%s may %s %s at QoS %i: %s', async (...row: Row) => {
    const [user, action, topic, qos, allowed, from] = row;
    const options = from === undefined ? {} : { from };
    await withAttacker(
      broker.port,
      version,
      async (peer) => {
        expect(await peer.connect({ username: user, password: 'build' })).toMatchObject({ reasonCode: 0 });
        expect(await attempt(peer, action, topic, qos)).toBe(allowed);
      },
      options,
    );
  });

  it('a Will that may not be published refuses the connection', async () => {
    const will = {
      topic: 'secret/x',
      payload: new Uint8Array(1),
      qos: 0 as const,
      retain: false,
      properties: undefined,
    };
    await withAttacker(broker.port, version, async (peer) => {
      const connack = await peer.connect({ username: 'alice', password: 'build', will });
      expect(connack?.reasonCode).toBe(version === 5 ? 0x87 : 0x05);
    });
  });

  it('wrong credentials and unknown users get the same answer', async () => {
    const answers = [];
    for (const [username, password] of [
      ['alice', 'x'],
      ['nobody', 'build'],
      ['alice', ''],
    ] as const) {
      answers.push(await withAttacker(broker.port, version, (peer) => peer.connect({ username, password })));
    }
    expect(answers[0]?.reasonCode).toBe(version === 5 ? 0x86 : 0x04);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });
});

describe('rules that change', () => {
  it('end deliveries at once, bring them back, and hold for Wills that were permitted before', async () => {
    let list: readonly Rule[] = [{ allow: 'all', topics: '#' }];
    const changing = await startGuardedBroker({
      authorize: (request, signal) => authorizers([rules(list)], 'deny')(request, signal),
    });
    try {
      const subscriber = await Attacker.open(changing.port);
      await subscriber.connect({ clientId: 'subscriber' });
      for (const [packetIdentifier, topicFilter] of [
        [1, 'news/#'],
        [2, '$share/g/news/#'],
        [3, 'wills/#'],
      ] as const) {
        const options = {
          topicFilter,
          qos: 1 as const,
          noLocal: false,
          retainAsPublished: false,
          retainHandling: 0 as const,
        };
        subscriber.send({ type: 'subscribe', packetIdentifier, properties: undefined, subscriptions: [options] });
      }
      await subscriber.drain();
      const heard = async (): Promise<number> => {
        changing.publish('news/today', 'x', { qos: 0 });
        return (await subscriber.drain()).filter((packet) => packet.type === 'publish').length;
      };
      expect(await heard()).toBe(2);
      list = [{ allow: 'all', topics: ['other/#', 'wills/#'] }];
      changing.forgetPermissions();
      expect(await heard()).toBe(0);
      list = [{ allow: 'all', topics: '#' }];
      changing.forgetPermissions();
      expect(await heard()).toBe(2);

      const dying = await Attacker.open(changing.port);
      const will = {
        topic: 'wills/dying',
        payload: new Uint8Array(1),
        qos: 0 as const,
        retain: false,
        properties: undefined,
      };
      expect(await dying.connect({ clientId: 'dying', will })).toMatchObject({ reasonCode: 0 });
      list = [
        { deny: 'publish', topics: 'wills/#' },
        { allow: 'all', topics: '#' },
      ];
      changing.forgetPermissions();
      await dying.end();
      await expect.poll(() => changing.counters.publishesDenied).toBe(1);
      expect((await subscriber.drain()).filter((packet) => packet.type === 'publish')).toEqual([]);
      await subscriber.end();
    } finally {
      await changing.close();
    }
  });
});
