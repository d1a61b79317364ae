import { type Client, type ClientOptions, connectWith, type Platform } from '@hawser/client';
import { systemClock } from '@hawser/transport';
import type { TestBroker } from './test-broker.ts';

/**
 * The platform of clients whose every connection goes to this broker, in memory, under its clock and the faults of its network. A function: to
 * the broker that it gives at the time, so that a test can close one and start the next.
 */
export function testPlatform(broker: TestBroker | (() => TestBroker)): Platform {
  const current = typeof broker === 'function' ? broker : () => broker;
  const { clock = systemClock, network } = current();
  const { random } = network;
  return {
    name: 'node',
    clock,
    random: () => random.next(),
    generateClientId: () => `test-${random.integer(0, 2 ** 32 - 1).toString(36)}`,
    async dial(address, { onStage }) {
      onStage('tcp', { host: address.host, port: address.port });
      return current().connect();
    },
  };
}

/**
 * A client of a test's broker: `await using client = await connectTestClient(broker, { sessionExpiryInterval: 86_400 })`. With a FakeClock time passes
 * only when the test lets it, so a lost connection, a delay of two minutes and a session of a day take milliseconds; what the client
 * is asked to do then needs `clock.waitFor()`: `await clock.waitFor(client.publish('a', 'b', { qos: 1 }))`. A program that connects by itself is given
 * `(options) => connectWith(testPlatform(broker), options)` instead of `connect`.
 */
export async function connectTestClient(broker: TestBroker, options: Omit<ClientOptions, 'url'> = {}): Promise<Client> {
  const connecting = connectWith(testPlatform(broker), { ...options, url: 'mqtt://test-broker' });
  const { clock } = broker;
  if (clock === undefined) return connecting;
  const client = await clock.waitFor(connecting);
  client[Symbol.asyncDispose] = () => clock.waitFor(client.disconnect());
  return client;
}
