import { type Client, type ClientOptions, connectWith } from '@hawser/client';
import { MemoryNetwork } from '@hawser/transport';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { startTestBroker } from './test-broker.ts';
import { connectTestClient, testPlatform } from './test-client.ts';

const DAY = 86_400;

describe('client and broker in one process under a clock that stands still', () => {
  it('a session of 24 hours ends after 24 hours, in milliseconds', async () => {
    const clock = new FakeClock();
    await using broker = await startTestBroker({ clock });
    const options = { clientId: 'sleeper', cleanStart: false, sessionExpiryInterval: DAY } as const;
    const sleeper = await connectTestClient(broker, options);
    await clock.waitFor(sleeper.subscribe('news', { qos: 1 }));
    await clock.waitFor(sleeper.disconnect());
    await clock.advance((DAY - 1) * 1000);
    const early = await connectTestClient(broker, options);
    expect(early.negotiated?.sessionPresent).toBe(true);
    await clock.waitFor(early.disconnect());
    await clock.advance((DAY + 1) * 1000);
    const late = await connectTestClient(broker, options);
    expect(late.negotiated?.sessionPresent).toBe(false);
    await clock.waitFor(late.disconnect());
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
      const [from, to] = await clock.waitFor(connecting);
      for (const client of [from, to]) client.on('disconnected', () => losses++);
      const got: string[] = [];
      to.on('message', (message) => got.push(message.text()));
      await clock.waitFor(to.subscribe('a', { qos: 2 }));
      network.lossPerChunk = 0.1;
      const sent = Array.from({ length: 30 }, (_, i) =>
        from.publish('a', `${(i % 2) + 1}:${i}`, { qos: i % 2 === 0 ? 1 : 2 }),
      );
      await clock.waitFor(Promise.all(sent));
      await clock.advance(20_000);
      network.lossPerChunk = 0;
      await clock.advance(60_000);
      expect(new Set(got).size, `seed ${seed}`).toBe(30);
      const twice = got.filter((text, i) => text.startsWith('2:') && got.indexOf(text) !== i);
      expect(twice, `seed ${seed}`).toEqual([]);
      await clock.waitFor(Promise.all([from.disconnect(), to.disconnect()]));
    });
    await fc.assert(property, { numRuns: 25 });
    expect(losses).toBeGreaterThan(25);
  });

  it('connects over a slow network, several clients at once, and says good-bye', async () => {
    const clock = new FakeClock();
    const network = new MemoryNetwork({ clock, seed: 1, delayMs: [50, 500] });
    await using broker = await startTestBroker({ clock, network });
    const connecting = ['a', 'b', 'c'].map((clientId) => connectTestClient(broker, { clientId }));
    const clients = await Promise.all(connecting);
    expect(clients.map(({ state }) => state)).toEqual(['connected', 'connected', 'connected']);
    {
      await using last = await connectTestClient(broker, { clientId: 'd' });
      await clock.waitFor(last.publish('a', 'b', { qos: 2 }));
      expect(network.size).toBe(4);
    }
    await clock.advance(1000);
    expect(network.size).toBe(3);
  });

  it('a program that connects by itself is run against it, through a network that is down for a while', async () => {
    const program = async (open: (options: ClientOptions) => Promise<Client>): Promise<Client> => {
      const device = await open({ clientId: 'device', reconnect: { initial: true } });
      device.onMessage((message) => device.publish('did', message.payload, { qos: 1 }).then(() => {}), 'do');
      await device.subscribe('do', { qos: 1 });
      return device;
    };
    const clock = new FakeClock();
    await using broker = await startTestBroker({ clock });
    broker.network.lossPerChunk = 1;
    const running = program((options) => connectWith(testPlatform(broker), options));
    await clock.advance(60_000);
    broker.network.lossPerChunk = 0;
    await using device = await clock.waitFor(running);
    await using tester = await connectTestClient(broker);
    const answers = tester.messages('did');
    await clock.waitFor(tester.publish('do', 'it', { qos: 1 }));
    expect((await clock.waitFor(answers.next())).value?.text()).toBe('it');
    await clock.waitFor(device.disconnect());
  });

  it('is refused by a broker that is closed, and finds the next one, with what the disk has kept', async () => {
    const clock = new FakeClock();
    let store = new HeldStore();
    // A disk that syncs every 10 ms.
    const sync = (): void => {
      store.commitAll();
      clock.setTimer(clock.now() + 10, sync);
    };
    sync();
    let broker = await startTestBroker({ clock, store });
    const platform = testPlatform(() => broker);
    const options = { clientId: 'device', cleanStart: false, sessionExpiryInterval: DAY, url: 'mqtt://any' } as const;
    const device = await clock.waitFor(connectWith(platform, options));
    const reasons: string[] = [];
    device.on('disconnected', ({ code }) => reasons.push(code));
    await clock.waitFor(device.subscribe('a', { qos: 1 }));
    await broker[Symbol.asyncDispose]();
    await clock.advance(60_000);
    expect(device.state).toBe('waiting');
    expect(reasons[0]).toBe('server-shutting-down');
    expect(new Set(reasons.slice(1))).toEqual(new Set(['refused']));
    store = store.crash();
    broker = await startTestBroker({ clock, store });
    await clock.advance(240_000);
    expect(device.state).toBe('connected');
    expect(device.negotiated?.sessionPresent).toBe(true);
    await clock.waitFor(device.disconnect());
    await broker[Symbol.asyncDispose]();
  });
});
