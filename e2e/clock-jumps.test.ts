import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Packet } from '@hawser/codec';
import { expect, it } from 'vitest';
import { AskingClient } from './support/asking-client.ts';
import { startBroker } from './support/broker-process.ts';
import { FaultyMachine } from './support/faulty-machine.ts';

const YEAR_MS = 365 * 24 * 3_600_000;
const EXPIRY_S = 3600;

it('a wall clock that jumps, forward and back, expires nothing and ends no connection', async (context) => {
  const machine = FaultyMachine.make();
  if (typeof machine === 'string') return context.skip(machine);
  using _ = machine;
  const dataDirectory = await mkdtemp(join(tmpdir(), 'hawser-clock-'));
  await using broker = await startBroker({ dataDirectory, env: machine.env(dataDirectory) });
  const { port } = broker;
  const options = { port, version: 5, cleanStart: false, sessionExpiryInterval: EXPIRY_S } as const;
  const wills: string[] = [];
  const watcher = await AskingClient.connect({
    ...options,
    clientId: 'watcher',
    onPacket: (packet) => {
      if (packet.type === 'publish') wills.push(packet.topic);
    },
  });
  await watcher.request(subscribe('will'), 'suback');
  const will = { topic: 'will', payload: Buffer.from('x'), qos: 0, retain: false } as const;
  const away = await AskingClient.connect({
    ...options,
    clientId: 'away',
    will: { ...will, properties: { willDelayInterval: EXPIRY_S } },
  });
  await away.request(subscribe('t'), 'suback');
  away.destroy();
  const properties = { messageExpiryInterval: EXPIRY_S };
  const message = { type: 'publish', topic: 't', payload: Buffer.from('1'), dup: false, properties } as const;
  await watcher.request({ ...message, qos: 1, retain: true, packetIdentifier: 1 }, 'puback');
  const alive = await AskingClient.connect({ ...options, clientId: 'alive', keepAlive: 1 });

  for (const clockMs of [0, 20 * YEAR_MS, -20 * YEAR_MS, 0]) {
    machine.clockMs = clockMs;
    // Longer than one and a half times the Keep Alive.
    for (let ping = 0; ping < 6; ping++) {
      expect(await alive.request({ type: 'pingreq' }, 'pingresp'), `${clockMs} ms`).toMatchObject({ type: 'pingresp' });
      await alive.next('publish', 300);
    }
  }

  machine.clockMs = 20 * YEAR_MS;
  expect(wills).toEqual([]);
  const back = await AskingClient.connect({ ...options, clientId: 'away' });
  expect(back.connack.sessionPresent).toBe(true);
  const queued = await back.next('publish', 2000);
  expect(queued).toMatchObject({ topic: 't', properties: { messageExpiryInterval: expect.any(Number) } });
  const left = queued?.type === 'publish' ? (queued.properties?.messageExpiryInterval ?? 0) : 0;
  expect(left).toBeGreaterThan(EXPIRY_S - 60);
  expect(left).toBeLessThanOrEqual(EXPIRY_S);
  for (const client of [watcher, alive, back]) client.destroy();
}, 60_000);

function subscribe(topicFilter: string): Packet {
  const subscription = { topicFilter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 2 } as const;
  return { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] };
}
