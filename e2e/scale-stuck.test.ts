import { once } from 'node:events';
import type { Socket } from 'node:net';
import { encodePacket, type QoS } from '@hawser/codec';
import { describe, expect, test } from 'vitest';
import { type BrokerState, Crowd, hello, Pair, ScaleBroker } from './support/scale.ts';

const MiB = 2 ** 20;
const STUCK = Number(process.env.SCALE_STUCK ?? 2000);
const PAUSE_MAX_MS = 200;

/** Publishes QoS 0 as fast as the broker takes it; settles when it has taken all. */
async function flood(socket: Socket, topic: string, messages: number, size: number): Promise<void> {
  const packet = encodePacket(
    {
      type: 'publish',
      topic,
      payload: new Uint8Array(size),
      qos: 0,
      retain: false,
      dup: false,
      packetIdentifier: 0,
      properties: undefined,
    },
    4,
  );
  for (let sent = 0; sent < messages; sent += 32) {
    if (!socket.write(Buffer.concat(Array.from({ length: 32 }, () => packet)))) await once(socket, 'drain');
  }
  socket.write(Uint8Array.of(0xc0, 0));
  await once(socket, 'data');
}

function describeState(name: string, { rss, waitingBytes, waitingOutputs, lost, pauses, slow }: BrokerState): void {
  console.log(
    `${name}: ${Math.round(rss / MiB)} MiB, ${(waitingBytes / MiB).toFixed(1)} MiB wait for ${waitingOutputs} clients, ${slow} slow, ${pauses} pauses, lost ${JSON.stringify(lost)}`,
  );
}

describe('clients that never read', () => {
  test.each<[QoS, string]>([
    [0, 'slow-consumer'],
    [1, 'queue-full'],
  ])(
    'one that subscribes to # at QoS %i: bounded, counted, and its neighbours get everything in order',
    async (qos, cause) => {
      await using broker = await ScaleBroker.start();
      await using stuck = await Crowd.join(broker.port, 1, 'stuck', '#', qos);
      await using pair = await Pair.join(broker.port, 'pair');
      await pair.run(500, 4000);
      const before = await broker.state();
      await pair.run(12_000, 4000);
      const after = await broker.state();
      describeState(`# at QoS ${qos}`, after);
      expect(pair.received).toEqual(Array.from({ length: 12_500 }, (_, i) => i));
      expect(after.lost[cause] ?? 0).toBeGreaterThan(1000);
      expect(after.waitingOutputs).toBe(qos === 0 ? 1 : 0);
      expect(after.waitingBytes).toBeLessThan(12 * MiB);
      expect(after.rss - before.rss).toBeLessThan(150 * MiB);
      expect(after.pauses).toBeLessThanOrEqual(3);
      // It begins to read: what was kept for it comes, and it is one of many again.
      stuck.read();
      await pair.run(200, 100);
      await expect.poll(async () => (await broker.state()).waitingBytes, { timeout: 15_000 }).toBe(0);
      await pair.run(200, 100);
      // Who acknowledges nothing is sent no more than its window.
      if (qos === 1) return;
      const lost = (await broker.state()).lost[cause];
      await pair.run(200, 100);
      expect((await broker.state()).lost[cause]).toBe(lost);
    },
    60_000,
  );

  test(
    `${STUCK} of them, all flooded: within the node's bound, and their publisher and neighbours go on`,
    async () => {
      const bound = 64 * MiB;
      await using broker = await ScaleBroker.start({ 'limits.outputBytesNode': bound });
      const crowds = await Promise.all([
        Crowd.join(broker.port, STUCK / 2, 'a', 'flood/#'),
        Crowd.join(broker.port, STUCK / 2, 'b', '#'),
      ]);
      await using pair = await Pair.join(broker.port, 'pair');
      const publisher = await hello(broker.port, 'flooder');
      const before = await broker.state();
      await Promise.all([flood(publisher, 'flood/a', 5000, 2000), pair.run(500, 200)]);
      const after = await broker.state();
      describeState(`${STUCK} stuck`, after);
      expect(pair.received).toEqual(Array.from({ length: 500 }, (_, i) => i));
      expect(after.connected).toBe(before.connected);
      // What they share is counted for each of them, though it is there once: what one turn serves comes on top, the memory is below.
      expect(after.pendingBytes).toBeLessThan(bound + STUCK * 256 * 1024);
      expect(after.slow).toBe(STUCK);
      expect(after.lost['slow-consumer'] ?? 0).toBeGreaterThan(100 * STUCK);
      expect(after.rss - before.rss).toBeLessThan(bound + 200 * MiB);
      expect(after.pauses * PAUSE_MAX_MS).toBeLessThan(5000);
      publisher.destroy();
      await Promise.all(crowds.map((crowd) => crowd[Symbol.asyncDispose]()));
      await expect.poll(async () => (await broker.state()).waitingBytes, { timeout: 20_000 }).toBe(0);
    },
    Math.max(60_000, STUCK * 30),
  );

  test('one that publishes at QoS 1 and takes no acknowledgement is not read any more; others are', async () => {
    await using broker = await ScaleBroker.start();
    const deaf = await hello(broker.port, 'deaf');
    deaf.pause();
    const packet = encodePacket(
      {
        type: 'publish',
        topic: 'nobody',
        payload: new Uint8Array(0),
        qos: 1,
        retain: false,
        dup: false,
        packetIdentifier: 7,
        properties: undefined,
      },
      4,
    );
    const many = Buffer.concat(Array.from({ length: 5000 }, () => packet));
    const before = await broker.state();
    let taken = 0;
    while (taken < 4000 && deaf.writableLength < 16 * MiB) {
      deaf.write(many);
      taken++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(async () => (await broker.state()).readingPauses, { timeout: 15_000 }).toBeGreaterThan(0);
    await using pair = await Pair.join(broker.port, 'pair');
    await pair.run(500, 100);
    const after = await broker.state();
    describeState('a deaf publisher', after);
    expect(after.pendingBytes).toBeLessThan(MiB);
    expect(after.rss - before.rss).toBeLessThan(100 * MiB);
    deaf.destroy();
  }, 60_000);
});
