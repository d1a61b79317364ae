import { createHmac } from 'node:crypto';
import {
  chain,
  hashPassword,
  hashScram,
  jwt,
  parsePasswordFile,
  passwords,
  scram,
  tokenPermissions,
} from '@hawser/auth';
import type { Authenticator, BrokerOptions } from '@hawser/broker';
import type { Packet, ProtocolVersion } from '@hawser/codec';
import { describe, expect, it } from 'vitest';
import { ScramClient } from '../packages/auth/src/testing/scram-client.ts';
import { Attacker, startGuardedBroker, withAttacker } from './support/security-client.ts';

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];
const CHEAP = { memory: 64, passes: 1, parallelism: 1 };
const users = parsePasswordFile(
  [
    `alice:${hashPassword('right', CHEAP)}`,
    `mallory:${hashPassword('own', CHEAP)}`,
    `sam:${hashScram('pencil', 4096)}`,
  ].join('\n'),
);
const byPassword = chain(scram({ users: () => users }), passwords({ users: () => users }));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);

async function withBroker<T>(
  options: BrokerOptions,
  run: (port: number, broker: Awaited<ReturnType<typeof startGuardedBroker>>) => Promise<T>,
): Promise<T> {
  const broker = await startGuardedBroker(options);
  try {
    return await run(broker.port, broker);
  } finally {
    await broker.close();
  }
}

const login = (port: number, username: string | undefined, password: string | undefined, from?: string) =>
  withAttacker(port, 5, (peer) => peer.connect({ username, password }), from === undefined ? {} : { from });

describe('password guessing', () => {
  it('bans the address, for longer each time, and nobody else', () =>
    withBroker(
      { authenticate: byPassword, settings: { 'bans.failedLogins': 5, 'bans.first': 60 } },
      async (port, broker) => {
        for (let i = 0; i < 5; i++) expect((await login(port, 'alice', `guess ${i}`))?.reasonCode).toBe(0x86);
        // Not even the right password helps now.
        expect((await login(port, 'alice', 'right'))?.reasonCode ?? 0x8a).toBe(0x8a);
        expect((await login(port, 'alice', 'right', '127.0.0.2'))?.reasonCode).toBe(0);
        const [ban] = broker.bans.list();
        expect(ban).toMatchObject({ target: '127.0.0.1', times: 1 });
        expect(broker.counters).toMatchObject({ failedLogins: 5, bannedConnections: 1 });
        expect(broker.bans.remove('127.0.0.1')).toBe(true);
        expect((await login(port, 'alice', 'right'))?.reasonCode).toBe(0);
      },
    ));

  it('never bans who is exempt', () =>
    withBroker(
      { authenticate: byPassword, settings: { 'bans.failedLogins': 2, 'bans.exempt': 'loopback' } },
      async (port) => {
        for (let i = 0; i < 4; i++) await login(port, 'alice', 'guess');
        expect((await login(port, 'alice', 'right'))?.reasonCode).toBe(0);
      },
    ));

  it.each(VERSIONS)('in version %i takes as long for a user that does not exist', (version) =>
    withBroker({ authenticate: byPassword, settings: { 'bans.failedLogins': 0 } }, async (port) => {
      const time = async (username: string): Promise<number> => {
        const taken: number[] = [];
        for (let i = 0; i < 15; i++) {
          await withAttacker(port, version, async (peer) => {
            const before = performance.now();
            await peer.connect({ username, password: `wrong ${i}` });
            taken.push(performance.now() - before);
          });
        }
        return taken.sort((a, b) => a - b)[7] ?? 0;
      };
      await time('alice');
      const ratio = (await time('nobody')) / (await time('alice'));
      expect(ratio).toBeGreaterThan(0.1);
      expect(ratio).toBeLessThan(10);
    }),
  );
});

