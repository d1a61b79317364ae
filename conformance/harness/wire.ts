import { connect, type Socket } from 'node:net';
import type { BrokerProcess } from './broker-process.ts';

/** How bytes get to the broker. */
export type Via = 'tcp' | 'ws';

/** What a connection tells its owner. */
export interface WireHandler {
  onBytes(bytes: Uint8Array): void;
  /** The connection has ended; once. `reset`: not in the orderly way. */
  onClosed(): void;
}

/** A network connection of either kind. */
export interface Wire {
  /** TCP: one write. WebSocket: one binary frame. */
  write(bytes: Uint8Array): void;
  /** WebSocket only: a text frame. */
  writeText(text: string): void;
  /** Ends it as a lost network would, without a DISCONNECT. */
  cut(): void;
  /** Takes no bytes until `resume`; TCP only. */
  pause(): void;
  resume(): void;
}

/** Opens a connection. */
export function openWire(broker: BrokerProcess, via: Via, handler: WireHandler): Promise<Wire> {
  return via === 'tcp' ? openTcp(broker, handler) : openWebSocket(broker, handler);
}

async function openTcp({ tcp }: BrokerProcess, handler: WireHandler): Promise<Wire> {
  const socket: Socket = connect(tcp.port, tcp.host);
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => handler.onBytes(new Uint8Array(chunk)));
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.on('close', () => handler.onClosed());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return {
    write: (bytes) => socket.write(bytes),
    writeText: () => {
      throw new Error('TCP has no text frames');
    },
    // FIN, not RST: the broker's own end shows that it knows.
    cut: () => socket.end(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}

async function openWebSocket({ ws }: BrokerProcess, handler: WireHandler): Promise<Wire> {
  const socket = new WebSocket(ws, ['mqtt']);
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('message', ({ data }) => handler.onBytes(new Uint8Array(data as ArrayBuffer)));
  socket.addEventListener('close', () => handler.onClosed());
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new Error(`no WebSocket to ${ws}`)));
  });
  return {
    // A copy: the socket sends later what the caller may change now.
    write: (bytes) => socket.send(new Uint8Array(bytes)),
    writeText: (text) => socket.send(text),
    cut: () => socket.close(),
    pause: () => {},
    resume: () => {},
  };
}
