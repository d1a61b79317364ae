import { encodePacket, encodeUtf8, type Packet } from '@hawser/codec';
import { FakeClock } from '@hawser/testkit';
import { MemoryNetwork, type Transport } from '@hawser/transport';
import { describe, expect, it } from 'vitest';
import { type Broker, createBroker } from '../broker.ts';
import type { BrokerOptions } from '../broker-options.ts';
import { explainInSlices } from '../inspect/explain.ts';
import { TURN_WORK } from '../node/turn-budget.ts';

/** What one turn may have: its tasks' work, that of writing, and as much as one step of each may take beyond. */
const MOST_WORK = 2 * TURN_WORK + TURN_WORK / 8;

interface Scene {
  readonly clock: FakeClock;
  readonly broker: Broker;
  /** A client that is connected. */
  join(clientId: string, options?: { readonly kept?: boolean }): Promise<Peer>;
}

interface Peer {
  readonly transport: Transport;
  /** Bytes that came, of all. */
  received: number;
  /** First bytes of what came last. */
  last: Uint8Array;
  closed: boolean;
  send(...packets: readonly Packet[]): void;
}

async function scene(options: Omit<BrokerOptions, 'clock'> = {}): Promise<Scene> {
  const clock = new FakeClock();
  const broker = await createBroker({ ...options, clock });
  const network = new MemoryNetwork({ clock, seed: 1 });
  return {
    clock,
    broker,
    async join(clientId, { kept = false } = {}) {
      const [near, far] = network.connect();
      const peer: Peer = {
        transport: near,
        received: 0,
        last: new Uint8Array(0),
        closed: false,
        send: (...packets) =>
          near.write([Buffer.concat(packets.map((packet) => encodePacket(packet, 5)))]) || undefined,
      };
      near.start({
        onData: (bytes) => {
          peer.received += bytes.length;
          peer.last = bytes.slice(-8);
        },
        onDrain: () => {},
        onClose: () => {
          peer.closed = true;
        },
      });
      broker.attach(far);
      peer.send({
        type: 'connect',
        protocolVersion: 5,
        cleanStart: !kept,
        keepAlive: 0,
        clientId,
        username: undefined,
        password: undefined,
        will: undefined,
        bridge: false,
        properties: kept ? { sessionExpiryInterval: 1000 } : undefined,
      });
      await clock.settle();
      return peer;
    },
  };
}

const publish = (topic: string, qos: 0 | 1 = 0): Packet => ({
  type: 'publish',
  topic,
  payload: encodeUtf8('x'),
  qos,
  retain: false,
  dup: false,
  packetIdentifier: qos,
  properties: undefined,
});

const subscribe = (filters: readonly string[]): Packet => ({
  type: 'subscribe',
  packetIdentifier: 7,
  properties: undefined,
  subscriptions: filters.map((topicFilter) => ({
    topicFilter,
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
  })),
});

const numbered = (count: number, of: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => of(i));

