import {
  decodePacket,
  encodePacket,
  encodeUtf8,
  type Packet,
  PacketReader,
  type ProtocolVersion,
  TopicCache,
} from '@hawser/codec';
import { beforeEach, describe, expect, test } from 'vitest';
import type { CloseCause } from './close-cause.ts';
import { Output } from './output.ts';
import { ServerConnection } from './server-connection.ts';
import type { ArrivalSink, ServerSink } from './server-options.ts';
import { Slab } from './slab.ts';

let calls: string[];
let cause: CloseCause | undefined;
let connection: ServerConnection;
let committed: number;
let onConnect: () => void;
let onPublish: () => void;
let sink: ArrivalSink & ServerSink;

beforeEach(() => {
  calls = [];
  cause = undefined;
  committed = Number.POSITIVE_INFINITY;
  onConnect = accept;
  onPublish = () => {};
  sink = {
    reasonStringOf: ({ code }) => `because of ${code}`,
    onConnect: (packet) => {
      calls.push(`connect ${packet.clientId}`);
      onConnect();
    },
    onAuth: () => calls.push('auth'),
    onPublish: (packet) => {
      calls.push(`publish ${packet.topic} ${packet.qos}`);
      onPublish();
    },
    onAck: (type, id) => calls.push(`${['puback', 'pubrec', 'pubrel', 'pubcomp'][type - 4]} ${id}`),
    onSubscribe: () => calls.push('subscribe'),
    onUnsubscribe: () => calls.push('unsubscribe'),
    onDisconnect: () => calls.push('disconnect'),
    onHandled: () => {},
    onAcksWaiting: () => calls.push('acks wait'),
    onClosed: (why) => {
      cause = why;
    },
  };
  connection = new ServerConnection(
    {
      output: new Output(new Slab()),
      commits: {
        get committed() {
          return committed;
        },
      },
      topics: new TopicCache(),
      maximumPacketSize: 1000,
      connectPacketSize: 500,
      connectTimeoutMs: 10_000,
    },
    sink,
    0,
  );
});

function accept(): void {
  connection.accept(
    {
      sessionPresent: false,
      keepAlive: 10,
      receiveMaximum: 2,
      topicAliasMaximum: 2,
      properties: undefined,
    },
    sink,
    1,
  );
}

function connect(version: ProtocolVersion = 5): Uint8Array {
  return encodePacket(
    {
      type: 'connect',
      protocolVersion: version,
      cleanStart: true,
      keepAlive: 10,
      clientId: 'c',
      username: undefined,
      password: undefined,
      will: undefined,
      properties: undefined,
      bridge: false,
    },
    version,
  );
}

function publish(
  topic: string,
  options: Partial<Extract<Packet, { type: 'publish' }>> = {},
  version: ProtocolVersion = 5,
): Uint8Array {
  return encodePacket(
    {
      type: 'publish',
      topic,
      payload: encodeUtf8('x'),
      qos: 0,
      retain: false,
      dup: false,
      packetIdentifier: 0,
      properties: undefined,
      ...options,
    },
    version,
  );
}

function sent(version: ProtocolVersion = 5): Packet[] {
  const reader = new PacketReader();
  const packets: Packet[] = [];
  connection.output.drain({ add: (bytes, start, end) => reader.push(bytes.slice(start, end)) });
  while (reader.next()) packets.push(decodePacket(reader, version, 'to-client'));
  return packets;
}

