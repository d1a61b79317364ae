import { describe, expect } from 'vitest';
import { toHex, utf8 } from './harness/bytes.ts';
import { ack, filter, publish, unsubscribe } from './harness/packets.ts';
import { suite } from './harness/statement.ts';

const statement = suite();

describe('QoS 0', () => {
  statement(
    'MQTT31 MQTT311-4.3.1-1 MQTT311-2.3.1-5 MQTT311-3.3.2-3 MQTT5-4.3.1-1 MQTT5-2.2.1-2 MQTT5-3.3.2-3 MQTT5-2.2.2-1',
    'a message arrives to the byte: no DUP, no Packet Identifier, its topic',
    async (run) => {
      const peer = await run.connect();
      await run.subscribe(peer, run.topic('+'));
      const topic = run.topic('a');
      peer.send(publish(topic, 'hi'));
      const { bytes } = await peer.expect('publish', { topic, text: 'hi', qos: 0, dup: false });
      const hex = toHex(utf8(topic));
      const properties = run.version === 5 ? '00 ' : '';
      const length = 2 + topic.length + 2 + (run.version === 5 ? 1 : 0);
      expect(toHex(bytes)).toBe(
        `30 ${toHex(Uint8Array.of(length))} 00 ${toHex(Uint8Array.of(topic.length))} ${hex} ${properties}68 69`,
      );
    },
  );

  statement('MQTT31 MQTT311-3.3.4-1 MQTT5-3.3.4-1', 'QoS 0 is not acknowledged', async (run) => {
    const peer = await run.connect();
    peer.send(publish(run.topic('a'), 'x'));
    await peer.expectNothing();
  });

  statement('MQTT31 MQTT311 MQTT5', 'an empty payload and one of 100,000 bytes arrive', async (run) => {
    const peer = await run.connect();
    const other = await run.connect();
    await run.subscribe(peer, run.topic('a'));
    await run.subscribe(other, run.topic('a'));
    for (const text of ['', 'x'.repeat(100_000)]) {
      peer.send(publish(run.topic('a'), text));
      await peer.expect('publish', { text });
      await other.expect('publish', { text });
    }
  });
});

describe('QoS 1', () => {
  statement(
    'MQTT31 MQTT311-4.3.2-2 MQTT311-2.3.1-6 MQTT311-3.3.4-1',
    'PUBACK has the identifier of the PUBLISH, to the byte',
    async (run) => {
      const peer = await run.connect();
      peer.send(publish(run.topic('a'), 'x', { qos: 1, packetIdentifier: 0xabcd }));
      await peer.expectBytes('40 02 ab cd');
    },
  );

  statement(
    'MQTT5-4.3.2-4 MQTT5-2.2.1-5 MQTT5-3.4.2-1',
    'PUBACK has the identifier of the PUBLISH, 0x10 where nobody subscribes',
    async (run) => {
      const peer = await run.connect();
      peer.send(publish(run.topic('a'), 'x', { qos: 1, packetIdentifier: 0xabcd }));
      await peer.expect('puback', { packetIdentifier: 0xabcd, reasonCode: 0x10 });
      await run.subscribe(peer, run.topic('a'));
      peer.send(publish(run.topic('a'), 'x', { qos: 1, packetIdentifier: 0xabcd }));
      const [one, two] = [await peer.next(), await peer.next()];
      const puback = one.type === 'puback' ? one : two;
      expect(toHex(puback.bytes)).toBe('40 02 ab cd');
    },
  );

  statement(
    'MQTT31 MQTT311-4.3.2-2 MQTT5-4.3.2-5',
    'after PUBACK the same identifier is a new message, DUP or not',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('a'), 1);
      const peer = await run.connect();
      for (const [text, dup] of [
        ['one', false],
        ['two', true],
        ['three', false],
      ] as const) {
        peer.send(publish(run.topic('a'), text, { qos: 1, packetIdentifier: 7, dup }));
        await peer.expect('puback', { packetIdentifier: 7, reasonCode: 0 });
        const { packetIdentifier } = await watcher.expect('publish', { text });
        watcher.send(ack('puback', packetIdentifier));
      }
    },
  );

  statement(
    'MQTT31 MQTT311-3.3.1-3 MQTT311-4.3.2-1 MQTT5-3.3.1-3 MQTT5-4.3.2-2',
    'DUP of a publisher does not go on to subscribers',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('a'), 2);
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'one', { qos: 1, dup: true });
      await watcher.expect('publish', { text: 'one', qos: 1, dup: false });
      peer.send(publish(run.topic('a'), 'two', { qos: 2, dup: true, packetIdentifier: 9 }));
      await watcher.expect('publish', { text: 'two', qos: 2, dup: false });
    },
  );

  statement(
    'MQTT31 MQTT311-2.3.1-4 MQTT311-4.3.2-1 MQTT5-2.2.1-4 MQTT5-4.3.2-1 MQTT5-4.3.3-1 MQTT311-4.3.3-1',
    'messages under way have identifiers that differ, none of them 0',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('a'), 2);
      const peer = await run.connect();
      const seen = new Set<number>();
      for (let i = 0; i < 20; i++) {
        await run.publish(peer, run.topic('a'), String(i), { qos: i % 2 === 0 ? 1 : 2 });
        const { packetIdentifier } = await watcher.expect('publish', { text: String(i) });
        expect(packetIdentifier).toBeGreaterThan(0);
        seen.add(packetIdentifier);
      }
      expect(seen.size).toBe(20);
    },
  );
});

