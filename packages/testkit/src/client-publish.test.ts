import { type Client, type ClientOptions, connectWith, type Platform } from '@hawser/client';
import type { Transport } from '@hawser/transport';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { publish, ScriptedServer } from './scripted-server.ts';
import { watch } from './testing/watch.ts';

// What is published at QoS 0, when its promise settles, and what a full queue and a transport that fails tell.

let clock: FakeClock;
let server: ScriptedServer;
/** Of the latest connection. */
let transport: Transport;

beforeEach(() => {
  clock = new FakeClock();
  server = new ScriptedServer(clock);
});

/** A client whose transports a test can hold up or break. */
async function connected(options: ClientOptions = {}): Promise<Client> {
  const platform: Platform = {
    ...server.platform,
    async dial(address, dialOptions) {
      transport = await server.platform.dial(address, dialOptions);
      return transport;
    },
  };
  const connecting = connectWith(platform, { url: 'mqtt://server', ...options });
  await clock.settle();
  return connecting;
}

/** From now on the transport says that it takes no more. Returns how it takes more again. */
function holdUp(): () => void {
  const { write } = transport;
  const held: (readonly Uint8Array[])[] = [];
  transport.write = (chunks) => {
    held.push(chunks);
    return false;
  };
  return () => {
    transport.write = write.bind(transport);
    for (const chunks of held) transport.write(chunks);
  };
}

const texts = (): string[] =>
  server.connections.flatMap((connection) =>
    connection.of('publish').map(({ payload }) => Buffer.from(payload).toString()),
  );

describe('publish() at QoS 0', () => {
  it('settles when its bytes were handed to the transport, so that a loop lets others have their turn', async () => {
    const client = await connected();
    let handed = '';
    const { write } = transport;
    transport.write = (chunks) => {
      handed += Buffer.concat(chunks).toString('latin1');
      return write.call(transport, chunks);
    };
    let turns = 0;
    let isOver = false;
    const loop = (async () => {
      for (let i = 0; i < 200; i++) {
        await client.publish('a', `message ${i};`);
        expect(handed).toContain(`message ${i};`);
      }
      isOver = true;
    })();
    const other = (): void => {
      turns++;
      if (!isOver) clock.defer(other);
    };
    clock.defer(other);
    await clock.settle();
    await loop;
    expect(turns).toBeGreaterThanOrEqual(10);
  });

  it('leaves in one piece with what is published in the same go', async () => {
    const client = await connected();
    const { write } = transport;
    let writes = 0;
    transport.write = (chunks) => {
      writes++;
      return write.call(transport, chunks);
    };
    for (let i = 0; i < 100; i++) client.publish('a', `${i}`);
    await clock.settle();
    expect(texts()).toHaveLength(100);
    // The first does not wait for the others.
    expect(writes).toBe(2);
  });

  it('waits while the transport takes no more, and goes on when it does', async () => {
    const client = await connected();
    holdUp();
    const first = watch(client.publish('a', '1'));
    await clock.settle();
    const second = watch(client.publish('a', '2'));
    await clock.advance(10_000);
    expect([first.value, second.value]).toEqual([{ qos: 0, reasonCode: 0 }, undefined]);
    expect(client.pending).toBe(1);
  });

  it('is sent by the next connection when the network goes before it was handed over, and only then', async () => {
    const client = await connected();
    holdUp();
    client.publish('a', 'lost in the network');
    await clock.settle();
    const second = watch(client.publish('a', '2'));
    await server.last.cut();
    const third = watch(client.publish('a', '3'));
    await clock.settle();
    expect(second.value).toBeUndefined();
    await clock.advance(1000);
    expect([second.value, third.value]).toEqual([
      { qos: 0, reasonCode: 0 },
      { qos: 0, reasonCode: 0 },
    ]);
    expect(texts()).toEqual(['2', '3']);
  });

  it('is not sent twice when this side ends the connection in the same turn', async () => {
    const client = await connected();
    client.on('message', () => client.publish('a', 'once'));
    // A message, and then what no server may send.
    server.last.write(publish('x', ''));
    await server.last.send({ type: 'suback', packetIdentifier: 99, properties: undefined, reasonCodes: [0] });
    await clock.advance(1000);
    expect(server.connections).toHaveLength(2);
    expect(texts()).toEqual(['once']);
  });

  it('does not pile up in memory in a loop that never pauses: what finds no room is told, with its number', async () => {
    const warnings: string[] = [];
    const client = await connected({ on: { warning: ({ code, text }) => warnings.push(`${code}: ${text}`) } });
    let written = 0;
    transport.write = ([bytes]) => {
      written += bytes?.length ?? 0;
      return false;
    };
    let refused = 0;
    for (let i = 0; i < 30_000; i++)
      client.publish('a', 'x'.repeat(100)).catch(() => {
        refused++;
      });
    await clock.settle();
    expect(client.pending).toBeLessThan(12_000);
    expect(refused + client.pending + Math.floor(written / 100)).toBeGreaterThanOrEqual(29_000);
    expect(warnings).toEqual([
      `queue-full: ${refused} messages found no room: queue.messages is 1000 (queue.whenFull: 'error')`,
    ]);
  });
});

describe('a full queue', () => {
  it('tells how many messages it has cost, and which bound: without a connection', async () => {
    const warnings: string[] = [];
    const client = await connected({ on: { warning: ({ text }) => warnings.push(text) } });
    await server.last.cut();
    for (let i = 0; i < 3000; i++) client.publish('a', '', { qos: 1 });
    await clock.settle();
    expect(warnings).toEqual(["2000 messages found no room: queue.messages is 1000 (queue.whenFull: 'error')"]);
  });

  it.each(['drop-oldest', 'drop-newest'] as const)('tells it with %s too, and goes on telling', async (whenFull) => {
    const warnings: string[] = [];
    const client = await connected({
      queue: { bytes: 100, whenFull },
      reconnect: { delay: 100 },
      on: { warning: ({ text }) => warnings.push(text) },
    });
    await server.last.cut();
    for (let i = 0; i < 20; i++) client.publish('a', '123456789', { qos: 1 });
    await clock.settle();
    expect(warnings).toEqual([`10 messages found no room: queue.bytes is 100 (queue.whenFull: '${whenFull}')`]);
    client.publish('a', '123456789', { qos: 1 });
    await clock.advance(1000);
    expect(warnings[1]).toMatch(/^11 messages/);
  });
});

describe('a transport that throws', () => {
  it.each(['write', 'pause', 'end'] as const)(
    'at %s ends the connection with the cause, and the client goes on',
    async (call) => {
      const client = await connected();
      const ends: string[] = [];
      client.on('disconnected', ({ code, text }) => ends.push(`${code}: ${text}`));
      transport[call] = () => {
        throw new TypeError('mask is not a function');
      };
      if (call === 'pause') {
        client.messages('a', { buffer: 1 });
        await clock.settle();
        await server.last.send(publish('a', '1', 1, 1));
      } else if (call === 'end')
        await server.last.send({ type: 'suback', packetIdentifier: 99, properties: undefined, reasonCodes: [0] });
      const sent = ([0, 1] as const).map((qos) => watch(client.publish('a', `${qos}`, { qos })));
      await clock.advance(1000);
      expect(client.state).toBe('connected');
      expect(server.connections).toHaveLength(2);
      if (call !== 'end') expect(ends).toEqual(['network-lost: the network connection broke: mask is not a function']);
      expect(sent.map(({ value }) => value?.qos)).toEqual([0, 1]);
      // Each once; what was under way goes before what was not.
      expect(texts().sort()).toEqual(['0', '1']);
    },
  );
});
