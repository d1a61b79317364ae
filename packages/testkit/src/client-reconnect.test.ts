import {
  type Client,
  type ClientOptions,
  ClosedError,
  ConnectError,
  type DisconnectedEvent,
  type RefusedError,
} from '@hawser/client';
import type { PublishPacket } from '@hawser/codec';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { ack, connack, publish, ScriptedServer } from './scripted-server.ts';
import { watch } from './testing/watch.ts';

let clock: FakeClock;
let server: ScriptedServer;

beforeEach(() => {
  clock = new FakeClock();
  server = new ScriptedServer(clock);
});

function disconnectionsOf(client: Client): DisconnectedEvent[] {
  const events: DisconnectedEvent[] = [];
  client.on('disconnected', (event) => events.push(event));
  return events;
}

describe('a message', () => {
  it.each([
    [1, 'puback'],
    [2, 'pubrec'],
  ] as const)('of QoS %s that the server refuses fails with its Reason Code and Reason String', async (qos, type) => {
    const client = await server.client();
    server.intercept = (packet, connection) => {
      if (packet.type !== 'publish') return false;
      const properties = { reasonString: 'no rule for this topic' };
      connection.write({ type, packetIdentifier: packet.packetIdentifier, reasonCode: 0x87, properties });
      return true;
    };
    const publishing = watch(client.publish('a', '1', { qos }));
    await clock.settle();
    expect(publishing.error).toMatchObject({
      code: 'not-authorized',
      reasonCode: 0x87,
      message: "the server refused the message for 'a': not-authorized (no rule for this topic)",
    });
    expect(client.pending).toBe(0);
  });
});

describe('a request', () => {
  const respond = (): void => {
    server.intercept = (packet, connection) => {
      if (packet.type !== 'publish') return false;
      const { responseTopic = '', correlationData } = packet.properties ?? {};
      const answer = publish(responseTopic, 'done') as PublishPacket;
      connection.write({ ...answer, properties: correlationData && { correlationData } });
      return true;
    };
  };

  it('is answered to a reader whose buffer is full', async () => {
    const client = await server.client();
    const stream = client.messages('jobs', { buffer: 1 });
    await server.last.send(publish('jobs', '1', 0), publish('jobs', '2', 0));
    await stream.next();
    respond();
    const request = watch(client.request('service', 'x'));
    await clock.settle();
    expect(request.value?.text()).toBe('done');
  });

  it('has a Response Topic, whatever the Client Identifier', async () => {
    const client = await server.client({ clientId: 'dev+1#' });
    respond();
    const request = watch(client.request('service', 'x'));
    await clock.settle();
    expect(request.value?.topic).toBe('responses/dev%2B1%23');
  });

  it('needs MQTT 5.0', async () => {
    const client = await server.client({ protocolVersion: 4 });
    await expect(client.request('service', 'x')).rejects.toMatchObject({ code: 'option-not-in-this-version' });
  });
});

