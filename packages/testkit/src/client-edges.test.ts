import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { startTestBroker } from './test-broker.ts';
import { connectTestClient } from './test-client.ts';
import { watch } from './testing/watch.ts';

async function setUp() {
  const clock = new FakeClock();
  const broker = await startTestBroker({ clock });
  return { clock, broker, client: await connectTestClient(broker) };
}

it('a request that nobody can answer fails at once', async () => {
  const { clock, broker, client } = await setUp();
  const before = clock.now();
  const failing = clock.waitFor(client.request('service', 'x'));
  await expect(failing).rejects.toMatchObject({ code: 'no-matching-subscribers', reasonCode: 0x10 });
  expect(clock.now() - before).toBeLessThan(1000);
  // With QoS 0 nothing tells; what is retained may find its reader later.
  const others = [client.request('service', 'x', { qos: 0 }), client.request('service', 'x', { retain: true })].map(
    watch,
  );
  await clock.advance(1000);
  const service = await connectTestClient(broker);
  service.onMessage(({ responseTopic = '', correlationData, payload }) => {
    void service.publish(responseTopic, payload, { correlationData: correlationData ?? '' });
  });
  await clock.waitFor(service.subscribe('service'));
  const answer = await clock.waitFor(client.request('service', 'y'));
  expect(answer.text()).toBe('y');
  await clock.advance(10_000);
  expect(others.map(({ error }) => (error as { code?: string } | undefined)?.code)).toEqual([
    'request-timeout',
    undefined,
  ]);
});

it('a stream that has ended listens to its signal no more', async () => {
  const { clock, client } = await setUp();
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) {
    const stream = client.messages(`a/${i}`, { signal });
    await clock.advance(10);
    if (i % 2 === 0) await stream.return();
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(10);
  await clock.waitFor(client.disconnect());
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

it('a byte order mark is part of the text, and of no JSON', async () => {
  const { clock, client } = await setUp();
  const messages = client.messages('a');
  const texts = ['\uFEFFtext', '\uFEFF{"a":1}'];
  for (const text of texts) void client.publish('a', text);
  const [first, second] = [await clock.waitFor(messages.next()), await clock.waitFor(messages.next())];
  expect([first.value?.text(), second.value?.text()]).toEqual(texts);
  expect(second.value?.json()).toEqual({ a: 1 });
});
