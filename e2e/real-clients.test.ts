import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrokerProcess, startBroker } from './support/broker-process.ts';
import { mosquitto } from './support/mosquitto-client.ts';
import { mqttJs } from './support/mqttjs-client.ts';
import { PahoDriver } from './support/paho-client.ts';
import type { MqttVersion, RealClient, RealClientKind } from './support/real-client.ts';

const VERSIONS: readonly MqttVersion[] = ['3.1', '3.1.1', '5.0'];
const TRANSPORTS = ['tcp', 'ws'] as const;

const paho = new PahoDriver();
const kinds: readonly RealClientKind[] = [
  ...VERSIONS.map((version) => mosquitto(version)),
  ...TRANSPORTS.flatMap((transport) => VERSIONS.map((version) => paho.kind(version, transport))),
  ...TRANSPORTS.flatMap((transport) => VERSIONS.map((version) => mqttJs(version, transport))),
];
/** Everybody with everybody: [publisher, subscriber]. */
const pairs = kinds.flatMap((publisher) => kinds.map((subscriber) => [publisher, subscriber] as const));

let broker: BrokerProcess;
let lastPrefix = 0;
const open = new Set<RealClient>();

beforeAll(async () => {
  broker = await startBroker();
});

afterAll(async () => {
  await paho[Symbol.asyncDispose]();
  await broker?.[Symbol.asyncDispose]();
});

async function connect(
  kind: RealClientKind,
  clientId: string,
  will?: Parameters<RealClientKind['connect']>[0]['will'],
): Promise<RealClient> {
  const { port, wsPort } = broker;
  const client = await kind.connect({ port, wsPort, clientId, ...(will === undefined ? {} : { will }) });
  open.add(client);
  return client;
}

async function closeAll(): Promise<void> {
  for (const client of open) await client.close();
  open.clear();
}

describe('clients of other makes', () => {
  it.each(
    pairs.map(([publisher, subscriber]) => ({ from: publisher.name, to: subscriber.name, publisher, subscriber })),
  )('$from to $to: QoS 0, 1, 2, retained, Will', async ({ publisher, subscriber }) => {
    lastPrefix += 1;
    const prefix = `t${lastPrefix}`;
    const sender = await connect(publisher, `${prefix}-sender`);
    const receiver = await connect(subscriber, `${prefix}-receiver`);
    await receiver.subscribe(`${prefix}/#`, 2);

    for (const qos of [0, 1, 2] as const) {
      await sender.publish(`${prefix}/qos${qos}`, `at ${qos}`, { qos });
      expect(await receiver.messages.on(`${prefix}/qos${qos}`)).toEqual({
        topic: `${prefix}/qos${qos}`,
        payload: `at ${qos}`,
        qos,
        retain: false,
      });
    }

    await sender.publish(`${prefix}/kept`, 'kept', { qos: 1, retain: true });
    const late = await connect(subscriber, `${prefix}-late`);
    await late.subscribe(`${prefix}/kept`, 1);
    expect(await late.messages.on(`${prefix}/kept`)).toMatchObject({ payload: 'kept', qos: 1, retain: true });
    await sender.publish(`${prefix}/kept`, '', { qos: 1, retain: true });

    const will = { topic: `${prefix}/will`, payload: 'lost at sea', qos: 1, retain: false } as const;
    const doomed = await connect(publisher, `${prefix}-doomed`, will);
    await doomed.drop();
    expect(await receiver.messages.on(will.topic)).toEqual(will);

    // Once each: three, the retained one and its removal, the Will.
    expect(receiver.messages.all.map(({ topic }) => topic.slice(prefix.length + 1))).toEqual([
      'qos0',
      'qos1',
      'qos2',
      'kept',
      'kept',
      'will',
    ]);
    await closeAll();
  });
});
