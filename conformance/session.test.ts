import { describe, expect } from 'vitest';
import { ack, type ConnectFields, connectPacket, filter, publish, subscribe } from './harness/packets.ts';
import type { Peer, Received } from './harness/peer.ts';
import { type Run, suite } from './harness/statement.ts';

const statement = suite();

/** A client whose session is kept. */
function kept(run: Run, name = 'k', fields: ConnectFields = {}): ConnectFields {
  const { properties, ...others } = fields;
  return {
    clientId: run.id(name),
    cleanStart: false,
    properties: run.version === 5 ? { sessionExpiryInterval: 60, ...properties } : undefined,
    ...others,
  };
}

/** A subscriber with a kept session, and a publisher. */
async function pair(run: Run, qos: 1 | 2): Promise<{ watcher: Peer; peer: Peer; topic: string }> {
  const watcher = await run.connect(kept(run));
  const topic = run.topic('a');
  await run.subscribe(watcher, topic, qos);
  return { watcher, peer: await run.connect(), topic };
}

describe('redelivery to a subscriber', () => {
  statement(
    'MQTT31 MQTT311-4.4.0-1 MQTT311-3.3.1-1 MQTT311-2.3.1-4 MQTT311-4.3.2-1 MQTT5-4.4.0-1 MQTT5-3.3.1-1 MQTT5-4.3.2-3',
    'QoS 1 without PUBACK comes again with DUP and its identifier, in order',
    async (run) => {
      const { watcher, peer, topic } = await pair(run, 1);
      const first: Received<'publish'>[] = [];
      for (const text of ['1', '2', '3', '4']) {
        await run.publish(peer, topic, text, { qos: 1 });
        first.push(await watcher.expect('publish', { text, dup: false }));
      }
      watcher.send(ack('puback', first[1]?.packetIdentifier ?? 0));
      await watcher.expectNothing();
      await watcher.disconnect();
      for (let round = 0; round < 2; round++) {
        const again = await run.connect(kept(run));
        for (const text of ['1', '3', '4']) {
          const packetIdentifier = first.find((packet) => packet.text === text)?.packetIdentifier;
          await again.expect('publish', { text, dup: true, packetIdentifier, qos: 1, topic });
        }
        await again.expectNothing();
        await again.disconnect();
      }
    },
  );

  statement(
    'MQTT31 MQTT311-4.4.0-1 MQTT311-4.3.3-1 MQTT5-4.4.0-1 MQTT5-4.3.3-3 MQTT5-4.3.3-5 MQTT5-4.3.3-6',
    'QoS 2: PUBLISH before PUBREC, PUBREL after it, with their identifiers, in order',
    async (run) => {
      const { watcher, peer, topic } = await pair(run, 2);
      const identifiers: number[] = [];
      for (const text of ['1', '2', '3']) {
        await run.publish(peer, topic, text, { qos: 2 });
        identifiers.push((await watcher.expect('publish', { text, qos: 2, dup: false })).packetIdentifier);
      }
      const [one, two, three] = identifiers;
      watcher.send(ack('pubrec', one ?? 0));
      await watcher.expect('pubrel', { packetIdentifier: one });
      watcher.send(ack('pubrec', three ?? 0));
      await watcher.expect('pubrel', { packetIdentifier: three });
      await watcher.disconnect();
      const again = await run.connect(kept(run));
      const packets = await again.drain();
      const released = packets.filter(({ type }) => type === 'pubrel');
      expect(released).toMatchObject([{ packetIdentifier: one }, { packetIdentifier: three }]);
      const sent = packets.filter(({ type }) => type !== 'pubrel');
      expect(sent).toMatchObject([{ type: 'publish', text: '2', dup: true, packetIdentifier: two }]);
      again.send(ack('pubcomp', one ?? 0), ack('pubrec', two ?? 0), ack('pubcomp', three ?? 0));
      await again.expect('pubrel', { packetIdentifier: two });
      again.send(ack('pubcomp', two ?? 0));
      await again.expectNothing();
      await again.disconnect();
      await (await run.connect(kept(run))).expectNothing();
    },
  );

  statement('MQTT5-4.4.0-2', 'what was refused with PUBACK or PUBREC does not come again', async (run) => {
    const { watcher, peer, topic } = await pair(run, 2);
    await run.publish(peer, topic, 'x', { qos: 1 });
    await run.publish(peer, topic, 'y', { qos: 2 });
    watcher.send(ack('puback', (await watcher.expect('publish', { qos: 1 })).packetIdentifier, 0x97));
    watcher.send(ack('pubrec', (await watcher.expect('publish', { qos: 2 })).packetIdentifier, 0x97));
    await watcher.expectNothing();
    await watcher.disconnect();
    await (await run.connect(kept(run))).expectNothing();
  });

  statement('MQTT31 MQTT311-4.4.0-1 MQTT5-4.4.0-1', 'nothing is sent again on the same connection', async (run) => {
    const { watcher, peer, topic } = await pair(run, 1);
    await run.publish(peer, topic, 'x', { qos: 1 });
    await watcher.expect('publish', { text: 'x' });
    await run.seconds(1);
    await watcher.expectNothing();
  });

  statement(
    'MQTT31 MQTT311-4.4.0-1 MQTT5-4.4.0-1',
    'messages of the time away follow those sent again, in order',
    async (run) => {
      const { watcher, peer, topic } = await pair(run, 1);
      await run.publish(peer, topic, '1', { qos: 1 });
      await watcher.expect('publish', { text: '1' });
      await watcher.disconnect();
      for (const text of ['2', '3', '4']) await run.publish(peer, topic, text, { qos: 1 });
      const again = await run.connect(kept(run));
      await again.expect('publish', { text: '1', dup: true });
      for (const text of ['2', '3', '4']) await again.expect('publish', { text, dup: false });
    },
  );

  statement(
    'MQTT31 MQTT311-2.3.1-4 MQTT5-2.2.1-4',
    'identifiers in use are not given to new messages after a reconnect',
    async (run) => {
      const { watcher, peer, topic } = await pair(run, 2);
      await run.publish(peer, topic, '1', { qos: 1 });
      await run.publish(peer, topic, '2', { qos: 2 });
      const one = await watcher.expect('publish');
      const two = await watcher.expect('publish');
      watcher.send(ack('pubrec', two.packetIdentifier));
      await watcher.expect('pubrel');
      await watcher.disconnect();
      const again = await run.connect(kept(run));
      await again.expect('publish', { dup: true });
      await again.expect('pubrel');
      const seen = new Set([one.packetIdentifier, two.packetIdentifier]);
      for (let i = 0; i < 10; i++) {
        await run.publish(peer, topic, 'more', { qos: 1 });
        seen.add((await again.expect('publish', { text: 'more' })).packetIdentifier);
      }
      expect(seen.size).toBe(12);
    },
  );
});

