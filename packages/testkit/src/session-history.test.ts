import { type Broker, createBroker, type LostEvent, type Settings } from '@hawser/broker';
import type { Packet, ProtocolVersion } from '@hawser/codec';
import { Random } from '@hawser/transport';
import { describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { Wire } from './testing/wire.ts';

const STEPS = 400;
const POLICIES = ['drop-oldest', 'drop-newest', 'keep-last-per-topic'] as const;

/** A client that comes and goes, acknowledges late, and knows what its session owes it. */
class Subscriber {
  readonly clientId: string;
  readonly filter: string;
  /** Its session may be ended on purpose. */
  readonly ends: boolean;
  wire: Wire | undefined;
  isSubscribed = false;
  /** This connection ends the session. */
  isLast = false;
  /** Acknowledged messages that were published while it had its subscription. */
  owed = new Set<string>();
  /** How often each text came as a new message, in this session and in all. */
  counts = new Map<string, number>();
  readonly received = new Set<string>();
  /** False: what was dropped may come back after a crash, behind what was sent in its place. */
  expectsOrder = true;
  /** Messages that were counted as lost, other than expired ones. */
  lost = 0;
  readonly #taken = new Set<number>();
  readonly #last = new Map<string, number>();
  #answers: Packet[] = [];
  #mayLeave = false;

  constructor(clientId: string, filter: string, ends: boolean) {
    this.clientId = clientId;
    this.filter = filter;
    this.ends = ends;
  }

  async connect(broker: Broker, clock: FakeClock, random: Random): Promise<void> {
    const version: ProtocolVersion = random.pick([4, 5] as const);
    const wire = new Wire(broker, clock, version);
    this.wire = wire;
    this.#answers = [];
    // A member's session ends with a DISCONNECT alone: what one of no length has not acknowledged, a crash may take.
    this.isLast = this.ends && !this.isMember && version === 5 && random.chance(0.2);
    this.#mayLeave = this.ends && version === 5;
    wire.onPacket = (packet) => this.#onPacket(wire, packet);
    const sessionExpiryInterval = this.isLast ? 0 : 0xffff_ffff;
    const properties = version === 5 ? { sessionExpiryInterval, receiveMaximum: random.integer(1, 9) } : undefined;
    await wire.connect(this.clientId, true, properties === undefined ? {} : { properties });
  }

  #onPacket(wire: Wire, packet: Packet): void {
    if (packet.type === 'connack') {
      if (packet.reasonCode !== 0) return;
      if (!packet.sessionPresent) {
        expect(this.isSubscribed && !this.ends, `${this.clientId}: its session is gone`).toBe(false);
        this.forget();
      }
      const subscription = { topicFilter: this.filter, qos: 2, noLocal: false, retainAsPublished: false } as const;
      if (!this.isSubscribed) {
        const subscriptions = [{ ...subscription, retainHandling: 0 as const }];
        wire.write({ type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions });
      }
    } else if (packet.type === 'suback') this.isSubscribed = (packet.reasonCodes[0] ?? 0x80) < 0x80;
    else if (packet.type === 'publish') this.#onPublish(packet);
    else if (packet.type === 'pubrel') {
      const { packetIdentifier } = packet;
      this.#answers.push({ type: 'pubcomp', packetIdentifier, reasonCode: 0, properties: undefined });
    }
  }

  #onPublish({ qos, packetIdentifier, topic, payload }: Extract<Packet, { type: 'publish' }>): void {
    this.#answers.push({
      type: qos === 1 ? 'puback' : 'pubrec',
      packetIdentifier,
      reasonCode: 0,
      properties: undefined,
    });
    if (qos === 2) {
      if (this.#taken.has(packetIdentifier)) return;
      this.#taken.add(packetIdentifier);
    }
    const text = new TextDecoder().decode(payload);
    const count = this.counts.get(text) ?? 0;
    this.counts.set(text, count + 1);
    this.received.add(text);
    if (qos === 2) expect(count, `${this.clientId}: QoS 2 message ${text} once`).toBe(0);
    if (count > 0 || this.isMember || !this.expectsOrder) return;
    const stream = `${topic} ${qos}`;
    expect(Number(text), `${this.clientId}: order on ${stream}`).toBeGreaterThan(this.#last.get(stream) ?? -1);
    this.#last.set(stream, Number(text));
  }

  /** Sends some of the acknowledgements that it owes. */
  answer(most: number): void {
    for (const packet of this.#answers.splice(0, most)) {
      if (packet.type === 'pubcomp') this.#taken.delete(packet.packetIdentifier);
      this.wire?.write(packet);
    }
  }

  get isMember(): boolean {
    return this.filter.startsWith('$share');
  }

  get hasAnswers(): boolean {
    return this.#answers.length > 0;
  }

  /** Its session has ended, or may have. */
  forget(): void {
    this.isSubscribed = false;
    this.owed = new Set();
    this.counts = new Map();
    this.#taken.clear();
    this.#last.clear();
  }

  /** `leaves`: it ends its session, if it can. */
  async cut(leaves: boolean): Promise<void> {
    const { wire } = this;
    if (wire === undefined) return;
    wire.onPacket = undefined;
    if (leaves && this.#mayLeave) {
      await wire.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
      this.isLast = true;
    }
    const cut = wire.cut();
    this.onCut();
    await cut;
  }

  onCut(): void {
    this.wire = undefined;
    if (this.isLast) this.forget();
    this.isLast = false;
  }
}

