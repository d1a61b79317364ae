import {
  type ConnackPacket,
  type ConnectPacket,
  decodePacket,
  encodePacket,
  type Packet,
  PacketReader,
  TopicCache,
} from '@hawser/codec';
import { describe, expect, it } from 'vitest';
import { ClientConnection, type ClientSink } from './client-connection.ts';
import type { ClientCloseCause } from './close-cause.ts';
import { Output } from './output.ts';
import { Slab } from './slab.ts';

/** A client's connection, what it has sent, and how it has ended. */
class Client implements ClientSink {
  readonly output = new Output(new Slab());
  readonly connection: ClientConnection;
  connack: ConnackPacket | undefined;
  cause: ClientCloseCause | undefined;
  readonly #version: 3 | 4 | 5;

  constructor(given: Partial<ConnectPacket> = {}) {
    this.#version = given.protocolVersion ?? 5;
    const connect: ConnectPacket = {
      type: 'connect',
      protocolVersion: 5,
      cleanStart: true,
      keepAlive: 10,
      clientId: 'c',
      username: undefined,
      password: undefined,
      will: undefined,
      properties: undefined,
      bridge: false,
      ...given,
    };
    const options = {
      output: this.output,
      topics: new TopicCache(),
      connect,
    };
    this.connection = new ClientConnection(options, this, 0);
  }

  receive(packet: Packet, now: number): void {
    this.receiveBytes(encodePacket(packet, this.#version), now);
  }

  receiveBytes(bytes: ArrayLike<number>, now: number): void {
    this.connection.receive(Uint8Array.from(bytes), now);
  }

  connected(now = 0, properties: ConnackPacket['properties'] = undefined): this {
    this.receive({ type: 'connack', sessionPresent: false, reasonCode: 0, properties }, now);
    this.sent();
    return this;
  }

  /** What it has sent since this was asked last. */
  sent(): Packet[] {
    const reader = new PacketReader();
    this.output.drain({ add: (bytes, start, end) => reader.push(bytes.slice(start, end)) });
    const packets: Packet[] = [];
    while (reader.next()) {
      packets.push(decodePacket(reader, this.#version, 'to-server'));
    }
    return packets;
  }

  onConnack(packet: ConnackPacket): void {
    this.connack = packet;
  }
  onClosed(cause: ClientCloseCause): void {
    this.cause = cause;
  }
  onAuth(): void {}
  onPublish(): void {}
  onAck(): void {}
  onAnswer(): void {}
}

describe('keep alive of a client', () => {
  it('sends PINGREQ after 0.8 of it with nothing received, though something was sent', () => {
    const { connection } = new Client().connected(1000);
    connection.lastSentMs = 8000;
    expect(connection.nextTimeout()).toBe(9000);
  });

  it('is dead when PINGREQ is not answered within half of it', () => {
    const client = new Client().connected(0);
    client.connection.handleTimeout(8000);
    expect(client.sent().map(({ type }) => type)).toEqual(['pingreq']);
    expect(client.connection.nextTimeout()).toBe(13_000);
    client.connection.handleTimeout(13_000);
    expect(client.cause).toMatchObject({ code: 'ping-timeout', by: 'network' });
  });

  it('goes on when it is answered', () => {
    const client = new Client().connected(0);
    client.connection.handleTimeout(8000);
    client.receive({ type: 'pingresp' }, 8100);
    expect(client.connection.nextTimeout()).toBe(16_000);
  });

  it('obeys Server Keep Alive, and 0 is off [MQTT5-3.1.2-21]', () => {
    expect(new Client().connected(0, { serverKeepAlive: 5 }).connection.nextTimeout()).toBe(4000);
    expect(new Client({ keepAlive: 0 }).connected(0).connection.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
  });

  it('pings on while nothing is read, and holds that time against nobody', () => {
    const client = new Client().connected(0);
    client.connection.setReadingPaused(true, 0);
    for (const now of [8000, 16_000, 24_000]) client.connection.handleTimeout(now);
    expect(client.sent().map(({ type }) => type)).toEqual(['pingreq', 'pingreq', 'pingreq']);
    client.connection.setReadingPaused(false, 30_000);
    expect(client.connection.nextTimeout()).toBe(35_000);
    expect(client.cause).toBeUndefined();
  });
});

describe('a CONNACK', () => {
  it('of a server of 3.x is understood by a client of 5.0', () => {
    const client = new Client();
    client.receiveBytes([0x20, 2, 0, 1], 1);
    expect(client.cause).toMatchObject({ code: 'unsupported-protocol-version', by: 'peer' });
  });

  it('with Session Present after Clean Start breaks the protocol', () => {
    const client = new Client();
    client.receiveBytes([0x20, 3, 1, 0, 0], 1);
    expect(client.cause).toMatchObject({ code: 'session-present-unexpected', by: 'self' });
  });

  it.each<[string, number[]]>([
    ['HTTP', [...'HTTP/1.1 400'].map((letter) => letter.charCodeAt(0))],
    ['TLS', [0x15, 3, 1, 0, 2, 2, 70]],
    ['PUBLISH', [0x30, 4, 0, 1, 97, 0]],
  ])('that is %s is not MQTT', (_what, bytes) => {
    const client = new Client();
    client.receiveBytes(bytes, 1);
    expect(client.cause?.code).toBe('not-mqtt');
  });
});

describe('the end', () => {
  it('in 3.x with a Reason Code is the network alone, so that the Will is published', () => {
    const client = new Client({ protocolVersion: 4 }).connected();
    client.connection.disconnect(4, 1);
    expect(client.sent()).toEqual([]);
    expect(client.cause).toMatchObject({ by: 'self' });
  });

  it('leaves out properties that the server would not take [MQTT5-3.14.2-3]', () => {
    const client = new Client().connected(0, { maximumPacketSize: 10 });
    client.connection.disconnect(0x80, 1, { reasonString: 'a long story' });
    expect(client.sent()).toEqual([{ type: 'disconnect', reasonCode: 0x80, properties: undefined }]);
  });

  it.each<[string, number[]]>([
    ['CONNECT', [0x10, 0]],
    ['SUBSCRIBE', [0x82, 2, 0, 1]],
    ['PINGREQ', [0xc0, 0]],
  ])('comes with a %s of the server', (_what, bytes) => {
    const client = new Client().connected();
    client.receiveBytes(bytes, 1);
    expect(client.cause).toMatchObject({ by: 'self' });
    expect([0x81, 0x82]).toContain(client.cause?.reasonCode);
  });
});
