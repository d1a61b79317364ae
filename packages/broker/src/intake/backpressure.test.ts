import { encodeUtf8, type Packet, type QoS } from '@hawser/codec';
import { FakeClock, HeldStore, FakePeer as Peer } from '@hawser/testkit';
import { Random } from '@hawser/transport';
import { describe, expect, test } from 'vitest';
import { type Broker, createBroker } from '../broker.ts';
import type { Settings } from '../settings.ts';

const KiB = 1024;

class Scene {
  readonly clock = new FakeClock();
  readonly broker: Broker;
  #clients = 0;
  #numbers = 0;

  constructor(broker: Broker, clock: FakeClock) {
    this.broker = broker;
    this.clock = clock;
  }

  join(
    options: {
      readonly filter?: string;
      readonly qos?: QoS;
      readonly keepAlive?: number;
      readonly keep?: boolean;
    } = {},
  ): Peer {
    const peer = new Peer(this.clock);
    this.broker.attach(peer);
    peer.send({
      type: 'connect',
      protocolVersion: 4,
      cleanStart: options.keep !== true,
      keepAlive: options.keepAlive ?? 0,
      clientId: `c${this.#clients++}`,
      username: undefined,
      password: undefined,
      will: undefined,
      properties: undefined,
      bridge: false,
    });
    if (options.filter !== undefined) {
      const subscription = {
        topicFilter: options.filter,
        qos: options.qos ?? 0,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
      } as const;
      peer.send({ type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] });
    }
    return peer;
  }

  /** One message of about this size with the next number; a turn passes. */
  async publish(from: Peer, size: number, qos: QoS = 0, topic = 't'): Promise<number> {
    const number = this.#numbers++;
    const payload = encodeUtf8(`#${number}:`.padEnd(size, '.'));
    const packetIdentifier = qos === 0 ? 0 : (number % 60_000) + 1;
    from.send({
      type: 'publish',
      topic,
      payload,
      qos,
      retain: false,
      dup: false,
      packetIdentifier,
      properties: undefined,
    });
    await this.clock.settle();
    return number;
  }

  /** Until so many bytes have been published. */
  async publishBytes(from: Peer, bytes: number, qos: QoS = 0, topic = 't'): Promise<void> {
    for (let sent = 0; sent < bytes; sent += 4 * KiB) await this.publish(from, 4 * KiB, qos, topic);
  }

  get lost(): number {
    for (const handler of this.broker.intake.clients) handler.countMissed();
    return this.broker.counters.lost['slow-consumer'] ?? 0;
  }

  /** What waits, counted anew. */
  get waiting(): number {
    let sum = 0;
    for (const { output } of this.broker.intake.clients)
      if (output.blocked) sum += output.pendingBytes + output.handedBytes;
    return sum;
  }
}

