import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { encodePacket } from '@hawser/codec';

/** How an attempt to connect ended, as the client saw it. */
export interface TlsAttempt {
  /** Of the CONNACK; undefined: there was none. */
  readonly reasonCode: number | undefined;
  /** What OpenSSL or the system said. */
  readonly error: string | undefined;
  readonly clientId: string;
  /** The client's own port, by which the broker's log knows it. */
  readonly localPort: number;
  /** To be destroyed by the caller. */
  readonly socket: TLSSocket;
  /** The last ticket that came. */
  readonly session: () => Buffer | undefined;
}

let lastNumber = 0;

/** Connects over TLS and sends a CONNECT; settles with the CONNACK, or when the connection is gone. Never rejects. */
export async function attemptTls(port: number, options: ConnectionOptions): Promise<TlsAttempt> {
  const raw = connectTcp({ host: '127.0.0.1', port });
  await new Promise((resolve) => raw.once('connect', resolve).once('error', resolve));
  lastNumber += 1;
  const clientId = `tls-${lastNumber}`;
  const localPort = raw.localPort ?? 0;
  const socket = connect({ servername: 'localhost', ...options, socket: raw });
  let session: Buffer | undefined;
  socket.on('session', (ticket: Buffer) => {
    session = ticket;
  });
  const { reasonCode, error } = await connackOf(socket, raw, clientId);
  return { reasonCode, error, clientId, localPort, socket, session: () => session };
}

function connackOf(
  socket: TLSSocket,
  raw: Socket,
  clientId: string,
): Promise<Pick<TlsAttempt, 'reasonCode' | 'error'>> {
  return new Promise((resolve) => {
    let error: string | undefined;
    socket.once('secureConnect', () => socket.write(connectPacket(clientId)));
    socket.on('error', (fault: NodeJS.ErrnoException) => {
      error ??= fault.code ?? fault.message;
    });
    socket.once('data', (bytes: Buffer) => resolve({ reasonCode: bytes[3], error: undefined }));
    socket.once('close', () => {
      raw.destroy();
      resolve({ reasonCode: undefined, error });
    });
  });
}

function connectPacket(clientId: string): Uint8Array {
  return encodePacket(
    {
      type: 'connect',
      protocolVersion: 5,
      cleanStart: true,
      keepAlive: 0,
      clientId,
      username: undefined,
      password: undefined,
      will: undefined,
      properties: undefined,
      bridge: false,
    },
    5,
  );
}