describe('a lost connection', () => {
  it('is made again, with delays that double to their maximum', async () => {
    const client = await server.client();
    const events = disconnectionsOf(client);
    await server.last.cut();
    expect(client.state).toBe('waiting');
    server.intercept = (packet, connection) => {
      if (packet.type === 'connect') connection.end();
      return true;
    };
    await clock.advance(1000 * 1000);
    expect(events.slice(0, 9).map(({ delay }) => delay)).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120]);
    server.intercept = () => false;
    await clock.advance(120_000);
    expect(client.state).toBe('connected');
  });

  it('begins with short delays again after a connection that held for 30 s', async () => {
    const client = await server.client();
    const events = disconnectionsOf(client);
    for (let i = 0; i < 3; i++) {
      await clock.advance(31_000);
      await server.last.cut();
      await clock.advance(1000);
    }
    expect(events.map(({ delay }) => delay)).toEqual([1, 1, 1]);
    expect(client.state).toBe('connected');
  });

  it('asks for the session, and in 3.x for a clean one as before', async () => {
    await server.client({ clientId: 'a' });
    expect(server.last.connect.cleanStart).toBe(true);
    await server.last.cut();
    await clock.advance(1000);
    expect(server.last.connect).toMatchObject({ cleanStart: false, clientId: 'a' });
    await server.client({ protocolVersion: 4 });
    await server.last.cut();
    await clock.advance(1000);
    expect(server.last.connect.cleanStart).toBe(true);
  });

  it('uses the Assigned Client Identifier again', async () => {
    server.connack = { properties: { assignedClientIdentifier: 'given-7' } };
    const client = await server.client({ clientId: '' });
    expect(client.clientId).toBe('given-7');
    await server.last.cut();
    await clock.advance(1000);
    expect(server.last.connect.clientId).toBe('given-7');
  });

  it('sends QoS 1 and 2 again with DUP when the session is present, and settles their promises', async () => {
    const client = await server.client({ sessionExpiryInterval: 100 });
    server.intercept = (packet) => packet.type === 'publish' || packet.type === 'pubrel';
    const one = watch(client.publish('a', '1', { qos: 1 }));
    const two = watch(client.publish('a', '2', { qos: 2 }));
    const three = watch(client.publish('a', '3', { qos: 2 }));
    await clock.settle();
    const sent = server.last.of('publish').map(({ packetIdentifier }) => packetIdentifier);
    await server.last.send(ack('pubrec', sent[2] as number));
    expect(server.last.of('pubrel')).toHaveLength(1);
    await server.last.cut();
    server.connack = { sessionPresent: true };
    server.intercept = () => false;
    await clock.advance(1000);
    expect(server.last.of('publish').map(({ packetIdentifier, dup }) => [packetIdentifier, dup])).toEqual([
      [sent[0], true],
      [sent[1], true],
    ]);
    expect(one.value).toEqual({ qos: 1, reasonCode: 0 });
    expect(two.value).toEqual({ qos: 2, reasonCode: 0 });
    expect(three.value).toEqual({ qos: 2, reasonCode: 0 });
    expect(server.last.of('subscribe')).toHaveLength(0);
    expect(client.pending).toBe(0);
  });

  it('subscribes again and sends unacknowledged PUBLISH anew when the session is not present, and warns', async () => {
    const client = await server.client();
    const warnings: string[] = [];
    client.on('warning', ({ code }) => warnings.push(code));
    const granted = watch(client.subscribe(['a/#', 'b'], { qos: 1 }));
    await clock.settle();
    expect(granted.value?.map(({ qos }) => qos)).toEqual([1, 1]);
    server.intercept = (packet) => packet.type === 'publish';
    const one = watch(client.publish('a', '1', { qos: 1 }));
    await clock.settle();
    await server.last.cut();
    server.intercept = () => false;
    await clock.advance(1000);
    expect(server.last.packets.map(({ type }) => type)).toEqual(['connect', 'subscribe', 'publish']);
    expect(server.last.of('subscribe')[0]?.subscriptions.map(({ topicFilter, qos }) => [topicFilter, qos])).toEqual([
      ['a/#', 1],
      ['b', 1],
    ]);
    expect(server.last.of('publish')[0]?.dup).toBe(false);
    expect(one.value).toEqual({ qos: 1, reasonCode: 0 });
    expect(warnings).toEqual(['session-lost']);
  });

  it('keeps what is published meanwhile, in order, within the bounds of the queue', async () => {
    const client = await server.client({ queue: { messages: 3 } });
    await server.last.cut();
    const all = ['1', '2', '3', '4'].map((text, i) => watch(client.publish('a', text, { qos: i % 2 === 0 ? 0 : 1 })));
    await clock.settle();
    expect(all[3]?.error).toMatchObject({ code: 'queue-full', reasonCode: 0x97 });
    await clock.advance(1000);
    expect(server.last.of('publish').map(({ payload }) => new TextDecoder().decode(payload))).toEqual(['1', '2', '3']);
    expect(all.slice(0, 3).map(({ value }) => value?.qos)).toEqual([0, 1, 0]);
  });

  it('drops the oldest when asked to, and tells whoever waits for it', async () => {
    const client = await server.client({ queue: { bytes: 10, whenFull: 'drop-oldest' } });
    await server.last.cut();
    const all = ['111', '222', '333', '444'].map((text) => watch(client.publish('a', text, { qos: 1 })));
    await clock.advance(1000);
    expect(all.map(({ value, error }) => (value === undefined ? (error as RefusedError).code : 'sent'))).toEqual([
      'queue-full',
      'queue-full',
      'sent',
      'sent',
    ]);
  });

  it('lets a message expire that waits too long', async () => {
    const client = await server.client({ reconnect: { delay: 10 } });
    await server.last.cut();
    const short = watch(client.publish('a', '1', { qos: 1, messageExpiryInterval: 5 }));
    const long = watch(client.publish('a', '2', { qos: 1, messageExpiryInterval: 15 }));
    await clock.advance(10_000);
    expect(short.error).toMatchObject({ code: 'message-expired' });
    expect(long.value).toEqual({ qos: 1, reasonCode: 0 });
    expect(server.last.of('publish')[0]?.properties?.messageExpiryInterval).toBe(5);
  });

  it('is noticed when the server stops answering PINGREQ', async () => {
    server.intercept = (packet) => packet.type === 'pingreq';
    const client = await server.client({ keepAlive: 10 });
    const events = disconnectionsOf(client);
    await clock.advance(8000);
    expect(server.last.of('pingreq')).toHaveLength(1);
    await clock.advance(5000);
    expect(events[0]).toMatchObject({ code: 'ping-timeout', willRetry: true });
    await clock.advance(1000);
    expect(server.connections).toHaveLength(2);
  });
});

