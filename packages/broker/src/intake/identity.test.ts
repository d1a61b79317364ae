import { type AuthPacket, type ConnackPacket, type ConnectPacket, encodeUtf8, type Packet } from '@hawser/codec';
import { FakeClock, FakePeer } from '@hawser/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { type Broker, createBroker } from '../broker.ts';
import type { BrokerOptions } from '../broker-options.ts';
import { inspectClient } from '../inspect/inspect.ts';
import { fingerprint } from '../policy/claimed-name.ts';
import {
  ALLOW_ANONYMOUS,
  ALLOW_CONNECT,
  type AuthorizationRequest,
  BAD_CREDENTIALS,
  type ClientInfo,
} from '../policy/policies.ts';
import type { RecorderLog } from '../recorder/recorder-log.ts';
import type { ListenerInfo } from './listener-info.ts';

class Peer extends FakePeer {
  override readonly info;

  constructor(clock: FakeClock, remoteAddress: string, version: 4 | 5 = 5) {
    super(clock, version);
    this.info = { kind: 'memory' as const, remoteAddress, remotePort: 1, tls: undefined };
  }
}

const clock = new FakeClock();
let broker: Broker;
afterEach(stop);

async function stop(): Promise<void> {
  const closing = broker.close();
  await clock.advance(10_000);
  await closing;
}

async function start(options: BrokerOptions = {}): Promise<void> {
  broker = await createBroker({ clock, ...options });
}

async function connect(
  clientId: string,
  change: Partial<ConnectPacket> = {},
  { address = '203.0.113.7', ...listener }: Partial<ListenerInfo> & { readonly address?: string } = {},
): Promise<Peer> {
  const peer = new Peer(clock, address);
  broker.attach(peer, { url: 'memory:', versions: undefined, ...listener });
  const packet: ConnectPacket = {
    type: 'connect',
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 0,
    clientId,
    username: undefined,
    password: undefined,
    will: undefined,
    properties: undefined,
    bridge: false,
    ...change,
  };
  peer.send(packet);
  await clock.settle();
  return peer;
}

const reasonOf = (peer: Peer): number | undefined =>
  peer.decoded().find((packet): packet is ConnackPacket => packet.type === 'connack')?.reasonCode;
const endOf = (peer: Peer): Packet | undefined => peer.decoded().at(-1);

