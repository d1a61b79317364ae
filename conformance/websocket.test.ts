import { request } from 'node:http';
import { connect } from 'node:net';
import { encodePacket } from '@hawser/codec';
import { expect } from 'vitest';
import { fromHex, toHex } from './harness/bytes.ts';
import { connectPacket, filter, publish, subscribe } from './harness/packets.ts';
import { type Run, suite } from './harness/statement.ts';

const statement = suite({}, ['ws']);

statement('MQTT31 MQTT311-6.0.0-1 MQTT5-6.0.0-1', 'a text frame ends the connection', async (run) => {
  const watcher = await run.connect();
  await run.subscribe(watcher, run.topic('will'));
  const peer = await run.connect({ will: { topic: run.topic('will') } });
  peer.wire.writeText('hello');
  const packets: string[] = [];
  while (!peer.isClosed)
    await peer.next().then(
      ({ type }) => packets.push(type),
      () => {},
    );
  expect(packets.filter((type) => type !== 'disconnect')).toEqual([]);
  await watcher.expect('publish', { text: 'will' });
});

statement(
  'MQTT31 MQTT311-6.0.0-2 MQTT5-6.0.0-2',
  'packets need not keep to frames: many in one, one in many',
  async (run) => {
    const peer = await run.open();
    const { version } = run;
    peer.send(
      connectPacket(version, { clientId: run.id('c') }),
      subscribe(1, [filter(run.topic('a'))]),
      publish(run.topic('a'), 'one'),
    );
    await peer.expect('connack');
    await peer.expect('suback');
    await peer.expect('publish', { text: 'one' });
    for (const byte of encodePacket(publish(run.topic('a'), 'two'), version)) peer.send(Uint8Array.of(byte));
    await peer.expect('publish', { text: 'two' });
    const both = encodePacket(publish(run.topic('a'), 'three'), version);
    peer.send('c0', both.subarray(0, 0));
    peer.send('00', both.subarray(0, 5));
    peer.send(both.subarray(5), 'c0 00');
    await peer.expect('pingresp');
    await peer.expect('publish', { text: 'three' });
    await peer.expect('pingresp');
  },
);

statement(
  'MQTT31 MQTT311-6.0.0-2 MQTT5-6.0.0-2',
  'a frame of a megabyte and more, with thousands of packets in it, is read',
  async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'));
    const peer = await run.connect();
    const packet = publish(run.topic('a'), 'x'.repeat(1000));
    peer.send(...Array.from({ length: 1500 }, () => packet));
    for (let i = 0; i < 1500; i++) await watcher.expect('publish');
    await peer.expectNothing();
  },
);

statement('MQTT31 MQTT311 MQTT5', 'an empty frame means nothing', async ({ connect: open }) => {
  const peer = await open();
  peer.send('');
  await peer.expectNothing();
});

statement('MQTT311-6.0.0-3 MQTT5-6.0.0-3', 'who does not offer the subprotocol mqtt is refused', async (run) => {
  expect((await upgrade(run, undefined)).status).toBe(400);
  expect((await upgrade(run, 'chat, mqttx')).status).toBe(400);
});

statement('MQTT311-6.0.0-4 MQTT5-6.0.0-4', 'the subprotocol that is chosen is mqtt', async (run) => {
  for (const offered of ['mqtt', 'chat, mqtt', 'mqtt, chat']) {
    expect(await upgrade(run, offered)).toEqual({ status: 101, protocol: 'mqtt' });
  }
});

statement('MQTT311 MQTT5', 'another path is refused with 404', async (run) => {
  expect((await upgrade(run, 'mqtt', '/other')).status).toBe(404);
});

statement('MQTT311 MQTT5', 'MQTT without a WebSocket on the WebSocket port is closed', async (run) => {
  const { hostname, port } = new URL(run.broker.ws);
  const socket = connect(Number(port), hostname);
  socket.write(fromHex('10 0d 00 04 4d 51 54 54 04 02 00 3c 00 01 61'));
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += String(chunk);
  });
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
});

statement('MQTT31 MQTT311 MQTT5', 'what the broker sends comes in binary frames', async (run) => {
  const socket = new WebSocket(run.broker.ws, ['mqtt']);
  socket.binaryType = 'arraybuffer';
  await new Promise<void>((resolve) => socket.addEventListener('open', () => resolve()));
  const answer = new Promise<unknown>((resolve) => socket.addEventListener('message', ({ data }) => resolve(data)));
  socket.send(new Uint8Array(encodePacket(connectPacket(run.version, { clientId: run.id('c') }), run.version)));
  const data = await answer;
  expect(data).toBeInstanceOf(ArrayBuffer);
  expect(toHex(new Uint8Array(data as ArrayBuffer)).startsWith('20')).toBe(true);
  socket.close();
});

/** The answer to a request for a WebSocket. */
function upgrade(
  run: Run,
  offered: string | undefined,
  path?: string,
): Promise<{ status: number; protocol?: string | undefined }> {
  const url = new URL(run.broker.ws.replace('ws:', 'http:'));
  return new Promise((resolve, reject) => {
    const asking = request({
      host: url.hostname,
      port: url.port,
      path: path ?? url.pathname,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-version': '13',
        ...(offered === undefined ? {} : { 'sec-websocket-protocol': offered }),
      },
    });
    asking.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, protocol: response.headers['sec-websocket-protocol'] });
    });
    asking.on('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0 });
    });
    asking.on('error', reject);
    asking.end();
  });
}
