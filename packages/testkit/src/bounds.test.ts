import { type Broker, createBroker, type Settings } from '@hawser/broker';
import {
  encodePacket,
  encodeUtf8,
  type Packet,
  type ProtocolVersion,
  type QoS,
  type UserProperties,
} from '@hawser/codec';
import { describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { FakePeer } from './fake-peer.ts';
import { HeldStore } from './held-store.ts';

type Connect = Packet & { readonly type: 'connect' };

/** A broker with small bounds, and clients that try them. */
class Scene {
  readonly clock = new FakeClock();
  readonly broker: Broker;
  #identifier = 0;

  constructor(broker: Broker, clock: FakeClock) {
    this.broker = broker;
    this.clock = clock;
  }

  /** A connection that has sent nothing yet. */
  peer(version: ProtocolVersion): FakePeer {
    const peer = new FakePeer(this.clock, version);
    this.broker.attach(peer);
    return peer;
  }

  async join(version: ProtocolVersion, more: Partial<Connect> = {}): Promise<FakePeer> {
    const peer = this.peer(version);
    const connect: Connect = {
      type: 'connect',
      protocolVersion: version,
      cleanStart: true,
      keepAlive: 0,
      clientId: `c${++this.#identifier}`,
      username: undefined,
      password: undefined,
      will: undefined,
      properties: undefined,
      bridge: false,
      ...more,
    };
    peer.send(connect);
    await this.clock.settle();
    return peer;
  }

  async publish(
    peer: FakePeer,
    topic: string,
    qos: QoS,
    more: Partial<Packet & { readonly type: 'publish' }> = {},
  ): Promise<void> {
    const packetIdentifier = qos === 0 ? 0 : ++this.#identifier;
    peer.send({
      type: 'publish',
      topic,
      payload: new Uint8Array(0),
      qos,
      retain: false,
      dup: false,
      packetIdentifier,
      properties: undefined,
      ...more,
    });
    await this.clock.settle();
  }

  /** Returns what the SUBACK says. */
  async subscribe(peer: FakePeer, filters: readonly string[], qos: QoS = 0): Promise<readonly number[]> {
    const subscriptions = filters.map((topicFilter) => ({
      topicFilter,
      qos,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
    }));
    peer.send({ type: 'subscribe', packetIdentifier: ++this.#identifier, properties: undefined, subscriptions });
    await this.clock.settle();
    const answer = peer.decoded().findLast(({ type }) => type === 'suback');
    return answer?.type === 'suback' ? answer.reasonCodes : [];
  }
}

async function scene(
  settings: Partial<Settings> = {},
  more: Partial<Parameters<typeof createBroker>[0]> = {},
): Promise<Scene> {
  const clock = new FakeClock();
  return new Scene(await createBroker({ clock, settings, ...more }), clock);
}

const last = (peer: FakePeer): Packet | undefined => peer.decoded().at(-1);
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

describe('bounds of one packet', () => {
  test('limits.topicBytes: a longer Topic Name is 0x90, a longer Topic Filter 0x8F', async () => {
    const s = await scene({ 'limits.topicBytes': 20 });
    const peer = await s.join(5);
    expect(await s.subscribe(peer, ['a'.repeat(20), 'a'.repeat(21), 'ä'.repeat(11)])).toEqual([0, 0x8f, 0x8f]);
    await s.publish(peer, 'a'.repeat(20), 0);
    expect(peer.closed).toBe(false);
    await s.publish(peer, 'a'.repeat(21), 0);
    expect(last(peer)).toMatchObject({ type: 'disconnect', reasonCode: 0x90 });
    const old = await s.join(4);
    await s.publish(old, 'a'.repeat(21), 1);
    expect(old.closed).toBe(true);
  });

  test('limits.topicLevels holds for names, filters and Wills alike, below and above what the codec has by default', async () => {
    for (const levels of [3, 200]) {
      const s = await scene({ 'limits.topicLevels': levels });
      const fits = times(levels, () => 'a').join('/');
      const peer = await s.join(5);
      expect(await s.subscribe(peer, [fits])).toEqual([0]);
      await s.publish(peer, fits, 0);
      expect(last(peer)).toMatchObject({ type: 'publish', topic: fits });
      const before = await s.join(5);
      await s.publish(before, `${fits}/a`, 0);
      expect(last(before)).toMatchObject({ type: 'disconnect', reasonCode: 0x90 });
      const deep = await s.join(5);
      expect(await s.subscribe(deep, [`${fits}/a`, fits])).toEqual([0x8f, 0]);
      const will = {
        topic: `${fits}/a`,
        payload: new Uint8Array(0),
        qos: 0 as const,
        retain: false,
        properties: undefined,
      };
      expect(last(await s.join(5, { will }))).toMatchObject({ type: 'connack', reasonCode: 0x90 });
    }
  });

  test('limits.userProperties: more of them in one packet end the connection with 0x97', async () => {
    const s = await scene({ 'limits.userProperties': 3 });
    const properties = (count: number) => ({
      userProperties: times(count, (i) => [`k${i}`, 'v'] as const) as UserProperties,
    });
    const peer = await s.join(5);
    await s.publish(peer, 't', 1, { properties: properties(3) });
    expect(last(peer)).toMatchObject({ type: 'puback' });
    await s.publish(peer, 't', 1, { properties: properties(4) });
    expect(last(peer)).toMatchObject({ type: 'disconnect', reasonCode: 0x97 });
    expect(last(await s.join(5, { properties: properties(4) }))).toMatchObject({ type: 'connack', reasonCode: 0x97 });
  });

  test('limits.filters: more Topic Filters in one SUBSCRIBE or UNSUBSCRIBE end the connection with 0x97', async () => {
    const s = await scene({ 'limits.filters': 5 });
    const peer = await s.join(5);
    expect(
      (
        await s.subscribe(
          peer,
          times(5, (i) => `f/${i}`),
        )
      ).length,
    ).toBe(5);
    await s.subscribe(
      peer,
      times(6, (i) => `f/${i}`),
    );
    expect(last(peer)).toMatchObject({ type: 'disconnect', reasonCode: 0x97 });
    const other = await s.join(5);
    other.send({
      type: 'unsubscribe',
      packetIdentifier: 1,
      properties: undefined,
      topicFilters: times(6, (i) => `f/${i}`),
    });
    await s.clock.settle();
    expect(last(other)).toMatchObject({ type: 'disconnect', reasonCode: 0x97 });
  });

  test('limits.connectPacketBytes before the CONNACK, limits.maximumPacketSize after it', async () => {
    const s = await scene({ 'limits.connectPacketBytes': 100, 'limits.maximumPacketSize': 200 });
    const peer = await s.join(5);
    await s.publish(peer, 't', 0, { payload: new Uint8Array(150) });
    expect(peer.closed).toBe(false);
    await s.publish(peer, 't', 0, { payload: new Uint8Array(250) });
    expect(last(peer)).toMatchObject({ type: 'disconnect', reasonCode: 0x95 });
    expect(s.broker.counters.limitClosures).toBe(1);
    const large = await s.join(5, { username: 'u'.repeat(120) });
    expect(large.closed).toBe(true);
  });
});

describe('bounds of one session', () => {
  test('limits.subscriptionBytes: what is over it is refused with 0x97 and counted, and there is room again later', async () => {
    const s = await scene({ 'limits.subscriptionBytes': 4096 });
    const peer = await s.join(5);
    const long = (i: number): string => `${i}/${'f'.repeat(400)}`;
    expect(await s.subscribe(peer, [long(1), long(2), long(3), 'short'])).toEqual([0, 0, 0x97, 0]);
    expect(s.broker.counters.quotaRefusals).toBe(1);
    expect(await s.subscribe(peer, [long(1)])).toEqual([0]);
    peer.send({ type: 'unsubscribe', packetIdentifier: 9, properties: undefined, topicFilters: [long(1)] });
    await s.clock.settle();
    expect(await s.subscribe(peer, [long(3)])).toEqual([0]);
    const old = await s.join(4);
    expect(await s.subscribe(old, [long(1), long(2), long(3)])).toEqual([0, 0, 0x80]);
  });

  test('limits.sharedSubscriptions: one client makes no more deliveries of the messages of others than that', async () => {
    const s = await scene({ 'limits.sharedSubscriptions': 3 });
    const peer = await s.join(5);
    const filters = times(5, (i) => `$share/g${i}/#`);
    expect(await s.subscribe(peer, filters)).toEqual([0, 0, 0, 0x97, 0x97]);
    expect(s.broker.counters.quotaRefusals).toBe(2);
    expect(last(peer)).toMatchObject({
      properties: { reasonString: expect.stringMatching(/limits\.sharedSubscriptions/) },
    });
    const publisher = await s.join(4);
    await s.publish(publisher, 't', 0);
    expect(peer.decoded().filter(({ type }) => type === 'publish').length).toBe(3);
    // One that is there may be asked for again, and one that goes makes room.
    expect(await s.subscribe(peer, ['$share/g0/#', 'plain'])).toEqual([0, 0]);
    peer.send({ type: 'unsubscribe', packetIdentifier: 9, properties: undefined, topicFilters: ['$share/g0/#'] });
    await s.clock.settle();
    expect(await s.subscribe(peer, ['$share/g4/#'])).toEqual([0]);
    const old = await s.join(4);
    expect(await s.subscribe(old, filters)).toEqual([0, 0, 0, 0x80, 0x80]);
  });

  test('limits.inboundQos2: 5.0 is told with 0x97, a 3.x client is closed; who releases goes on', async () => {
    const s = await scene({ 'limits.inboundQos2': 10 });
    const expiry = { sessionExpiryInterval: 100 };
    const peer = await s.join(5, { clientId: 'five', properties: expiry });
    for (let i = 1; i <= 11; i++) await s.publish(peer, 't', 2, { packetIdentifier: i });
    expect(last(peer)).toMatchObject({ type: 'pubrec', packetIdentifier: 11, reasonCode: 0x97 });
    peer.send({ type: 'pubrel', packetIdentifier: 1, reasonCode: 0, properties: undefined });
    await s.publish(peer, 't', 2, { packetIdentifier: 12 });
    expect(last(peer)).toMatchObject({ type: 'pubrec', packetIdentifier: 12, reasonCode: 0x10 });
    expect(s.broker.counters.lost['quota-exceeded']).toBe(1);
    const old = await s.join(4);
    for (let i = 1; i <= 11; i++) await s.publish(old, 't', 2, { packetIdentifier: i });
    expect(old.closed).toBe(true);
    expect(old.packets().filter(({ type }) => type === 5).length).toBe(10);
    expect(s.broker.counters.quotaRefusals).toBe(2);
  });

  test('limits.inflightBytes: a client that reads and acknowledges nothing gets no more than that', async () => {
    const s = await scene({ 'limits.inflightBytes': 15_000, 'queue.messages': 50 });
    const deaf = await s.join(5, { properties: { sessionExpiryInterval: 100 } });
    await s.subscribe(deaf, ['t'], 1);
    const publisher = await s.join(4);
    for (let i = 0; i < 100; i++) await s.publish(publisher, 't', 1, { payload: new Uint8Array(1000) });
    const sent = deaf.decoded().flatMap((packet) => (packet.type === 'publish' ? [packet.packetIdentifier] : []));
    expect(sent.length).toBe(10);
    expect(s.broker.counters.lost['queue-full']).toBe(40);
    for (let i = 0; i < 10; i++) {
      const ids = deaf.decoded().flatMap((packet) => (packet.type === 'publish' ? [packet.packetIdentifier] : []));
      for (const packetIdentifier of ids.slice(i * 10))
        deaf.send({ type: 'puback', packetIdentifier, reasonCode: 0, properties: undefined });
      await s.clock.settle();
    }
    expect(deaf.decoded().filter(({ type }) => type === 'publish').length).toBe(60);
  });

  test('limits.outboundAliases: fewer are used than the client allows', async () => {
    const s = await scene({ 'limits.outboundAliases': 2 });
    const peer = await s.join(5, { properties: { topicAliasMaximum: 65_535 } });
    await s.subscribe(peer, ['#']);
    const publisher = await s.join(4);
    for (let i = 0; i < 10; i++) await s.publish(publisher, `t/${i}`, 0);
    const aliases = peer
      .decoded()
      .flatMap((packet) => (packet.type === 'publish' ? [packet.properties?.topicAlias ?? 0] : []));
    expect(aliases.length).toBe(10);
    expect(new Set(aliases)).toEqual(new Set([1, 2]));
  });

  test('queue.bytes and limits.retainedBytes count properties, not payloads alone', async () => {
    const s = await scene({ 'queue.bytes': 10_000, 'limits.retainedBytes': 10_000 });
    const peer = await s.join(5, { clientId: 'away', properties: { sessionExpiryInterval: 100 } });
    await s.subscribe(peer, ['t/#'], 1);
    peer.destroy();
    const publisher = await s.join(5);
    const properties = { userProperties: times(10, (i) => [`key ${i}`, 'v'.repeat(30)] as const) as UserProperties };
    for (let i = 0; i < 30; i++)
      await s.publish(publisher, `t/${i}`, 1, { properties, retain: true, payload: encodeUtf8('x') });
    const queue = s.broker.registry.get('away')?.session.queue;
    expect(queue?.length).toBeLessThan(12);
    expect(queue?.bytes).toBeLessThanOrEqual(10_000);
    expect(s.broker.router.retained.count).toBeLessThan(12);
    expect(s.broker.counters.lost['retained-limit']).toBeGreaterThan(10);
  });
});

describe('bounds of the node', () => {
  test('sessions.bytes: no new session and no new subscription, and those there go on; what ends is free again', async () => {
    const s = await scene({ 'sessions.bytes': 1024 * 1024 });
    const keep = { sessionExpiryInterval: 100 };
    const will = {
      topic: 'w',
      payload: new Uint8Array(60_000),
      qos: 0 as const,
      retain: false,
      properties: undefined,
    };
    const peers: FakePeer[] = [];
    for (let i = 0; i < 18; i++) peers.push(await s.join(5, { clientId: `w${i}`, will, properties: keep }));
    expect(s.broker.registry.stateBytes).toBeGreaterThan(1024 * 1024);
    expect(last(await s.join(5, { clientId: 'late' }))).toMatchObject({ type: 'connack', reasonCode: 0x97 });
    expect(await s.subscribe(peers[0] as FakePeer, ['a'])).toEqual([0x97]);
    expect(s.broker.counters.quotaRefusals).toBe(2);
    const again = await s.join(5, { clientId: 'w1', cleanStart: false, properties: keep });
    expect(again.decoded()[0]).toMatchObject({ type: 'connack', reasonCode: 0, sessionPresent: true });
    expect(s.broker.registry.stateBytes).toBeLessThan(1024 * 1024);
    expect(last(await s.join(5, { clientId: 'late' }))).toMatchObject({ type: 'connack', reasonCode: 0 });
  });

  test('sessions.max: no new session, and who has one comes back', async () => {
    const s = await scene({ 'sessions.max': 3 });
    const keep = { sessionExpiryInterval: 100 };
    for (const clientId of ['a', 'b']) (await s.join(5, { clientId, properties: keep })).destroy();
    const brief = await s.join(5, { clientId: 'brief' });
    expect(last(await s.join(5, { clientId: 'late', properties: keep }))).toMatchObject({ reasonCode: 0x97 });
    expect(last(await s.join(4, { clientId: 'late-3', cleanStart: false }))).toMatchObject({ reasonCode: 3 });
    expect(s.broker.counters.quotaRefusals).toBe(2);
    const back = await s.join(5, { clientId: 'a', cleanStart: false, properties: keep });
    expect(back.decoded()[0]).toMatchObject({ type: 'connack', reasonCode: 0, sessionPresent: true });
    brief.destroy();
    await s.clock.settle();
    expect(last(await s.join(5, { clientId: 'late', properties: keep }))).toMatchObject({ reasonCode: 0 });
  });

  test('sessions.expiryMax: the CONNACK says less, and the session ends then', async () => {
    const s = await scene({ 'sessions.expiryMax': 60 });
    for (const sessionExpiryInterval of [3600, 0xffff_ffff]) {
      const peer = await s.join(5, { clientId: 'a', properties: { sessionExpiryInterval } });
      expect(peer.decoded()[0]).toMatchObject({ type: 'connack', properties: { sessionExpiryInterval: 60 } });
      // Nor does a DISCONNECT get more.
      peer.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval } });
      await s.clock.advance(59_000);
      expect(s.broker.registry.get('a')).toBeDefined();
      await s.clock.advance(2000);
      expect(s.broker.registry.get('a')).toBeUndefined();
    }
    expect(s.broker.counters.sessionsExpired).toBe(2);
    const less = await s.join(5, { clientId: 'b', properties: { sessionExpiryInterval: 30 } });
    expect(less.decoded()[0]).not.toMatchObject({ properties: { sessionExpiryInterval: expect.anything() } });
  });

  test('sessions.expiry3: a session of 3.x ends so long after its connection', async () => {
    const s = await scene({ 'sessions.expiry3': 60 });
    for (const version of [3, 4] as const)
      (await s.join(version, { clientId: `v${version}`, cleanStart: false })).destroy();
    await s.clock.advance(59_000);
    expect(s.broker.registry.size).toBe(2);
    await s.clock.advance(2000);
    expect(s.broker.registry.size).toBe(0);
    expect(s.broker.counters.sessionsExpired).toBe(2);
  });

  test('sessions.bytes is 0 again when all have ended', async () => {
    const s = await scene();
    const peers = await Promise.all(times(20, () => s.join(5, { properties: { userProperties: [['k', 'v']] } })));
    for (const peer of peers) await s.subscribe(peer, ['a/b', 'c/+', '$share/g/x']);
    const before = s.broker.registry.stateBytes;
    peers[0]?.send({ type: 'unsubscribe', packetIdentifier: 9, properties: undefined, topicFilters: ['c/+', 'none'] });
    await s.clock.settle();
    expect(s.broker.registry.stateBytes).toBeLessThan(before - 200);
    for (const peer of peers) peer.destroy();
    await s.clock.settle();
    expect(s.broker.registry.stateBytes).toBe(0);
  });

  test('limits.inputBytesNode: whoever brings more parts of packets is ended, others are not', async () => {
    const s = await scene({ 'limits.inputBytesNode': 1024 * 1024 });
    const peers: FakePeer[] = [];
    const small = await s.join(5);
    small.sendBytes(Uint8Array.of(0x30, 100, 0, 1));
    for (let i = 0; i < 8; i++) {
      const peer = await s.join(5);
      peer.sendBytes(Uint8Array.of(0x30, 0x80, 0x80, 0x20));
      peer.sendBytes(new Uint8Array(200_000).fill(0x61));
      await s.clock.settle();
      peers.push(peer);
    }
    expect(peers.map(({ closed }) => closed)).toEqual([false, false, false, false, false, true, true, true]);
    expect(last(peers[5] as FakePeer)).toMatchObject({ type: 'disconnect', reasonCode: 0x97 });
    expect(small.closed).toBe(false);
    expect(s.broker.counters.inputOverflows).toBe(3);
    const { bytes } = s.broker.driverNode.input;
    expect(bytes).toBeGreaterThan(5 * 200_004);
    expect(bytes).toBeLessThan(5 * 210_000);
    for (const peer of [...peers, small]) peer.destroy();
    await s.clock.settle();
    expect(s.broker.driverNode.input.bytes).toBe(0);
  });

  test('limits.inputBytesStrangers: half a CONNECT of many takes nothing from who is connected', async () => {
    const s = await scene({ 'limits.inputBytesStrangers': 1024 * 1024, 'limits.inputBytesNode': 1024 * 1024 });
    const client = await s.join(5);
    const strangers = times(10, () => s.peer(5));
    for (const stranger of strangers) {
      stranger.sendBytes(Uint8Array.of(0x10, 0x80, 0x80, 0x14));
      stranger.sendBytes(new Uint8Array(200_000).fill(0x61));
      await s.clock.settle();
    }
    expect(strangers.filter(({ closed }) => closed).length).toBe(5);
    expect(s.broker.driverNode.strangerInput.bytes).toBeLessThan(1024 * 1024 + 10_000);
    client.sendBytes(Uint8Array.of(0x30, 0x80, 0x80, 0x20));
    client.sendBytes(new Uint8Array(200_000).fill(0x61));
    await s.clock.settle();
    expect(client.closed).toBe(false);
    // Whoever is let in takes along what it holds.
    for (const stranger of strangers) stranger.destroy();
    await s.clock.settle();
    expect(s.broker.driverNode.strangerInput.bytes).toBe(0);
    const early = s.peer(5);
    early.sendBytes(
      Buffer.concat([
        Uint8Array.of(0x10, 14, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 0, 0, 0, 1, 0x65),
        Uint8Array.of(0x30, 100, 0, 1),
      ]),
    );
    await s.clock.settle();
    expect(early.closed).toBe(false);
    expect(s.broker.driverNode.strangerInput.bytes).toBe(0);
    expect(s.broker.driverNode.input.bytes).toBeGreaterThan(200_000);
    for (const peer of [client, early]) peer.destroy();
    await s.clock.settle();
    expect(s.broker.driverNode.input.bytes).toBe(0);
  });

  test('limits.routeBytes: what is remembered of receivers stays below it, and everybody still gets everything', async () => {
    const s = await scene({ 'limits.routeBytes': 64 * 1024 });
    const subscribers = await Promise.all(times(20, () => s.join(4)));
    for (const peer of subscribers) await s.subscribe(peer, ['#']);
    const publisher = await s.join(4);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 100; i++) await s.publish(publisher, `t/${i}/${'x'.repeat(i * 10)}`, 0);
      expect(s.broker.router.routes.routeBytes).toBeLessThanOrEqual(64 * 1024);
    }
    expect(s.broker.counters.routesEvicted).toBeGreaterThan(100);
    for (const peer of subscribers) expect(peer.packets().filter(({ type }) => type === 3).length).toBe(200);
  });

  test('fanout.segmentBytes: groups give back their buffers when there are too many', async () => {
    const sizes: number[] = [];
    for (const bytes of [64 * 1024 * 1024, 0]) {
      const s = await scene({ 'fanout.segmentBytes': bytes });
      const peers = [await s.join(4), await s.join(4)];
      for (const peer of peers) await s.subscribe(peer, ['#']);
      const publisher = await s.join(4);
      for (let i = 0; i < 20; i++) await s.publish(publisher, `t/${i}`, 0, { payload: new Uint8Array(50) });
      sizes.push(s.broker.router.routes.segmentBytes);
      for (const peer of peers) expect(peer.packets().filter(({ type }) => type === 3).length).toBe(20);
      for (const peer of peers) peer.destroy();
      await s.clock.settle();
      expect(s.broker.router.routes.segmentBytes).toBe(0);
    }
    expect(sizes[0]).toBeGreaterThan(0);
    expect(sizes[1]).toBe(0);
  });

  test('looking for stale routes ends after so many steps, and nobody misses anything', async () => {
    const s = await scene();
    const publisher = await s.join(4);
    for (let i = 0; i < 2000; i++) await s.publish(publisher, `t${i}/x`, 0);
    const peer = await s.join(4);
    for (let i = 0; i < 200; i++) await s.subscribe(peer, [`+/y${i}`]);
    expect(s.broker.router.routes.routeCount).toBe(0);
    await s.subscribe(peer, ['+/x']);
    await s.publish(publisher, 't7/x', 0);
    expect(last(peer)).toMatchObject({ type: 'publish', topic: 't7/x' });
  });

  test('limits.permissions: the authorizer is asked again when there are more', async () => {
    let asked = 0;
    const authorize = (): 'allow' => {
      asked++;
      return 'allow';
    };
    const s = await scene({ 'limits.permissions': 4 }, { authorize });
    const peer = await s.join(4);
    const publish = (topic: string) => s.publish(peer, topic, 0);
    for (let round = 0; round < 3; round++) for (let i = 0; i < 4; i++) await publish(`t/${i}`);
    expect(asked).toBe(4);
    for (let round = 0; round < 3; round++) for (let i = 0; i < 8; i++) await publish(`t/${i}`);
    expect(asked).toBeGreaterThan(16);
    asked = 0;
    for (let round = 0; round < 3; round++) await publish(`long/${'x'.repeat(600)}`);
    expect(asked).toBe(3);
  });

  test('one client has its share of a turn, others have theirs in between', async () => {
    const s = await scene();
    const many = await Promise.all(times(100, () => s.join(4)));
    for (const peer of many) await s.subscribe(peer, ['t'], 1);
    const greedy = await s.join(4);
    const modest = await s.join(4);
    const publish = (i: number) =>
      encodePacket(
        {
          type: 'publish',
          topic: 't',
          payload: encodeUtf8(`#${i}:`),
          qos: 1,
          retain: false,
          dup: false,
          packetIdentifier: (i % 60_000) + 1,
          properties: undefined,
        },
        4,
      );
    greedy.sendBytes(new Uint8Array(Buffer.concat(times(500, publish))));
    const handled = s.broker.counters.messagesIn;
    expect(handled).toBeLessThan(60);
    expect(greedy.paused).toBe(false);
    // What it brings while the rest waits is kept, and no more is read.
    greedy.send({ type: 'pingreq' });
    expect(greedy.paused).toBe(true);
    modest.send({ type: 'pingreq' });
    expect(s.broker.counters.messagesIn).toBe(handled);
    await s.clock.settle();
    expect(last(modest)).toMatchObject({ type: 'pingresp' });
    expect(s.broker.counters.messagesIn).toBe(500);
    expect(s.broker.counters.turnsYielded).toBeGreaterThan(8);
    expect(greedy.paused).toBe(false);
    expect(greedy.packets().filter(({ type }) => type === 4).length).toBe(500);
  });
});