describe('a publisher that comes back', () => {
  statement(
    'MQTT31 MQTT311-4.3.3-2 MQTT5-4.3.3-10',
    'QoS 2 is not doubled: the PUBLISH sent again is answered and goes no further',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('a'), 1);
      const peer = await run.connect(kept(run, 'p'));
      peer.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: 11 }));
      await peer.expect('pubrec', { packetIdentifier: 11 });
      await watcher.expect('publish', { text: 'x' });
      for (let i = 0; i < 2; i++) {
        await peer.disconnect();
        const again = await run.connect(kept(run, 'p'));
        again.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: 11, dup: true }));
        await again.expect('pubrec', { packetIdentifier: 11, reasonCode: 0 });
        await watcher.expectNothing();
        await again.disconnect();
      }
      const last = await run.connect(kept(run, 'p'));
      last.send(ack('pubrel', 11));
      await last.expect('pubcomp', { packetIdentifier: 11, reasonCode: 0 });
      last.send(publish(run.topic('a'), 'y', { qos: 2, packetIdentifier: 11 }));
      await last.expect('pubrec');
      await watcher.expect('publish', { text: 'y' });
    },
  );

  statement('MQTT31 MQTT311 MQTT5', 'with Clean Start 1 the same identifier is a new message', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'), 0);
    for (const text of ['1', '2']) {
      const peer = await run.connect(kept(run, 'p', { cleanStart: true }));
      peer.send(publish(run.topic('a'), text, { qos: 2, packetIdentifier: 11 }));
      await peer.expect('pubrec', { packetIdentifier: 11 });
      await watcher.expect('publish', { text });
      await peer.disconnect();
    }
  });

  statement('MQTT5-4.3.3-9', 'the two directions share no identifiers', async (run) => {
    const { watcher, topic } = await pair(run, 2);
    watcher.send(publish(topic, 'x', { qos: 2, packetIdentifier: 1 }));
    const packets = [await watcher.next(), await watcher.next()];
    const out = packets.find((packet) => packet.type === 'publish') as Received<'publish'>;
    expect(packets.map(({ type }) => type).sort()).toEqual(['publish', 'pubrec']);
    watcher.send(ack('pubrec', out.packetIdentifier), ack('pubrel', 1));
    await watcher.expect('pubrel', { packetIdentifier: out.packetIdentifier });
    await watcher.expect('pubcomp', { packetIdentifier: 1, reasonCode: 0 });
  });
});