describe('the reason decides', () => {
  const forEver: ClientOptions = { reconnect: { initial: true } };
  const stops: [string, number][] = [
    ['unsupported-protocol-version', 0x84],
    ['client-identifier-not-valid', 0x85],
    ['bad-user-name-or-password', 0x86],
    ['not-authorized', 0x87],
    ['banned', 0x8a],
    ['method-not-supported', 0x8c],
    ['packet-too-large', 0x95],
    ['use-another-server', 0x9c],
  ];
  it.each(stops)('CONNACK %s stops', async (code, reasonCode) => {
    server.connack = { reasonCode };
    const result = watch(server.connect(forEver));
    await clock.advance(600_000);
    expect(result.error).toBeInstanceOf(ConnectError);
    expect(result.error).toMatchObject({ code, reasonCode });
    expect(server.connections).toHaveLength(1);
  });

  it.each([0x88, 0x89, 0x97, 0x9f])('CONNACK 0x%s passes', async (reasonCode) => {
    server.connack = { reasonCode };
    const result = watch(server.connect(forEver));
    await clock.advance(3000);
    expect(server.connections.length).toBeGreaterThan(1);
    server.connack = {};
    await clock.advance(10_000);
    expect(result.value?.state).toBe('connected');
  });

  it.each([
    [1, 'unsupported-protocol-version', 'after-change'],
    [2, 'client-identifier-not-valid', 'after-change'],
    [4, 'bad-user-name-or-password', 'after-change'],
    [5, 'not-authorized', 'after-change'],
  ])('Return Code %i of 3.x stops', async (reasonCode, code, retry) => {
    server.connack = { reasonCode };
    const result = watch(server.connect({ ...forEver, protocolVersion: 4 }));
    await clock.advance(600_000);
    expect(result.error).toMatchObject({ code, retry, stage: 'connack' });
  });

  it('Return Code 3 of 3.x passes', async () => {
    server.connack = { reasonCode: 3 };
    const result = watch(server.connect({ ...forEver, protocolVersion: 3 }));
    await clock.advance(3000);
    server.connack = {};
    await clock.advance(10_000);
    expect(result.value?.state).toBe('connected');
  });

  it('asks a credential provider once more', async () => {
    const passwords = ['old', 'older', 'oldest'];
    server.connack = { reasonCode: 0x86 };
    const result = watch(server.connect({ ...forEver, username: 'u', password: () => passwords.shift() }));
    await clock.advance(60_000);
    expect(result.error).toMatchObject({ code: 'bad-user-name-or-password' });
    expect(server.connections.map(({ connect }) => new TextDecoder().decode(connect.password))).toEqual([
      'old',
      'older',
    ]);
  });

  it('without reconnect.initial the first failure is told at once', async () => {
    server.connack = { reasonCode: 0x89, properties: { reasonString: 'later' } };
    const result = watch(server.connect());
    await clock.settle();
    expect(result.error).toMatchObject({ code: 'server-busy', retry: 'yes', evidence: { reasonString: 'later' } });
    await clock.advance(600_000);
    expect(server.connections).toHaveLength(1);
  });

  it('taken over stops, and says that another client uses the Client ID', async () => {
    const client = await server.client();
    const waiting = watch(client.publish('a', '', { qos: 1, signal: AbortSignal.timeout(1e6) }));
    const closed = watch(client.closed);
    await server.last.send({ type: 'disconnect', reasonCode: 0x8e, properties: undefined });
    await clock.advance(600_000);
    expect(server.connections).toHaveLength(1);
    expect(closed.value).toBeInstanceOf(ClosedError);
    expect(closed.value).toMatchObject({ code: 'session-taken-over', reasonCode: 0x8e });
    expect(closed.value?.message).toContain('Client ID');
    expect(waiting.value ?? waiting.error).toBeDefined();
    await expect(client.publish('a')).rejects.toMatchObject({ code: 'session-taken-over' });
  });

  it('two clients that both retry settle on one', async () => {
    server.intercept = (packet, connection) => {
      if (packet.type !== 'connect') return false;
      for (const other of server.connections) {
        if (other === connection || other.isClosed) continue;
        other.write({ type: 'disconnect', reasonCode: 0x8e, properties: undefined });
        other.end();
      }
      return false;
    };
    const a = await server.client({ clientId: 'same', onTakenOver: 'retry' });
    const b = await server.client({ clientId: 'same', onTakenOver: 'retry' });
    await clock.advance(3_600_000);
    expect([a.state, b.state].sort()).toEqual(['closed', 'connected']);
    expect(server.connections.length).toBeLessThan(8);
  });

  it.each([
    ['generated', {}],
    ['assigned by the server', { protocolVersion: 5, clientId: '' }],
  ] as const)(
    'a server that crashes in a loop does not stop a client whose Client ID was %s',
    async (_how, options) => {
      const warnings: string[] = [];
      const client = await server.client({
        protocolVersion: 4,
        ...options,
        on: { warning: ({ code, text }) => warnings.push(`${code}: ${text}`) },
      });
      const waited: number[] = [];
      client.on('connecting', ({ delay }) => waited.push(delay));
      for (let i = 0; i < 9; i++) {
        await server.last.cut();
        await clock.advance(1000 * 2 ** i);
      }
      expect(client.state).toBe('connected');
      expect(waited).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120]);
      expect(warnings[0]).toBe(
        'quick-closes: closed 3 times within 5 s of the CONNACK, without a reason: the server or a proxy ends connections',
      );
    },
  );

  it('three closes right after the CONNACK are a takeover in 3.x', async () => {
    const client = await server.client({ protocolVersion: 4, clientId: 'mine' });
    const closed = watch(client.closed);
    await server.last.cut();
    await clock.advance(1000);
    await server.last.cut();
    await clock.advance(2000);
    expect(closed.value).toBeUndefined();
    await server.last.cut();
    await clock.advance(60_000);
    expect(closed.value).toMatchObject({ code: 'session-taken-over' });
    expect(server.connections).toHaveLength(3);
  });

  it.each([0x00, 0x80, 0x89, 0x8b, 0x8d, 0x97, 0x98, 0xa0])('DISCONNECT 0x%s is tried again', async (reasonCode) => {
    const client = await server.client();
    await server.last.send({ type: 'disconnect', reasonCode, properties: undefined });
    await clock.advance(1000);
    expect(server.connections).toHaveLength(2);
    expect(client.state).toBe('connected');
  });

  it.each([0x87, 0x8c, 0x9c, 0x9d])('DISCONNECT 0x%s stops', async (reasonCode) => {
    const client = await server.client();
    await server.last.send({ type: 'disconnect', reasonCode, properties: undefined });
    await clock.advance(600_000);
    expect(client.state).toBe('closed');
    expect(server.connections).toHaveLength(1);
  });

  it('DISCONNECT 0x87 asks a provider of credentials once more, and stops when they are refused again', async () => {
    let asked = 0;
    const client = await server.client({ username: 'u', password: async () => `token ${++asked}` });
    for (const _time of [1, 2]) {
      await server.last.send({ type: 'disconnect', reasonCode: 0x87, properties: undefined });
      await clock.advance(1000);
    }
    expect(asked).toBe(2);
    expect(client.state).toBe('closed');
  });

  it('follows a Server Reference where that is allowed', async () => {
    const client = await server.client({ reconnect: { followServerReference: true } });
    const properties = { serverReference: 'other:1884 third' };
    await server.last.send({ type: 'disconnect', reasonCode: 0x9c, properties });
    expect(client.state).toBe('connected');
    expect(server.last.url).toBe('mqtt://other:1884');
  });

  it.each<[string, Parameters<ScriptedServer['client']>[0], string | undefined]>([
    ['with nothing secret, to any host', {}, undefined],
    ['with a password, to no host that is not named', { username: 'u', password: 'p' }, 'name other in'],
    ['with a token, to no host that is not named', { authentication: { method: 'token' } }, 'name other in'],
    ['with user info of the address', { url: 'mqtt://u:p@test' }, 'name other in'],
    ['with a password, to one of the servers', { username: 'u', servers: ['mqtt://other'] }, undefined],
    [
      'with a password, to a host that is named',
      { username: 'u', reconnect: { referenceHosts: ['Other'] } },
      undefined,
    ],
    [
      'with a password, not below a name that is not its',
      { username: 'u', reconnect: { referenceHosts: '*.other' } },
      'name other in',
    ],
  ])('a Server Reference is followed %s', async (_what, options, refusal) => {
    const client = await server.client({
      ...options,
      reconnect: { followServerReference: true, ...(options?.reconnect as object) },
    });
    const events = disconnectionsOf(client);
    await server.last.send({ type: 'disconnect', reasonCode: 0x9c, properties: { serverReference: 'other' } });
    await clock.advance(1000);
    if (refusal === undefined) expect(server.last.url).toContain('other');
    else expect(events.at(-1)?.error?.message).toContain(refusal);
  });

  it('a Server Reference that cannot be followed stops, and is told', async () => {
    const client = await server.client({ reconnect: { followServerReference: true } });
    const events = disconnectionsOf(client);
    const closed = watch(client.closed);
    const properties = { serverReference: 'other:port' };
    await server.last.send({ type: 'disconnect', reasonCode: 0x9d, properties });
    await clock.advance(1000);
    expect(closed.value).toMatchObject({
      code: 'server-moved',
      message: "the server disconnected: server-moved; it refers to 'other:port', which is not followed",
    });
    expect(events).toMatchObject([{ code: 'server-moved', willRetry: false, error: closed.value }]);
  });

  it('a Server Reference counts from the server that gave it', async () => {
    const client = await server.client({
      url: 'mqtt://first:1',
      servers: ['mqtt://second:2'],
      reconnect: { followServerReference: true },
    });
    server.intercept = (packet, connection) => {
      if (packet.type !== 'connect' || connection.url.includes('third')) return false;
      if (connection.url.includes('first')) connection.end();
      else connection.write(connack({ reasonCode: 0x9c, properties: { serverReference: 'third' } }));
      return true;
    };
    await server.last.cut();
    await clock.advance(1000);
    expect(client.state).toBe('connected');
    expect(server.connections.map(({ url }) => url)).toEqual([
      'mqtt://first:1',
      'mqtt://first:1',
      'mqtt://second:2',
      'mqtt://third:2',
    ]);
  });

  it('a server that breaks the protocol is given up after the third time in a row', async () => {
    server.intercept = (packet, connection) => {
      if (packet.type !== 'connect') return false;
      connection.write(connack(), { type: 'connack', sessionPresent: false, reasonCode: 0, properties: undefined });
      return true;
    };
    const client = await server.client();
    const events = disconnectionsOf(client);
    const closed = watch(client.closed);
    await clock.advance(600_000);
    expect(closed.value).toMatchObject({ code: 'second-connack' });
    expect(server.connections).toHaveLength(3);
    expect(events.at(-1)).toMatchObject({ by: 'self', willRetry: false });
  });

  it('tries several servers in turn', async () => {
    server.intercept = (packet, connection) => {
      if (packet.type !== 'connect' || !connection.url.includes('first')) return false;
      connection.end();
      return true;
    };
    const client = await server.client({ url: 'mqtt://first', servers: ['mqtt://second', 'mqtt://third'] });
    expect(client.state).toBe('connected');
    expect(server.connections.map(({ url }) => url)).toEqual(['mqtt://first:1883', 'mqtt://second:1883']);
  });

  it('falls back to older versions with auto', async () => {
    server.intercept = (packet, connection) => {
      if (packet.type !== 'connect') return false;
      if (packet.protocolVersion === 5) connection.writeBytes(new Uint8Array([0x20, 2, 0, 1]));
      else if (packet.protocolVersion === 4) connection.end();
      else return false;
      return true;
    };
    const client = await server.client({ protocolVersion: 'auto' });
    expect(client.negotiated?.protocolVersion.effective).toBe(3);
    expect(server.connections.map(({ version }) => version)).toEqual([5, 4, 4, 3]);
    const only5 = watch(server.connect({ protocolVersion: 'auto', sessionExpiryInterval: 10 }));
    await clock.advance(10_000);
    expect(only5.error).toMatchObject({ code: 'unsupported-protocol-version' });
  });

  it('Session Present 1 after Clean Start 1 closes the connection', async () => {
    server.connack = { sessionPresent: true };
    const result = watch(server.connect());
    await clock.settle();
    expect(result.error).toMatchObject({ stage: 'connack', code: 'session-present-unexpected' });
  });
});