describe('retained messages', () => {
  test('of a subscription come in turns, those set meanwhile only once, and a flood of SUBSCRIBE holds no lists', async () => {
    const s = await scene();
    const publisher = await s.join(4);
    for (let i = 0; i < 5000; i++)
      await s.publish(publisher, `r/${i}`, 0, { retain: true, payload: encodeUtf8(`#${i}:`) });
    const peer = await s.join(4);
    const subscription = {
      topicFilter: '#',
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    } as const;
    const subscribe: Packet = {
      type: 'subscribe',
      packetIdentifier: 1,
      properties: undefined,
      subscriptions: [subscription],
    };
    peer.send(subscribe);
    expect(peer.packets().length).toBeLessThan(1100);
    publisher.send({
      type: 'publish',
      topic: 'r/4999',
      payload: encodeUtf8('#9999:'),
      qos: 0,
      retain: true,
      dup: false,
      packetIdentifier: 0,
      properties: undefined,
    });
    await s.clock.settle();
    const numbers = peer.numbers();
    expect(numbers.length).toBe(5000);
    expect(new Set(numbers).size).toBe(5000);
    expect(numbers).toContain(9999);
    expect(numbers).not.toContain(4999);
    peer.stuck = true;
    for (let i = 0; i < 500; i++) peer.send(subscribe);
    await s.clock.settle();
    expect(peer.numbers().length).toBeLessThan(12_000);
  });
});

