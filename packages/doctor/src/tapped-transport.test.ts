import { encodePacket } from '@hawser/codec';
import type { Transport, TransportHandler } from '@hawser/transport';
import { expect, it } from 'vitest';
import { TappedTransport } from './tapped-transport.ts';

class Line implements Transport {
  readonly info = { kind: 'memory', remoteAddress: '', remotePort: 0, tls: undefined } as const;
  readonly written: number[][] = [];
  handler: TransportHandler | undefined;
  start(handler: TransportHandler): void {
    this.handler = handler;
  }
  write(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) this.written.push([...chunk]);
    return true;
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

const connect = encodePacket(
  {
    type: 'connect',
    protocolVersion: 4,
    cleanStart: true,
    keepAlive: 0,
    clientId: 'a',
    username: undefined,
    password: undefined,
    will: undefined,
    properties: undefined,
    bridge: false,
  },
  4,
);

it('keeps the CONNACK in the version of the CONNECT, resolves pings, and passes every byte on, however they are cut', async () => {
  const line = new Line();
  const tapped = new TappedTransport(line);
  const passed: number[] = [];
  tapped.start({ onData: (bytes) => passed.push(...bytes), onDrain: () => {}, onClose: () => {} });
  tapped.write([connect.subarray(0, 3), connect.subarray(3)]);
  for (const byte of [0x20, 2, 1, 0]) line.handler?.onData(new Uint8Array([byte]));
  expect(tapped.connack).toEqual({ type: 'connack', sessionPresent: true, reasonCode: 0, properties: undefined });
  const pings = [tapped.ping(), tapped.ping()];
  expect(line.written.slice(-2)).toEqual([
    [0xc0, 0],
    [0xc0, 0],
  ]);
  line.handler?.onData(new Uint8Array([0xd0, 0]));
  await Promise.all(pings);
  expect(passed).toEqual([0x20, 2, 1, 0, 0xd0, 0]);
});

it('leaves it to the client to say what is wrong with the bytes', () => {
  const line = new Line();
  const tapped = new TappedTransport(line);
  let passed = 0;
  tapped.start({ onData: (bytes) => (passed += bytes.length), onDrain: () => {}, onClose: () => {} });
  tapped.write([connect]);
  line.handler?.onData(new Uint8Array([0x48, 0xff, 0xff, 0xff, 0xff, 0xff]));
  line.handler?.onData(new Uint8Array([0x20, 2, 0, 0]));
  expect([tapped.connack, passed]).toEqual([undefined, 10]);
});