/** Random clients of random versions, a broker that crashes, a store that commits late, counts late, fails, and pages. */
async function run(seed: number, bounds: Partial<Settings>): Promise<void> {
  const random = new Random(seed);
  const clock = new FakeClock();
  const settings: Partial<Settings> = {
    'queue.pageSize': random.integer(2, 8),
    'queues.memoryBytes': random.pick([2000, 8000, 1e9]),
    'limits.inflight3': random.integer(1, 9),
    ...bounds,
  };
  let store = new HeldStore();
  const plain = ['kept', 'also-kept'].map((clientId) => new Subscriber(clientId, 't/#', false));
  const mortal = new Subscriber('mortal', 't/#', true);
  const members = [
    new Subscriber('member', '$share/g/s/#', false),
    new Subscriber('mortal-member', '$share/g/s/#', true),
  ];
  const all = [...plain, mortal, ...members];
  const shared = new Set<string>();
  let number = 0;
  const onLost = ({ clientId, cause, count }: LostEvent): void => {
    const one = all.find((subscriber) => subscriber.clientId === clientId);
    if (one !== undefined && cause !== 'expired') one.lost += count;
  };
  const start = (): Promise<Broker> =>
    createBroker({ clock, store, settings, random: (size) => random.bytes(size), observe: { onLost } });
  let broker = await start();

  const settle = async (): Promise<void> => {
    for (let round = 0; round < 6; round++) {
      await clock.settle();
      store.commitAll();
    }
  };
  const publish = (): void => {
    const text = `${number++}`;
    const isShared = random.chance(0.3);
    const topic = `${isShared ? 's' : 't'}/${random.integer(0, 2)}`;
    // QoS 2 goes to nobody else when a member's session ends.
    const qos = isShared ? 1 : random.pick([1, 2] as const);
    const expires = random.chance(0.1);
    const there = isShared ? [] : all.filter(({ isSubscribed, isMember }) => isSubscribed && !isMember);
    const sets = there.map(({ owed }) => owed);
    if (isShared && members.some(({ isSubscribed, ends }) => isSubscribed && !ends)) sets.push(shared);
    broker.publish(topic, text, { qos, ...(expires ? { properties: { messageExpiryInterval: 1 } } : {}) }).then(
      () => {
        if (!expires) for (const set of sets) set.add(text);
      },
      () => undefined,
    );
  };

  for (let step = 0; step < STEPS; step++) {
    if (random.chance(0.5)) publish();
    for (const one of all) {
      if (one.wire?.closed === true) one.onCut();
      if (one.wire === undefined) {
        if (random.chance(0.1)) await one.connect(broker, clock, random);
      } else if (random.chance(0.03)) {
        await one.cut(random.chance(0.3));
      } else if (random.chance(0.5)) one.answer(random.integer(1, 4));
    }
    await clock.advance(random.integer(0, 20));
    if (random.chance(0.4) && store.appended > store.committed)
      store.commit(random.integer(store.committed + 1, store.appended));
    if (random.chance(0.01)) store.fail();
    if (random.chance(0.1)) store.heal();
    if (random.chance(0.015)) {
      const countsLater = random.chance(0.5);
      store = store.crash({ survives: random.integer(0, 5) });
      store.countsLater = countsLater && bounds['queue.policy'] !== 'drop-newest';
      // All at once: a process that does not know that it is dead sends nothing more.
      await Promise.all(all.map((one) => one.cut(false)));
      for (const one of all) one.expectsOrder &&= bounds['queue.messages'] === undefined;
      broker = await start();
      if (countsLater && random.chance(0.5)) store.finishCounting();
    }
  }
  store.heal();
  store.finishCounting();
  for (let round = 0; round < 500; round++) {
    for (const one of all) {
      if (one.wire?.closed === true) one.onCut();
      if (one.wire === undefined) await one.connect(broker, clock, random);
      one.answer(100);
    }
    await settle();
    const isQuiet = all.every((one) => {
      const session = broker.registry.get(one.clientId)?.session;
      return !one.hasAnswers && session !== undefined && session.queue.length === 0 && session.inFlight === 0;
    });
    if (isQuiet && round > 3) break;
  }
  for (const one of all) {
    const missing = [...one.owed].filter((text) => !one.received.has(text));
    // What waits in memory alone, because its session ends with the connection, is within queues.memoryBytes.
    if (bounds['queue.messages'] === undefined && !one.ends)
      expect(missing, `${one.clientId}: acknowledged and lost`).toEqual([]);
    else expect(missing.length, `${one.clientId}: lost and not counted`).toBeLessThanOrEqual(one.lost);
  }
  if (bounds['queue.messages'] === undefined) {
    const missing = [...shared].filter((text) => !members.some(({ received }) => received.has(text)));
    expect(missing, 'acknowledged for the shared subscription and lost').toEqual([]);
  }
  expect(broker.registry.queueMemory.bytes, 'memory that nobody gives back').toBe(0);
}

const seeds = process.env.HAWSER_SEED
  ? [Number(process.env.HAWSER_SEED)]
  : Array.from({ length: 15 }, (_, index) => 100 + index);

describe('sessions with a store, through disconnects, restarts, ends and versions', () => {
  test.each(seeds)('seed %i: what is acknowledged comes, QoS 2 once, in order', async (seed) => {
    await run(seed, {});
  });

  test.each(seeds)('seed %i, small queues: what does not come is counted', async (seed) => {
    await run(seed, {
      'queue.messages': 5 + (seed % 20),
      'queue.policy': POLICIES[seed % 3] ?? 'drop-oldest',
    });
  });
});
