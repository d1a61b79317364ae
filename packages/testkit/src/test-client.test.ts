import { MemoryNetwork } from '@hawser/transport';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { startTestBroker } from './test-broker.ts';
import { connectTestClient } from './test-client.ts';

const DAY = 86_400;

/** Lets time pass until a promise has settled. */
async function settled<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const mark = (): void => {
    isSettled = true;
  };
  promise.then(mark, mark);
  await clock.advanceUntil(() => isSettled);
  return promise;
}

describe('client and broker in one process under a clock that stands still', () => {
  it('a session of 24 hours ends after 24 hours, in milliseconds', async () => {
    const clock = new FakeClock();
    await using broker = await startTestBroker({ clock });
    const options = { clientId: 'sleeper', cleanStart: false, sessionExpiryInterval: DAY } as const;
    const sleeper = await connectTestClient(broker, options);
    await settled(clock, sleeper.subscribe('news', { qos: 1 }));
    await settled(clock, sleeper.disconnect());
    await clock.advance((DAY - 1) * 1000);
    const early = await connectTestClient(broker, options);
    expect(early.negotiated?.sessionPresent).toBe(true);
    await settled(clock, early.disconnect());
    await clock.advance((DAY + 1) * 1000);
    const late = await connectTestClient(broker, options);
    expect(late.negotiated?.sessionPresent).toBe(false);
    await settled(clock, late.disconnect());
  });

  it('over a network that loses connections QoS 1 comes at least once, QoS 2 exactly once', async () => {
    let losses = 0;
    const property = fc.asyncProperty(fc.integer(), async (seed) => {
      const clock = new FakeClock();
      const network = new MemoryNetwork({ clock, seed, delayMs: [0, 30], splitting: true });
      await using broker = await startTestBroker({ clock, network });
      const options = {
        sessionExpiryInterval: DAY,
        keepAlive: 5,
        reconnect: { delay: 0.1, delayMax: 1, initial: true },
      } as const;
      const connecting = Promise.all([
        connectTestClient(broker, { ...options, clientId: 'from' }),
        connectTestClient(broker, { ...options, clientId: 'to' }),
      ]);
      const [from, to] = await settled(clock, connecting);
      for (const client of [from, to]) client.on('disconnected', () => losses++);
      const got: string[] = [];
      to.on('message', (message) => got.push(message.text()));
      await settled(clock, to.subscribe('a', { qos: 2 }));
      network.lossPerChunk = 0.1;
      const sent = Array.from({ length: 30 }, (_, i) =>
        from.publish('a', `${(i % 2) + 1}:${i}`, { qos: i % 2 === 0 ? 1 : 2 }),
      );
      await settled(clock, Promise.all(sent));
      await clock.advance(20_000);
      network.lossPerChunk = 0;
      await clock.advance(60_000);
      expect(new Set(got).size, `seed ${seed}`).toBe(30);
      const twice = got.filter((text, i) => text.startsWith('2:') && got.indexOf(text) !== i);
      expect(twice, `seed ${seed}`).toEqual([]);
      await settled(clock, Promise.all([from.disconnect(), to.disconnect()]));
    });
    await fc.assert(property, { numRuns: 25 });
    expect(losses).toBeGreaterThan(25);
  });
});