describe('what a session keeps', () => {
  statement(
    'MQTT311-3.1.2-5 MQTT311-4.1.0-1 MQTT5-3.1.2-23 MQTT5-4.1.0-1 MQTT31',
    'subscriptions and QoS 1 and 2 messages for a client that is away',
    async (run) => {
      const { watcher, peer, topic } = await pair(run, 2);
      await watcher.disconnect();
      await run.publish(peer, topic, 'one', { qos: 1 });
      await run.publish(peer, topic, 'two', { qos: 2 });
      const again = await run.connect(kept(run));
      again.send(ack('puback', (await again.expect('publish', { text: 'one', qos: 1, dup: false })).packetIdentifier));
      const { packetIdentifier } = await again.expect('publish', { text: 'two', qos: 2, dup: false });
      again.send(ack('pubrec', packetIdentifier));
      await again.expect('pubrel');
      again.send(ack('pubcomp', packetIdentifier));
      await run.publish(peer, topic, 'three', { qos: 1 });
      await again.expect('publish', { text: 'three' });
    },
  );

  statement('MQTT311-4.1.0-2 MQTT31', 'a clean session lasts as long as its connection', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'), 1);
    await run.seconds(1);
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { qos: 1 });
    await watcher.expect('publish', { text: 'x' });
  });

  statement('MQTT5', 'subscription options and identifiers', async (run) => {
    const watcher = await run.connect(kept(run));
    const options = { noLocal: true, retainAsPublished: true } as const;
    await run.subscribe(watcher, [filter(run.topic('a'), 1, options)], undefined, { subscriptionIdentifier: 77 });
    await watcher.disconnect();
    const again = await run.connect(kept(run));
    await run.publish(again, run.topic('a'), 'own', { qos: 1 });
    await again.expectNothing();
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { qos: 1, retain: true });
    const { properties } = await again.expect('publish', { text: 'x', retain: true });
    expect(properties?.subscriptionIdentifiers).toEqual([77]);
  });

  statement('MQTT31 MQTT311 MQTT5', 'a session goes from one version of MQTT to another', async (run) => {
    const { watcher, peer, topic } = await pair(run, 2);
    await watcher.disconnect();
    await run.publish(peer, topic, 'x', { qos: 2 });
    const other = run.version === 5 ? 4 : 5;
    const properties = other === 5 ? { sessionExpiryInterval: 60 } : undefined;
    const again = await run.connect({ clientId: run.id('k'), cleanStart: false, protocolVersion: other, properties });
    expect(again.connack?.sessionPresent).toBe(true);
    await again.expect('publish', { text: 'x', qos: 2 });
  });
});