describe('no turn has more than its work', () => {
  it('with a flood of PUBLISH that is denied, which is asked about once', async () => {
    let asked = 0;
    const { broker, clock, join } = await scene({
      authorize: () => {
        asked++;
        return 'deny';
      },
    });
    const peer = await join('a');
    peer.send(...Array.from({ length: 20_000 }, () => publish('secret')));
    await clock.settle();
    expect(broker.counters.publishesDenied).toBe(20_000);
    expect(asked).toBe(1);
    expect(broker.driverNode.turn.mostWork).toBeLessThan(MOST_WORK);
    expect(broker.counters.turnsYielded).toBeGreaterThan(10);
  });

  it('with PINGREQ from twenty clients, and each is answered in its turn', async () => {
    const { broker, clock, join } = await scene();
    const peers = await Promise.all(numbered(20, (i) => `c${i}`).map((clientId) => join(clientId)));
    const before = peers.map(({ received }) => received);
    for (const peer of peers) peer.send(...Array.from({ length: 8000 }, (): Packet => ({ type: 'pingreq' })));
    await clock.settle();
    expect(peers.map(({ received }, i) => received - (before[i] ?? 0))).toEqual(peers.map(() => 16_000));
    expect(broker.driverNode.turn.mostWork).toBeLessThan(MOST_WORK);
    expect(broker.driverNode.turn.mostWork).toBeGreaterThan(TURN_WORK / 2);
  });

  it('with acknowledgements of messages that nobody knows', async () => {
    const { broker, clock, join } = await scene();
    const peer = await join('a');
    peer.send(
      ...Array.from(
        { length: 30_000 },
        (_, i): Packet => ({
          type: 'pubcomp',
          packetIdentifier: i + 1,
          reasonCode: 0x92,
          properties: undefined,
        }),
      ),
    );
    await clock.settle();
    expect(broker.driverNode.turn.mostWork).toBeLessThan(MOST_WORK);
  });

  it('with SUBSCRIBE and UNSUBSCRIBE of 10,000 filters, answered at their end and in order', async () => {
    const asked: string[] = [];
    const { broker, clock, join } = await scene({
      settings: { 'limits.filters': 10_000, 'limits.subscriptions': 20_000 },
      authorize: ({ topic }) => {
        asked.push(topic);
        return 'allow';
      },
    });
    const peer = await join('a');
    const other = await join('b');
    const filters = numbered(10_000, (i) => `f/${i}/+`);
    peer.send(subscribe(filters), { type: 'pingreq' });
    other.send({ type: 'pingreq' });
    await clock.settle();
    // SUBACK before PINGRESP.
    expect([...peer.last.slice(-2)]).toEqual([0xd0, 0]);
    expect(broker.registry.get('a')?.subscriptions.size).toBe(10_000);
    expect(asked).toEqual(filters);
    expect(broker.driverNode.turn.mostWork).toBeLessThan(MOST_WORK);
    peer.send(
      { type: 'unsubscribe', packetIdentifier: 8, properties: undefined, topicFilters: filters },
      { type: 'pingreq' },
    );
    await clock.settle();
    expect([...peer.last.slice(-2)]).toEqual([0xd0, 0]);
    expect(broker.registry.get('a')?.subscriptions.size).toBe(0);
    expect(broker.driverNode.turn.mostWork).toBeLessThan(MOST_WORK);
  });

  it('the end of a session with 10,000 subscriptions leaves the tree over several turns, and gets nothing meanwhile', async () => {
    const { broker, clock, join } = await scene({
      settings: { 'limits.filters': 10_000, 'limits.subscriptions': 20_000 },
    });
    const peer = await join('a');
    peer.send(subscribe([...numbered(9999, (i) => `f/${i}/+`), '$share/g/f/#']));
    await clock.settle();
    const { routes } = broker.router;
    expect(routes.find('f/1/x').entries).toHaveLength(1);
    const session = broker.registry.get('a');
    if (session === undefined) throw new Error('there is no session');
    broker.registry.end(session, 'closed');
    // As soon as the session has ended no message finds it, whatever is still in the tree.
    expect(routes.subscriptionCount).toBeGreaterThan(0);
    expect(routes.find('f/9998/x')).toMatchObject({ entries: [], shared: [] });
    expect(routes.find('f/1/x')).toMatchObject({ entries: [], shared: [] });
    await clock.settle();
    expect(routes.subscriptionCount).toBe(0);
    expect(broker.driverNode.turn.mostWork).toBeLessThan(MOST_WORK);
  });

  it('a session with 10,000 subscriptions that goes and comes back walks none of them', async () => {
    const { broker, clock, join } = await scene({
      settings: { 'limits.filters': 10_000, 'limits.subscriptions': 20_000 },
    });
    const peer = await join('a', { kept: true });
    peer.send(subscribe(numbered(10_000, (i) => `f/${i}/+`)));
    await clock.settle();
    const before = broker.router.routes.find('f/1/x');
    peer.transport.destroy();
    await clock.settle();
    const again = await join('a', { kept: true });
    expect(before.isRemembered).toBe(false);
    await broker.publish('f/2/x', 'y', { qos: 1 });
    await clock.settle();
    expect(again.received).toBeGreaterThan(0);
    expect(broker.router.routes.find('f/1/x').entries).toHaveLength(1);
  });

  it('when a connection ends within a SUBSCRIBE', async () => {
    const { broker, clock, join } = await scene({
      settings: { 'limits.filters': 10_000, 'limits.subscriptions': 20_000 },
    });
    const peer = await join('a');
    peer.send(subscribe(numbered(10_000, (i) => `f/${i}/+`)));
    clock.defer(() => peer.transport.destroy());
    await clock.settle();
    expect(broker.intake.size).toBe(0);
    expect(broker.registry.get('a')).toBeUndefined();
    await (await join('b')).send(publish('f/1/x'));
    await clock.settle();
    expect(broker.router.routes.find('f/1/x').entries).toEqual([]);
  });

  it('and what was sent before the network broke is handled', async () => {
    const { broker, clock, join } = await scene();
    const peer = await join('a');
    peer.send(...Array.from({ length: 20_000 }, () => publish('t')), {
      type: 'disconnect',
      reasonCode: 0,
      properties: undefined,
    });
    peer.transport.end();
    await clock.settle();
    expect(broker.counters.messagesIn).toBe(20_000);
    expect(broker.counters.turnsYielded).toBeGreaterThan(0);
    expect(broker.recorder.get('a')?.events.last).toMatchObject({ code: 'normal-disconnection' });
  });

  it('with a search for a name that is like one of 50,000', async () => {
    const { broker, clock } = await scene();
    const { username, will } = { username: undefined, will: undefined };
    for (const clientId of numbered(50_000, (i) => `meter-${i}-hall`)) {
      broker.registry.open({
        clientId,
        cleanStart: false,
        protocolVersion: 5,
        knowsOptions: true,
        expiryInterval: 1000,
        username,
        will,
      });
    }
    const explained = explainInSlices(broker, 'metre-4711-hall');
    await clock.settle();
    expect((await explained).near).toContain('meter-4711-hall');
    expect(broker.driverNode.turn.mostWork).toBeLessThan(MOST_WORK);
  });
});