describe('QoS 2', () => {
  statement(
    'MQTT31 MQTT311-4.3.3-2 MQTT311-2.3.1-6',
    'PUBREC and PUBCOMP have the identifier of the PUBLISH, to the byte',
    async (run) => {
      const peer = await run.connect();
      peer.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: 0x1234 }));
      await peer.expectBytes('50 02 12 34');
      peer.send('62 02 12 34');
      await peer.expectBytes('70 02 12 34');
    },
  );

  statement(
    'MQTT5-4.3.3-8 MQTT5-4.3.3-11 MQTT5-3.5.2-1 MQTT5-2.2.1-5 MQTT5-3.7.2-1',
    'PUBREC says 0x10 where nobody subscribes, PUBCOMP 0',
    async (run) => {
      const peer = await run.connect();
      peer.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: 0x1234 }));
      await peer.expect('pubrec', { packetIdentifier: 0x1234, reasonCode: 0x10 });
      peer.send('62 02 12 34');
      await peer.expectBytes('70 02 12 34');
    },
  );

  statement(
    'MQTT31 MQTT311-4.3.3-2 MQTT5-4.3.3-10 MQTT5-4.3.3-12',
    'the same identifier before PUBREL is a duplicate, after PUBCOMP a new message',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('a'), 0);
      const peer = await run.connect();
      for (const round of ['first', 'second']) {
        for (let i = 0; i < 3; i++) {
          peer.send(publish(run.topic('a'), round, { qos: 2, packetIdentifier: 5, dup: i > 0 }));
          await peer.expect('pubrec', { packetIdentifier: 5, reasonCode: 0 });
        }
        peer.send(ack('pubrel', 5));
        await peer.expect('pubcomp', { packetIdentifier: 5, reasonCode: 0 });
        await watcher.expect('publish', { text: round });
        await watcher.expectNothing();
      }
    },
  );

  statement('MQTT31 MQTT311', 'PUBREL of an unknown identifier is answered with PUBCOMP', async (run) => {
    const peer = await run.connect();
    peer.send(ack('pubrel', 77));
    await peer.expectBytes('70 02 00 4d');
  });

  statement('MQTT5-3.7.2-1', 'PUBREL of an unknown identifier is answered with PUBCOMP 0x92', async (run) => {
    const peer = await run.connect();
    peer.send(ack('pubrel', 77));
    await peer.expect('pubcomp', { packetIdentifier: 77, reasonCode: 0x92 });
  });

  statement(
    'MQTT31 MQTT311-4.3.3-1 MQTT311-3.6.1-1 MQTT5-4.3.3-2 MQTT5-4.3.3-4',
    'the broker sends PUBLISH without DUP, then PUBREL with the same identifier',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('a'), 2);
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'x', { qos: 2 });
      const { packetIdentifier } = await watcher.expect('publish', { qos: 2, dup: false });
      watcher.send(ack('pubrec', packetIdentifier));
      await watcher.expectBytes(`62 02 ${toHex(Uint8Array.of(packetIdentifier >> 8, packetIdentifier & 0xff))}`);
      watcher.send(ack('pubcomp', packetIdentifier));
      await watcher.expectNothing();
    },
  );

  statement('MQTT5-4.3.3-4 MQTT5-4.4.0-2', 'PUBREC with an error ends the handshake', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'), 2);
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { qos: 2 });
    const { packetIdentifier } = await watcher.expect('publish');
    watcher.send(ack('pubrec', packetIdentifier, 0x80));
    await watcher.expectNothing();
  });

  statement('MQTT5-3.6.2-1', 'PUBREC of an unknown identifier is answered with PUBREL 0x92', async (run) => {
    const peer = await run.connect();
    peer.send(ack('pubrec', 99));
    await peer.expect('pubrel', { packetIdentifier: 99, reasonCode: 0x92 });
  });

  statement(
    'MQTT31 MQTT311-4.8.0-1 MQTT5-4.13.1-1',
    'the wrong ack for the message in flight ends the connection',
    async (run) => {
      for (const [qos, type] of [
        [1, 'pubrec'],
        [1, 'pubcomp'],
        [2, 'puback'],
        [2, 'pubcomp'],
      ] as const) {
        const watcher = await run.connect();
        await run.subscribe(watcher, run.topic(`${qos}${type}`), 2);
        const peer = await run.connect();
        await run.publish(peer, run.topic(`${qos}${type}`), 'x', { qos });
        const { packetIdentifier } = await watcher.expect('publish', { qos });
        watcher.send(ack(type, packetIdentifier));
        await watcher.expectDisconnected(0x82);
      }
    },
  );

  statement('MQTT31 MQTT311 MQTT5', 'an ack of an identifier that is not in flight is borne', async (run) => {
    const peer = await run.connect();
    peer.send(ack('puback', 1000), ack('pubcomp', 1001));
    await peer.expectNothing();
  });

  statement('MQTT31 MQTT311 MQTT5', 'QoS 2 is routed when PUBLISH comes, not with PUBREL', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'), 2);
    const peer = await run.connect();
    peer.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: 3 }));
    await watcher.expect('publish', { text: 'x', qos: 2 });
  });
});

