import { createBroker } from '@hawser/broker';
import { MemoryNetwork } from '@hawser/transport';
import { expect, test, vi } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { ProtocolClient } from './protocol-client.ts';
import { publishOf, Wire } from './testing/wire.ts';

test("an error of the broker's own costs one connection, with words, and nobody else theirs", async () => {
  const clock = new FakeClock();
  const network = new MemoryNetwork({ clock, seed: 1 });
  const warnings: string[] = [];
  const broker = await createBroker({
    clock,
    observe: { onWarning: (code, text) => warnings.push(`${code}: ${text}`) },
  });
  const publish = vi.spyOn(broker.router, 'publish');
  const client = (clientId: string) => {
    const dial = () => {
      const [near, far] = network.connect();
      broker.attach(far);
      return near;
    };
    const made = new ProtocolClient({ clientId, clock, protocolVersion: 5, dial, retryMs: 1_000_000 });
    made.connect();
    return made;
  };
  const [victim, neighbour] = [client('victim'), client('neighbour')];
  await clock.settle();
  publish.mockImplementation(() => {
    throw new Error('a bug of the router');
  });
  victim.publish('bad', 'x', 0);
  await clock.settle();
  expect(victim.causes).toMatchObject([{ by: 'peer', reasonCode: 0x80 }]);
  expect(neighbour.causes).toEqual([]);
  expect(warnings.join()).toMatch(/^internal-error: .*victim.*a bug of the router/s);
  expect(broker.recorder).toBeDefined();
});

test('a subscriber of this process that throws is told, and costs neither the publisher nor other receivers anything', async () => {
  const clock = new FakeClock();
  const warnings: string[] = [];
  const broker = await createBroker({
    clock,
    observe: { onWarning: (code, text) => warnings.push(`${code}: ${text}`) },
  });
  const received: string[] = [];
  broker.subscribe('#', () => {
    throw new Error('a bug of the program around the broker');
  });
  broker.subscribe('#', ({ topic }) => received.push(topic));
  const wire = await new Wire(broker, clock).connect('c', false);
  await wire.subscribe('#', 1);
  await wire.send(publishOf('t', 'x', 1, 7));
  expect(received).toEqual(['t']);
  expect(wire.published.map(({ topic }) => topic)).toEqual(['t']);
  expect(wire.last('puback')).toMatchObject({ packetIdentifier: 7, reasonCode: 0 });
  expect(warnings.join()).toMatch(/^subscriber-failed: .*#.*a bug of the program/s);
});
