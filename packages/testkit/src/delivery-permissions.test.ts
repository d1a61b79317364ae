import {
  ALLOW_CONNECT,
  type AuthorizationRequest,
  type Authorizer,
  type Broker,
  type BrokerOptions,
  createBroker,
  MemoryStore,
} from '@hawser/broker';
import { type ConnectPacket, encodeUtf8, type Packet, type QoS } from '@hawser/codec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { FakePeer } from './fake-peer.ts';

type Decided = Awaited<ReturnType<Authorizer>>;

let clock: FakeClock;
let broker: Broker;
let stopped = true;

beforeEach(() => {
  clock = new FakeClock();
});
afterEach(stop);

async function start(options: BrokerOptions = {}): Promise<void> {
  stopped = false;
  broker = await createBroker({ clock, authenticate: () => ALLOW_CONNECT, ...options });
}

async function stop(): Promise<void> {
  if (stopped) return;
  stopped = true;
  const closing = broker.close();
  await clock.advance(10_000);
  await closing;
}

async function connect(change: Partial<ConnectPacket> = {}): Promise<FakePeer> {
  const peer = new FakePeer(clock, 5);
  broker.attach(peer);
  peer.send({
    type: 'connect',
    protocolVersion: 5,
    cleanStart: false,
    keepAlive: 0,
    clientId: 'sub',
    username: undefined,
    password: undefined,
    will: undefined,
    properties: { sessionExpiryInterval: 1000 },
    bridge: false,
    ...change,
  });
  await clock.settle();
  return peer;
}

async function send(peer: FakePeer, ...packets: Packet[]): Promise<void> {
  peer.send(...packets);
  await clock.settle();
}

function subscribe(topicFilters: readonly string[], qos: QoS = 1): Packet {
  const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const subscriptions = topicFilters.map((topicFilter) => ({ topicFilter, ...options }));
  return { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions };
}

async function publish(topic: string, text: string, qos: QoS = 1, retain = false): Promise<void> {
  broker.publish(topic, text, { qos, retain });
  await clock.settle();
}

const texts = (peer: FakePeer): string[] =>
  peer.decoded().flatMap((packet) => (packet.type === 'publish' ? [new TextDecoder().decode(packet.payload)] : []));

/** Denies topics that begin so; everything else is allowed. */
const denying =
  (prefix: string): Authorizer =>
  ({ topic }) =>
    topic.startsWith(prefix) ? 'deny' : 'allow';