describe('order', () => {
  for (const qos of [0, 1, 2] as const) {
    statement(
      'MQTT31 MQTT311-4.6.0-5 MQTT311-4.6.0-6 MQTT5-4.6.0-5 MQTT5-4.6.0-6',
      `messages of one publisher come in their order, QoS ${qos}`,
      async (run) => {
        const watcher = await run.connect();
        await run.subscribe(watcher, run.topic('#'), qos);
        const peer = await run.connect();
        const packets = Array.from({ length: 50 }, (_, i) =>
          publish(run.topic(`${i % 2}`), String(i), { qos, packetIdentifier: qos === 0 ? 0 : i + 1 }),
        );
        peer.send(...packets);
        for (let i = 0; i < 50; i++) {
          const { packetIdentifier } = await watcher.expect('publish', { text: String(i) });
          if (qos === 1) watcher.send(ack('puback', packetIdentifier));
          if (qos !== 2) continue;
          watcher.send(ack('pubrec', packetIdentifier));
          // PUBREL comes among the other messages: it is told apart by its type.
          const later: string[] = [];
          let packet = await watcher.next();
          while (packet.type === 'publish') {
            later.push(packet.text);
            packet = await watcher.next();
          }
          expect(packet).toMatchObject({ type: 'pubrel', packetIdentifier });
          expect(later).toEqual(later.map((_, at) => String(i + 1 + at)));
          if (later.length > 0) return;
          watcher.send(ack('pubcomp', packetIdentifier));
        }
      },
    );
  }
  statement('MQTT31 MQTT311-4.6.0-2 MQTT5-4.6.0-2', 'PUBACKs come in the order of the messages', async (run) => {
    const peer = await run.connect();
    const identifiers = [5, 3, 900, 1, 2];
    peer.send(...identifiers.map((packetIdentifier) => publish(run.topic('a'), 'x', { qos: 1, packetIdentifier })));
    for (const packetIdentifier of identifiers) await peer.expect('puback', { packetIdentifier });
  });
  statement('MQTT31 MQTT311-4.6.0-3 MQTT5-4.6.0-3', 'PUBRECs come in the order of the messages', async (run) => {
    const peer = await run.connect();
    const identifiers = [5, 3, 900, 1, 2];
    peer.send(...identifiers.map((packetIdentifier) => publish(run.topic('a'), 'x', { qos: 2, packetIdentifier })));
    for (const packetIdentifier of identifiers) await peer.expect('pubrec', { packetIdentifier });
  });
  statement('MQTT31 MQTT311-4.6.0-4 MQTT5-4.6.0-4', 'PUBRELs come in the order of the PUBRECs', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'), 2);
    const peer = await run.connect();
    const identifiers: number[] = [];
    for (let i = 0; i < 4; i++) {
      peer.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: i + 1 }));
      identifiers.push((await watcher.expect('publish')).packetIdentifier);
    }
    identifiers.reverse();
    watcher.send(...identifiers.map((packetIdentifier) => ack('pubrec', packetIdentifier)));
    for (const packetIdentifier of identifiers) await watcher.expect('pubrel', { packetIdentifier });
  });
});

