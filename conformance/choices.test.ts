import { describe, expect } from 'vitest';
import { connectPacket, publish } from './harness/packets.ts';
import { suite } from './harness/statement.ts';

describe('overlapping: each', () => {
  const statement = suite({ set: { 'subscriptions.overlapping': 'each', 'limits.topicAliasMaximum': 0 } });

  statement(
    'MQTT5-3.3.4-5',
    'a copy for each subscription, at its QoS, with its Subscription Identifier',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('#'), 0, { subscriptionIdentifier: 1 });
      await run.subscribe(watcher, run.topic('+'), 1, { subscriptionIdentifier: 2 });
      await run.subscribe(watcher, run.topic('a'), 2);
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'x', { qos: 2 });
      const copies = (await watcher.drain()).filter((packet) => packet.type === 'publish');
      const seen = copies.map(({ qos, properties }) => `${qos}:${properties?.subscriptionIdentifiers ?? ''}`);
      expect(seen.sort()).toEqual(['0:1', '1:2', '2:']);
    },
  );

  statement('MQTT31 MQTT311-3.3.5-1', 'a copy for each subscription, at its QoS', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('#'), 0);
    await run.subscribe(watcher, run.topic('a'), 2);
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { qos: 2 });
    const copies = (await watcher.drain()).filter((packet) => packet.type === 'publish');
    expect(copies.map(({ qos }) => qos).sort()).toEqual([0, 2]);
  });

  statement(
    'MQTT5-3.2.2-18',
    'where no Topic Alias Maximum is announced any alias is refused with 0x94',
    async (run) => {
      const peer = await run.connect();
      expect(peer.connack?.properties?.topicAliasMaximum).toBeUndefined();
      peer.send(publish(run.topic('a'), 'x', { properties: { topicAlias: 1 } }));
      await peer.expectDisconnected(0x94);
    },
  );
});

describe('a full queue', () => {
  const statement = suite({ set: { 'queue.policy': 'refuse', 'queue.messages': 3, 'limits.clientIdLong31': true } });

  statement(
    'MQTT31 MQTT311-4.8.0-2 MQTT5',
    'with the policy refuse: 0x97 in 5.0, the end without an acknowledgement in 3.x, and nobody gets the message',
    async (run) => {
      const fields = {
        clientId: run.id('k'),
        cleanStart: false,
        properties: run.version === 5 ? { sessionExpiryInterval: 60 } : undefined,
      };
      const away = await run.connect(fields);
      await run.subscribe(away, run.topic('a'), 2);
      await away.disconnect();
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('a'), 0);
      const peer = await run.connect();
      for (const text of ['1', '2', '3']) {
        await run.publish(peer, run.topic('a'), text, { qos: 2 });
        await watcher.expect('publish', { text });
      }
      const five = run.version === 5;
      for (const [qos, type] of [
        [1, 'puback'],
        [2, 'pubrec'],
      ] as const) {
        const other = five ? peer : await run.connect();
        other.send(publish(run.topic('a'), 'too many', { qos, packetIdentifier: 77 }));
        if (five) await other.expect(type, { packetIdentifier: 77, reasonCode: 0x97 });
        else await other.expectClosed();
      }
      await watcher.expectNothing();
      const again = await run.connect(fields);
      for (const text of ['1', '2', '3']) await again.expect('publish', { text });
      const last = await run.connect();
      await run.publish(last, run.topic('a'), 'room again', { qos: 1 });
      await again.expect('publish', { text: 'room again' });
    },
  );

  statement('MQTT31', 'with limits.clientIdLong31 a Client Identifier of 3.1 may be long', async (run) => {
    const peer = await run.open();
    peer.send(connectPacket(3, { clientId: run.id('x'.repeat(100)) }));
    await peer.expectBytes('20 02 00 00');
  });
});

describe('a full queue that drops', () => {
  const statement = suite({ set: { 'queue.messages': 3 } });

  statement(
    'MQTT31 MQTT311 MQTT5',
    'by default the oldest goes, acknowledged; 5.0 clients are told at the reconnect',
    async (run) => {
      const fields = {
        clientId: run.id('k'),
        cleanStart: false,
        properties: run.version === 5 ? { sessionExpiryInterval: 60 } : undefined,
      };
      const away = await run.connect(fields);
      await run.subscribe(away, run.topic('a'), 1);
      await away.disconnect();
      const peer = await run.connect();
      for (const text of ['1', '2', '3', '4', '5']) await run.publish(peer, run.topic('a'), text, { qos: 1 });
      const again = await run.connect(fields);
      if (run.version === 5) {
        expect(again.connack?.properties?.userProperties).toContainEqual(['lost-queue-full', '2']);
      }
      for (const text of ['3', '4', '5']) await again.expect('publish', { text });
      await again.expectNothing();
    },
  );
});