async function scene(settings: Partial<Settings> = {}, store?: HeldStore): Promise<Scene> {
  const clock = new FakeClock();
  const broker = await createBroker({
    clock,
    settings: { 'limits.outputBytes': 64 * KiB, ...settings },
    ...(store === undefined ? {} : { store }),
  });
  return new Scene(broker, clock);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Alone, or sharing bytes with others in a group. */
describe.each([
  ['served alone', 0],
  ['in a fan-out group', 3],
])('a subscriber %s that does not read', (_, companions) => {
  async function stuckScene(settings: Partial<Settings> = {}, qos: QoS = 0) {
    const s = await scene(settings);
    const others = upTo(companions).map(() => s.join({ filter: 't' }));
    const stuck = s.join({ filter: 't', qos });
    const publisher = s.join();
    await s.clock.settle();
    stuck.stuck = true;
    return { s, stuck, others, publisher };
  }

  test('stops its publisher once it is over its bound, and lets it go on when it reads', async () => {
    const { s, stuck, others, publisher } = await stuckScene();
    await s.publishBytes(publisher, 60 * KiB);
    expect(publisher.paused).toBe(false);
    await s.publishBytes(publisher, 16 * KiB);
    expect(publisher.paused).toBe(true);
    expect(s.broker.counters.backpressurePauses).toBe(1);
    await s.clock.advance(150);
    expect(publisher.paused).toBe(true);
    stuck.drain();
    expect(publisher.paused).toBe(false);
    await s.publish(publisher, 10);
    await s.clock.settle();
    const all = upTo(stuck.numbers().length);
    expect(all.length).toBeGreaterThan(17);
    expect(stuck.numbers()).toEqual(all);
    for (const other of others) expect(other.numbers()).toEqual(all);
    expect(s.lost).toBe(0);
    expect(s.broker.counters.slowConsumers).toBe(0);
  });

  test('stops its publisher for backpressure.pauseMax at most, and loses from then on', async () => {
    const { s, stuck, others, publisher } = await stuckScene();
    await s.publishBytes(publisher, 80 * KiB);
    expect(publisher.paused).toBe(true);
    await s.clock.advance(199);
    expect(publisher.paused).toBe(true);
    await s.clock.advance(1);
    expect(publisher.paused).toBe(false);
    await s.publishBytes(publisher, 400 * KiB);
    expect(publisher.pauses).toBe(1);
    expect(s.broker.counters.slowConsumers).toBe(1);
    expect(s.lost).toBeGreaterThan(90);
    const session = s.broker.registry.get(`c${companions}`);
    expect(session?.lost?.['slow-consumer']).toBe(s.lost);
    expect(s.waiting).toBeLessThan(8 * 64 * KiB);
    for (const other of others) expect(other.numbers()).toEqual(upTo(other.numbers().length));
    stuck.drain();
    await s.clock.settle();
    const before = stuck.numbers();
    expect(before).toEqual(upTo(before.length));
    expect(before.length + s.lost).toBe(120);
  });

  test('leaves its groups while it loses, and comes back when it has read', async () => {
    const { s, stuck, others, publisher } = await stuckScene();
    await s.publishBytes(publisher, 80 * KiB);
    await s.clock.advance(200);
    await s.publishBytes(publisher, 80 * KiB);
    expect(s.broker.router.routes.groupCount).toBe(companions > 0 ? 1 : 0);
    stuck.drain();
    await s.clock.settle();
    const lost = s.lost;
    const next = await s.publish(publisher, 10);
    expect(s.lost).toBe(lost);
    expect(stuck.numbers().at(-1)).toBe(next);
    for (const other of others) expect(other.numbers().at(-1)).toBe(next);
    for (const handler of s.broker.intake.clients) expect(handler.isSlow).toBe(false);
    const sharing = [...s.broker.intake.clients].filter(({ output }) => output.source !== undefined);
    expect(sharing.length).toBe(companions > 0 ? companions + 1 : 0);
  });

  test('has no patience coming for ten seconds after it was slow', async () => {
    const { s, stuck, publisher } = await stuckScene();
    const flood = () => s.publishBytes(publisher, 80 * KiB);
    await flood();
    await s.clock.advance(200);
    await flood();
    stuck.drain();
    await s.clock.settle();
    stuck.stuck = true;
    await flood();
    expect(publisher.pauses).toBe(1);
    expect(s.broker.counters.slowConsumers).toBe(2);
    stuck.drain();
    await s.clock.advance(10_001);
    stuck.stuck = true;
    await flood();
    expect(publisher.pauses).toBe(2);
    expect(publisher.paused).toBe(true);
  });

  test('has none at all when it had stopped to read long before', async () => {
    const { s, publisher } = await stuckScene();
    await s.publishBytes(publisher, 60 * KiB);
    await s.clock.advance(201);
    await s.publishBytes(publisher, 200 * KiB);
    expect(publisher.pauses).toBe(0);
    expect(s.lost).toBeGreaterThan(40);
  });

  test('frees its publisher when it goes, and the count of what waits', async () => {
    const { s, stuck, publisher } = await stuckScene();
    await s.publishBytes(publisher, 80 * KiB);
    expect(publisher.paused).toBe(true);
    expect(s.broker.slab.waitingBytes).toBe(s.waiting);
    expect(s.broker.slab.waitingOutputs).toBe(1);
    stuck.destroy();
    await s.clock.settle();
    expect(publisher.paused).toBe(false);
    expect(s.broker.slab.waitingBytes).toBe(0);
    expect(s.broker.slab.waitingOutputs).toBe(0);
  });

  test('a publisher that goes while it is stopped is forgotten', async () => {
    const { s, publisher } = await stuckScene();
    await s.publishBytes(publisher, 80 * KiB);
    expect(s.broker.intake.backpressure.paused).toBe(1);
    publisher.destroy();
    expect(s.broker.intake.backpressure.paused).toBe(0);
    const pauses = publisher.pauses;
    await s.clock.advance(1000);
    expect(publisher.pauses).toBe(pauses);
  });

  test('QoS 1 waits in its queue and nothing of it is lost', async () => {
    const { s, stuck, publisher } = await stuckScene({ 'limits.inflight3': 1000 }, 1);
    await s.publishBytes(publisher, 400 * KiB, 1);
    expect(publisher.pauses).toBe(0);
    const session = s.broker.registry.get(`c${companions}`);
    expect(session?.session.queue.length).toBeGreaterThan(70);
    expect(s.waiting).toBeLessThan(80 * KiB);
    for (let i = 0; i < 20 && (session?.session.queue.length ?? 0) > 0; i++) {
      stuck.drain();
      await s.clock.settle();
    }
    expect(stuck.numbers()).toEqual(upTo(100));
    expect(s.lost).toBe(0);
  });

  test('the node has a bound too: what is left is shared out, and nobody waits', async () => {
    const node = 1024 * KiB;
    const s = await scene({ 'limits.outputBytesNode': node, 'limits.outputBytes': 512 * KiB });
    const others = upTo(companions).map(() => s.join({ filter: 't' }));
    const stuck = upTo(20).map(() => s.join({ filter: 't' }));
    const publisher = s.join();
    await s.clock.settle();
    for (const peer of stuck) peer.stuck = true;
    await s.publishBytes(publisher, 1024 * KiB);
    expect(publisher.paused).toBe(false);
    expect(s.broker.slab.waitingBytes).toBe(s.waiting);
    expect(s.waiting).toBeGreaterThan(node / 2);
    expect(s.waiting).toBeLessThan(node * 1.2);
    expect(s.broker.counters.slowConsumers).toBe(20);
    for (const other of others) expect(other.numbers()).toEqual(upTo(256));
    for (const peer of stuck) peer.drain();
    await s.clock.settle();
    for (const peer of stuck) peer.drain();
    expect(s.broker.slab.waitingBytes).toBe(0);
    const next = await s.publish(publisher, 10);
    for (const peer of stuck) expect(peer.numbers().at(-1)).toBe(next);
  });
});

describe('a client that is not being read', () => {
  test('is not closed for its Keep Alive, which begins again afterwards', async () => {
    const s = await scene({ 'backpressure.pauseMax': 5 });
    const stuck = s.join({ filter: 't' });
    const publisher = s.join({ keepAlive: 1 });
    await s.clock.settle();
    stuck.stuck = true;
    // Nothing is left unread: that would be read afterwards, and count as well.
    while (!publisher.paused) await s.publish(publisher, 4 * KiB);
    await s.clock.advance(4999);
    expect(publisher.closed).toBe(false);
    await s.clock.advance(1);
    expect(publisher.paused).toBe(false);
    await s.clock.advance(1499);
    expect(publisher.closed).toBe(false);
    await s.clock.advance(2);
    expect(publisher.closed).toBe(true);
  });

  test('is slowed down only once by a thousand subscribers that stopped one after the other', async () => {
    const s = await scene({ 'limits.outputBytes': 4 * KiB });
    const stuck = upTo(1000).map((i) => s.join({ filter: `t/${i}` }));
    const publisher = s.join();
    await s.clock.settle();
    for (const peer of stuck) peer.stuck = true;
    const began = s.clock.now();
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 1000; i++) {
        await s.publish(publisher, 2 * KiB, 0, `t/${i}`);
        if (publisher.paused) await s.clock.advance(200);
      }
      await s.clock.advance(100);
    }
    expect(publisher.pauses).toBeLessThanOrEqual(2);
    expect(s.clock.now() - began).toBeLessThan(1000);
    expect(s.broker.counters.slowConsumers).toBe(1000);
  }, 30_000);
});

