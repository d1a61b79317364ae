import { memorySessionStore } from '@hawser/client';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { ScriptedServer } from './scripted-server.ts';
import { watch } from './testing/watch.ts';

// Messages that go: what becomes of them and of whoever waits, whatever the server answers.

let clock: FakeClock;
let server: ScriptedServer;

beforeEach(() => {
  clock = new FakeClock();
  server = new ScriptedServer(clock);
});

describe('a message that just fits', () => {
  it('is sent, though a Topic Alias would make it too large', async () => {
    server.connack = { properties: { maximumPacketSize: 30, topicAliasMaximum: 5 } };
    const client = await server.client();
    const sizes = [20, 21, 22, 23, 24, 25, 26].map((size) => watch(client.publish('a', new Uint8Array(size))));
    await clock.settle();
    // Fixed header, topic and the length of no properties: six bytes.
    expect(sizes.map(({ value }) => value !== undefined)).toEqual([true, true, true, true, true, false, false]);
  });
});

describe('a message that expires at once', () => {
  it('is sent to a server that is there', async () => {
    const client = await server.client();
    const sent = watch(client.publish('a', '', { messageExpiryInterval: 0 }));
    await clock.settle();
    expect(sent.value).toEqual({ qos: 0, reasonCode: 0 });
    expect(server.last.of('publish')[0]?.properties?.messageExpiryInterval).toBe(0);
  });
});

describe('a refusal', () => {
  it('says what the server says', async () => {
    const client = await server.client();
    server.intercept = (packet, connection) => {
      if (packet.type !== 'publish') return false;
      const { packetIdentifier, qos } = packet;
      const properties = { reasonString: 'not on Sundays' };
      connection.write({ type: qos === 1 ? 'puback' : 'pubrec', packetIdentifier, reasonCode: 0x87, properties });
      return true;
    };
    const refused = [watch(client.publish('a', '', { qos: 1 })), watch(client.publish('a', '', { qos: 2 }))];
    await clock.settle();
    for (const { error } of refused) {
      expect(error).toMatchObject({ code: 'not-authorized', message: expect.stringContaining('not on Sundays') });
    }
  });
});

describe('all Packet Identifiers in use', () => {
  it('let the next message and the next SUBSCRIBE wait or fail with words, and none goes with identifier 0', async () => {
    server.intercept = (packet) => packet.type === 'publish';
    const client = await server.client({ queue: { messages: 100_000 } });
    for (let i = 0; i < 65_540; i++) client.publish('a', '', { qos: 1 }).catch(() => {});
    await clock.settle();
    const granted = watch(client.subscribe('b'));
    await clock.settle();
    expect(server.last.of('publish').every(({ packetIdentifier }) => packetIdentifier > 0)).toBe(true);
    expect(granted.value).toHaveLength(1);
    const acks = server.last.of('publish').map(({ packetIdentifier: id }) => [0x40, 2, id >> 8, id & 0xff]);
    server.intercept = () => false;
    server.last.writeBytes(Uint8Array.from(acks.flat()));
    await clock.settle();
    expect(server.last.of('publish')).toHaveLength(65_540);
  });
});

describe('a request', () => {
  it('that is given up is not sent any more', async () => {
    const client = await server.client();
    const first = watch(client.request('service', '1', { timeout: 1 }));
    await clock.advance(2000);
    expect(first.error).toMatchObject({ code: 'request-timeout' });
    await server.last.cut();
    const abort = new AbortController();
    const second = watch(client.request('service', '2', { signal: abort.signal }));
    const third = watch(client.request('service', '3', { timeout: 0.5 }));
    await clock.settle();
    abort.abort();
    await clock.advance(2000);
    expect(second.error).toBe(abort.signal.reason);
    expect(third.error).toMatchObject({ code: 'request-timeout' });
    expect(client.state).toBe('connected');
    expect(server.last.of('publish')).toHaveLength(0);
    expect(client.pending).toBe(0);
  });
});

describe('with a store', () => {
  it('a message that is too large for the next server is given up, and forgotten', async () => {
    const store = memorySessionStore();
    const options = { clientId: 'x', cleanStart: false, sessionExpiryInterval: 100, store };
    server.intercept = (packet) => packet.type === 'publish';
    const client = await server.client(options);
    const large = watch(client.publish('a', new Uint8Array(100), { qos: 1 }));
    const small = watch(client.publish('a', '', { qos: 1 }));
    await clock.settle();
    server.intercept = () => false;
    server.connack = { sessionPresent: true, properties: { maximumPacketSize: 20 } };
    await server.last.cut();
    await clock.advance(1000);
    expect(large.error).toMatchObject({ code: 'packet-too-large' });
    expect(small.value).toEqual({ qos: 1, reasonCode: 0 });
    expect((await store.load('x')).map(([key]) => key)).toEqual(['s']);
  });

  it('a session that the server has lost while the program was away is told', async () => {
    const store = memorySessionStore();
    const options = { clientId: 'x', cleanStart: false, sessionExpiryInterval: 100, store };
    server.intercept = (packet) => packet.type === 'publish';
    const first = await server.client(options);
    first.publish('a', '1', { qos: 1 }).catch(() => {});
    await clock.settle();
    await server.last.cut();
    const warnings: string[] = [];
    await server.client({ ...options, on: { warning: ({ code }) => warnings.push(code) } });
    expect(warnings).toEqual(['session-lost']);
  });
});
