import { expect, it } from 'vitest';
import { webSocketTransport } from './websocket-transport.ts';

/** What a transport uses of a browser's WebSocket. */
class FakeWebSocket {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  onmessage: (event: { data: ArrayBuffer }) => void = () => {};
  onclose: (event: { code: number; reason: string }) => void = () => {};
  send(): void {}
  close(): void {}
}

const info = { kind: 'ws', remoteAddress: 'server', remotePort: 80, tls: undefined } as const;

it('keeps what comes while it is paused, up to a bound', async () => {
  const socket = new FakeWebSocket();
  const transport = webSocketTransport(socket as unknown as WebSocket, info);
  const come = (count: number): void => {
    for (let i = 0; i < count; i++) socket.onmessage({ data: new ArrayBuffer(1) });
  };
  let got = 0;
  const onData = (): void => {
    got++;
  };
  come(1500);
  transport.start({ onData, onDrain: () => {}, onClose: () => {} });
  await Promise.resolve();
  expect(got).toBe(1500);
  transport.pause();
  come(900);
  expect(got).toBe(1500);
  come(5000);
  expect(got).toBe(1500 + 4900);
  transport.resume();
  expect(got).toBe(1500 + 5900);
});