describe('a shared subscription', () => {
  test('whose members all do not read loses QoS 0 and holds no more than their bounds', async () => {
    const s = await scene();
    const members = [s.join({ filter: '$share/g/t' }), s.join({ filter: '$share/g/t' })];
    const publisher = s.join();
    await s.clock.settle();
    for (const member of members) member.stuck = true;
    await s.publishBytes(publisher, 200 * KiB);
    await s.clock.advance(200);
    await s.publishBytes(publisher, 800 * KiB);
    expect(s.waiting).toBeLessThan(2 * 8 * 64 * KiB);
    expect(s.lost).toBeGreaterThan(150);
  });
});

describe('answers that a client does not take', () => {
  const flood = async (s: Scene, peer: Peer, packet: Packet, times: number) => {
    for (let i = 0; i < times && !peer.paused; i++) {
      peer.send(...upTo(100).map(() => packet));
      await s.clock.settle();
    }
  };
  const pingreq: Packet = { type: 'pingreq' };
  const pubrel: Packet = { type: 'pubrel', packetIdentifier: 7, reasonCode: 0, properties: undefined };
  const unsubscribe: Packet = { type: 'unsubscribe', packetIdentifier: 7, properties: undefined, topicFilters: ['a'] };
  const publish: Packet = {
    type: 'publish',
    topic: 't',
    payload: new Uint8Array(0),
    qos: 1,
    retain: false,
    dup: false,
    packetIdentifier: 7,
    properties: undefined,
  };

  test.each([
    ['PINGREQ', pingreq],
    ['PUBREL', pubrel],
    ['UNSUBSCRIBE', unsubscribe],
    ['QoS 1 PUBLISH', publish],
  ])('a flood of %s is not read any more, until they are taken', async (_, packet) => {
    const s = await scene({ 'limits.answerBytes': 4 * KiB });
    const peer = s.join();
    await s.clock.settle();
    peer.stuck = true;
    await flood(s, peer, packet, 1000);
    expect(peer.paused).toBe(true);
    expect(s.broker.counters.readingPauses).toBe(1);
    expect(s.waiting).toBeLessThan(6 * KiB);
    await s.clock.advance(60_000);
    expect(peer.paused).toBe(true);
    peer.drain();
    await s.clock.settle();
    expect(peer.paused).toBe(false);
    const before = peer.packets().length;
    peer.send(pingreq);
    await s.clock.settle();
    expect(peer.packets().slice(before)).toEqual([{ type: 13, text: '' }]);
    expect(s.broker.slab.waitingBytes).toBe(0);
  });

  test('that wait for the disk bound what is read: by number', async () => {
    const store = new HeldStore();
    const s = await scene({ 'limits.unanswered': 20 }, store);
    s.join({ filter: 't', qos: 1, keep: true });
    const peer = s.join();
    store.commit();
    await s.clock.settle();
    for (let i = 0; i < 100 && !peer.paused; i++) await s.publish(peer, 10, 1);
    expect(peer.paused).toBe(true);
    expect(peer.packets().filter(({ type }) => type === 4)).toEqual([]);
    store.commit();
    await s.clock.settle();
    expect(peer.paused).toBe(false);
    expect(peer.packets().filter(({ type }) => type === 4).length).toBe(21);
  });

  test('that wait for the disk bound what is read: by bytes', async () => {
    const store = new HeldStore();
    const s = await scene({ 'limits.unansweredBytes': 64 * KiB }, store);
    s.join({ filter: 't', qos: 1, keep: true });
    const peer = s.join();
    store.commit();
    await s.clock.settle();
    for (let i = 0; i < 100 && !peer.paused; i++) await s.publish(peer, 4 * KiB, 1);
    expect(peer.paused).toBe(true);
    expect(peer.packets().filter(({ type }) => type === 4).length).toBe(0);
    store.commit();
    await s.clock.settle();
    expect(peer.paused).toBe(false);
    await s.publish(peer, 10, 1);
    expect(peer.paused).toBe(false);
  });
});

