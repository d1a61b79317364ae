import { type Client, type StandardSchema, topic } from '@hawser/client';
import type { Packet } from '@hawser/codec';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { connack, publish, ScriptedServer } from './scripted-server.ts';

// Messages that come: who gets them, and when they are acknowledged, whatever the server and the program do meanwhile.

let clock: FakeClock;
let server: ScriptedServer;

beforeEach(() => {
  clock = new FakeClock();
  server = new ScriptedServer(clock);
});

/** The program's handler, done with a message when the test says so. */
function slowHandler(client: Client): { got: string[]; done: (() => void)[] } {
  const got: string[] = [];
  const done: (() => void)[] = [];
  client.onMessage((message) => {
    got.push(message.text());
    return new Promise((resolve) => done.push(resolve));
  });
  return { got, done };
}

const identifiers = (packets: readonly { packetIdentifier: number }[]): number[] =>
  packets.map(({ packetIdentifier }) => packetIdentifier);

describe('a QoS 2 message', () => {
  it('that comes twice while its handler is at work holds up no other acknowledgement', async () => {
    const client = await server.client({ protocolVersion: 4 });
    const { got, done } = slowHandler(client);
    await server.last.send(publish('a', '1', 2, 5), publish('a', '1', 2, 5, true), publish('a', '2', 1, 6));
    expect(got).toEqual(['1', '2']);
    for (const finish of done) finish();
    await clock.settle();
    expect(identifiers(server.last.of('pubrec'))).toContain(5);
    expect(identifiers(server.last.of('puback'))).toEqual([6]);
  });

  it('is acknowledged by nobody who had another one with its Packet Identifier', async () => {
    const client = await server.client({ acknowledge: 'manual' });
    const messages: { text(): string; acknowledge(reasonCode?: number): void }[] = [];
    client.on('message', (message) => messages.push(message));
    await server.last.send(publish('a', '1', 2, 5));
    messages[0]?.acknowledge();
    await clock.settle();
    expect(server.last.of('pubcomp')).toHaveLength(1);
    await server.last.send(publish('a', '2', 2, 5));
    messages[0]?.acknowledge();
    await clock.settle();
    expect(server.last.of('pubrec')).toHaveLength(1);
    messages[1]?.acknowledge(0x83);
    await clock.settle();
    expect(server.last.of('pubrec').map(({ reasonCode }) => reasonCode)).toEqual([0, 0x83]);
  });

  it('of a session that is lost is not acknowledged by a handler of the one before', async () => {
    const client = await server.client();
    const { got, done } = slowHandler(client);
    await server.last.send(publish('a', '1', 2, 5));
    await server.last.cut();
    await clock.advance(1000);
    await server.last.send(publish('a', '2', 2, 5));
    expect(got).toEqual(['1', '2']);
    done[0]?.();
    await clock.settle();
    expect(server.last.of('pubrec')).toHaveLength(0);
    done[1]?.();
    await clock.settle();
    expect(identifiers(server.last.of('pubrec'))).toEqual([5]);
  });
});

describe('messages before anybody wants any', () => {
  it('wait for all who begin to listen in the same turn', async () => {
    server.intercept = (packet, connection) => {
      if (packet.type !== 'connect') return false;
      connection.write(connack({ sessionPresent: true }), publish('a', '1', 1, 7), publish('b', '2', 1, 8));
      return true;
    };
    const client = await server.client({ cleanStart: false, clientId: 'x', sessionExpiryInterval: 100 });
    const got: string[] = [];
    client.onMessage((message) => void got.push(`a: ${message.text()}`), 'a');
    client.onMessage((message) => void got.push(`b: ${message.text()}`), 'b');
    await clock.settle();
    expect(got).toEqual(['a: 1', 'b: 2']);
    expect(identifiers(server.last.of('puback'))).toEqual([7, 8]);
  });
});

