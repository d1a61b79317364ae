import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BrokerOptions, createBroker, type UpgradeOptions } from '@hawser/broker';
import { MemoryNetwork } from '@hawser/transport';
import mqtt from 'mqtt';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { ProtocolClient } from './protocol-client.ts';

test('publish of the own process resolves when who keeps the message has it on disk', async () => {
  const clock = new FakeClock();
  const store = new HeldStore();
  const broker = await createBroker({ clock, store });
  const network = new MemoryNetwork({ clock, seed: 1 });
  const dial = () => {
    const [near, far] = network.connect();
    broker.attach(far);
    return near;
  };
  const client = new ProtocolClient({ clientId: 'keeper', clock, protocolVersion: 5, dial, subscriptions: [['t', 1]] });
  client.connect();
  await clock.settle();
  store.commitAll();
  await clock.settle();
  const done: string[] = [];
  broker.publish('t', 'x', { qos: 1 }).then(() => done.push('qos 1'));
  broker.publish('t', 'y').then(() => done.push('qos 0'));
  await clock.settle();
  expect(done).toEqual(['qos 0']);
  store.commitAll();
  await clock.settle();
  expect(done).toEqual(['qos 0', 'qos 1']);
});

test("clients come through an HTTP server of the own program, and messages reach the program's own subscriber", async () => {
  const broker = await createBroker();
  const server = createServer().on('upgrade', (request, socket, head) => broker.handleUpgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const received = new Promise<string>((resolve) => {
    broker.subscribe('plant/#', ({ topic, payload }) => resolve(`${topic} ${new TextDecoder().decode(payload)}`));
  });
  const client = await mqtt.connectAsync(`ws://127.0.0.1:${port}/mqtt`, { protocolVersion: 5, reconnectPeriod: 0 });
  await client.publishAsync('plant/pump', '42', { qos: 1 });
  expect(await received).toBe('plant/pump 42');
  await client.endAsync();
  await broker.close();
  server.close();
});

/** A program with an HTTP server of its own, whose upgrades go to a broker. */
async function embed(options: BrokerOptions, upgrades?: UpgradeOptions) {
  const refused: string[] = [];
  const connected: string[] = [];
  const closed: string[] = [];
  const broker = await createBroker({
    ...options,
    observe: {
      onConnected: ({ client }) => connected.push(`${client.remoteAddress}:${client.remotePort}`),
      onClosed: ({ cause }) => closed.push(cause.code),
      onRefused: ({ cause, remoteAddress }) => refused.push(`${remoteAddress} ${cause.code}`),
    },
  });
  const server = createServer().on('upgrade', (request, socket, head) =>
    broker.handleUpgrade(request, socket, head, upgrades),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`;
  return {
    refused,
    connected,
    closed,
    url,
    connect: async (headers: Record<string, string>) => {
      const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, wsOptions: { headers } });
      await client.endAsync();
    },
    refusal: (headers: Record<string, string>) =>
      new Promise<string>((resolve) => new WebSocket(url, 'mqtt', { headers }).on('error', (e) => resolve(e.message))),
    async [Symbol.asyncDispose]() {
      await broker.close();
      server.close();
    },
  };
}

const FORGED = { 'x-forwarded-for': '203.0.113.7' };

test('an upgrade comes from whom a proxy names that the program trusts, and from nobody else', async () => {
  await using trusting = await embed({}, { forwardedFrom: ['loopback'] });
  await trusting.connect(FORGED);
  expect(trusting.connected).toEqual(['203.0.113.7:0']);
  expect(await trusting.refusal({ ...FORGED, origin: 'https://elsewhere.example' })).toContain('403');
  expect(trusting.refused).toEqual(['203.0.113.7 origin-refused']);
  for (const options of [undefined, {}, { forwardedFrom: ['10.0.0.0/8'] }]) {
    await using wary = await embed({}, options);
    await wary.connect(FORGED);
    // It comes from somewhere, and not from this machine.
    expect(wary.connected).toEqual(['0.0.0.0:0']);
  }
});

test('upgrades obey the settings that listeners obey: websocket.origins', async () => {
  await using broker = await embed({ settings: { 'websocket.origins': 'https://console.example' } });
  await broker.connect({ origin: 'https://console.example' });
  expect(await broker.refusal({ origin: 'https://elsewhere.example' })).toContain('403');
});

test('a Client Identifier stands in the Response Information as it is', async () => {
  await using broker = await embed({ settings: { responseInformation: 'answers/%c/%c' } });
  const clientId = "a$&b$'c$$";
  const properties = { requestResponseInformation: true };
  const client = mqtt.connect(broker.url, { protocolVersion: 5, clientId, properties, reconnectPeriod: 0 });
  const given = await new Promise((resolve) => client.on('connect', (packet) => resolve(packet.properties)));
  expect(given).toMatchObject({ responseInformation: `answers/${clientId}/${clientId}` });
  await client.endAsync();
});

test('whoever has not sent a whole CONNECT when the broker is closed, or comes then, is recorded', async () => {
  const clock = new FakeClock();
  const broker = await createBroker({ clock });
  const network = new MemoryNetwork({ clock, seed: 1 });
  const arrive = (): void => broker.attach(network.connect()[1]);
  arrive();
  await clock.settle();
  const closing = broker.close();
  arrive();
  await clock.advance(5000);
  await closing;
  arrive();
  await clock.advance(5000);
  expect(broker.intake.size).toBe(0);
  expect([...broker.recorder.refusals()]).toMatchObject([{ code: 'server-shutting-down', repeated: 3 }]);
});
