/**
 * A program of its own: fills the queues of a broker in the shape that its argument names, and prints what the process has grown by.
 * Run it with --expose-gc.
 */
import { createBroker } from '@hawser/broker';
import type { PublishPacket } from '@hawser/codec';
import { FakeClock } from '../fake-clock.ts';
import { publishOf, Wire } from './wire.ts';

type Shape = 'tiny payloads' | 'long topics' | 'User Properties' | 'Subscription Identifiers' | 'in flight';

const BOUND = 16 * 1024 * 1024;
const BATCH = 200;
const shape = process.argv[2] as Shape;
const clock = new FakeClock();
const broker = await createBroker({
  clock,
  settings: {
    'queues.memoryBytes': BOUND,
    'queue.messages': 10_000_000,
    'queue.bytes': 1_000_000_000,
    // Not what is looked at here.
    'limits.routes': 16,
    'limits.topics': 64,
    'limits.inflight3': 65_535,
  },
});

const subscriber = await new Wire(broker, clock).connect('subscriber', true, {
  properties: { receiveMaximum: 65_535 },
});
const identified = shape === 'Subscription Identifiers';
for (let number = 0; number < (identified ? 60 : 1); number++) {
  const filter = number === 0 ? '#' : `${'+/'.repeat(number)}#`;
  await subscriber.send({
    type: 'subscribe',
    packetIdentifier: 1,
    properties: identified ? { subscriptionIdentifier: 1 + number } : undefined,
    subscriptions: [{ topicFilter: filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  });
}
if (shape !== 'in flight') await subscriber.cut();
const publisher = await new Wire(broker, clock).connect('publisher', false);

function messageOf(number: number): PublishPacket {
  const packetIdentifier = 1 + (number % BATCH);
  switch (shape) {
    case 'long topics':
      return publishOf(`${number}/${'\u6f22'.repeat(300)}`, '', 1, packetIdentifier);
    case 'User Properties': {
      const userProperties = Array.from({ length: 50 }, (_, index) => [`a${index}`, `b${index}`] as const);
      return { ...publishOf('t', '', 1, packetIdentifier), properties: { userProperties } };
    }
    case 'Subscription Identifiers':
      return publishOf(`${'t/'.repeat(60)}${number}`, '', 1, packetIdentifier);
    default:
      return publishOf(`${number}`, 'x', 1, packetIdentifier);
  }
}

const grown = (): number => {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

// What the process takes for good is there before it is measured.
publisher.write(...Array.from({ length: BATCH }, (_, index) => messageOf(index)));
await clock.settle();
publisher.packets.length = 0;
const before = grown();
const bytesBefore = broker.registry.queueMemory.bytes;
let number = BATCH;
while ((broker.counters.lost['queue-full'] ?? 0) < BATCH && number < 60_000) {
  publisher.write(...Array.from({ length: BATCH }, () => messageOf(number++)));
  await clock.settle();
  publisher.packets.length = 0;
  subscriber.packets.length = 0;
}
const lost = broker.counters.lost['queue-full'] ?? 0;
const counted = broker.registry.queueMemory.bytes - bytesBefore;
process.stdout.write(`${JSON.stringify({ bound: BOUND, counted, grown: grown() - before, messages: number, lost })}\n`);
process.exit(0);