describe('a handler', () => {
  it('that returns no promise is done when it returns', async () => {
    const client = await server.client();
    const got: string[] = [];
    const errors: Error[] = [];
    client.on('error', (error) => errors.push(error));
    // What JavaScript does with an arrow function.
    client.onMessage(((message: { text(): string }) => got.push(message.text())) as unknown as () => void);
    await server.last.send(publish('a', '1', 1, 1));
    expect(errors).toEqual([]);
    expect(identifiers(server.last.of('puback'))).toEqual([1]);
  });
});

describe('handlers that are never done', () => {
  it('get no more than so many messages of QoS 0, though this client waits for an answer', async () => {
    const client = await server.client();
    const warnings = new Set<string>();
    client.on('warning', ({ code }) => warnings.add(code));
    server.intercept = (packet) => packet.type === 'publish';
    client.publish('x', '', { qos: 1 }).catch(() => {});
    const { got } = slowHandler(client);
    for (let i = 0; i < 60; i++) await server.last.send(...Array.from({ length: 200 }, () => publish('a', '')));
    expect(got).toHaveLength(10_000);
    expect([...warnings]).toEqual(['message-dropped']);
  });
});

describe('what waits for somebody', () => {
  it('is given out whole, though a handler gives back more meanwhile', async () => {
    const client = await server.client();
    for (let i = 1; i <= 4; i++) await server.last.send(publish(`r/${i}`, '', 1, i));
    const stream = client.messages('other');
    await server.last.send(publish('other', '', 1, 5), publish('other', '', 1, 6));
    const got: string[] = [];
    client.onMessage(({ topic }) => {
      got.push(topic);
      if (topic === 'r/1') void stream.return();
    }, 'r/#');
    await clock.advance(1000);
    expect(got).toEqual(['r/1', 'r/2', 'r/3', 'r/4']);
    expect(client.dropped).toBe(2);
    expect(server.last.of('puback').map(({ reasonCode }) => reasonCode)).toEqual([0, 0, 0, 0, 0x83, 0x83]);
  });

  it('goes to the next one after a listener for one message has gone', async () => {
    const client = await server.client({ acknowledge: 'manual' });
    const first: string[] = [];
    client.once('message', (message) => {
      first.push(message.text());
      message.acknowledge();
    });
    await server.last.send(publish('a', '1', 1, 1), publish('a', '2', 1, 2));
    const next: string[] = [];
    client.onMessage((message) => {
      next.push(message.text());
      message.acknowledge();
    });
    await clock.settle();
    expect([first, next]).toEqual([['1'], ['2']]);
    expect(identifiers(server.last.of('puback'))).toEqual([1, 2]);
  });
});

describe('acknowledging by hand', () => {
  it('is left to the program for a message that no consumer takes, which is told', async () => {
    const client = await server.client({ acknowledge: 'manual' });
    const warnings: string[] = [];
    client.on('warning', ({ code, text }) => warnings.push(`${code}: ${text}`));
    client.onMessage((message) => message.acknowledge(), 'a');
    await clock.advance(1000);
    await server.last.send(publish('nobody', '', 1, 1), publish('a', '', 1, 2));
    await clock.advance(60_000);
    expect(server.last.of('puback')).toHaveLength(0);
    expect(warnings).toEqual([
      "message-not-taken: nothing takes 1 messages of QoS 1 and 2, the first for 'nobody': neither they nor later ones are acknowledged",
    ]);
    client.onMessage((message) => message.acknowledge());
    await clock.settle();
    expect(identifiers(server.last.of('puback'))).toEqual([1, 2]);
  });

  it('is left to the program for what a stream had not read when it was left', async () => {
    const client = await server.client({ acknowledge: 'manual' });
    client.onMessage(() => {}, 'other');
    const stream = client.messages('a');
    await server.last.send(publish('a', '1', 1, 1), publish('a', '2', 1, 2));
    const { value } = await stream.next();
    value?.acknowledge();
    await stream.return();
    await clock.advance(60_000);
    expect(identifiers(server.last.of('puback'))).toEqual([1]);
    client.onMessage((message) => message.acknowledge());
    await clock.settle();
    expect(identifiers(server.last.of('puback'))).toEqual([1, 2]);
  });

  it('is not held up by the answer to a request that has been given up', async () => {
    const client = await server.client({ acknowledge: 'manual' });
    const request = client.request('service', 'x', { timeout: 1 });
    const failed = expect(request).rejects.toMatchObject({ code: 'request-timeout' });
    await clock.advance(1000);
    await failed;
    const { properties } = server.last.of('publish')[0] ?? {};
    const answer = publish(properties?.responseTopic ?? '', 'late', 1, 1) as Extract<Packet, { type: 'publish' }>;
    await server.last.send({ ...answer, properties: { correlationData: properties?.correlationData } });
    expect(identifiers(server.last.of('puback'))).toEqual([1]);
  });
});