describe('ServerConnection', () => {
  test('any chunking gives the same calls', () => {
    const bytes = Buffer.concat([
      connect(),
      publish('a'),
      publish('b', { qos: 1, packetIdentifier: 1 }),
      encodePacket({ type: 'pingreq' }, 5),
    ]);
    for (const byte of bytes) connection.receive(new Uint8Array([byte]), 1);
    expect(calls).toEqual(['connect c', 'publish a 0', 'publish b 1']);
    expect(sent().map((packet) => packet.type)).toEqual(['connack', 'pingresp']);
  });

  test.each([
    ['an HTTP request', encodeUtf8('GET / HTTP/1.1\r\n'), { is: 'http-request' }],
    ['a TLS handshake', new Uint8Array([0x16, 3, 1, 2, 0, 1]), { is: 'tls-handshake' }],
    ['another packet', new Uint8Array([0xc0, 0]), { is: 'other-packet', firstByte: '0xC0' }],
  ])('%s instead of a CONNECT ends it and says which', (_what, bytes, detail) => {
    connection.receive(bytes, 1);
    expect(cause).toEqual({ code: 'not-a-connect', reasonCode: 0x81, detail, by: 'self' });
    expect(sent()).toEqual([]);
  });

  test('a CONNECT of a version to come is answered in the shape of 5.0, one of an old client in that of 3.x', () => {
    const future = connect(5);
    future[8] = 6;
    connection.receive(future, 1);
    expect(sent(5)).toMatchObject([{ type: 'connack', reasonCode: 0x84 }]);
    expect(cause?.code).toBe('unsupported-protocol-version');
  });

  test('a second CONNECT is a Protocol Error', () => {
    connection.receive(connect(), 1);
    sent();
    connection.receive(connect(), 2);
    expect(sent()).toMatchObject([{ type: 'disconnect', reasonCode: 0x82 }]);
  });

  test('more than the Receive Maximum unacknowledged is 0x93; acknowledged ones are not counted', () => {
    connection.receive(connect(), 1);
    for (const packetIdentifier of [1, 2]) connection.receive(publish('t', { qos: 1, packetIdentifier }), 1);
    connection.acknowledge(4, 1, 0, 0);
    connection.releaseAcks();
    connection.receive(publish('t', { qos: 1, packetIdentifier: 3 }), 1);
    expect(cause).toBeUndefined();
    connection.receive(publish('t', { qos: 1, packetIdentifier: 4 }), 1);
    expect(cause).toMatchObject({ code: 'receive-maximum-exceeded', reasonCode: 0x93 });
  });

  test('acknowledgements wait for their ticket, a PINGRESP does not', () => {
    committed = 0;
    onPublish = () => connection.acknowledge(4, 7, 0, 1);
    connection.receive(connect(), 1);
    sent();
    connection.receive(
      Buffer.concat([publish('t', { qos: 1, packetIdentifier: 7 }), encodePacket({ type: 'pingreq' }, 5)]),
      1,
    );
    expect(sent().map((packet) => packet.type)).toEqual(['pingresp']);
    expect(calls.at(-1)).toBe('acks wait');
    committed = 1;
    connection.releaseAcks();
    expect(sent()).toMatchObject([{ type: 'puback', packetIdentifier: 7 }]);
  });

  test('suspended, it handles nothing further until it is resumed', () => {
    onPublish = () => connection.suspend();
    connection.receive(Buffer.concat([connect(), publish('a'), publish('b')]), 1);
    connection.receive(publish('c'), 2);
    expect(calls).toEqual(['connect c', 'publish a 0']);
    onPublish = () => {};
    connection.resume(100);
    expect(calls).toEqual(['connect c', 'publish a 0', 'publish b 0', 'publish c 0']);
    expect(connection.nextTimeout()).toBe(100 + 15_000);
  });

  test('a Topic Alias over the maximum is 0x94, one that was not set 0x82', () => {
    connection.receive(connect(), 1);
    connection.receive(publish('', { properties: { topicAlias: 1 } }), 1);
    expect(cause).toMatchObject({ reasonCode: 0x82, code: 'topic-alias-unknown' });
  });

  test('deadlines: a CONNECT within its time, then one and a half times the Keep Alive', () => {
    expect(connection.nextTimeout()).toBe(10_000);
    connection.receive(connect(), 4000);
    expect(connection.nextTimeout()).toBe(4000 + 15_000);
    connection.handleTimeout(18_999);
    expect(cause).toBeUndefined();
    connection.handleTimeout(19_000);
    expect(cause).toMatchObject({ code: 'keep-alive-timeout', reasonCode: 0x8d });
    expect(connection.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
  });

  test('after its end nothing is handled and nothing is told again', () => {
    connection.receive(connect(), 1);
    connection.receiveEnd(2);
    const first = cause;
    connection.receive(publish('late'), 3);
    connection.receiveEnd(4);
    connection.fail('internal-error', 0x80, { is: 'plain' }, 5);
    expect(calls).toEqual(['connect c']);
    expect(cause).toBe(first);
    expect(cause).toMatchObject({ code: 'network-lost', by: 'network' });
  });
});
