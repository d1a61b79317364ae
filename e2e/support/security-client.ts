import { connect, type Socket } from 'node:net';
import { type Broker, type BrokerOptions, createBroker } from '@hawser/broker';
import {
  type ConnackPacket,
  type ConnectPacket,
  decodePacket,
  encodePacket,
  type Packet,
  PacketReader,
  type ProtocolVersion,
} from '@hawser/codec';

/** A broker in this process, on a free port of loopback; loopback may be banned like everybody. */
export async function startGuardedBroker(options: BrokerOptions = {}): Promise<Broker & { readonly port: number }> {
  const settings = { 'bans.exempt': '', ...options.settings };
  const broker = await createBroker({ listeners: ['mqtt://127.0.0.1:0'], loopDelayMs: () => 0, ...options, settings });
  return Object.assign(broker, { port: portOf(broker.urls[0]) });
}

export function portOf(url: string | undefined): number {
  return Number(new URL(url ?? '').port);
}

export interface AttackerOptions {
  /** One of this machine's: 127.0.0.2 is another address than 127.0.0.1. */
  readonly from?: string;
  /** Sent first of all, before anything of MQTT. */
  readonly before?: Uint8Array | string;
}

type Fields = Partial<Omit<ConnectPacket, 'type' | 'password'>> & { readonly password?: string | undefined };

/** A client that says what a test wants, and listens. */
export class Attacker {
  readonly socket: Socket;
  readonly version: ProtocolVersion;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  readonly #reader = new PacketReader();
  readonly #packets: Packet[] = [];
  #isClosed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket, version: ProtocolVersion) {
    this.socket = socket;
    this.version = version;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#onData(new Uint8Array(chunk)));
    socket.on('end', () => socket.end());
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  /** A network connection; nothing is said yet. */
  static async open(port: number, version: ProtocolVersion = 5, options: AttackerOptions = {}): Promise<Attacker> {
    const { from, before } = options;
    const socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      ...(from === undefined ? {} : { localAddress: from }),
    });
    const attacker = new Attacker(socket, version);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    if (before !== undefined) socket.write(before);
    return attacker;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(packet: Packet): void {
    this.socket.write(encodePacket(packet, this.version));
  }

  /** CONNECT, and what comes back; undefined: the end. */
  async connect(fields: Fields = {}): Promise<ConnackPacket | undefined> {
    this.send(connectPacket(this.version, fields));
    const packet = await this.next();
    return packet?.type === 'connack' ? packet : undefined;
  }

  /** The next packet; undefined: the connection has ended. */
  async next(): Promise<Packet | undefined> {
    while (this.#packets.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#packets.shift();
  }

  /** What comes until everything that was sent has been handled: acknowledgements may come behind the first PINGRESP. */
  async drain(): Promise<Packet[]> {
    const seen: Packet[] = [];
    for (let pings = 0; pings < 2; pings++) {
      this.send({ type: 'pingreq' });
      for (let packet = await this.next(); packet?.type !== 'pingresp'; packet = await this.next()) {
        if (packet === undefined) return seen;
        seen.push(packet);
      }
    }
    return seen;
  }

  async end(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #onData(bytes: Uint8Array): void {
    this.#reader.push(bytes);
    while (this.#reader.next()) {
      const { firstByte, bytes: buffer, bodyStart, end } = this.#reader;
      this.#packets.push(decodePacket({ firstByte, bytes: buffer.slice(), bodyStart, end }, this.version, 'to-client'));
    }
    this.#wake();
  }
}

export function connectPacket(version: ProtocolVersion, { password, ...fields }: Fields): ConnectPacket {
  return {
    type: 'connect',
    protocolVersion: version,
    cleanStart: true,
    keepAlive: 60,
    clientId: 'device-7',
    username: undefined,
    password: password === undefined ? undefined : new TextEncoder().encode(password),
    will: undefined,
    properties: undefined,
    bridge: false,
    ...fields,
  };
}

/** Runs it with a connection that is gone afterwards. */
export async function withAttacker<T>(
  port: number,
  version: ProtocolVersion,
  run: (attacker: Attacker) => Promise<T>,
  options: AttackerOptions = {},
): Promise<T> {
  const attacker = await Attacker.open(port, version, options);
  try {
    return await run(attacker);
  } finally {
    await attacker.end();
  }
}
