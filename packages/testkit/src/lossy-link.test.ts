import { type Broker, createBroker } from '@hawser/broker';
import { MemoryNetwork, Random, type Transport } from '@hawser/transport';
import { describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { ProtocolClient } from './protocol-client.ts';

const MESSAGES = 60;

interface Received {
  readonly topic: string;
  readonly text: string;
}

/** Publisher, broker and subscriber over links that delay, split and break, with a store that commits late and crashes. */
async function run(seed: number, version: 4 | 5): Promise<Received[]> {
  const random = new Random(seed);
  const clock = new FakeClock();
  const network = new MemoryNetwork({
    clock,
    seed: seed ^ 0x5eed,
    delayMs: [0, 5],
    lossPerChunk: 0.02,
    splitting: true,
  });
  let store = new HeldStore();
  let broker: Broker = await createBroker({ clock, store, random: (size) => random.bytes(size) });
  let up = true;
  const dial = (): Transport => {
    const [near, far] = network.connect();
    if (up) broker.attach(far);
    else far.destroy();
    return near;
  };
  const received: Received[] = [];
  const subscriber = new ProtocolClient({
    clientId: 'subscriber',
    clock,
    protocolVersion: version,
    dial,
    subscriptions: [['t/#', 2]],
    onMessage: (topic, payload) => received.push({ topic, text: new TextDecoder().decode(payload) }),
  });
  const publisher = new ProtocolClient({ clientId: 'publisher', clock, protocolVersion: version, dial });
  subscriber.connect();
  publisher.connect();
  network.lossPerChunk = 0;
  while (!subscriber.subscribed) {
    store.commitAll();
    await clock.advance(10);
  }
  network.lossPerChunk = 0.02;

  let sent = 0;
  for (let step = 0; step < 6000; step++) {
    if (sent < MESSAGES && random.chance(0.4)) {
      const qos = random.chance(0.5) ? 1 : 2;
      publisher.publish(`t/${qos}/${random.integer(0, 2)}`, `${sent++}`, qos);
    }
    await clock.advance(random.integer(0, 20));
    if (random.chance(0.3) && store.appended > store.committed)
      store.commit(random.integer(store.committed + 1, store.appended));
    if (random.chance(0.01)) {
      store = store.crash({ survives: random.integer(0, 3) });
      up = false;
      network.cutAll();
      await clock.advance(random.integer(0, 200));
      broker = await createBroker({ clock, store, random: (size) => random.bytes(size) });
      up = true;
    }
    if (sent === MESSAGES && step > 1000) {
      network.lossPerChunk = 0;
      store.commitAll();
      const isDone =
        publisher.outstanding === 0 && subscriber.session.inbound.size === 0 && received.length >= MESSAGES;
      if (isDone && step > 1200) break;
    }
  }
  expect(publisher.outstanding, 'messages the publisher still waits for').toBe(0);
  return received;
}

describe.each([4, 5] as const)('over a lossy link with a store that crashes, version %i', (version) => {
  const seeds = process.env.HAWSER_SEED
    ? [Number(process.env.HAWSER_SEED)]
    : Array.from({ length: 25 }, (_, i) => 1000 * version + i);
  test.each(seeds)('seed %i: QoS 1 at least once, QoS 2 exactly once, order per topic kept', async (seed) => {
    const received = await run(seed, version);
    const counts = new Map<string, number>();
    const last = new Map<string, number>();
    for (const { topic, text } of received) {
      counts.set(text, (counts.get(text) ?? 0) + 1);
      if ((counts.get(text) ?? 0) > 1) continue;
      expect(Number(text), `order on ${topic}`).toBeGreaterThan(last.get(topic) ?? -1);
      last.set(topic, Number(text));
    }
    for (let i = 0; i < MESSAGES; i++) expect(counts.get(`${i}`) ?? 0, `message ${i} received`).toBeGreaterThan(0);
    for (const { topic, text } of received) {
      if (topic.startsWith('t/2/')) expect(counts.get(text), `QoS 2 message ${text}`).toBe(1);
    }
  });
});
