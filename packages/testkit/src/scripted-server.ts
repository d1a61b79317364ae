import { type Client, type ClientOptions, connectWith, type Platform } from '@hawser/client';
import {
  type ConnackPacket,
  type ConnackProperties,
  type ConnectPacket,
  decodePacket,
  encodePacket,
  type Packet,
  PacketReader,
  type ProtocolVersion,
} from '@hawser/codec';
import { MemoryNetwork, type Transport } from '@hawser/transport';
import type { FakeClock } from './fake-clock.ts';

/** A client's platform whose connections go where `accept` takes them, under a clock that stands still. */
export function memoryPlatform(
  clock: FakeClock,
  accept: (transport: Transport, url: string) => void,
  seed = 1,
): Platform {
  const network = new MemoryNetwork({ clock, seed });
  let ids = 0;
  return {
    name: 'node',
    clock,
    // The upper bound of every delay: tests can count on it.
    random: () => 1,
    generateClientId: () => `client${++ids}`,
    async dial(address, { onStage }) {
      onStage('tcp', { host: address.host, port: address.port });
      const [near, far] = network.connect();
      accept(far, `${address.transport}://${address.host}:${address.port}`);
      return near;
    },
  };
}

type OnPacket = (packet: Packet, connection: ScriptedConnection) => void;

/** The server's end of one connection, of which a test sees and writes every packet. */
export class ScriptedConnection {
  readonly packets: Packet[] = [];
  readonly url: string;
  isClosed = false;
  version: ProtocolVersion = 5;
  readonly #transport: Transport;
  readonly #clock: FakeClock;
  readonly #reader = new PacketReader();
  readonly #onPacket: OnPacket;

  constructor(transport: Transport, url: string, clock: FakeClock, onPacket: OnPacket) {
    this.#transport = transport;
    this.url = url;
    this.#clock = clock;
    this.#onPacket = onPacket;
    transport.start({
      onData: (bytes) => this.#receive(bytes),
      onDrain: () => {},
      onClose: () => {
        this.isClosed = true;
      },
    });
  }

  get connect(): ConnectPacket {
    const first = this.packets[0];
    if (first?.type !== 'connect') throw new Error('no CONNECT has come');
    return first;
  }

  of<T extends Packet['type']>(type: T): Extract<Packet, { type: T }>[] {
    return this.packets.filter((packet): packet is Extract<Packet, { type: T }> => packet.type === type);
  }

  write(...packets: Packet[]): void {
    for (const packet of packets) this.#transport.write([encodePacket(packet, this.version)]);
  }

  writeBytes(bytes: Uint8Array): void {
    this.#transport.write([bytes]);
  }

  async send(...packets: Packet[]): Promise<void> {
    this.write(...packets);
    await this.#clock.settle();
  }

  /** The network connection is gone. */
  async cut(): Promise<void> {
    this.#transport.destroy();
    await this.#clock.settle();
  }

  end(): void {
    this.#transport.end();
  }

  #receive(bytes: Uint8Array): void {
    this.#reader.push(bytes.slice());
    while (this.#reader.next()) {
      const { firstByte, bytes: all, bodyStart, end } = this.#reader;
      const body = all.slice(bodyStart, end);
      const packet = decodePacket(
        { firstByte, bytes: body, bodyStart: 0, end: body.length },
        this.version,
        'to-server',
      );
      if (packet.type === 'connect') this.version = packet.protocolVersion;
      this.packets.push(packet);
      this.#onPacket(packet, this);
    }
  }
}

/** A server that does what a test says. By default it accepts, grants and acknowledges everything and forwards nothing. */
export class ScriptedServer {
  readonly clock: FakeClock;
  readonly platform: Platform;
  readonly connections: ScriptedConnection[] = [];
  /** Errors of its clients that nothing listened to. */
  readonly unheard: Error[] = [];
  /** For CONNACKs to come. */
  connack: Partial<ConnackPacket> = {};
  /** Takes a packet away from the default answers by returning true. */
  intercept: (packet: Packet, connection: ScriptedConnection) => boolean = () => false;

  constructor(clock: FakeClock) {
    this.clock = clock;
    const accept = (transport: Transport, url: string): void => {
      this.connections.push(
        new ScriptedConnection(transport, url, clock, (packet, connection) => this.#answer(packet, connection)),
      );
    };
    this.platform = { ...memoryPlatform(clock, accept), onUnheard: (error) => this.unheard.push(error) };
  }

  /** The latest connection. */
  get last(): ScriptedConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error('no connection has come');
    return last;
  }

  /** A client that begins to connect: time must pass for it. */
  connect(options: ClientOptions = {}): Promise<Client> {
    return connectWith(this.platform, { url: 'mqtt://server', ...options });
  }

  /** A client that is connected to it. */
  async client(options: ClientOptions = {}): Promise<Client> {
    const connecting = this.connect(options);
    connecting.catch(() => {});
    await this.clock.settle();
    return connecting;
  }

  #answer(packet: Packet, connection: ScriptedConnection): void {
    if (this.intercept(packet, connection)) return;
    switch (packet.type) {
      case 'connect':
        connection.write(connack(this.connack));
        return;
      case 'subscribe':
        connection.write({
          type: 'suback',
          packetIdentifier: packet.packetIdentifier,
          properties: undefined,
          reasonCodes: packet.subscriptions.map(({ qos }) => qos),
        });
        return;
      case 'unsubscribe':
        connection.write({
          type: 'unsuback',
          packetIdentifier: packet.packetIdentifier,
          properties: undefined,
          reasonCodes: connection.version === 5 ? packet.topicFilters.map(() => 0) : [],
        });
        return;
      case 'publish':
        if (packet.qos > 0) connection.write(ack(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetIdentifier));
        return;
      case 'pubrec':
        connection.write(ack('pubrel', packet.packetIdentifier));
        return;
      case 'pubrel':
        connection.write(ack('pubcomp', packet.packetIdentifier));
        return;
      case 'pingreq':
        connection.write({ type: 'pingresp' });
        return;
      case 'disconnect':
        connection.end();
    }
  }
}

export function connack(
  given: Partial<ConnackPacket> & { properties?: ConnackProperties | undefined } = {},
): ConnackPacket {
  return { type: 'connack', sessionPresent: false, reasonCode: 0, properties: undefined, ...given };
}

export function ack(
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
  packetIdentifier: number,
  reasonCode = 0,
): Packet {
  return { type, packetIdentifier, reasonCode, properties: undefined };
}

export function publish(topic: string, payload: string, qos: 0 | 1 | 2 = 0, packetIdentifier = 0, dup = false): Packet {
  const bytes = new TextEncoder().encode(payload);
  return { type: 'publish', topic, payload: bytes, qos, retain: false, dup, packetIdentifier, properties: undefined };
}