describe('properties', () => {
  const properties = {
    payloadFormatIndicator: 1,
    contentType: 'text/plain',
    responseTopic: 'answers/here',
    correlationData: utf8('\u0000\u0001ab'),
    userProperties: [
      ['b', '2'],
      ['a', '1'],
      ['b', '2'],
      ['a', ''],
      ['', 'x'],
    ],
  } as const;

  for (const qos of [0, 1, 2] as const) {
    statement(
      'MQTT5-3.3.2-4 MQTT5-3.3.2-15 MQTT5-3.3.2-16 MQTT5-3.3.2-17 MQTT5-3.3.2-18 MQTT5-3.3.2-20',
      `all properties go on as they came, User Properties with order and repeats, QoS ${qos}`,
      async (run) => {
        const watchers = [await run.connect(), await run.connect()];
        for (const watcher of watchers) await run.subscribe(watcher, run.topic('a'), qos);
        const peer = await run.connect();
        await run.publish(peer, run.topic('a'), 'x', { qos, properties });
        for (const watcher of watchers) {
          const packet = await watcher.expect('publish', { text: 'x' });
          expect(packet.properties).toMatchObject(properties);
        }
      },
    );
  }

  statement('MQTT5-3.3.2-4', 'a Payload Format Indicator 0 goes on, none stays none', async (run) => {
    const peer = await run.connect();
    await run.subscribe(peer, run.topic('a'), 1);
    peer.send(
      publish(run.topic('a'), 'x', { properties: { payloadFormatIndicator: 0 } }),
      publish(run.topic('a'), 'y'),
    );
    expect((await peer.expect('publish')).properties?.payloadFormatIndicator).toBe(0);
    expect((await peer.expect('publish')).properties).toBeUndefined();
  });

  statement('MQTT5', 'a retained and a queued message keep their properties', async (run) => {
    const kept = { clientId: run.id('k'), cleanStart: false, properties: { sessionExpiryInterval: 60 } };
    const sleeper = await run.connect(kept);
    await run.subscribe(sleeper, run.topic('a'), 1);
    await sleeper.disconnect();
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { qos: 1, retain: true, properties });
    await run.subscribe(peer, run.topic('a'), 1);
    expect((await peer.expect('publish', { retain: true })).properties).toMatchObject(properties);
    const awake = await run.connect(kept);
    expect((await awake.expect('publish', { retain: false })).properties).toMatchObject(properties);
  });

  statement(
    'MQTT5',
    'a 3.1.1 subscriber gets a message with properties without them, a 5.0 one a message of 3.1.1',
    async (run) => {
      const old = await run.connect({ protocolVersion: 4 });
      await run.subscribe(old, run.topic('a'), 1);
      const peer = await run.connect();
      await run.subscribe(peer, run.topic('b'), 1);
      peer.send(publish(run.topic('a'), 'x', { properties }));
      await old.expect('publish', { text: 'x' });
      old.send(publish(run.topic('b'), 'y'));
      await peer.expect('publish', { text: 'y', properties: undefined });
    },
  );
});

