import type { Transport } from '@hawser/transport/transport';
import { expect, it } from 'vitest';
import { pageTime } from './page-clock.ts';
import { webSocketTransport } from './websocket-transport.ts';

/** What a transport uses of a browser's WebSocket. */
class FakeWebSocket {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: number[] = [];
  readonly closes: (number | undefined)[] = [];
  onmessage: (event: { data: ArrayBuffer | string }) => void = () => {};
  onclose: (event: { code: number; reason: string }) => void = () => {};
  send(bytes: Uint8Array): void {
    this.sent.push(bytes.length);
  }
  close(code?: number): void {
    this.closes.push(code);
  }
}

const info = { kind: 'ws', remoteAddress: 'server', remotePort: 80, tls: undefined } as const;

function open(): { socket: FakeWebSocket; transport: Transport; told: string[]; start: () => Promise<void> } {
  const socket = new FakeWebSocket();
  const transport = webSocketTransport(socket as unknown as WebSocket, pageTime, info);
  const told: string[] = [];
  const start = async (): Promise<void> => {
    transport.start({
      onData: (bytes) => told.push(`${bytes.length} bytes`),
      onDrain: () => {},
      onClose: (error) => told.push(`closed${error === undefined ? '' : `: ${error.message}`}`),
    });
    await Promise.resolve();
  };
  return { socket, transport, told, start };
}

it('keeps what comes while it is paused, up to a bound', async () => {
  const { socket, transport, told, start } = open();
  const come = (count: number): void => {
    for (let i = 0; i < count; i++) socket.onmessage({ data: new ArrayBuffer(1) });
  };
  come(1500);
  await start();
  expect(told).toHaveLength(1500);
  transport.pause();
  come(900);
  expect(told).toHaveLength(1500);
  come(5000);
  expect(told).toHaveLength(1500 + 4900);
  transport.resume();
  expect(told).toHaveLength(1500 + 5900);
});

it('passes over an empty frame, the first one too', async () => {
  const { socket, told, start } = open();
  await start();
  socket.onmessage({ data: new ArrayBuffer(0) });
  socket.onmessage({ data: new ArrayBuffer(4) });
  expect(told).toEqual(['4 bytes']);
});

it('gives what came before the end, and then the end, also when it was paused or had not begun', async () => {
  for (const isStarted of [true, false]) {
    const { socket, transport, told, start } = open();
    if (isStarted) {
      await start();
      transport.pause();
    }
    socket.onmessage({ data: new ArrayBuffer(2) });
    socket.onclose({ code: 1006, reason: '' });
    expect(told).toEqual([]);
    if (isStarted) transport.resume();
    else await start();
    expect(told).toEqual(['2 bytes', 'closed']);
  }
});

it('ends with a text frame, and takes nothing that comes behind it', async () => {
  const { socket, told, start } = open();
  await start();
  socket.onmessage({ data: 'text' });
  socket.onmessage({ data: new ArrayBuffer(1) });
  socket.onclose({ code: 1005, reason: '' });
  expect(socket.closes).toEqual([1000]);
  expect(told).toEqual(['closed: a text frame came over the WebSocket, but MQTT is sent in binary frames']);
});

it('sends a long write in frames that servers take', async () => {
  const { socket, transport, start } = open();
  await start();
  transport.write([new Uint8Array(600 * 1024), new Uint8Array(3)]);
  expect(socket.sent).toEqual([256 * 1024, 256 * 1024, 88 * 1024, 3]);
});