describe('a Client Identifier of somebody else', () => {
  const open = (port: number, username: string, password: string): Promise<Attacker> =>
    Attacker.open(port).then(async (peer) => {
      await peer.connect({ username, password, clientId: 'pump' });
      return peer;
    });

  it('same-principal: the thief gets 0x87 and the victim stays; its own user may take over', () =>
    withBroker(
      { listeners: [{ url: 'mqtt://127.0.0.1:0', clientIds: 'same-principal' }], authenticate: byPassword },
      async (port, broker) => {
        const victim = await open(port, 'alice', 'right');
        const answer = await withAttacker(port, 5, (peer) =>
          peer.connect({ username: 'mallory', password: 'own', clientId: 'pump' }),
        );
        expect(answer?.reasonCode).toBe(0x87);
        expect(await victim.drain()).toEqual([]);
        expect(broker.counters.foreignClientIds).toBe(1);
        const again = await open(port, 'alice', 'right');
        expect(await victim.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x8e });
        expect(await again.drain()).toEqual([]);
        await Promise.all([victim.end(), again.end()]);
      },
    ));

  it('same-principal: nor is a session that waits to be had', () =>
    withBroker(
      { listeners: [{ url: 'mqtt://127.0.0.1:0', clientIds: 'same-principal' }], authenticate: byPassword },
      async (port) => {
        const properties = { sessionExpiryInterval: 100 };
        const own = { username: 'alice', password: 'right', clientId: 'pump', cleanStart: false, properties };
        await withAttacker(port, 5, (peer) => peer.connect(own));
        const thief = { ...own, username: 'mallory', password: 'own' };
        expect((await withAttacker(port, 5, (peer) => peer.connect(thief)))?.reasonCode).toBe(0x87);
        expect((await withAttacker(port, 5, (peer) => peer.connect({ ...thief, cleanStart: true })))?.reasonCode).toBe(
          0x87,
        );
        expect(await withAttacker(port, 5, (peer) => peer.connect(own))).toMatchObject({
          reasonCode: 0,
          sessionPresent: true,
        });
      },
    ));

  it('takeover, the default: the specification lets it be', () =>
    withBroker({ authenticate: byPassword }, async (port) => {
      const victim = await open(port, 'alice', 'right');
      const thief = await open(port, 'mallory', 'own');
      expect(await victim.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x8e });
      await Promise.all([victim.end(), thief.end()]);
    }));
});