describe('Message Expiry Interval', () => {
  statement('MQTT5-3.3.2-6', 'a message that goes on at once has its whole interval', async (run) => {
    const peer = await run.connect();
    await run.subscribe(peer, run.topic('a'), 1);
    peer.send(publish(run.topic('a'), 'x', { properties: { messageExpiryInterval: 100 } }));
    expect((await peer.expect('publish')).properties?.messageExpiryInterval).toBe(100);
  });

  statement(
    'MQTT5-3.3.2-5 MQTT5-3.3.2-6',
    'what waits is counted down; what has expired in the queue or among the retained is gone',
    async (run) => {
      const fields = { clientId: run.id('k'), cleanStart: false, properties: { sessionExpiryInterval: 60 } };
      const sleeper = await run.connect(fields);
      await run.subscribe(sleeper, run.topic('#'), 2);
      await sleeper.disconnect();
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'short', {
        qos: 1,
        retain: true,
        properties: { messageExpiryInterval: 1 },
      });
      await run.publish(peer, run.topic('b'), 'short', { qos: 2, properties: { messageExpiryInterval: 1 } });
      await run.publish(peer, run.topic('c'), 'long', {
        qos: 1,
        retain: true,
        properties: { messageExpiryInterval: 100 },
      });
      await run.publish(peer, run.topic('d'), 'for ever', { qos: 1 });
      await run.seconds(2);
      await run.subscribe(peer, run.topic('#'), 0);
      const retained = await peer.expect('publish', { text: 'long', retain: true });
      expect(retained.properties?.messageExpiryInterval).toBeGreaterThanOrEqual(95);
      expect(retained.properties?.messageExpiryInterval).toBeLessThanOrEqual(98);
      await peer.expectNothing();
      const awake = await run.connect(fields);
      const queued = await awake.expect('publish', { text: 'long' });
      expect(queued.properties?.messageExpiryInterval).toBeGreaterThanOrEqual(95);
      expect(queued.properties?.messageExpiryInterval).toBeLessThanOrEqual(98);
      await awake.expect('publish', { text: 'for ever', properties: undefined });
      await awake.expectNothing();
    },
  );

  statement(
    'MQTT5-4.3.3-7 MQTT5-4.3.3-13',
    'a QoS 2 message that was sent is brought to its end though it expires',
    async (run) => {
      const fields = { clientId: run.id('k'), cleanStart: false, properties: { sessionExpiryInterval: 60 } };
      const watcher = await run.connect(fields);
      await run.subscribe(watcher, run.topic('a'), 2);
      const peer = await run.connect();
      peer.send(
        publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: 8, properties: { messageExpiryInterval: 1 } }),
      );
      await peer.expect('pubrec');
      const { packetIdentifier } = await watcher.expect('publish', { text: 'x' });
      await watcher.disconnect();
      await run.seconds(2);
      const again = await run.connect(fields);
      await again.expect('publish', { text: 'x', dup: true, packetIdentifier });
      again.send(ack('pubrec', packetIdentifier));
      await again.expect('pubrel', { packetIdentifier });
      peer.send(ack('pubrel', 8));
      await peer.expect('pubcomp', { reasonCode: 0 });
    },
  );
});

