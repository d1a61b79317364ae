import { createBroker } from '@hawser/broker';
import { MemoryNetwork } from '@hawser/transport';
import { expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { ProtocolClient } from './protocol-client.ts';

test('a message for a shared subscription whose members are all away waits with one that may keep it', async () => {
  const clock = new FakeClock();
  const network = new MemoryNetwork({ clock, seed: 1 });
  const broker = await createBroker({ clock });
  const received: string[] = [];
  const member = (clientId: string, qos: 0 | 1) => {
    const dial = () => {
      const [near, far] = network.connect();
      broker.attach(far);
      return near;
    };
    const made = new ProtocolClient({
      clientId,
      clock,
      protocolVersion: 5,
      dial,
      retryMs: 1000,
      subscriptions: [['$share/workers/jobs', qos]],
      onMessage: (_topic, payload) => received.push(`${clientId} ${new TextDecoder().decode(payload)}`),
    });
    made.connect();
    return made;
  };
  member('forgetful', 0);
  await clock.settle();
  member('patient', 1);
  await clock.settle();
  network.cutAll();
  await clock.settle();
  for (let i = 0; i < 4; i++) broker.publish('jobs', `${i}`, { qos: 1 });
  await clock.advance(2000);
  expect(received).toEqual([0, 1, 2, 3].map((i) => `patient ${i}`));
  expect(broker.counters.lost).toEqual({});
});