describe('tokens over the network', () => {
  const secret = 'a secret of more than thirty-two bytes';
  const authenticate = chain(jwt({ keys: { kind: 'secret', secret }, clientIdClaim: 'cid' }));
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const sign = (claims: unknown): string => {
    const head = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
    return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`;
  };
  const soon = (): number => Math.floor(Date.now() / 1000) + 60;

  it.each([
    ['none', () => `${encode({ alg: 'none' })}.${encode({ sub: 'admin', cid: 'device-7', exp: soon() })}.`],
    [
      'an old signature',
      () =>
        sign({ sub: 'alice', cid: 'device-7', exp: soon() }).replace(
          /\.[^.]+\./,
          `.${encode({ sub: 'admin', exp: soon() })}.`,
        ),
    ],
    ['expired', () => sign({ sub: 'alice', cid: 'device-7', exp: soon() - 100 })],
  ])('%s: refused', (_, make) =>
    withBroker({ authenticate }, async (port) => {
      expect((await login(port, 'admin', make()))?.reasonCode).toBe(0x86);
    }),
  );

  it('are good for one Client Identifier, which an empty one becomes', () =>
    withBroker({ authenticate }, async (port) => {
      const password = sign({ sub: 'alice', cid: 'pump', exp: soon() });
      const connect = (clientId: string) =>
        withAttacker(port, 5, (peer) => peer.connect({ username: '', password, clientId }));
      expect((await connect('pump'))?.reasonCode).toBe(0);
      expect((await connect('valve'))?.reasonCode).toBe(0x85);
      expect(await connect('')).toMatchObject({ reasonCode: 0, properties: { assignedClientIdentifier: 'pump' } });
    }));

  it('permit what their ACL has, and nothing else', () =>
    withBroker(
      { authenticate, authorize: async (request, signal) => (await tokenPermissions()(request, signal)) ?? 'deny' },
      async (port) => {
        const password = sign({ sub: 'alice', cid: 'pump', exp: soon(), acl: { publish: ['up/%c'] } });
        await withAttacker(port, 5, async (peer) => {
          await peer.connect({ username: '', password, clientId: 'pump' });
          const answers: (number | undefined)[] = [];
          for (const topic of ['up/pump', 'up/valve']) {
            const packet: Packet = {
              type: 'publish',
              dup: false,
              qos: 1,
              retain: false,
              topic,
              packetIdentifier: 1,
              payload: bytes(''),
              properties: undefined,
            };
            peer.send(packet);
            const answer = await peer.next();
            answers.push(answer?.type === 'puback' ? answer.reasonCode : undefined);
          }
          expect(answers).toEqual([0x10, 0x87]);
        });
      },
    ));

  it('end the connection when they end: 0xA0', () => {
    const expiring: Authenticator = () => ({ kind: 'allow', expiresAt: Date.now() + 300 });
    return withBroker({ authenticate: expiring }, async (port, broker) => {
      await withAttacker(port, 5, async (peer) => {
        expect((await peer.connect())?.reasonCode).toBe(0);
        expect(await peer.next()).toMatchObject({ type: 'disconnect', reasonCode: 0xa0 });
        await peer.closed;
      });
      expect(broker.counters.credentialsExpired).toBe(1);
    });
  });
});

describe('SCRAM-SHA-256 over the network', () => {
  const authenticationMethod = 'SCRAM-SHA-256';
  const auth = (reasonCode: number, data: string): Packet => ({
    type: 'auth',
    reasonCode,
    properties: { authenticationMethod, authenticationData: bytes(data) },
  });

  async function exchange(peer: Attacker, client: ScramClient): Promise<Packet | undefined> {
    const challenge = await peer.next();
    if (challenge?.type !== 'auth') return challenge;
    peer.send(auth(0x18, client.final(text(challenge.properties?.authenticationData))));
    return await peer.next();
  }

  function begin(peer: Attacker, client: ScramClient): void {
    const properties = { authenticationMethod, authenticationData: bytes(client.first()) };
    peer.send({ ...CONNECT, properties });
  }

  const CONNECT = {
    type: 'connect',
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 60,
    clientId: 'sam-1',
    username: undefined,
    password: undefined,
    will: undefined,
    properties: undefined,
    bridge: false,
  } as const;

  it('lets in, proves the server, and authenticates again', () =>
    withBroker({ authenticate: byPassword }, (port) =>
      withAttacker(port, 5, async (peer) => {
        const client = new ScramClient('sam', 'pencil');
        begin(peer, client);
        const connack = await exchange(peer, client);
        expect(connack).toMatchObject({ type: 'connack', reasonCode: 0 });
        expect(
          client.accepts(text(connack?.type === 'connack' ? connack.properties?.authenticationData : undefined)),
        ).toBe(true);
        const again = new ScramClient('sam', 'pencil', 'anotherNonceOfMine');
        peer.send(auth(0x19, again.first()));
        expect(await exchange(peer, again)).toMatchObject({ type: 'auth', reasonCode: 0 });
        const other = new ScramClient('sam', 'wrong', 'yetAnotherNonce');
        peer.send(auth(0x19, other.first()));
        expect(await exchange(peer, other)).toMatchObject({ type: 'disconnect', reasonCode: 0x87 });
      }),
    ));

  it.each([
    ['sam', 'wrong', 0x86],
    ['nobody', 'pencil', 0x86],
    ['alice', 'right', 0x86],
  ])('%s with %s is refused after the whole exchange', (username, password, reasonCode) =>
    withBroker({ authenticate: byPassword }, (port) =>
      withAttacker(port, 5, async (peer) => {
        const client = new ScramClient(username, password);
        begin(peer, client);
        expect(await exchange(peer, client)).toMatchObject({ type: 'connack', reasonCode });
      }),
    ),
  );

  it('a method nobody knows is refused with 0x8C', () =>
    withBroker({ authenticate: byPassword }, (port) =>
      withAttacker(port, 5, async (peer) => {
        peer.send({ ...CONNECT, properties: { authenticationMethod: 'PLAIN' } });
        expect(await peer.next()).toMatchObject({ type: 'connack', reasonCode: 0x8c });
      }),
    ));
});

describe('policies that fail', () => {
  it.each([
    [
      'throw',
      () => {
        throw new Error('no');
      },
    ],
    [
      'reject',
      async () => {
        throw new Error('no');
      },
    ],
    ['never answer', () => new Promise<never>(() => {})],
  ] as const)('an authenticator that would %s lets nobody in', (_, authenticate) =>
    withBroker({ authenticate, settings: { 'policy.timeout': 0.1 } }, async (port) => {
      expect((await login(port, 'alice', 'right'))?.reasonCode).toBe(0x88);
    }),
  );
});
