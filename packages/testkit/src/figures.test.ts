import { inspectOverview } from '@hawser/broker';
import { expect, test } from 'vitest';
import { publishPacket, Stage, subscribePacket } from './testing/causes/stage.ts';

test('PUBLISH packets and payload bytes are counted as they are sent: by groups, one by one, and from queues', async () => {
  const stage = new Stage({ settings: { 'fanout.minimumMembers': 2, 'limits.inflight3': 1 }, run() {} });
  await stage.open();
  const join = (clientId: string, version: 4 | 5 = 5) => stage.join(version, { clientId });
  const readers = [await join('a'), await join('b'), await join('c', 4), await join('d', 4), await join('e')];
  for (const [i, reader] of readers.entries()) await stage.send(reader, subscribePacket('t', i < 4 ? 0 : 2));
  const publisher = await join('publisher');
  for (let i = 1; i <= 7; i++) {
    const payload = new Uint8Array(i * 10);
    await stage.send(publisher, publishPacket('t', (i % 3) as 0 | 1 | 2, i % 3 === 0 ? 0 : i, { payload }));
  }
  await stage.send(publisher, publishPacket('nobody', 0, 0));
  const got = readers.flatMap((reader) => reader.decoded()).filter((packet) => packet.type === 'publish');
  const bytes = got.reduce((sum, { payload }) => sum + payload.length, 0);
  expect(got).toHaveLength(35);
  expect(inspectOverview(stage.broker)).toMatchObject({
    messagesReceived: 8,
    messagesSent: got.length,
    payloadBytesReceived: 284,
    payloadBytesSent: bytes,
    packetsSent: [...readers, publisher].reduce((sum, peer) => sum + peer.decoded().length, 0),
  });
});
