/**
 * A program of its own: fills a bound of routing in the shape that its argument names, and prints what the process has grown by.
 * Run it with --expose-gc.
 */
import { createBroker, type Settings } from '@hawser/broker';
import type { PublishPacket } from '@hawser/codec';
import { FakeClock } from '../fake-clock.ts';
import { publishOf, Wire } from './wire.ts';

const BOUND = 16 * 1024 * 1024;
const BATCH = 100;
/** Levels that are allowed. */
const DEEPEST = 128;

type Name = (number: number) => string;

const CHAIN = '/a'.repeat(DEEPEST - 2);
/** Names in the worst shapes a peer can send. */
const NAMES: Readonly<Record<string, Name>> = {
  short: (number) => number.toString(36),
  // Each goes on alone from its first level on.
  'alone and deep': (number) => `${number.toString(36)}${CHAIN}/a`,
  // They part at the last level only.
  'deep until they part': (number) => `${'a/'.repeat(DEEPEST - 1)}${number}`,
  // They part at another level each.
  comb: (number) => {
    const depth = number % (DEEPEST - 2);
    return `${Math.floor(number / (DEEPEST - 2))}/${'a/'.repeat(depth)}b`;
  },
  'empty levels': (number) => `${number}${'/'.repeat(DEEPEST - 1)}`,
  'long levels': (number) => `${'\u6f22'.repeat(200)}${number % 7}/${'\u5b57'.repeat(200)}${number}/x`,
  // Every node has two branches.
  binary: (number) => [...(number + 65_536).toString(2)].join('/'),
};

const [bound = '', names = ''] = process.argv.slice(2);
const nameOf = NAMES[names] ?? ((number) => `${number}`);
const clock = new FakeClock();
const MANY = 1_000_000;
const SUBSCRIPTIONS: Partial<Settings> = {
  'limits.subscriptions': MANY,
  'limits.sharedSubscriptions': MANY,
  'limits.subscriptionBytes': BOUND,
  'limits.topicLevels': 200,
};
const BOUNDS: Readonly<Record<string, Partial<Settings>>> = {
  retained: { 'limits.retainedBytes': BOUND },
  routes: { 'limits.routes': MANY, 'limits.routeBytes': BOUND },
  subscriptions: SUBSCRIPTIONS,
  shared: SUBSCRIPTIONS,
};
const settings: Partial<Settings> = { 'limits.routes': 16, 'limits.topics': 64, ...BOUNDS[bound] };
const broker = await createBroker({ clock, settings });
const wire = await new Wire(broker, clock).connect('peer', false);
const { counters, router } = broker;

const isFull = (): boolean => {
  if (bound === 'retained') return (counters.lost['retained-limit'] ?? 0) > 0;
  if (bound === 'routes') return counters.routesEvicted > 0;
  return counters.quotaRefusals > 0;
};

const grown = (): number => {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

let number = 0;
async function step(): Promise<void> {
  const numbers = Array.from({ length: BATCH }, () => number++);
  if (bound === 'retained') {
    const packets = numbers.map((one, index): PublishPacket => {
      const packet = publishOf(nameOf(one), 'x', 1, 1 + index, true);
      return { ...packet, properties: { messageExpiryInterval: 100_000 - (one % 1000) } };
    });
    await wire.send(...packets);
  } else if (bound === 'routes') await wire.send(...numbers.map((one) => publishOf(nameOf(one), 'x', 0, 0)));
  else {
    const subscriptions = numbers.map((one) => ({
      topicFilter:
        bound === 'shared' ? `$share/g${one}/${nameOf(one)}/+` : `${nameOf(one).replace(/[^/]*$/, '+')}/${one}`,
      qos: 0 as const,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
    }));
    await wire.send({ type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions });
  }
  wire.packets.length = 0;
}

await wire.send(publishOf('first', 'x', 1, 1, true));
if (bound === 'routes') await wire.subscribe('#', 0);
const before = grown();
while (!isFull() && number < 200_000) await step();
const counted = bound === 'retained' ? router.retained.bytes : bound === 'routes' ? router.routes.routeBytes : BOUND;
process.stdout.write(
  `${JSON.stringify({ bound: BOUND, counted, grown: grown() - before, number, isFull: isFull() })}\n`,
);
process.exit(0);