describe('retained messages', () => {
  statement(
    'MQTT31 MQTT311-3.3.1-5 MQTT311-3.3.1-6 MQTT311-3.3.1-8 MQTT5-3.3.1-5 MQTT5-3.3.1-9',
    'the last retained message and its QoS reach a new subscription, with RETAIN',
    async (run) => {
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'one', { retain: true, qos: 0 });
      await run.publish(peer, run.topic('a'), 'two', { retain: true, qos: 1 });
      await run.subscribe(peer, run.topic('a'), 2);
      await peer.expect('publish', { text: 'two', retain: true, qos: 1, dup: false });
      await peer.expectNothing();
    },
  );

  statement('MQTT311-3.3.1-7 MQTT31', 'a retained QoS 0 message takes the place of the one before', async (run) => {
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'one', { retain: true, qos: 1 });
    await run.publish(peer, run.topic('a'), 'two', { retain: true, qos: 0 });
    await run.subscribe(peer, run.topic('a'), 2);
    await peer.expect('publish', { text: 'two', retain: true, qos: 0 });
    await peer.expectNothing();
  });

  statement(
    'MQTT31 MQTT311-3.3.1-10 MQTT311-3.3.1-11 MQTT5-3.3.1-6 MQTT5-3.3.1-7',
    'an empty payload removes it, is not kept itself, and goes to subscribers',
    async (run) => {
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'one', { retain: true, qos: 1 });
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('a'));
      await watcher.expect('publish', { text: 'one', retain: true });
      await run.publish(peer, run.topic('a'), '', { retain: true, qos: 1 });
      await watcher.expect('publish', { text: '', retain: false });
      await run.subscribe(peer, run.topic('a'));
      await peer.expectNothing();
    },
  );

  statement(
    'MQTT31 MQTT311-3.3.1-12 MQTT5-3.3.1-8',
    'without RETAIN nothing is kept, removed or replaced',
    async (run) => {
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'kept', { retain: true });
      await run.publish(peer, run.topic('a'), 'passing');
      await run.publish(peer, run.topic('a'), '');
      await run.publish(peer, run.topic('b'), 'passing');
      await run.subscribe(peer, run.topic('+'));
      await peer.expect('publish', { text: 'kept', retain: true });
      await peer.expectNothing();
    },
  );

  statement('MQTT31 MQTT311-3.3.1-9 MQTT5-3.3.1-12', 'for a subscription that is there RETAIN is 0', async (run) => {
    const peer = await run.connect();
    const other = await run.connect();
    for (const [qos, name] of [
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ] as const) {
      await run.subscribe(peer, run.topic(name), qos);
      await run.subscribe(other, run.topic(name), qos);
      const publisher = await run.connect();
      await run.publish(publisher, run.topic(name), 'x', { retain: true, qos });
      await peer.expect('publish', { retain: false });
      await other.expect('publish', { retain: false });
    }
  });

  statement('MQTT5-3.3.1-13', 'with Retain As Published RETAIN is as it came', async (run) => {
    const watchers = [await run.connect(), await run.connect(), await run.connect()];
    for (const [i, watcher] of watchers.entries()) {
      await run.subscribe(watcher, [filter(run.topic('a'), 2, { retainAsPublished: i < 2 })]);
    }
    const peer = await run.connect();
    for (const qos of [0, 1, 2] as const) {
      for (const retain of [true, false]) {
        await run.publish(peer, run.topic('a'), `${qos}`, { retain, qos });
        for (const [i, watcher] of watchers.entries())
          await watcher.expect('publish', { retain: i < 2 && retain, qos });
      }
    }
  });

  statement('MQTT31 MQTT311 MQTT5', 'a retained message goes to a new subscription with the lower QoS', async (run) => {
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { retain: true, qos: 2 });
    for (const qos of [0, 1, 2] as const) {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('a'), qos);
      await watcher.expect('publish', { retain: true, qos });
    }
  });

  statement('MQTT31 MQTT311 MQTT5', 'a retained message outlives its publisher and its session', async (run) => {
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { retain: true, qos: 1 });
    await peer.disconnect();
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'), 1);
    await watcher.expect('publish', { retain: true, text: 'x' });
  });

  statement('MQTT31 MQTT311 MQTT5', 'a thousand retained messages reach a new subscriber whole', async (run) => {
    const peer = await run.connect();
    for (let i = 0; i < 1200; i++) peer.send(publish(run.topic(`d/${i}`), 'x'.repeat(100), { retain: true }));
    await peer.expectNothing();
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('d/+'), 2);
    const seen = new Set<string>();
    while (seen.size < 1200) seen.add((await watcher.expect('publish', { retain: true })).topic);
    await watcher.expectNothing();
    // The same at QoS 1, paced by the window.
    for (let i = 0; i < 1200; i += 100) {
      const packets = Array.from({ length: 100 }, (_, at) =>
        publish(run.topic(`d/${i + at}`), 'y', { retain: true, qos: 1, packetIdentifier: at + 1 }),
      );
      peer.send(...packets);
      for (let at = 0; at < 100; at++) await peer.expect('puback');
    }
    const careful = await run.connect();
    await run.subscribe(careful, run.topic('d/+'), 1);
    for (let i = 0; i < 1200; i++) {
      const { packetIdentifier } = await careful.expect('publish', { retain: true, qos: 1 });
      careful.send(ack('puback', packetIdentifier));
    }
    await careful.expectNothing();
  });

  statement(
    'MQTT31 MQTT311 MQTT5',
    'retained messages at QoS 2 go on when their handshakes end, however they end',
    async (run) => {
      const peer = await run.connect();
      const count = 80;
      for (let i = 0; i < count; i++) await run.publish(peer, run.topic(`e/${i}`), 'x', { retain: true, qos: 2 });
      const watcher = await run.connect(run.version === 5 ? { properties: { receiveMaximum: 7 } } : {});
      await run.subscribe(watcher, run.topic('e/+'), 2);
      for (let ended = 0; ended < count; ) {
        const packet = await watcher.next();
        if (packet.type === 'publish') {
          const rejected = run.version === 5;
          watcher.send(ack('pubrec', packet.packetIdentifier, rejected ? 0x83 : 0));
          if (rejected) ended++;
        } else if (packet.type === 'pubrel') {
          watcher.send(ack('pubcomp', packet.packetIdentifier));
          ended++;
        }
      }
      await watcher.expectNothing();
    },
  );
});

statement('MQTT31 MQTT311-3.10.4-2 MQTT5-3.10.4-2', 'after UNSUBACK nothing more comes', async (run) => {
  const peer = await run.connect();
  await run.subscribe(peer, run.topic('a'), 1);
  peer.send(unsubscribe(9, run.topic('a')));
  await peer.expect('unsuback');
  await run.publish(peer, run.topic('a'), 'x', { qos: 1 });
  await peer.expectNothing();
});