describe('messages that come', () => {
  it('are not lost when they come right behind the CONNACK', async () => {
    server.intercept = (packet, connection) => {
      if (packet.type !== 'connect') return false;
      connection.write(connack({ sessionPresent: true }), publish('a', '1', 1, 7), publish('a', '2', 2, 8));
      return true;
    };
    const client = await server.client({ cleanStart: false, clientId: 'x', sessionExpiryInterval: 100 });
    const got: string[] = [];
    client.on('message', (message) => got.push(message.text()));
    await clock.settle();
    expect(got).toEqual(['1', '2']);
    expect(server.last.packets.map(({ type }) => type)).toEqual(['connect', 'puback', 'pubrec', 'pubcomp']);
  });

  it('are acknowledged in the order of receipt, when they were dealt with', async () => {
    const client = await server.client();
    const done: (() => void)[] = [];
    client.onMessage(() => new Promise((resolve) => done.push(resolve)));
    await server.last.send(publish('a', '1', 1, 1), publish('a', '2', 1, 2), publish('a', '3', 1, 3));
    done[1]?.();
    await clock.settle();
    expect(server.last.of('puback')).toHaveLength(0);
    done[0]?.();
    await clock.settle();
    expect(server.last.of('puback').map(({ packetIdentifier }) => packetIdentifier)).toEqual([1, 2]);
  });

  it('are acknowledged by hand with acknowledge: manual', async () => {
    const client = await server.client({ acknowledge: 'manual' });
    client.on('message', (message) => {
      if (message.text() !== 'keep') message.acknowledge(message.text() === 'bad' ? 0x83 : 0);
    });
    await server.last.send(publish('a', 'good', 1, 1), publish('a', 'bad', 1, 2), publish('a', 'keep', 1, 3));
    expect(server.last.of('puback').map(({ packetIdentifier, reasonCode }) => [packetIdentifier, reasonCode])).toEqual([
      [1, 0],
      [2, 0x83],
    ]);
  });

  it('of QoS 2 are given out once, though the server sends them again', async () => {
    const client = await server.client({ sessionExpiryInterval: 100 });
    const got: string[] = [];
    let done = (): void => {};
    client.onMessage((message) => {
      got.push(message.text());
      return new Promise((resolve) => {
        done = resolve;
      });
    });
    await server.last.send(publish('a', '1', 2, 5));
    await server.last.cut();
    server.connack = { sessionPresent: true };
    await clock.advance(1000);
    await server.last.send(publish('a', '1', 2, 5, true));
    expect(server.last.of('pubrec')).toHaveLength(0);
    done();
    await clock.settle();
    expect(server.last.of('pubrec')).toHaveLength(1);
    expect(server.last.of('pubcomp')).toHaveLength(1);
    expect(got).toEqual(['1']);
  });

  it('stop reading when nobody keeps up, and the connection stays alive', async () => {
    const client = await server.client({ keepAlive: 10 });
    const stream = client.messages('a', { buffer: 5 });
    await clock.settle();
    for (let i = 0; i < 50; i++) await server.last.send(publish('a', String(i)));
    expect(stream.buffered).toBeLessThan(20);
    await clock.advance(60_000);
    expect(client.state).toBe('connected');
    expect(server.last.of('pingreq').length).toBeGreaterThan(5);
    const got: string[] = [];
    for (let i = 0; i < 50; i++) {
      const next = stream.next();
      await clock.settle();
      const { value } = await next;
      got.push(value?.text() ?? '');
    }
    expect(got).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
  });

  it('do not keep a reader from publishing while its buffer is full', async () => {
    const client = await server.client();
    const stream = client.messages('a', { buffer: 2 });
    await clock.settle();
    for (let i = 0; i < 10; i++) await server.last.send(publish('a', String(i), 1, i + 1));
    await stream.next();
    const published = watch(client.publish('b', 'x', { qos: 1 }));
    await clock.settle();
    expect(published.value).toEqual({ qos: 1, reasonCode: 0 });
  });

  it('a handler that throws does not stop the client', async () => {
    const client = await server.client();
    const errors: string[] = [];
    client.on('error', (error) => errors.push(error.message));
    client.onMessage(() => {
      throw new Error('one');
    });
    client.onMessage(async () => {
      throw new Error('two');
    });
    await server.last.send(publish('a', '1', 1, 1));
    expect(errors).toEqual(['one', 'two']);
    expect(server.last.of('puback')).toHaveLength(1);
    expect(client.state).toBe('connected');
  });
});

