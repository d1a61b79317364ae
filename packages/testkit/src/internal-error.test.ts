import { createBroker } from '@hawser/broker';
import { MemoryNetwork } from '@hawser/transport';
import { expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { ProtocolClient } from './protocol-client.ts';

test("an error of the broker's own costs one connection, with words, and nobody else theirs", async () => {
  const clock = new FakeClock();
  const network = new MemoryNetwork({ clock, seed: 1 });
  const warnings: string[] = [];
  const broker = await createBroker({
    clock,
    observe: { onWarning: (code, text) => warnings.push(`${code}: ${text}`) },
  });
  broker.subscribe('bad', () => {
    throw new Error('a bug in the subscriber of an embedder');
  });
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
  victim.publish('bad', 'x', 0);
  await clock.settle();
  expect(victim.causes).toMatchObject([{ by: 'peer', reasonCode: 0x80 }]);
  expect(neighbour.causes).toEqual([]);
  expect(warnings.join()).toMatch(/^internal-error: .*victim.*a bug in the subscriber/s);
  expect(broker.recorder).toBeDefined();
});