describe('a user name that nobody has checked', () => {
  const cases: [string, BrokerOptions][] = [
    ['without an Authenticator', {}],
    ['with one that says so', { authenticate: () => ALLOW_ANONYMOUS }],
  ];

  it.each(cases)('is only claimed, %s', async (_what, options) => {
    const asked: ClientInfo[] = [];
    const connected: ClientInfo[] = [];
    await start({
      ...options,
      authorize: ({ client }: AuthorizationRequest) => {
        asked.push(client);
        return 'allow';
      },
      observe: { onConnected: ({ client }) => connected.push(client) },
    });
    const will = { topic: 'gone', payload: encodeUtf8(''), qos: 0, retain: false, properties: undefined } as const;
    const peer = await connect('a', { username: 'admin', will });
    expect(reasonOf(peer)).toBe(0);
    for (const client of [...asked, ...connected])
      expect(client).toMatchObject({ username: undefined, claimedUsername: 'admin' });
    expect(asked).toHaveLength(1);
    const session = broker.registry.get('a');
    expect(session?.username).toBeUndefined();
    expect(session && inspectClient(broker, session)).toMatchObject({ username: null, claimedUsername: 'admin' });
  });

  it('takes no session of the user who really has it (clientIds: same-principal)', async () => {
    await start({
      authenticate: ({ password, client }) =>
        password === undefined ? ALLOW_ANONYMOUS : { kind: 'allow', username: client.username ?? '' },
    });
    const listener = { clientIds: 'same-principal' } as const;
    const victim = await connect('dev', { username: 'admin', password: encodeUtf8('secret') }, listener);
    const thief = await connect('dev', { username: 'admin' }, listener);
    expect(reasonOf(thief)).toBe(0x87);
    expect(victim.closed).toBe(false);
  });

  it('does not count as a user, but a ban of that user keeps it out', async () => {
    await start({ settings: { 'limits.connectionsPerUser': 1 } });
    await connect('a', { username: 'eve' });
    expect(reasonOf(await connect('b', { username: 'eve' }))).toBe(0);
    broker.bans.add('user:eve', 'no more');
    expect(reasonOf(await connect('c', { username: 'eve' }))).toBe(0x8a);
  });

  it('is never written down when its CONNECT is refused: a fingerprint is', async () => {
    const token = `eyJhbGciOiJIUzI1NiJ9.${'payload'.repeat(20)}.signature`;
    const lines: string[] = [];
    const recorderLog: RecorderLog = {
      open: async () => [],
      append: (line: string) => lines.push(line),
      close: async () => {},
      onRotated: undefined,
    } as unknown as RecorderLog;
    await start({ authenticate: () => BAD_CREDENTIALS, recorderLog });
    await connect('a', { username: token });
    await connect('b', { username: token, password: encodeUtf8('x') });
    const written = JSON.stringify([...(broker.recorder.get('a')?.events ?? []), lines]);
    expect(written).not.toContain('payload');
    expect(written).toContain(fingerprint(token));
    expect(lines.length).toBeGreaterThan(0);
  });

  it('is not shown where it is as long as a token, not even live', async () => {
    await start();
    const token = 'x'.repeat(300);
    await connect('a', { username: token });
    const session = broker.registry.get('a');
    expect(session && inspectClient(broker, session).claimedUsername).toBe(fingerprint(token));
  });
});

describe('an answer that is none', () => {
  it.each([false, 0, 'deny', {}, { allow: false }, Promise.resolve(false)])('lets nobody in: %j', async (answer) => {
    const warnings: string[] = [];
    await start({
      authenticate: (() => answer) as never,
      observe: { onWarning: (_code, text) => warnings.push(text) },
    });
    const peer = await connect('a');
    expect(reasonOf(peer)).toBe(0x88);
    expect(broker.counters.connectionsAccepted).toBe(0);
    expect(warnings[0]).toContain("an answer is { kind: 'allow'");
  });
});