describe('whatever happens', () => {
  const seeds = process.env.HAWSER_SEED ? [Number(process.env.HAWSER_SEED)] : upTo(30);
  test.each(seeds)(
    'seed %i: what waits is counted right, stays within its bounds, and is told to those it was for',
    async (seed) => {
      const random = new Random(seed);
      const node = 1024 * KiB;
      const s = await scene({
        'limits.outputBytesNode': node,
        'limits.outputBytes': 32 * KiB,
        'fanout.segmentBytes': 32 * KiB,
      });
      const peers = upTo(12).map(() =>
        s.join({ filter: random.pick(['#', 'a', 'b', '+', '$share/g/a']), qos: random.pick([0, 0, 1]) }),
      );
      await s.clock.settle();
      for (let step = 0; step < 400; step++) {
        const peer = random.pick(peers);
        const kind = random.integer(0, 9);
        if (kind < 6 && !peer.paused)
          await s.publish(peer, random.integer(10, 6 * KiB), random.pick([0, 0, 1]), random.pick(['a', 'b']));
        else if (kind === 6) peer.stuck = true;
        else if (kind === 7) peer.drain();
        else if (kind === 8) peer.send({ type: 'pingreq' });
        else await s.clock.advance(random.integer(0, 300));
        await s.clock.settle();
        expect(s.broker.slab.waitingBytes).toBe(s.waiting);
        expect(s.waiting).toBeLessThan(node);
        // What is handed over in one turn may be as much again.
        for (const { output } of s.broker.intake.clients) expect(output.pendingBytes).toBeLessThan(9 * 32 * KiB);
      }
      for (let i = 0; i < 50; i++) {
        for (const peer of peers) peer.drain();
        await s.clock.advance(250);
      }
      expect(s.broker.slab.waitingBytes).toBe(0);
      expect(s.broker.slab.waitingOutputs).toBe(0);
      for (const peer of peers) {
        const numbers = peer.numbers();
        expect(new Set(numbers).size).toBe(numbers.length);
        expect(peer.paused).toBe(false);
      }
    },
  );
});
