import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** A WebSocket that sends any frames, also those that a library would not. */
export interface RawWebSocket {
  readonly socket: Socket;
  /** Head of the answer to the upgrade. */
  readonly response: string;
  readonly closed: Promise<void>;
  readonly isClosed: boolean;
  /** `opcode` with the RSV bits in front, as they stand in the first byte. */
  send(payload: Uint8Array, frame: { readonly opcode: number; readonly fin: boolean }): void;
  /** The next bytes that come. */
  next(): Promise<Uint8Array>;
}

/** Opens one at /mqtt, offering compression. */
export async function openWebSocket(port: number): Promise<RawWebSocket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  let isClosed = false;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isClosed = true;
      resolve();
    });
  });
  const next = () => new Promise<Uint8Array>((resolve) => socket.once('data', resolve));
  const head = [
    'GET /mqtt HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Protocol: mqtt',
    'Sec-WebSocket-Extensions: permessage-deflate',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const response = Buffer.from(await next()).toString('latin1');
  // Reads on when nobody waits for anything, so that the end is seen.
  socket.on('data', () => {});
  return {
    socket,
    response,
    closed,
    next,
    get isClosed() {
      return isClosed;
    },
    send(payload, { opcode, fin }) {
      if (socket.writable) socket.write(Buffer.concat([frameHead(payload.length, opcode, fin), payload]));
    },
  };
}

/** The mask is all zero: the payload stays as it is. */
function frameHead(length: number, opcode: number, fin: boolean): Buffer {
  const first = opcode | (fin ? 0x80 : 0);
  const mask = Buffer.alloc(4);
  if (length < 126) return Buffer.concat([Uint8Array.of(first, 0x80 | length), mask]);
  if (length < 65_536) return Buffer.concat([Uint8Array.of(first, 0x80 | 126, length >> 8, length & 255), mask]);
  const wide = Buffer.alloc(10);
  wide.writeUInt8(first, 0);
  wide.writeUInt8(0x80 | 127, 1);
  wide.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([wide, mask]);
}
