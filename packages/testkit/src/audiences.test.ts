import { createBroker } from '@hawser/broker';
import { expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { Wire } from './testing/wire.ts';

test('topics with the same subscribers share receivers and groups until one of them changes, and are counted once', async () => {
  const clock = new FakeClock();
  const broker = await createBroker({ clock });
  const { routes } = broker.router;
  const wires: Wire[] = [];
  for (let i = 0; i < 20; i++) {
    const wire = await new Wire(broker, clock).connect(`c${i}`, false);
    await wire.subscribe('t/#', 0);
    wires.push(wire);
  }
  broker.publish('t/0', 'x');
  const bytes = routes.routeBytes;
  for (let i = 1; i < 50; i++) broker.publish(`t/${i}`, 'x');
  expect(routes.find('t/1').entries).toBe(routes.find('t/49').entries);
  expect(routes.groupCount).toBe(1);
  expect(routes.routeBytes).toBeLessThan(50 * bytes - 49 * 20 * 128 + 50 * 8);
  const bytesOfTopic = (routes.routeBytes - bytes) / 49;
  await wires[0]?.subscribe('t/1', 0);
  expect(routes.find('t/1').entries).not.toBe(routes.find('t/49').entries);
  expect(routes.find('t/1').entries.length).toBe(20);
  await wires[1]?.cut();
  expect(routes.find('t/49').entries.length).toBe(19);
  for (let i = 0; i < 50; i++) broker.publish(`t/${i}`, 'y');
  await clock.settle();
  expect(wires.map(({ published }) => published.length)).toEqual(wires.map((_, i) => (i === 1 ? 50 : 100)));
  for (const wire of wires) await wire.cut();
  // What is left of a route is its topic, until it is published to again or makes room.
  expect(routes.groupCount).toBe(0);
  expect(routes.routeBytes).toBeCloseTo(50 * bytesOfTopic, -2);
  for (let i = 0; i < 50; i++) expect(routes.find(`t/${i}`).entries).toEqual([]);
  expect(routes.routeBytes).toBeCloseTo(50 * bytesOfTopic, -2);
});
