import { type Broker, type BrokerOptions, createBroker } from '@hawser/broker';
import { decodePacket, encodePacket, type Packet, type ProtocolVersion } from '@hawser/codec';
import mqtt from 'mqtt';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function open(
  settings: BrokerOptions['settings'] = {},
  observe: BrokerOptions['observe'] = {},
): Promise<{ broker: Broker; ws: string; tcp: string }> {
  const broker = await createBroker({ listeners: ['ws://127.0.0.1:0/mqtt', 'mqtt://127.0.0.1:0'], settings, observe });
  opened.push(broker);
  const [ws = '', tcp = ''] = broker.listeners.map(({ url }) => url);
  return { broker, ws, tcp };
}

/** Reads one packet out of each WebSocket message and nothing of what stands behind it, as Paho C does. */
class OnePacketAFrame {
  readonly packets: Packet[] = [];
  readonly #socket: WebSocket;
  readonly #version: ProtocolVersion;
  #next: (() => void) | undefined;

  constructor(url: string, version: ProtocolVersion) {
    this.#version = version;
    this.#socket = new WebSocket(url, 'mqtt');
    opened.push({ close: () => this.#socket.terminate() });
    this.#socket.on('message', (data) => {
      const bytes = new Uint8Array(data as Buffer);
      const [size, bodyStart] = lengthOf(bytes);
      const found = { firstByte: bytes[0] as number, bytes, bodyStart, end: bodyStart + size };
      this.packets.push(decodePacket(found, version, 'to-client'));
      this.#next?.();
    });
  }

  async connect(clientId: string): Promise<void> {
    await new Promise((resolve) => this.#socket.once('open', resolve));
    this.send({
      type: 'connect',
      protocolVersion: this.#version,
      clientId,
      cleanStart: true,
      keepAlive: 60,
      username: undefined,
      password: undefined,
      will: undefined,
      properties: undefined,
      bridge: false,
    });
    await this.count(1);
  }

  send(...packets: Packet[]): void {
    this.#socket.send(Buffer.concat(packets.map((packet) => encodePacket(packet, this.#version))));
  }

  /** Resolves when so many have come in all. */
  async count(wanted: number): Promise<Packet[]> {
    while (this.packets.length < wanted) {
      await new Promise<void>((resolve) => {
        this.#next = resolve;
      });
    }
    return this.packets;
  }
}

function subscribe(topicFilter: string, qos: 0 | 1): Packet {
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return {
    type: 'subscribe',
    packetIdentifier: 1,
    properties: undefined,
    subscriptions: [{ topicFilter, qos, ...options }],
  };
}

/** Remaining Length, and where the body begins. */
function lengthOf(bytes: Uint8Array): [size: number, body: number] {
  let size = 0;
  for (let i = 1, shift = 0; ; i++, shift += 7) {
    const byte = bytes[i] as number;
    size |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [size, i + 1];
  }
}

test.each([4, 5] as const)(
  'each packet has a WebSocket frame of its own, shared bytes too (version %s)',
  async (version) => {
    const { ws, tcp } = await open();
    const receivers: OnePacketAFrame[] = [];
    for (let i = 0; i < 4; i++) {
      const receiver = new OnePacketAFrame(ws, version);
      receivers.push(receiver);
      await receiver.connect(`receiver-${i}`);
      receiver.send(subscribe('t/#', 1));
      await receiver.count(2);
    }
    const publisher = await mqtt.connectAsync(tcp, { protocolVersion: version, reconnectPeriod: 0 });
    opened.push({ close: () => publisher.endAsync(true) });
    const sizes = [0, 100, 130, 70_000, 3, 5];
    // All of QoS 0 leave in one segment; a PINGRESP and QoS 1 come between.
    for (const size of sizes) publisher.publish('t/0', Buffer.alloc(size, size), { qos: 0 });
    for (const receiver of receivers) receiver.send({ type: 'pingreq' }, { type: 'pingreq' });
    for (const size of sizes) publisher.publish('t/1', Buffer.alloc(size, size), { qos: 1 });
    await publisher.publishAsync('t/0', 'last', { qos: 0 });
    for (const receiver of receivers) {
      const packets = await receiver.count(2 + 2 * sizes.length + 2 + 1);
      expect(packets.filter(({ type }) => type === 'pingresp')).toHaveLength(2);
      for (const topic of ['t/0', 't/1']) {
        const published = packets.filter((packet) => packet.type === 'publish' && packet.topic === topic);
        const lengths = published.map((packet) => (packet.type === 'publish' ? packet.payload.length : -1));
        expect(lengths).toEqual(topic === 't/0' ? [...sizes, 4] : sizes);
      }
    }
  },
);

test('a WebSocket frame is bounded by limits.maximumPacketSize alone: 3 MB in one, and in one with other packets', async () => {
  const { ws } = await open({ 'limits.maximumPacketSize': 10_000_000 });
  const client = new OnePacketAFrame(ws, 5);
  await client.connect('large');
  client.send(subscribe('t', 0));
  await client.count(2);
  const publish: Packet = {
    type: 'publish',
    topic: 't',
    payload: Buffer.alloc(3_000_000),
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: 0,
    properties: undefined,
  };
  client.send(publish, publish, { type: 'pingreq' });
  const packets = await client.count(5);
  expect(
    packets
      .slice(2)
      .map(({ type }) => type)
      .sort(),
  ).toEqual(['pingresp', 'publish', 'publish']);
});

test('what has come of a WebSocket frame whose end has not is counted in limits.inputBytesStrangers', async () => {
  const refused: string[] = [];
  const settings = { 'limits.inputBytesStrangers': 1024 * 1024, 'limits.connectPacketBytes': 1_000_000 };
  const { ws } = await open(settings, { onRefused: ({ cause }) => refused.push(cause.code) });
  // A CONNECT of 900,000 bytes begins, in a message that does not end.
  const start = Buffer.from([0x10, 0xa0, 0xf7, 0x36, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60]);
  for (let i = 0; i < 3; i++) {
    const socket = new WebSocket(ws, 'mqtt');
    opened.push({ close: () => socket.terminate() });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(Buffer.concat([start, Buffer.alloc(600_000)]), { fin: false });
  }
  await expect.poll(() => refused).toContain('quota-exceeded');
});
