import { connect, type Socket } from 'node:net';
import {
  type ConnackPacket,
  type ConnectPacket,
  decodePacket,
  encodePacket,
  type Packet,
  PacketReader,
  type ProtocolVersion,
} from '@hawser/codec';

export interface RawConnectOptions {
  readonly port: number;
  readonly clientId: string;
  readonly version: ProtocolVersion;
  readonly cleanStart: boolean;
  /** 5.0; a day unless given. */
  readonly sessionExpiryInterval?: number;
  readonly will?: ConnectPacket['will'];
  /** Seconds; none unless given. */
  readonly keepAlive?: number;
  /** Every packet after the CONNACK. Those that come with it in one piece come after `openRaw` has settled. */
  onPacket(packet: Packet): void;
}

/** A network connection that speaks packets and knows nothing of sessions: tests decide what is sent. */
export class RawConnection {
  readonly socket: Socket;
  readonly connack: ConnackPacket;
  readonly closed: Promise<void>;
  readonly #version: ProtocolVersion;

  constructor(socket: Socket, connack: ConnackPacket, version: ProtocolVersion) {
    this.socket = socket;
    this.connack = connack;
    this.#version = version;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  send(packet: Packet): void {
    this.socket.write(encodePacket(packet, this.#version));
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** Connects; settles with the CONNACK, whatever it says. */
export function openRaw(options: RawConnectOptions): Promise<RawConnection> {
  const { port, clientId, version, cleanStart, sessionExpiryInterval = 86_400, keepAlive = 0 } = options;
  const packet: ConnectPacket = {
    type: 'connect',
    protocolVersion: version,
    cleanStart,
    keepAlive,
    clientId,
    username: undefined,
    password: undefined,
    will: options.will,
    properties: version === 5 ? { sessionExpiryInterval } : undefined,
    bridge: false,
  };
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const reader = new PacketReader();
    let connection: RawConnection | undefined;
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed before the CONNACK')));
    socket.once('connect', () => socket.write(encodePacket(packet, version)));
    socket.on('data', (chunk: Uint8Array) => {
      reader.push(chunk);
      while (reader.next()) {
        const decoded = decodePacket(reader, version, 'to-client');
        if (connection !== undefined) {
          options.onPacket(decoded);
          continue;
        }
        if (decoded.type !== 'connack') {
          reject(new Error(`${decoded.type} before CONNACK`));
          return;
        }
        connection = new RawConnection(socket, decoded, version);
        resolve(connection);
        // What follows in the same chunk waits until the caller has the connection.
        socket.pause();
        const rest = reader;
        setImmediate(() => {
          drain(rest);
          socket.resume();
        });
        return;
      }
    });
    const drain = (rest: PacketReader) => {
      while (rest.next()) options.onPacket(decodePacket(rest, version, 'to-client'));
    };
  });
}
