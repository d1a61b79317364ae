import { type Broker, createBroker } from '@hawser/broker';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { publishOf, Wire } from './testing/wire.ts';

// A publication to very many receivers is served over several turns. Nobody sees two messages of a topic in another order than they
// were published in, and the acknowledgement waits for the last receiver.

/** Several times what is served at once. */
const RECEIVERS = 1600;
/** A turn's work, and as much for what one step may take beyond. */
const MOST_WORK = 1.25 * 262_144;

let clock: FakeClock;
let broker: Broker;

beforeEach(async () => {
  clock = new FakeClock();
  broker = await createBroker({ clock });
  for (let i = 0; i < RECEIVERS; i++) {
    const wire = await new Wire(broker, clock, 5).connect(`away-${i}`, true);
    await wire.subscribe('t/#', 1);
    await wire.cut();
  }
});

function queued(i: number): string[] {
  const unsettled = broker.registry.get(`away-${i}`)?.session.unsettled() ?? [];
  return [...unsettled].map(({ message }) => new TextDecoder().decode(message.payload));
}

function all(): string[] {
  const different = new Set(Array.from({ length: RECEIVERS }, (_, i) => queued(i).join()));
  return [...different];
}

const publisherOf = (clientId: string) => new Wire(broker, clock, 5).connect(clientId, false);

describe('a publication to very many receivers', () => {
  test('is acknowledged when the last has it, and the next comes behind it', async () => {
    const wire = await publisherOf('publisher');
    const acknowledged: string[][] = [];
    wire.onPacket = (packet) => {
      if (packet.type === 'puback') acknowledged.push(all());
    };
    await wire.send(...[1, 2, 3].map((number) => publishOf('t/1', `${number}`, 1, number)));
    expect(acknowledged).toEqual([['1'], ['1,2'], ['1,2,3']]);
  });

  test('takes no turn for itself', async () => {
    const wire = await publisherOf('publisher');
    await wire.send({ type: 'pingreq' });
    for (let number = 0; number < 20; number++) await wire.send(publishOf('t/1', `${number}`, 1, 1 + number));
    expect(broker.driverNode.turn.mostWork).toBeLessThan(MOST_WORK);
    expect(all()).toEqual([Array.from({ length: 20 }, (_, i) => i).join()]);
  });

  test('keeps its place before what other connections publish to the topic, and before a Will', async () => {
    const will = {
      topic: 't/1',
      payload: new TextEncoder().encode('will'),
      qos: 1 as const,
      retain: false,
      properties: undefined,
    };
    const wire = await new Wire(broker, clock, 5).connect('publisher', false, { will });
    const other = await publisherOf('other');
    wire.write(publishOf('t/1', '1', 1, 1));
    other.write(publishOf('t/1', '2', 1, 1), publishOf('t/1', '3', 0, 0), publishOf('t/1', '4', 1, 2));
    await wire.cut();
    await clock.settle();
    const [order = '', ...others] = all();
    expect(others).toEqual([]);
    expect(order.split(',').filter((text) => text !== 'will')).toEqual(
      ['1', '2', '3', '4'].filter((text) => order.includes(text)),
    );
    expect(order.indexOf('1')).toBeLessThan(order.indexOf('will'));
    expect(order).toContain('4');
  });

  test('is not delivered to who has unsubscribed or ended before its turn came', async () => {
    const kept = await new Wire(broker, clock, 5).connect(`away-${RECEIVERS - 1}`, true);
    const ending = await new Wire(broker, clock, 5).connect(`away-${RECEIVERS - 2}`, true);
    kept.onPacket = () => undefined;
    const promise = broker.publish('t/1', '1', { qos: 1 });
    const left = broker.registry.get(`away-${RECEIVERS - 1}`);
    const subscription = left?.subscriptions.get('t/#');
    expect(subscription).toBeDefined();
    if (subscription !== undefined) {
      left?.subscriptions.delete('t/#');
      broker.router.routes.remove(subscription);
    }
    const ended = broker.registry.get(`away-${RECEIVERS - 2}`);
    if (ended !== undefined) broker.registry.end(ended, 'cleared');
    await clock.waitFor(promise);
    expect(queued(0)).toEqual(['1']);
    expect(kept.published).toEqual([]);
    expect(ending.published).toEqual([]);
  });

  test('is served whole when the broker stops', async () => {
    const promise = broker.publish('t/1', '1', { qos: 1 });
    expect(all()).toEqual(['']);
    broker.router.finish();
    expect(all()).toEqual(['1']);
    await clock.waitFor(promise);
  });
});
