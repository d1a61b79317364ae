import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { FuzzedBroker } from './broker.ts';
import type { FuzzCase } from './case.ts';
import { frame, upgradeRequest } from './websocket.ts';

/** What a hostile client saw. */
export interface Seen {
  /** MQTT bytes from the broker. */
  readonly bytes: Uint8Array;
  /** Chunks that had been written when the end came. */
  readonly written: number;
  /** The broker ended it; otherwise the client did, or nothing happened for long. */
  readonly closedByBroker: boolean;
  /** It never became a connection: refused while TLS or the upgrade was under way. */
  readonly connected: boolean;
}

const QUIET_MS = 250;
/** For the first answer: other floods may be under way. */
const FIRST_MS = 1500;
const DEAF_MS = 1500;
const LARGEST_FRAME = 512 * 1024;
const LONGEST_MS = 10_000;

/** Plays a case against the broker. Never rejects: what goes wrong for a hostile client is its own affair. */
export function play(fuzzCase: FuzzCase, broker: FuzzedBroker): Promise<Seen> {
  return new Promise((resolve) => {
    const { via, layer, deaf } = fuzzCase;
    const port = broker.ports.get(via) ?? 0;
    const secure = layer === 'mqtt' && (via === 'tls' || via === 'wss');
    const framed = layer === 'mqtt' && (via === 'ws' || via === 'wss');
    const socket: Socket = secure
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect({ port, host: '127.0.0.1' });
    const chunks = framed ? fuzzCase.chunks.flatMap(inPieces) : fuzzCase.chunks;
    const received: Buffer[] = [];
    let written = 0;
    let connected = false;
    let closedByBroker = false;
    let quiet: NodeJS.Timeout | undefined;
    let upgraded = !framed;

    const settle = (): void => {
      clearTimeout(quiet);
      clearTimeout(last);
      const all = Buffer.concat(received);
      const bytes = framed ? unframe(all) : via === 'tcp' || via === 'tls' ? all : Buffer.alloc(0);
      resolve({ bytes: new Uint8Array(bytes), written, closedByBroker, connected: connected && upgraded });
    };
    const stop = (): void => {
      socket.destroy();
    };
    const last = setTimeout(stop, LONGEST_MS);
    const wait = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(stop, deaf ? DEAF_MS : received.length === 0 ? FIRST_MS : QUIET_MS);
    };
    const next = (): void => {
      if (socket.destroyed || closedByBroker) return;
      const chunk = chunks[written];
      if (chunk === undefined) {
        wait();
        return;
      }
      written++;
      const bytes = framed ? frame(2, true, chunk, written * 7919) : chunk;
      if (socket.write(bytes)) setImmediate(next);
      else {
        wait();
        socket.once('drain', next);
      }
    };
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.once('close', settle);
    socket.on('end', () => {
      closedByBroker = true;
    });
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      connected = true;
      if (framed) socket.write(upgradeRequest());
      else begin();
    });
    const begin = (): void => {
      if (deaf) socket.pause();
      next();
    };
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      if (quiet !== undefined && !deaf) wait();
      if (upgraded || !Buffer.concat(received).includes('\r\n\r\n')) return;
      upgraded = true;
      begin();
    });
  });
}

/** No frame is larger than what a broker must take; cases below MQTT have others. */
function inPieces(chunk: Uint8Array): Uint8Array[] {
  const count = Math.ceil(chunk.length / LARGEST_FRAME);
  return Array.from({ length: count }, (_, i) => chunk.subarray(i * LARGEST_FRAME, (i + 1) * LARGEST_FRAME));
}

/** What is in the binary frames of a server, after its answer to the upgrade. */
function unframe(bytes: Buffer): Buffer {
  const payloads: Buffer[] = [];
  let at = bytes.indexOf('\r\n\r\n') + 4;
  while (at >= 4 && at + 2 <= bytes.length) {
    const opcode = (bytes[at] ?? 0) & 15;
    let length = (bytes[at + 1] ?? 0) & 127;
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    if (opcode === 2 || opcode === 0) payloads.push(bytes.subarray(at, at + length));
    at += length;
  }
  return Buffer.concat(payloads);
}
