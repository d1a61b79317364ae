import { createBroker } from '@hawser/broker';
import { encodePacket } from '@hawser/codec';
import { expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { Wire } from './testing/wire.ts';

test('a client that has had its share of a turn while it is ahead of its rate goes on', async () => {
  const clock = new FakeClock();
  const broker = await createBroker({ clock, settings: { 'limits.messageRate': 1 } });
  const wire = await new Wire(broker, clock).connect('a', false);
  const subscriptions = Array.from({ length: 600 }, (_, i) => ({
    topicFilter: `t/${i}`,
    qos: 0 as const,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
  }));
  const subscribe = { type: 'subscribe' as const, properties: undefined, subscriptions };
  const few = { ...subscribe, subscriptions: subscriptions.slice(0, 1) };
  const bytes = [
    encodePacket({ ...few, packetIdentifier: 1 }, 5),
    encodePacket({ ...few, packetIdentifier: 1 }, 5),
    encodePacket({ ...subscribe, packetIdentifier: 2 }, 5),
    encodePacket({ type: 'pingreq' }, 5),
  ];
  wire.writeBytes(Buffer.concat(bytes));
  await clock.advance(10_000);
  expect(broker.counters.ratePauses).toBeGreaterThan(0);
  expect(broker.counters.turnsYielded).toBeGreaterThan(0);
  expect(wire.last('pingresp')).toBeDefined();
});
