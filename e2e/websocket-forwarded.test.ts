import { request } from 'node:http';
import type { Broker } from '@hawser/broker';
import { encodePacket } from '@hawser/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectPacket, portOf, startGuardedBroker } from './support/security-client.ts';

const seen: { readonly address: string; readonly port: number }[] = [];
const refused: string[] = [];
let broker: Broker;

beforeAll(async () => {
  broker = await startGuardedBroker({
    listeners: [{ url: 'ws://127.0.0.1:0/mqtt', forwardedFrom: ['127.0.0.2', '10.0.0.0/8'] }, 'ws://127.0.0.1:0/mqtt'],
    observe: {
      onConnected: ({ client }) => seen.push({ address: client.remoteAddress, port: client.remotePort }),
      onRefused: ({ remoteAddress, cause }) => refused.push(`${remoteAddress} ${cause.code}`),
    },
  });
});
afterAll(() => broker?.close());

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'mqtt',
};

/** Opens a WebSocket and sends a CONNECT in it; settles with the HTTP status once something has come back, or it was closed. */
function connect(listener: number, from: string, headers: Record<string, string | string[]>): Promise<number> {
  return new Promise((resolve, reject) => {
    const port = portOf(broker.urls[listener]);
    const asked = request({
      host: '127.0.0.1',
      port,
      path: '/mqtt',
      localAddress: from,
      headers: { ...UPGRADE, ...headers },
    });
    asked.on('error', reject);
    asked.on('response', (response) => resolve(response.resume().statusCode ?? 0));
    asked.on('upgrade', (response, socket) => {
      const packet = encodePacket(connectPacket(5, {}), 5);
      socket.write(Buffer.concat([Buffer.of(0x82, 0x80 | packet.length, 0, 0, 0, 0), packet]));
      socket.on('error', () => {}).once('data', () => socket.destroy());
      socket.once('close', () => resolve(response.statusCode ?? 0));
    });
    asked.end();
  });
}

describe('X-Forwarded-For in front of WebSocket listeners', () => {
  it('of a trusted proxy is the address of the client: the rightmost that is no proxy', async () => {
    seen.length = 0;
    await connect(0, '127.0.0.2', { 'x-forwarded-for': '203.0.113.7' });
    await connect(0, '127.0.0.2', { 'x-forwarded-for': '1.1.1.1, 203.0.113.8, 10.1.1.1' });
    await connect(0, '127.0.0.2', { 'x-forwarded-for': ['1.1.1.1', '2001:db8::9'] });
    expect(seen).toEqual([
      { address: '203.0.113.7', port: 0 },
      { address: '203.0.113.8', port: 0 },
      { address: '2001:db8::9', port: 0 },
    ]);
  });

  it('of anybody else is passed over: not believed, and no reason to refuse', async () => {
    seen.length = 0;
    const headers = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.7' };
    expect(await connect(0, '127.0.0.3', headers)).toBe(101);
    expect(await connect(1, '127.0.0.2', headers)).toBe(101);
    expect(await connect(0, '127.0.0.2', { forwarded: 'for=203.0.113.7' })).toBe(101);
    // What a proxy that nobody has named brings from this machine is not from this machine.
    expect(seen.map(({ address }) => address)).toEqual(['0.0.0.0', '0.0.0.0', '127.0.0.2']);
  });

  it('is the address of what is refused too, and of bans', async () => {
    refused.length = 0;
    seen.length = 0;
    const forged = { 'x-forwarded-for': '203.0.113.66', origin: 'https://evil.example' };
    expect(await connect(0, '127.0.0.2', forged)).toBe(403);
    broker.bans.add('203.0.113.66', 'it was bad', 60);
    await connect(0, '127.0.0.2', { 'x-forwarded-for': '203.0.113.66' });
    await connect(0, '127.0.0.2', { 'x-forwarded-for': '203.0.113.67' });
    await expect.poll(() => refused).toEqual(['203.0.113.66 origin-refused', '203.0.113.66 banned']);
    expect(seen.map(({ address }) => address)).toEqual(['203.0.113.67']);
  });
});
