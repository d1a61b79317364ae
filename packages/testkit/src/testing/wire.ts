import type { Broker } from '@hawser/broker';
import {
  decodePacket,
  encodePacket,
  type Packet,
  PacketReader,
  type ProtocolVersion,
  type PublishPacket,
} from '@hawser/codec';
import { MemoryNetwork, type Transport } from '@hawser/transport';
import type { FakeClock } from '../fake-clock.ts';

type Connect = Extract<Packet, { type: 'connect' }>;

/** A connection of which a test sees every packet, and sends what it likes. It answers nothing by itself. */
export class Wire {
  readonly packets: Packet[] = [];
  closed = false;
  /** For the test that uses it. */
  name = '';
  /** Called with each packet. */
  onPacket: ((packet: Packet) => void) | undefined;
  readonly #transport: Transport;
  readonly #clock: FakeClock;
  readonly #version: ProtocolVersion;

  constructor(broker: Broker, clock: FakeClock, version: ProtocolVersion = 5) {
    this.#clock = clock;
    this.#version = version;
    const [near, far] = new MemoryNetwork({ clock, seed: 1 }).connect();
    this.#transport = near;
    const reader = new PacketReader();
    near.start({
      onData: (bytes) => {
        reader.push(bytes.slice());
        while (reader.next()) {
          const packet = decodePacket(reader, version, 'to-client');
          this.packets.push(packet);
          this.onPacket?.(packet);
        }
      },
      onDrain: () => {},
      onClose: () => {
        this.closed = true;
      },
    });
    broker.attach(far);
  }

  /** Writes without waiting for anything. */
  write(...packets: Packet[]): void {
    for (const packet of packets) this.#transport.write([encodePacket(packet, this.#version)]);
  }

  /** Several packets, or parts of them, in one piece. */
  writeBytes(bytes: Uint8Array): void {
    this.#transport.write([bytes]);
  }

  async send(...packets: Packet[]): Promise<void> {
    this.write(...packets);
    await this.#clock.settle();
  }

  /** Sends a CONNECT; `kept`: with a session that does not end. */
  async connect(clientId: string, kept: boolean, options: Partial<Connect> = {}): Promise<this> {
    const properties = this.#version === 5 && kept ? { sessionExpiryInterval: 0xffff_ffff } : undefined;
    await this.send({
      type: 'connect',
      protocolVersion: this.#version,
      cleanStart: !kept,
      keepAlive: 0,
      clientId,
      username: undefined,
      password: undefined,
      will: undefined,
      bridge: false,
      ...options,
      properties: options.properties === undefined ? properties : { ...properties, ...options.properties },
    });
    return this;
  }

  subscribe(topicFilter: string, qos: 0 | 1 | 2 = 2): Promise<void> {
    const subscription = { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 as const };
    return this.send({ type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] });
  }

  /** Acknowledges all that comes, to the end of each handshake. */
  answerAll(): this {
    const answer = (packet: Packet): void => {
      const reply = { reasonCode: 0, properties: undefined };
      if (packet.type === 'publish' && packet.qos === 1) {
        this.write({ type: 'puback', packetIdentifier: packet.packetIdentifier, ...reply });
      } else if (packet.type === 'publish' && packet.qos === 2) {
        this.write({ type: 'pubrec', packetIdentifier: packet.packetIdentifier, ...reply });
      } else if (packet.type === 'pubrel')
        this.write({ type: 'pubcomp', packetIdentifier: packet.packetIdentifier, ...reply });
    };
    this.onPacket = answer;
    for (const packet of [...this.packets]) answer(packet);
    return this;
  }

  cut(): Promise<void> {
    this.#transport.destroy();
    return this.#clock.settle();
  }

  last<T extends Packet['type']>(type: T): Extract<Packet, { type: T }> | undefined {
    return this.packets.findLast((packet): packet is Extract<Packet, { type: T }> => packet.type === type);
  }

  get published(): PublishPacket[] {
    return this.packets.filter((packet) => packet.type === 'publish');
  }

  /** What the CONNACK said was lost, by cause. */
  get lost(): Record<string, number> {
    const properties = this.last('connack')?.properties?.userProperties ?? [];
    const losses = properties.filter(([name]) => name.startsWith('lost-'));
    return Object.fromEntries(losses.map(([name, count]) => [name.slice(5), Number(count)]));
  }
}

/** A PUBLISH with a text in it. */
export function publishOf(
  topic: string,
  text: string,
  qos: 0 | 1 | 2,
  packetIdentifier: number,
  retain = false,
): PublishPacket {
  const payload = new TextEncoder().encode(text);
  return { type: 'publish', topic, payload, qos, retain, dup: false, packetIdentifier, properties: undefined };
}