describe('the end of a connection', () => {
  test('nothing follows the DISCONNECT, not even what the disk was waited for', async () => {
    const store = new HeldStore();
    const s = await scene({ 'limits.receiveMaximum': 5 }, { store });
    store.commit();
    const peer = new FakePeer(s.clock, 5);
    s.broker.attach(peer);
    peer.send({
      type: 'connect',
      protocolVersion: 5,
      cleanStart: true,
      keepAlive: 0,
      clientId: 'five',
      username: undefined,
      password: undefined,
      will: undefined,
      properties: { sessionExpiryInterval: 100 },
      bridge: false,
    });
    await s.clock.settle();
    store.commit();
    await s.clock.settle();
    peer.end = () => {};
    for (let i = 1; i <= 6; i++) await s.publish(peer, 't', 2, { packetIdentifier: i });
    expect(last(peer)).toMatchObject({ type: 'disconnect', reasonCode: 0x93 });
    store.commit();
    await s.clock.settle();
    expect(peer.decoded().map(({ type }) => type)).toEqual(['connack', 'disconnect']);
  });

  test('nothing is sent to who is refused before a CONNECT', async () => {
    const s = await scene({ 'limits.halfOpen': 1 });
    const first = new FakePeer(s.clock);
    const second = new FakePeer(s.clock);
    s.broker.attach(first);
    s.broker.attach(second);
    await s.clock.settle();
    expect(first.closed).toBe(false);
    expect(second.closed).toBe(true);
    expect(second.received).toEqual([]);
  });
});