describe('Session Expiry Interval', () => {
  statement('MQTT5-4.1.0-2', 'the session ends when it has passed, not before', async (run) => {
    const fields = kept(run, 'k', { properties: { sessionExpiryInterval: 2 } });
    await (await run.connect(fields)).disconnect();
    await run.seconds(1);
    const again = await run.connect(fields);
    expect(again.connack?.sessionPresent).toBe(true);
    await again.disconnect();
    await run.seconds(3);
    expect((await run.connect(fields)).connack?.sessionPresent).toBe(false);
  });

  statement('MQTT5-4.1.0-1', 'it does not run while the client is connected', async (run) => {
    const fields = kept(run, 'k', { properties: { sessionExpiryInterval: 1 } });
    const peer = await run.connect(fields);
    await run.subscribe(peer, run.topic('a'), 1);
    await run.seconds(2);
    await run.publish(await run.connect(), run.topic('a'), 'x', { qos: 1 });
    await peer.expect('publish', { text: 'x' });
  });

  statement('MQTT5-3.1.2-23', '0xFFFFFFFF never ends', async (run) => {
    const fields = kept(run, 'k', { properties: { sessionExpiryInterval: 0xffff_ffff } });
    await (await run.connect(fields)).disconnect();
    expect((await run.connect(fields)).connack).toMatchObject({ sessionPresent: true });
  });

  statement('MQTT5', 'DISCONNECT can shorten it to nothing', async (run) => {
    const peer = await run.connect(kept(run));
    peer.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await peer.expectClosed();
    expect((await run.connect(kept(run))).connack?.sessionPresent).toBe(false);
  });

  statement('MQTT5-4.1.0-2', 'DISCONNECT can shorten it', async (run) => {
    const peer = await run.connect(kept(run));
    peer.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 1 } });
    await peer.expectClosed();
    await run.seconds(2);
    expect((await run.connect(kept(run))).connack?.sessionPresent).toBe(false);
  });

  statement('MQTT5', 'DISCONNECT can lengthen it', async (run) => {
    const peer = await run.connect(kept(run, 'k', { properties: { sessionExpiryInterval: 1 } }));
    peer.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 60 } });
    await peer.expectClosed();
    await run.seconds(2);
    expect((await run.connect(kept(run))).connack?.sessionPresent).toBe(true);
  });

  statement(
    'MQTT5-4.13.1-1',
    'an interval in DISCONNECT after none in CONNECT is refused with 0x82, the Will is sent',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('will'));
      const peer = await run.connect({ will: { topic: run.topic('will') } });
      peer.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 1 } });
      await peer.expectDisconnected(0x82);
      await watcher.expect('publish', { text: 'will' });
    },
  );

  statement('MQTT5', 'the interval of a reconnect holds from then on', async (run) => {
    await (await run.connect(kept(run))).disconnect();
    const again = await run.connect(kept(run, 'k', { properties: { sessionExpiryInterval: 0 } }));
    expect(again.connack?.sessionPresent).toBe(true);
    await again.disconnect();
    expect((await run.connect(kept(run))).connack?.sessionPresent).toBe(false);
  });
});

describe('DISCONNECT', () => {
  statement(
    'MQTT31 MQTT311-3.14.4-1 MQTT311 MQTT5-3.14.4-2',
    'the broker closes the connection after it',
    async (run) => {
      for (const bytes of run.version === 5
        ? ['e0 00', 'e0 01 00', 'e0 02 00 00', 'e0 01 04', 'e0 01 81']
        : ['e0 00']) {
        const peer = await run.connect();
        peer.send(bytes);
        await peer.expectClosed();
      }
    },
  );

  statement('MQTT31 MQTT311-3.14.4-2 MQTT5-3.14.4-1', 'what comes after it is not handled', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'));
    const peer = await run.connect();
    peer.send('e0 00', publish(run.topic('a'), 'late'), 'c0 00');
    await peer.expectClosed();
    await watcher.expectNothing();
  });

  statement(
    'MQTT5-3.14.4-1 MQTT5-3.14.4-2 MQTT5-3.14.2-1 MQTT5-3.14.2-2',
    'after a DISCONNECT of the broker nothing comes but the end; it has no Session Expiry Interval',
    async (run) => {
      const first = await run.connect(kept(run));
      await run.subscribe(first, run.topic('a'), 1);
      const second = await run.connect(kept(run));
      const packet = await first.expect('disconnect', { reasonCode: 0x8e });
      expect(packet.properties?.sessionExpiryInterval).toBeUndefined();
      await run.publish(await run.connect(), run.topic('a'), 'x', { qos: 1 });
      await first.expectClosed();
      await second.expect('publish', { text: 'x' });
    },
  );

  statement('MQTT5-3.14.0-1', 'before a CONNACK the broker sends no DISCONNECT', async (run) => {
    const peer = await run.open();
    peer.send(connectPacket(5, { clientId: run.id('c') }).type === 'connect' ? '10 03 00 04 4d' : '');
    await peer.expectClosed();
    const other = await run.open();
    other.send(subscribe(1, [filter('a')]));
    await other.expectClosed();
  });
});