describe('a typed stream', () => {
  it('goes on after a payload at which the schema throws', async () => {
    const schema: StandardSchema<unknown> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: (value as number[])[0]?.toFixed() }) },
    };
    const client = await server.client();
    const errors: string[] = [];
    client.on('error', ({ name }) => errors.push(name));
    const stream = topic('a/{id}', schema).messages(client);
    const next = stream.next();
    await clock.settle();
    await server.last.send(publish('a/1', 'null'), publish('a/2', '[2]'));
    expect((await next).value).toMatchObject({ value: '2', parameters: { id: '2' } });
    expect(errors).toEqual(['PayloadError']);
  });
});

describe('a stream', () => {
  it('whose subscription is refused keeps nothing subscribed, and nobody else from unsubscribing', async () => {
    const client = await server.client();
    server.intercept = (packet, connection) => {
      if (packet.type !== 'subscribe') return false;
      const { packetIdentifier } = packet;
      connection.write({ type: 'suback', packetIdentifier, properties: undefined, reasonCodes: [0x87] });
      return true;
    };
    const refused = client.messages('a');
    const failed = expect(refused.next()).rejects.toMatchObject({ code: 'not-authorized' });
    await clock.settle();
    await failed;
    server.intercept = () => false;
    const stream = client.messages('a');
    await clock.settle();
    const left = stream.return();
    await clock.settle();
    await left;
    expect(server.last.of('unsubscribe').map(({ topicFilters }) => topicFilters)).toEqual([['a']]);
  });

  it('that is left after its subscription was refused refuses what it had not read', async () => {
    const client = await server.client();
    client.onMessage(() => {}, 'other');
    server.intercept = (packet) => packet.type === 'subscribe';
    const stream = client.messages('a');
    stream.next().catch(() => {});
    await clock.settle();
    await server.last.send(publish('a', '1', 1, 1), publish('a', '2', 1, 2), publish('a', '3', 1, 3));
    const [subscribe] = server.last.of('subscribe');
    const packetIdentifier = subscribe?.packetIdentifier ?? 0;
    await server.last.send({ type: 'suback', packetIdentifier, properties: undefined, reasonCodes: [0x87] });
    const left = stream.return();
    await clock.settle();
    await left;
    await clock.advance(1000);
    expect(server.last.of('puback').map(({ packetIdentifier: id, reasonCode }) => [id, reasonCode])).toEqual([
      [1, 0],
      [2, 0x83],
      [3, 0x83],
    ]);
  });

  it('that is left gives what it had not read to the next one, unacknowledged', async () => {
    const client = await server.client();
    const read: string[] = [];
    for (const _time of [1, 2, 3]) {
      const stream = client.messages('jobs');
      if (read.length === 0) {
        const jobs = [1, 2, 3].map((n) => publish('jobs', `${n}`, 1, n));
        await server.last.send(...jobs);
      }
      const { value } = await stream.next();
      read.push(value?.text() ?? '');
      expect(identifiers(server.last.of('puback'))).toHaveLength(read.length - 1);
      const left = stream.return();
      await clock.settle();
      await left;
      expect(identifiers(server.last.of('puback'))).toHaveLength(read.length);
    }
    expect(read).toEqual(['1', '2', '3']);
  });

  it('that is left refuses what came too late for it where something else is listened to, and tells it', async () => {
    const client = await server.client();
    const warnings: string[] = [];
    client.on('warning', ({ code, text }) => warnings.push(`${code}: ${text}`));
    const got: string[] = [];
    client.onMessage((message) => void got.push(message.text()), 'other');
    const stream = client.messages('a');
    await server.last.send(publish('a', '1', 1, 1), publish('a', '2', 0));
    void stream.return();
    await server.last.send(publish('a', '3', 2, 2), publish('other', '4', 1, 3));
    expect(server.last.of('puback')).toHaveLength(0);
    await clock.advance(1000);
    expect(got).toEqual(['4']);
    expect(warnings).toEqual(["message-dropped: 3 dropped, the last for 'a': nobody takes them, or not fast enough"]);
    expect(server.last.of('puback').map(({ packetIdentifier: id, reasonCode }) => [id, reasonCode])).toEqual([
      [1, 0x83],
      [3, 0],
    ]);
    expect(server.last.of('pubrec').map(({ reasonCode }) => reasonCode)).toEqual([0x83]);
    expect(client.dropped).toBe(3);
  });

  it('that is left keeps what it had not read for as long as nothing else is listened to', async () => {
    const client = await server.client();
    const stream = client.messages('jobs');
    await server.last.send(publish('jobs', '1', 1, 1));
    void stream.return();
    await clock.advance(3_600_000);
    expect(server.last.of('puback')).toHaveLength(0);
    expect((await client.messages('jobs').next()).value?.text()).toBe('1');
    expect(client.dropped).toBe(0);
  });

  it('that is left in a closed client drops nothing: the server still has it', async () => {
    const client = await server.client();
    const stream = client.messages('a');
    await server.last.send(publish('a', '1', 1, 1), publish('a', '2', 1, 2));
    void client.disconnect();
    await clock.advance(3000);
    await stream.return();
    await clock.advance(3000);
    expect(client.dropped).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('that is left gives nothing back that somebody else has had', async () => {
    const client = await server.client();
    const got: string[] = [];
    client.on('message', (message) => got.push(message.text()));
    const stream = client.messages('a');
    await server.last.send(publish('a', '1', 2, 1), publish('a', '2', 2, 2));
    void stream.return();
    client.on('message', () => {});
    await clock.advance(1000);
    expect(got).toEqual(['1', '2']);
    expect(client.dropped).toBe(0);
    expect(identifiers(server.last.of('pubrec'))).toEqual([1, 2]);
  });

  it('takes as many as its buffer is long', async () => {
    const client = await server.client();
    const stream = client.messages('a', { buffer: 2000 });
    await clock.settle();
    for (let i = 1; i <= 1500; i++) server.last.write(publish('a', '', 1, i));
    await clock.settle();
    expect(stream.buffered).toBe(1500);
  });

  it('that is left does not unsubscribe what the program has subscribed to itself', async () => {
    const client = await server.client();
    client.subscribe('a');
    const stream = client.messages(['a', 'b']);
    await clock.settle();
    void stream.return();
    await clock.settle();
    expect(server.last.of('unsubscribe').map(({ topicFilters }) => topicFilters)).toEqual([['b']]);
  });

  it('ends when its signal fires', async () => {
    const client = await server.client();
    const abort = new AbortController();
    const stream = client.messages('a', { signal: abort.signal });
    await clock.settle();
    const next = stream.next();
    abort.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    await clock.settle();
    expect(server.last.of('unsubscribe')).toHaveLength(1);
  });

  it('gets what waits in a session of an earlier run, which had other Subscription Identifiers', async () => {
    server.connack = { sessionPresent: true };
    const client = await server.client({ cleanStart: false, clientId: 'x', sessionExpiryInterval: 100 });
    const a = client.messages('a', { qos: 1 });
    const b = client.messages('b', { qos: 1 });
    await clock.settle();
    for (const [i, topic] of ['a', 'b', 'a'].entries()) {
      const old = publish(topic, `${i}`, 1, i + 1) as Extract<Packet, { type: 'publish' }>;
      await server.last.send({ ...old, properties: { subscriptionIdentifiers: [2 + (i % 2)] } });
    }
    expect([a.buffered, b.buffered]).toEqual([2, 1]);
  });
});
