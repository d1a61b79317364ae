import { type Client, type ClientOptions, connectWith, type Platform } from '@hawser/client';
import { systemClock } from '@hawser/transport';
import type { TestBroker } from './test-broker.ts';

/** The platform of clients whose every connection goes to this broker, in memory, under its clock and the faults of its network. */
export function testPlatform(broker: TestBroker): Platform {
  const { random } = broker.network;
  return {
    name: 'node',
    clock: broker.clock ?? systemClock,
    random: () => random.next(),
    generateClientId: () => `test-${random.integer(0, 2 ** 32 - 1).toString(36)}`,
    dial: (address, { onStage }) => {
      onStage('tcp', { host: address.host, port: address.port });
      return Promise.resolve(broker.connect());
    },
  };
}

/**
 * A client of a test's broker: `const client = await connectTestClient(broker, { sessionExpiryInterval: 86_400 })`. With a FakeClock time passes only
 * when the test lets it, so a lost connection, a delay of two minutes and a session of a day take milliseconds; what a client is asked to
 * do then settles within `clock.settle()` or `clock.advance()`.
 */
export async function connectTestClient(broker: TestBroker, options: Omit<ClientOptions, 'url'> = {}): Promise<Client> {
  const connecting = connectWith(testPlatform(broker), { ...options, url: 'mqtt://test-broker' });
  connecting.catch(() => {});
  await broker.clock?.settle();
  return connecting;
}
