import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, createBroker, type Settings } from '@hawser/broker';
import { checkLevelStore, LevelStore } from '@hawser/store-level';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AskingClient } from './support/asking-client.ts';

const LARGE = 'x'.repeat(20_000);
const SESSIONS = 20;
const MiB = 1024 * 1024;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hawser-room-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const portOf = (broker: Broker): number => Number(new URL(broker.urls[0] ?? '').port);

/** A broker, and sessions that are away. */
async function start(settings: Partial<Settings>): Promise<{ broker: Broker; store: LevelStore }> {
  const store = new LevelStore({ directory });
  const broker = await createBroker({
    store,
    listeners: ['mqtt://127.0.0.1:0'],
    settings: { 'data.freeBytesMin': 0, ...settings },
  });
  const subscription = {
    topicFilter: 'all',
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
  } as const;
  for (let number = 0; number < SESSIONS; number++) {
    const client = await connect(broker, `away-${number}`);
    await client.request(
      { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] },
      'suback',
    );
    client.destroy();
  }
  return { broker, store };
}

function connect(broker: Broker, clientId: string, onMessage?: () => void): Promise<AskingClient> {
  return AskingClient.connect({
    port: portOf(broker),
    clientId,
    version: 5,
    cleanStart: false,
    onPacket(packet, client) {
      if (packet.type !== 'publish') return;
      client.send({ type: 'puback', packetIdentifier: packet.packetIdentifier, reasonCode: 0, properties: undefined });
      onMessage?.();
    },
  });
}

/** Every session takes all that waits for it. */
async function takeAll(broker: Broker, messages: number): Promise<void> {
  for (let number = 0; number < SESSIONS; number++) {
    let left = messages;
    const { promise, resolve } = Promise.withResolvers<void>();
    const client = await connect(broker, `away-${number}`, () => --left === 0 && resolve());
    await promise;
    // Its last acknowledgement has been read when this is answered.
    await client.request({ type: 'pingreq' }, 'pingresp');
    client.destroy();
  }
}

it('a message for many is on disk once, and its room is given back when all have taken it', async () => {
  const { broker, store } = await start({});
  const messages = 500;
  for (let number = 0; number < messages; number++) await broker.publish('all', `${number} ${LARGE}`, { qos: 1 });
  await store.compact();
  const before = (await store.measure()).dataBytes;
  expect(before).toBeGreaterThan(messages * LARGE.length);
  // Twenty copies would be 200 MB.
  expect(before).toBeLessThan(1.5 * messages * LARGE.length);
  await takeAll(broker, messages);
  // That they were taken is written with the next batch.
  while (store.pendingBytes > 0) await new Promise(setImmediate);
  await store.compact();
  expect((await store.measure()).dataBytes).toBeLessThan(before / 10);
  await broker.close();
  expect(await checkLevelStore(directory)).toEqual([]);
}, 60_000);

it('data.bytesMax: publishers are refused over it, and by itself taken again when the messages were', async () => {
  const { broker } = await start({ 'data.bytesMax': 8 * MiB });
  const publisher = await connect(broker, 'publisher');
  let number = 0;
  const publish = async (): Promise<number> => {
    const packetIdentifier = (number++ % 60_000) + 1;
    const message = {
      type: 'publish',
      topic: 'all',
      qos: 1,
      retain: false,
      dup: false,
      properties: undefined,
    } as const;
    const answer = await publisher.request(
      { ...message, payload: Buffer.from(`${number} ${LARGE}`), packetIdentifier },
      'puback',
    );
    return answer?.type === 'puback' ? answer.reasonCode : -1;
  };
  let taken = 0;
  // It is measured once a second.
  for (let code = await publish(); code !== 0x97; code = await publish()) {
    taken++;
    if (taken * LARGE.length > 8 * MiB) await publisher.next('pingresp', 100);
  }
  expect(taken * LARGE.length).toBeLessThan(12 * MiB);
  expect(broker.guard.space?.dataBytes).toBeGreaterThan(8 * MiB);
  await takeAll(broker, taken);
  while ((await publish()) === 0x97) await publisher.next('pingresp', 200);
  expect(broker.guard.space?.dataBytes).toBeLessThan(8 * MiB);
  await broker.close();
}, 120_000);