describe('Wills', () => {
  const watch = async (run: Run): Promise<{ watcher: Peer; topic: string }> => {
    const watcher = await run.connect();
    const topic = run.topic('will');
    await run.subscribe(watcher, topic, 2);
    return { watcher, topic };
  };

  statement(
    'MQTT31 MQTT311-3.1.2-8 MQTT5-3.1.2-8 MQTT5-3.1.2-7',
    'a lost network publishes the Will, with its QoS',
    async (run) => {
      const { watcher, topic } = await watch(run);
      for (const qos of [0, 1, 2] as const) {
        const peer = await run.connect({ will: { topic, qos, payload: `at ${qos}` } });
        await peer.cut();
        await watcher.expect('publish', { text: `at ${qos}`, qos, retain: false });
      }
    },
  );

  statement('MQTT31 MQTT311-3.1.2-8 MQTT5-3.1.2-8', 'a protocol error publishes the Will', async (run) => {
    const { watcher, topic } = await watch(run);
    const peer = await run.connect({ will: { topic } });
    peer.send('c1 00');
    await peer.expectDisconnected(0x81);
    await watcher.expect('publish', { text: 'will' });
  });

  statement(
    'MQTT31 MQTT311-3.1.2-10 MQTT311-3.14.4-3 MQTT5-3.14.4-3 MQTT5-3.1.2-10',
    'DISCONNECT takes the Will back',
    async (run) => {
      const { watcher, topic } = await watch(run);
      for (const fields of [{}, kept(run)]) {
        const peer = await run.connect({ ...fields, will: { topic } });
        await peer.disconnect();
      }
      const clean = await run.connect({ clientId: run.id('k') });
      await clean.cut();
      await run.seconds(1);
      await watcher.expectNothing();
    },
  );

  statement('MQTT5-3.14.4-3', 'DISCONNECT with 0x04 or an error publishes it', async (run) => {
    const { watcher, topic } = await watch(run);
    for (const reasonCode of [0x04, 0x80, 0x82, 0x97]) {
      const peer = await run.connect({ will: { topic } });
      peer.send({ type: 'disconnect', reasonCode, properties: undefined });
      await peer.expectClosed();
      await watcher.expect('publish', { text: 'will' });
    }
  });

  statement('MQTT31 MQTT311-3.1.2-12 MQTT5-3.1.2-8', 'without a Will nothing is published', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('#'), 2);
    await (await run.connect()).cut();
    await run.seconds(1).catch(() => {});
    const packets = await watcher.drain();
    expect(packets.filter((packet) => packet.type === 'publish' && !packet.topic.includes('clock'))).toEqual([]);
  });

  statement('MQTT31 MQTT311-3.1.2-10 MQTT5-3.1.2-10', 'a Will is published once', async (run) => {
    const { watcher, topic } = await watch(run);
    const first = await run.connect(kept(run, 'k', { will: { topic } }));
    await first.cut();
    await watcher.expect('publish', { text: 'will' });
    const second = await run.connect(kept(run));
    await second.cut();
    await run.seconds(1);
    await watcher.expectNothing();
  });

  statement('MQTT31 MQTT311-3.1.2-16 MQTT5-3.1.2-14', 'Will Retain 0: it is not retained', async (run) => {
    const { watcher, topic } = await watch(run);
    await (await run.connect({ will: { topic, retain: false } })).cut();
    await watcher.expect('publish');
    const later = await run.connect();
    await run.subscribe(later, topic, 2);
    await later.expectNothing();
  });

  statement('MQTT31 MQTT311-3.1.2-17 MQTT5-3.1.2-15', 'Will Retain 1: it is retained', async (run) => {
    const { watcher, topic } = await watch(run);
    await (await run.connect({ will: { topic, retain: true, qos: 1 } })).cut();
    await watcher.expect('publish', { retain: false });
    const later = await run.connect();
    await run.subscribe(later, topic, 2);
    await later.expect('publish', { text: 'will', retain: true, qos: 1 });
  });

  statement('MQTT31 MQTT311 MQTT5', 'a Will may be empty, and then removes what is retained', async (run) => {
    const { watcher, topic } = await watch(run);
    const peer = await run.connect();
    await run.publish(peer, topic, 'kept', { retain: true });
    await watcher.expect('publish', { text: 'kept' });
    await (await run.connect({ will: { topic, payload: '', retain: true } })).cut();
    await watcher.expect('publish', { text: '' });
    await run.subscribe(peer, topic);
    await peer.expectNothing();
  });

  statement(
    'MQTT5-3.1.3-10',
    'its properties are published, User Properties in order, the Will Delay is not',
    async (run) => {
      const { watcher, topic } = await watch(run);
      const properties = {
        payloadFormatIndicator: 1,
        contentType: 'text/plain',
        responseTopic: 'answer',
        correlationData: Uint8Array.of(1, 2),
        messageExpiryInterval: 50,
        userProperties: [
          ['b', '2'],
          ['a', '1'],
          ['b', '2'],
        ],
      } as const;
      const peer = await run.connect({
        will: { topic, properties: { ...properties, willDelayInterval: 1 } },
        properties: { sessionExpiryInterval: 60 },
      });
      await peer.cut();
      const packet = await watcher.expect('publish', { text: 'will' });
      expect(packet.properties).toEqual(properties);
    },
  );

  statement('MQTT5-3.1.2-8', 'the Will Delay is waited for', async (run) => {
    const { watcher, topic } = await watch(run);
    const peer = await run.connect({
      will: { topic, properties: { willDelayInterval: 2 } },
      properties: { sessionExpiryInterval: 60 },
    });
    await peer.cut();
    const began = performance.now();
    await watcher.expectNothing();
    await watcher.expect('publish', { text: 'will' });
    const waited = performance.now() - began;
    expect(waited).toBeGreaterThan(1900);
    expect(waited).toBeLessThan(4000);
  });

  statement('MQTT5-3.1.2-8', 'the end of the session cuts the delay short', async (run) => {
    const { watcher, topic } = await watch(run);
    const fields = { topic, properties: { willDelayInterval: 600 } };
    await (await run.connect({ will: { ...fields, payload: 'at once' } })).cut();
    await watcher.expect('publish', { text: 'at once' });
    const began = performance.now();
    await (
      await run.connect({ will: { ...fields, payload: 'after a second' }, properties: { sessionExpiryInterval: 1 } })
    ).cut();
    await watcher.expect('publish', { text: 'after a second' });
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  statement('MQTT5-3.1.3-9', 'a reconnect with Clean Start 0 during the delay cancels it', async (run) => {
    const { watcher, topic } = await watch(run);
    await (await run.connect(kept(run, 'k', { will: { topic, properties: { willDelayInterval: 1 } } }))).cut();
    const again = await run.connect(kept(run));
    expect(again.connack?.sessionPresent).toBe(true);
    await run.seconds(2);
    await watcher.expectNothing();
  });

  statement('MQTT5-3.1.3-9', 'a takeover with Clean Start 0 cancels a delayed Will too', async (run) => {
    const { watcher, topic } = await watch(run);
    const first = await run.connect(kept(run, 'k', { will: { topic, properties: { willDelayInterval: 1 } } }));
    await run.connect(kept(run));
    await first.expectDisconnected(0x8e);
    await run.seconds(2);
    await watcher.expectNothing();
  });

  statement('MQTT5-3.1.2-8', 'a connect with Clean Start 1 during the delay publishes it at once', async (run) => {
    const { watcher, topic } = await watch(run);
    for (const takeover of [true, false]) {
      const first = await run.connect(kept(run, 'k', { will: { topic, properties: { willDelayInterval: 600 } } }));
      if (!takeover) await first.cut();
      await run.connect(kept(run, 'k', { cleanStart: true }));
      await watcher.expect('publish', { text: 'will' });
    }
  });

  statement('MQTT5-3.1.3-9', 'a new Will takes the place of the one that waited', async (run) => {
    const { watcher, topic } = await watch(run);
    await (
      await run.connect(kept(run, 'k', { will: { topic, payload: 'old', properties: { willDelayInterval: 1 } } }))
    ).cut();
    const again = await run.connect(
      kept(run, 'k', { will: { topic, payload: 'new', properties: { willDelayInterval: 1 } } }),
    );
    await again.cut();
    await watcher.expect('publish', { text: 'new' });
    await run.seconds(1);
    await watcher.expectNothing();
  });
});