describe('a permission that is taken away', () => {
  it('holds for what waits in the queue, too: it is dropped and counted, the rest comes', async () => {
    await start({ authorize: () => 'allow' });
    const first = await connect();
    await send(first, subscribe(['secret/#', 'news/#', 'secret/but/#']));
    first.destroy();
    await clock.settle();
    for (const topic of ['secret/a', 'news/a', 'secret/b', 'secret/but/c']) await publish(topic, topic);
    broker.setAuthorizer(({ topic }) => (topic === 'secret/#' ? 'deny' : 'allow'));
    const again = await connect();
    expect(texts(again)).toEqual(['news/a', 'secret/but/c']);
    expect(broker.counters.lost).toEqual({ 'no-longer-permitted': 2 });
  });

  it('holds for what waits for a place in the window of a live connection', async () => {
    await start({ authorize: () => 'allow' });
    const peer = await connect({ properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } });
    await send(peer, subscribe(['secret/#', 'news']));
    for (let i = 0; i < 5; i++) await publish('secret/a', `secret ${i}`);
    await publish('news', 'news');
    broker.setAuthorizer(denying('secret'));
    await send(peer, { type: 'puback', packetIdentifier: 1, reasonCode: 0, properties: undefined });
    expect(texts(peer)).toEqual(['secret 0', 'news']);
  });

  it('ends a replay that is under way; given back, the replay goes on and nothing comes twice', async () => {
    await start({ authorize: () => 'allow' });
    for (let i = 0; i < 10; i++) await publish(`secret/${i}`, `${i}`, 1, true);
    const peer = await connect({ properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } });
    await send(peer, subscribe(['secret/#']));
    const ack = (packetIdentifier: number) =>
      send(peer, { type: 'puback', packetIdentifier, reasonCode: 0, properties: undefined });
    await ack(1);
    expect(texts(peer)).toHaveLength(2);
    broker.setAuthorizer(denying('secret'));
    await ack(2);
    await publish('secret/new', 'new');
    expect(texts(peer)).toHaveLength(2);
    broker.setAuthorizer(() => 'allow');
    await clock.settle();
    for (let i = 3; i <= 12; i++) await ack(i);
    expect(texts(peer).toSorted()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  it('holds for a SUBSCRIBE whose permission was being asked when the rules changed', async () => {
    const answers: ((decided: Decided) => void)[] = [];
    await start({ authorize: () => new Promise((resolve) => answers.push(resolve)) });
    const peer = await connect();
    await send(peer, subscribe(['secret/#']));
    broker.setAuthorizer(denying('secret'));
    answers[0]?.('allow');
    await clock.settle();
    expect(peer.decoded().at(-1)).toMatchObject({ type: 'suback', reasonCodes: [0x87] });
  });
});

describe('while nobody can say what a client may have', () => {
  /** Asked about each filter; a test answers. */
  class Service {
    readonly requests: AuthorizationRequest[] = [];
    #answers: ((decided: Decided) => void)[] = [];
    isOpen = true;

    readonly authorize: Authorizer = (request) => {
      if (this.isOpen) return Promise.resolve('allow');
      this.requests.push(request);
      return new Promise((resolve) => this.#answers.push(resolve));
    };

    async answer(decided: Decided): Promise<void> {
      const answers = this.#answers;
      this.#answers = [];
      for (const answer of answers) answer(decided);
      await clock.settle();
    }
  }

  async function waiting(service: Service): Promise<FakePeer> {
    const store = new MemoryStore();
    await start({ authorize: service.authorize, store });
    const first = await connect();
    await send(first, subscribe(['a', 'b']));
    first.destroy();
    await clock.settle();
    for (let i = 0; i < 3; i++) await publish('a', `${i}`);
    await stop();
    service.isOpen = false;
    await start({ authorize: service.authorize, store });
    // What comes before the client does waits too: an acknowledged message is not lost because a service has not been asked yet.
    await publish('a', '3');
    expect(service.requests).toEqual([]);
    return connect();
  }

  it('what waited over a restart is held back, and comes when it is known to be permitted', async () => {
    const service = new Service();
    const peer = await waiting(service);
    expect(peer.decoded()[0]).toMatchObject({ type: 'connack', reasonCode: 0, sessionPresent: true });
    await publish('a', '4');
    await publish('b', 'qos 0', 0);
    expect(texts(peer)).toEqual([]);
    expect(service.requests.map(({ topic }) => topic)).toEqual(['a', 'b']);
    await service.answer('allow');
    expect(texts(peer)).toEqual(['0', '1', '2', '3', '4', 'qos 0']);
    await publish('b', 'later', 0);
    expect(texts(peer).at(-1)).toBe('later');
  });

  it('what waited over a restart is dropped and counted when it is known not to be', async () => {
    const service = new Service();
    const peer = await waiting(service);
    await service.answer('deny');
    await publish('a', 'later');
    expect(texts(peer)).toEqual([]);
    expect(broker.counters.lost).toEqual({ 'no-longer-permitted': 4 });
  });

  it('it is asked again after a while, and held back meanwhile', async () => {
    const service = new Service();
    const peer = await waiting(service);
    await clock.advance(broker.settings['policy.timeout'] * 1000);
    expect(texts(peer)).toEqual([]);
    await clock.advance(5000);
    expect(service.requests).toHaveLength(4);
    await service.answer('allow');
    expect(texts(peer)).toEqual(['0', '1', '2', '3']);
  });

  it('rules that change hold live connections back until each has its answer, whatever there are of them', async () => {
    const service = new Service();
    await start({ authorize: service.authorize });
    const peers: FakePeer[] = [];
    for (let i = 0; i < 100; i++) {
      const peer = await connect({ clientId: `c${i}`, cleanStart: true });
      await send(peer, subscribe(['a'], 0));
      peers.push(peer);
    }
    service.isOpen = false;
    broker.forgetPermissions();
    await publish('a', 'x', 0);
    expect(peers.flatMap(texts)).toEqual([]);
    expect(service.requests.length).toBeLessThanOrEqual(32);
    for (let round = 0; round < 10; round++) await service.answer('allow');
    expect(service.requests).toHaveLength(100);
    expect(peers.flatMap(texts)).toHaveLength(100);
  });
});

describe('an allow with an end', () => {
  it('is asked for again on a live connection: subscriptions stop when it is not given any more', async () => {
    let decision: 'allow' | 'deny' = 'allow';
    let asked = 0;
    await start({
      authorize: () => {
        asked++;
        return { decision, expiresAt: clock.wallNow() + 10_000 };
      },
    });
    const peer = await connect();
    await send(peer, subscribe(['a'], 0));
    await publish('a', '1', 0);
    await clock.advance(10_000);
    await publish('a', '2', 0);
    expect([texts(peer).length, asked]).toEqual([2, 2]);
    decision = 'deny';
    await clock.advance(9999);
    await publish('a', '3', 0);
    await clock.advance(1);
    await publish('a', '4', 0);
    expect(texts(peer)).toEqual(['1', '2', '3']);
    peer.destroy();
    await clock.advance(60_000);
    expect(asked).toBe(3);
  });

  it('is asked for again by the next PUBLISH', async () => {
    let decision: 'allow' | 'deny' = 'allow';
    await start({ authorize: () => ({ decision, expiresAt: clock.wallNow() + 10_000 }) });
    const peer = await connect();
    const message = { type: 'publish', topic: 'a', payload: encodeUtf8('x'), retain: false, dup: false } as const;
    const codes: unknown[] = [];
    for (const [packetIdentifier, wait] of [9999, 1, 0].entries()) {
      await send(peer, { ...message, qos: 1, packetIdentifier: packetIdentifier + 1, properties: undefined });
      const last = peer.decoded().at(-1);
      codes.push(last?.type === 'puback' ? last.reasonCode : last?.type);
      decision = 'deny';
      await clock.advance(wait);
    }
    expect(codes).toEqual([0x10, 0x10, 0x87]);
  });
});