describe('authenticating again', () => {
  const auth = (data: string): AuthPacket => ({
    type: 'auth',
    reasonCode: 0x19,
    properties: { authenticationMethod: 'X', authenticationData: encodeUtf8(data) },
  });

  /** The method says `NAME RIGHT`: what a custom Authenticator proves. */
  async function session(): Promise<Peer> {
    await start({
      settings: { 'bans.failedLogins': 3 },
      authenticate: ({ authenticationData }) => {
        const [username = '', password] = new TextDecoder().decode(authenticationData).split(' ');
        return password === 'right' ? { kind: 'allow', username } : BAD_CREDENTIALS;
      },
    });
    const properties = { authenticationMethod: 'X', authenticationData: encodeUtf8('mallory right') };
    const peer = await connect('m', { properties });
    expect(reasonOf(peer)).toBe(0);
    return peer;
  }

  it('gives one answer for a wrong password and for another user with the right one, and counts both', async () => {
    const answers: unknown[] = [];
    for (const guess of ['mallory wrong', 'admin wrong', 'admin right']) {
      const peer = await session();
      peer.send(auth(guess));
      await clock.settle();
      answers.push(endOf(peer));
      expect(broker.counters.failedLogins).toBe(1);
      await stop();
    }
    expect(answers[0]).toMatchObject({ type: 'disconnect', reasonCode: 0x87 });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  it('bans an address that goes on guessing', async () => {
    await session();
    const properties = { authenticationMethod: 'X', authenticationData: encodeUtf8('mallory right') };
    for (let i = 0; i < 3; i++) {
      const peer = await connect('m', { properties });
      peer.send(auth('admin wrong'));
      await clock.settle();
    }
    expect(broker.bans.list()).toMatchObject([{ target: '203.0.113.7', by: 'offence' }]);
  });
});

describe('a client that hangs up while it is being checked', () => {
  it('aborts the policy, counts as an offence, and is banned like one that guesses', async () => {
    const signals: AbortSignal[] = [];
    await start({
      settings: { 'bans.failedLogins': 3 },
      authenticate: (_request, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    for (let i = 0; i < 3; i++) {
      const peer = await connect(`c${i}`, { username: 'a', password: encodeUtf8('b') });
      expect(signals[i]?.aborted).toBe(false);
      peer.destroy();
      await clock.settle();
      expect(signals[i]?.aborted).toBe(true);
    }
    expect(broker.counters.abandonedLogins).toBe(3);
    expect(broker.bans.list()).toMatchObject([{ target: '203.0.113.7', by: 'offence' }]);
  });

  it('also aborts what its Will, SUBSCRIBE and PUBLISH have asked', async () => {
    const signals: AbortSignal[] = [];
    await start({
      authenticate: () => ALLOW_CONNECT,
      authorize: (_request, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    const peer = await connect('a');
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0, qos: 0 } as const;
    const subscriptions = ['x', 'y'].map((topicFilter) => ({ topicFilter, ...options }));
    peer.send({ type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions });
    await clock.settle();
    expect(signals).toHaveLength(2);
    peer.destroy();
    await clock.settle();
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
    expect(broker.counters.abandonedLogins).toBe(0);
  });
});

describe('a PUBLISH that nobody can decide about', () => {
  it.each([4, 5] as const)('is not acknowledged as if it had been delivered (version %i)', async (version) => {
    await start({ authorize: () => Promise.reject(new Error('down')) });
    const peer = new Peer(clock, '203.0.113.7', version);
    broker.attach(peer);
    peer.send({
      type: 'connect',
      protocolVersion: version,
      cleanStart: true,
      keepAlive: 0,
      clientId: 'p',
      username: undefined,
      password: undefined,
      will: undefined,
      properties: undefined,
      bridge: false,
    });
    await clock.settle();
    const publish = { type: 'publish', topic: 'a', payload: encodeUtf8('x'), retain: false, dup: false } as const;
    peer.send({ ...publish, qos: 1, packetIdentifier: 1, properties: undefined });
    await clock.settle();
    const acks = peer.decoded().filter(({ type }) => type === 'puback');
    if (version === 5) expect(acks).toMatchObject([{ reasonCode: 0x83 }]);
    else expect(acks).toEqual([]);
    expect(peer.closed).toBe(version === 4);
    expect(broker.counters.lost).toEqual({ 'policy-failed': 1 });
  });
});

describe("topics that begin with '$'", () => {
  it('cannot be written by clients where nobody has permitted it, retained or as a Will', async () => {
    await start();
    const peer = await connect('a');
    const publish = {
      type: 'publish',
      payload: encodeUtf8('x'),
      retain: true,
      dup: false,
      properties: undefined,
    } as const;
    peer.send({ ...publish, topic: '$SYS/broker/version', qos: 1, packetIdentifier: 1 });
    await clock.settle();
    expect(peer.decoded().at(-1)).toMatchObject({ type: 'puback', reasonCode: 0x87 });
    expect(broker.router.retained.get('$SYS/broker/version')).toBeUndefined();
    const will = { payload: encodeUtf8('x'), qos: 0, retain: true, properties: undefined } as const;
    expect(reasonOf(await connect('b', { will: { ...will, topic: '$SYS/broker/clients/connected' } }))).toBe(0x87);
    expect(reasonOf(await connect('bridge', { will: { ...will, topic: '$SYS/broker/connection/b/state' } }))).toBe(0);
  });
});
