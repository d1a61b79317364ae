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

test('a client that is ahead of its rate has its PINGREQ answered all the same, each once', async () => {
  const clock = new FakeClock();
  const broker = await createBroker({ clock, settings: { 'limits.messageRate': 1 } });
  const wire = await new Wire(broker, clock).connect('a', false);
  const publish = {
    type: 'publish' as const,
    topic: 't',
    payload: new Uint8Array(3),
    qos: 0 as const,
    retain: false,
    dup: false,
    packetIdentifier: 0,
    properties: undefined,
  };
  const pings = () => wire.packets.filter(({ type }) => type === 'pingresp').length;
  wire.writeBytes(Buffer.concat(Array.from({ length: 31 }, () => encodePacket(publish, 5))));
  await clock.advance(5000);
  expect(broker.counters.messagesIn).toBe(31);
  await wire.send({ type: 'pingreq' });
  expect(pings()).toBe(1);
  await wire.send(publish, { type: 'pingreq' }, publish);
  expect(pings()).toBe(2);
  expect(broker.counters.messagesIn).toBe(31);
  await clock.advance(30_000);
  expect(broker.counters.messagesIn).toBe(33);
  await wire.send({ type: 'pingreq' });
  expect(pings()).toBe(3);
});