describe('disconnect', () => {
  it('says good-bye, and rejects what waits', async () => {
    const client = await server.client();
    server.intercept = (packet) => packet.type === 'publish';
    const one = watch(client.publish('a', '1', { qos: 1 }));
    const stream = client.messages('x');
    await clock.settle();
    const next = watch(stream.next());
    const done = watch(client.disconnect({ drain: 0 }));
    await clock.advance(3000);
    expect(done).toHaveProperty('value');
    expect(server.last.of('disconnect')[0]?.reasonCode).toBe(0);
    expect(one.error).toBeInstanceOf(ClosedError);
    expect(next.value).toEqual({ done: true, value: undefined });
    expect(client.state).toBe('closed');
    await clock.advance(600_000);
    expect(server.connections).toHaveLength(1);
    await client.disconnect();
  });

  it('waits for what is under way', async () => {
    const client = await server.client();
    const one = watch(client.publish('a', '1', { qos: 2 }));
    const done = watch(client.disconnect());
    await clock.advance(3000);
    expect(one.value).toEqual({ qos: 2, reasonCode: 0 });
    expect(done).toHaveProperty('value');
  });

  it('waits 5 s at most, and nobody need look at what was not acknowledged', async () => {
    const client = await server.client();
    server.intercept = (packet) => packet.type === 'publish';
    client.publish('a', '1', { qos: 1 });
    const done = watch(client.disconnect());
    await clock.advance(4999);
    expect(client.state).toBe('connected');
    await clock.advance(3001);
    expect(done).toHaveProperty('value');
  });

  it('while waiting to reconnect closes at once', async () => {
    const client = await server.client();
    await server.last.cut();
    const done = watch(client.disconnect());
    await clock.settle();
    expect(done).toHaveProperty('value');
    await clock.advance(600_000);
    expect(server.connections).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });
});
