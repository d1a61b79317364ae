import { describe, expect } from 'vitest';
import { field, framed, joined, utf8 } from './harness/bytes.ts';
import { ack, connectPacket, filter, publish, subscribe, unsubscribe } from './harness/packets.ts';
import type { Received } from './harness/peer.ts';
import { suite } from './harness/statement.ts';

const statement = suite({
  set: {
    'limits.receiveMaximum': 5,
    'limits.inflight3': 4,
    'limits.topicAliasMaximum': 3,
    'limits.maximumPacketSize': 2000,
    'limits.keepAliveMax': 100,
    'limits.clientIdBytes': 1000,
    'limits.topicLevels': 10,
    'limits.subscriptions': 20,
    'limits.connectTimeout': 2,
    'sessions.expiryMax': 1000,
    responseInformation: 'answers/%c',
    'messages.checkPayloadFormat': true,
  },
});

describe('Receive Maximum of the broker', () => {
  statement('MQTT5-4.9.0-1 MQTT5', 'it is announced, and may be used to the full', async (run) => {
    const peer = await run.connect();
    expect(peer.connack?.properties?.receiveMaximum).toBe(5);
    for (let i = 1; i <= 5; i++) {
      peer.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: i }));
      await peer.expect('pubrec');
    }
    await peer.expectNothing();
    // QoS 0 does not count, a completed handshake makes room.
    peer.send(publish(run.topic('a'), 'x'), ack('pubrel', 3));
    await peer.expect('pubcomp');
    peer.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: 3 }));
    await peer.expect('pubrec');
  });

  statement('MQTT5-3.3.4-7 MQTT5-4.13.1-1', 'more is refused with 0x93', async (run) => {
    const peer = await run.connect();
    const packets = [1, 2, 3, 4, 5].map((packetIdentifier) =>
      publish(run.topic('a'), 'x', { qos: 2, packetIdentifier }),
    );
    peer.send(...packets);
    for (let i = 0; i < 5; i++) await peer.expect('pubrec');
    peer.send(publish(run.topic('a'), 'x', { qos: 1, packetIdentifier: 6 }));
    await peer.expectDisconnected(0x93);
  });

  statement('MQTT5', 'QoS 1 is acknowledged at once and never fills it', async (run) => {
    const peer = await run.connect();
    const packets = Array.from({ length: 50 }, (_, i) =>
      publish(run.topic('a'), 'x', { qos: 1, packetIdentifier: i + 1 }),
    );
    for (const packet of packets) {
      peer.send(packet);
      await peer.expect('puback');
    }
  });

  statement('MQTT31 MQTT311', 'it does not exist in 3.x', async (run) => {
    const peer = await run.connect();
    for (let i = 1; i <= 20; i++) {
      peer.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: i }));
      await peer.expect('pubrec');
    }
  });
});

describe('Receive Maximum of the client', () => {
  statement(
    'MQTT5-3.3.4-9 MQTT5-3.3.4-10 MQTT5-4.9.0-2 MQTT5-4.9.0-3',
    'no more QoS 1 and 2 than that is sent; QoS 0 and answers still are',
    async (run) => {
      const watcher = await run.connect({ properties: { receiveMaximum: 2 } });
      await run.subscribe(watcher, run.topic('#'), 2);
      const peer = await run.connect();
      for (let i = 0; i < 6; i++) await run.publish(peer, run.topic('a'), String(i), { qos: i % 2 === 0 ? 1 : 2 });
      const one = await watcher.expect('publish', { text: '0', qos: 1 });
      const two = await watcher.expect('publish', { text: '1', qos: 2 });
      await watcher.expectNothing();
      await run.publish(peer, run.topic('b'), 'unbound', { qos: 0 });
      await watcher.expect('publish', { text: 'unbound', qos: 0 });
      watcher.send(subscribe(50, [filter(run.topic('other'))]), unsubscribe(51, run.topic('other')));
      await watcher.expect('suback');
      await watcher.expect('unsuback');
      watcher.send(publish(run.topic('nobody'), 'x', { qos: 1, packetIdentifier: 52 }));
      expect((await watcher.drain()).map(({ type }) => type)).toContain('puback');
      // PUBREC alone makes no room.
      watcher.send(ack('pubrec', two.packetIdentifier));
      await watcher.expect('pubrel');
      await watcher.expectNothing();
      watcher.send(ack('puback', one.packetIdentifier));
      await watcher.expect('publish', { text: '2' });
      await watcher.expectNothing();
      watcher.send(ack('pubcomp', two.packetIdentifier));
      const three = await watcher.expect('publish', { text: '3', qos: 2 });
      await watcher.expectNothing();
      watcher.send(ack('pubrec', three.packetIdentifier, 0x80));
      await watcher.expect('publish', { text: '4' });
      await watcher.expectNothing();
    },
  );

  statement('MQTT5-3.3.4-9', 'it holds for messages sent again, which come in the end', async (run) => {
    const fields = (receiveMaximum: number) => ({
      clientId: run.id('k'),
      cleanStart: false,
      properties: { sessionExpiryInterval: 60, receiveMaximum },
    });
    const watcher = await run.connect(fields(10));
    await run.subscribe(watcher, run.topic('a'), 1);
    const peer = await run.connect();
    for (let i = 0; i < 5; i++) {
      await run.publish(peer, run.topic('a'), String(i), { qos: 1 });
      await watcher.expect('publish', { text: String(i) });
    }
    await watcher.disconnect();
    const again = await run.connect(fields(2));
    for (let i = 0; i < 5; i++) {
      const packet = await again.expect('publish', { text: String(i), dup: true });
      if (i === 0) await again.expect('publish', { text: '1', dup: true });
      if (i === 0) {
        await again.expectNothing();
        again.send(ack('puback', packet.packetIdentifier), ack('puback', packet.packetIdentifier + 1));
        i = 1;
      } else again.send(ack('puback', packet.packetIdentifier));
    }
    await again.expectNothing();
  });

  statement('MQTT31 MQTT311', 'in 3.x the window is a setting', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'), 1);
    const peer = await run.connect();
    for (let i = 0; i < 6; i++) await run.publish(peer, run.topic('a'), String(i), { qos: 1 });
    const packets = await watcher.drain();
    expect(packets.length).toBe(4);
    watcher.send(ack('puback', (packets[0] as Received<'publish'>).packetIdentifier));
    await watcher.expect('publish', { text: '4' });
    await watcher.expectNothing();
  });
});

describe('Maximum Packet Size', () => {
  statement('MQTT5-3.2.2-15 MQTT5', 'it is announced, and a larger packet is refused with 0x95', async (run) => {
    const peer = await run.connect();
    expect(peer.connack?.properties?.maximumPacketSize).toBe(2000);
    const overhead = 1 + 2 + 2 + run.topic('a').length + 1;
    peer.send(publish(run.topic('a'), 'x'.repeat(2000 - overhead)));
    await peer.expectNothing();
    peer.send(publish(run.topic('a'), 'x'.repeat(2001 - overhead)));
    await peer.expectDisconnected(0x95);
  });

  statement('MQTT5', 'it is refused as soon as its length is known', async (run) => {
    const peer = await run.connect();
    peer.send('30 ff ff ff 7f');
    await peer.expectDisconnected(0x95);
  });

  statement('MQTT31 MQTT311', 'a larger packet ends the connection', async (run) => {
    const peer = await run.connect();
    peer.send(publish(run.topic('a'), 'x'.repeat(2000)));
    await peer.expectClosed();
  });

  statement(
    'MQTT5-3.1.2-24 MQTT5-3.1.2-25',
    'what a client would not take is not sent to it, and counts as delivered',
    async (run) => {
      const small = await run.connect({ properties: { maximumPacketSize: 60, receiveMaximum: 1 } });
      const other = await run.connect();
      for (const peer of [small, other]) await run.subscribe(peer, run.topic('a'), 2);
      const peer = await run.connect();
      for (const qos of [0, 1, 2] as const) {
        await run.publish(peer, run.topic('a'), 'x'.repeat(60), { qos });
        await other.expect('publish', { qos });
      }
      await small.expectNothing();
      const room = 60 - (1 + 1 + 2 + run.topic('a').length + 2 + 1);
      await run.publish(peer, run.topic('a'), 'y'.repeat(room + 1), { qos: 1 });
      await run.publish(peer, run.topic('a'), 'z'.repeat(room), { qos: 1 });
      await small.expect('publish', { text: 'z'.repeat(room), qos: 1 });
      await small.expectNothing();
    },
  );

  statement('MQTT5-3.1.2-25', 'in a queue it is passed over, and what follows it comes', async (run) => {
    const fields = (maximumPacketSize: number) => ({
      clientId: run.id('k'),
      cleanStart: false,
      properties: { sessionExpiryInterval: 60, maximumPacketSize },
    });
    const away = await run.connect(fields(2000));
    await run.subscribe(away, run.topic('a'), 2);
    await away.disconnect();
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x'.repeat(200), { qos: 1 });
    await run.publish(peer, run.topic('a'), 'y'.repeat(200), { qos: 2 });
    await run.publish(peer, run.topic('a'), 'small', { qos: 1 });
    const small = await run.connect(fields(100));
    await small.expect('publish', { text: 'small' });
    await small.expectNothing();
  });

  statement('MQTT5-3.1.2-24', 'retained messages, too', async (run) => {
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x'.repeat(100), { retain: true, qos: 1 });
    await run.publish(peer, run.topic('b'), 'small', { retain: true, qos: 1 });
    const small = await run.connect({ properties: { maximumPacketSize: 60 } });
    await run.subscribe(small, run.topic('+'), 1);
    await small.expect('publish', { text: 'small' });
    await small.expectNothing();
  });

  statement(
    'MQTT5-3.2.2-19 MQTT5-3.2.2-20',
    'a refusing CONNACK leaves its words away where they do not fit',
    async (run) => {
      const peer = await run.open();
      const properties = { maximumPacketSize: 20, authenticationMethod: 'X-NONE' };
      peer.send(connectPacket(5, { clientId: run.id('c'), properties }));
      const { bytes } = await peer.expect('connack', { reasonCode: 0x8c });
      expect(bytes.length).toBeLessThanOrEqual(20);
      await peer.expectClosed();
    },
  );

  statement(
    'MQTT5-3.14.2-3 MQTT5-3.14.2-4',
    'a DISCONNECT leaves its words away where they do not fit',
    async (run) => {
      const peer = await run.connect({ properties: { maximumPacketSize: 60 } });
      peer.send('c1 00');
      const { bytes } = await peer.expect('disconnect', { reasonCode: 0x81 });
      expect(bytes.length).toBeLessThanOrEqual(60);
      await peer.expectClosed();
    },
  );

  statement(
    'MQTT5-3.4.2-2 MQTT5-3.5.2-2',
    'PUBACK and PUBREC leave their words away where they do not fit',
    async (run) => {
      const bad = { qos: 1, properties: { payloadFormatIndicator: 1 } } as const;
      for (const [maximumPacketSize, words] of [
        [60, false],
        [1000, true],
      ] as const) {
        const peer = await run.connect({ properties: { maximumPacketSize } });
        peer.send(publish(run.topic('a'), Uint8Array.of(0xff), { ...bad, packetIdentifier: 1 }));
        const puback = await peer.expect('puback', { reasonCode: 0x99 });
        expect(puback.properties?.reasonString !== undefined).toBe(words);
        peer.send(publish(run.topic('a'), Uint8Array.of(0xff), { ...bad, qos: 2, packetIdentifier: 2 }));
        const pubrec = await peer.expect('pubrec', { reasonCode: 0x99 });
        expect(pubrec.properties?.reasonString !== undefined).toBe(words);
      }
    },
  );

  statement('MQTT5-3.9.2-1', 'SUBACK leaves its words away where they do not fit', async (run) => {
    const deep = run.topic('1/2/3/4/5/6/7/8/9/10/11');
    for (const [maximumPacketSize, words] of [
      [60, false],
      [1000, true],
    ] as const) {
      const peer = await run.connect({ properties: { maximumPacketSize } });
      peer.send(subscribe(1, [filter(deep)]));
      const suback = await peer.expect('suback', { reasonCodes: [0x8f] });
      expect(suback.properties?.reasonString !== undefined).toBe(words);
    }
  });

  statement('MQTT5-3.1.2-24', 'a client that could not even take the CONNACK is let go', async (run) => {
    for (const maximumPacketSize of [8, 4]) {
      const peer = await run.open();
      peer.send(connectPacket(5, { clientId: run.id('c'), properties: { maximumPacketSize } }));
      if (maximumPacketSize > 4) await peer.expectBytes('20 03 00 95 00');
      await peer.expectClosed();
    }
  });

  statement('MQTT5-3.1.2-24', 'a SUBACK that would not fit ends the connection', async (run) => {
    const peer = await run.connect({ properties: { maximumPacketSize: 40 } });
    const filters = Array.from({ length: 19 }, (_, i) => filter(run.topic(`${i}`)));
    peer.send(subscribe(1, filters));
    await peer.expect('suback');
    const many = Array.from({ length: 60 }, () => filter(run.topic('1')));
    peer.send(subscribe(2, many));
    await peer.expectDisconnected(0x95);
  });
});

describe('Topic Aliases of the client', () => {
  const withAlias = (topic: string, alias: number, payload: string, qos: 0 | 1 | 2 = 0) =>
    publish(topic, payload, { qos, packetIdentifier: qos === 0 ? 0 : alias, properties: { topicAlias: alias } });

  statement('MQTT5-3.3.2-12 MQTT5', 'all up to the maximum announced are taken, and can be set anew', async (run) => {
    const watchers = [await run.connect(), await run.connect(), await run.connect({ protocolVersion: 4 })];
    for (const watcher of watchers) await run.subscribe(watcher, run.topic('#'), 1);
    const peer = await run.connect();
    expect(peer.connack?.properties?.topicAliasMaximum).toBe(3);
    for (let alias = 1; alias <= 3; alias++) peer.send(withAlias(run.topic(`t${alias}`), alias, 'set'));
    for (let alias = 3; alias >= 1; alias--) peer.send(withAlias('', alias, 'used', 1));
    peer.send(withAlias(run.topic('other'), 2, 'set anew'), withAlias('', 2, 'used anew'));
    for (const watcher of watchers) {
      for (let alias = 1; alias <= 3; alias++)
        await watcher.expect('publish', { topic: run.topic(`t${alias}`), text: 'set' });
      for (let alias = 3; alias >= 1; alias--) {
        const packet = await watcher.expect('publish', { topic: run.topic(`t${alias}`), text: 'used', qos: 1 });
        expect(packet.properties?.topicAlias).toBeUndefined();
      }
      await watcher.expect('publish', { topic: run.topic('other'), text: 'set anew' });
      await watcher.expect('publish', { topic: run.topic('other'), text: 'used anew' });
    }
  });

  statement('MQTT5-3.3.2-9 MQTT5-3.2.2-17', 'one over the maximum is refused with 0x94', async (run) => {
    const peer = await run.connect();
    peer.send(withAlias(run.topic('a'), 4, 'x'));
    await peer.expectDisconnected(0x94);
  });

  statement('MQTT5-3.3.2-8', 'alias 0 is refused with 0x94', async (run) => {
    const peer = await run.connect();
    peer.send(framed(0x30, field(run.topic('a')), '03 23 00 00', utf8('x')));
    await peer.expectDisconnected(0x94);
  });

  statement('MQTT5-4.13.1-1', 'one that was not set is refused with 0x82', async (run) => {
    const peer = await run.connect();
    peer.send(withAlias('', 2, 'x'));
    await peer.expectDisconnected(0x82);
  });

  statement('MQTT5-3.3.2-7', 'they do not outlive the connection', async (run) => {
    const fields = { clientId: run.id('k'), cleanStart: false, properties: { sessionExpiryInterval: 60 } };
    const peer = await run.connect(fields);
    peer.send(withAlias(run.topic('a'), 1, 'x'));
    await peer.expectNothing();
    await peer.disconnect();
    const again = await run.connect(fields);
    again.send(withAlias('', 1, 'x'));
    await again.expectDisconnected(0x82);
  });

  statement('MQTT5', 'a retained message that came with an alias is kept under its topic, without it', async (run) => {
    const peer = await run.connect();
    peer.send(withAlias(run.topic('a'), 1, 'first'));
    peer.send(publish('', 'kept', { retain: true, properties: { topicAlias: 1 } }));
    await peer.expectNothing();
    const watcher = await run.connect({ properties: { topicAliasMaximum: 0 } });
    await run.subscribe(watcher, run.topic('a'));
    await watcher.expect('publish', { topic: run.topic('a'), text: 'kept', properties: undefined });
  });
});

describe('Topic Aliases of the broker', () => {
  statement(
    'MQTT5-3.1.2-27 MQTT5-3.3.2-11',
    'without a Topic Alias Maximum of the client none is sent',
    async (run) => {
      for (const properties of [undefined, { topicAliasMaximum: 0 }]) {
        const watcher = await run.connect({ properties });
        await run.subscribe(watcher, run.topic('a'), 1);
        const peer = await run.connect();
        for (let i = 0; i < 5; i++) {
          await run.publish(peer, run.topic('a'), 'x', { qos: i % 2 === 0 ? 0 : 1 });
          const packet = await watcher.expect('publish', { topic: run.topic('a') });
          expect(packet.properties?.topicAlias).toBeUndefined();
        }
      }
    },
  );

  statement(
    'MQTT5-3.1.2-26 MQTT5-3.3.2-11',
    'none over the maximum is sent, and each stands for the topic it was sent with',
    async (run) => {
      const watcher = await run.connect({ properties: { topicAliasMaximum: 2 } });
      await run.subscribe(watcher, run.topic('#'), 1);
      const peer = await run.connect();
      const known = new Map<number, string>();
      for (const [i, name] of ['a', 'b', 'a', 'c', 'a', 'b', 'c', 'c', 'a'].entries()) {
        await run.publish(peer, run.topic(name), String(i), { qos: i % 2 === 0 ? 0 : 1 });
        const packet = await watcher.expect('publish', { text: String(i) });
        const alias = packet.properties?.topicAlias;
        if (alias !== undefined) {
          expect(alias).toBeGreaterThan(0);
          expect(alias).toBeLessThanOrEqual(2);
          if (packet.topic !== '') known.set(alias, packet.topic);
        }
        expect(packet.topic === '' ? known.get(alias ?? 0) : packet.topic).toBe(run.topic(name));
        if (packet.qos === 1) watcher.send(ack('puback', packet.packetIdentifier));
      }
    },
  );

  statement('MQTT5-3.1.2-25 MQTT5-3.1.2-26', 'a message that was too large has not set one', async (run) => {
    const watcher = await run.connect({ properties: { topicAliasMaximum: 5, maximumPacketSize: 60 } });
    await run.subscribe(watcher, run.topic('#'), 1);
    const peer = await run.connect();
    for (const qos of [0, 1] as const) {
      const topic = run.topic(`t${qos}`);
      await run.publish(peer, topic, 'x'.repeat(100), { qos });
      await run.publish(peer, topic, 'small', { qos });
      const first = await watcher.expect('publish', { text: 'small' });
      expect(first.topic).toBe(topic);
    }
  });

  statement('MQTT5-3.3.2-7', 'after a reconnect they are set anew, also for what is sent again', async (run) => {
    const fields = {
      clientId: run.id('k'),
      cleanStart: false,
      properties: { sessionExpiryInterval: 60, topicAliasMaximum: 5 },
    };
    const watcher = await run.connect(fields);
    await run.subscribe(watcher, run.topic('a'), 1);
    const peer = await run.connect();
    for (let i = 0; i < 2; i++) await run.publish(peer, run.topic('a'), 'x', { qos: 1 });
    await watcher.expect('publish', { topic: run.topic('a') });
    await watcher.expect('publish');
    await watcher.disconnect();
    const again = await run.connect(fields);
    await again.expect('publish', { topic: run.topic('a'), dup: true });
  });
});

describe('Keep Alive', () => {
  statement(
    'MQTT31 MQTT311-3.1.2-24 MQTT5-3.1.2-22 MQTT5-3.2.2-22',
    'silence of one and a half times ends the connection, with 0x8D in 5.0 and the Will',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('will'));
      const peer = await run.connect({ keepAlive: 1, will: { topic: run.topic('will') } });
      const began = performance.now();
      await peer.expectDisconnected(0x8d);
      const waited = performance.now() - began;
      expect(waited).toBeGreaterThan(1400);
      expect(waited).toBeLessThan(15_000);
      await watcher.expect('publish', { text: 'will' });
    },
  );

  statement('MQTT31 MQTT311-3.1.2-24 MQTT5-3.1.2-22', 'packets towards the client do not count', async (run) => {
    const peer = await run.connect({ keepAlive: 1 });
    await run.subscribe(peer, run.topic('a'));
    const other = await run.connect();
    const began = performance.now();
    let ended = false;
    const talking = (async () => {
      while (!ended) {
        await run.publish(other, run.topic('a'), 'x');
        await run.seconds(0);
      }
    })();
    try {
      for (;;) {
        const packet = await peer.next();
        if (packet.type === 'publish') continue;
        expect(packet).toMatchObject({ type: 'disconnect', reasonCode: 0x8d });
        await peer.expectClosed();
        break;
      }
    } catch (error) {
      if (run.version === 5 || !peer.isClosed) throw error;
    } finally {
      ended = true;
    }
    expect(performance.now() - began).toBeLessThan(15_000);
    await talking;
  });

  statement(
    'MQTT31 MQTT311-3.12.4-1 MQTT5-3.1.2-22',
    'any packet keeps the connection, 0 switches it off',
    async (run) => {
      // Cut off after 3 s of silence: a second of it may take three on a machine that does other things too.
      const peer = await run.connect({ keepAlive: 2 });
      const silent = await run.connect({ keepAlive: 0 });
      for (let i = 0; i < 4; i++) {
        await run.seconds(1);
        peer.send(i % 2 === 0 ? 'c0 00' : subscribe(i + 1, [filter(run.topic('a'))]));
        await peer.expect(i % 2 === 0 ? 'pingresp' : 'suback');
      }
      await silent.expectNothing();
    },
  );

  statement(
    'MQTT5 MQTT5-3.1.2-21 MQTT5-3.2.2-21',
    'a Keep Alive over the maximum, or none, gets the Server Keep Alive',
    async (run) => {
      for (const keepAlive of [0, 101, 65_535]) {
        expect((await run.connect({ keepAlive })).connack?.properties?.serverKeepAlive).toBe(100);
      }
      for (const keepAlive of [1, 100]) {
        expect((await run.connect({ keepAlive })).connack?.properties?.serverKeepAlive).toBeUndefined();
      }
    },
  );

  statement('MQTT31 MQTT311 MQTT5', 'who sends no whole CONNECT in time is cut off', async (run) => {
    const peer = await run.open();
    peer.send('10 20 00 04');
    const began = performance.now();
    await peer.expectClosed();
    expect(performance.now() - began).toBeGreaterThan(1500);
  });
});

describe('other limits', () => {
  statement('MQTT5', 'a Session Expiry Interval over the maximum is cut, and told', async (run) => {
    const over = await run.connect({ properties: { sessionExpiryInterval: 1001 } });
    expect(over.connack?.properties?.sessionExpiryInterval).toBe(1000);
    const within = await run.connect({ properties: { sessionExpiryInterval: 1000 } });
    expect(within.connack?.properties?.sessionExpiryInterval).toBeUndefined();
  });

  statement('MQTT5-3.1.2-28', 'Response Information is for those who ask', async (run) => {
    const clientId = run.id('c');
    const asking = await run.connect({ clientId, properties: { requestResponseInformation: true } });
    expect(asking.connack?.properties?.responseInformation).toBe(`answers/${clientId}`);
    for (const properties of [undefined, { requestResponseInformation: false }]) {
      expect((await run.connect({ properties })).connack?.properties?.responseInformation).toBeUndefined();
    }
  });

  statement('MQTT5-3.1.2-29', 'without Request Problem Information acks have no words', async (run) => {
    for (const requestProblemInformation of [true, false]) {
      const peer = await run.connect({ properties: { requestProblemInformation } });
      const bad = { properties: { payloadFormatIndicator: 1 } } as const;
      peer.send(publish(run.topic('a'), Uint8Array.of(0xff), { ...bad, qos: 1, packetIdentifier: 1 }));
      const puback = await peer.expect('puback', { reasonCode: 0x99 });
      peer.send(publish(run.topic('a'), Uint8Array.of(0xff), { ...bad, qos: 2, packetIdentifier: 2 }));
      const pubrec = await peer.expect('pubrec', { reasonCode: 0x99 });
      peer.send(ack('pubrel', 900), subscribe(3, [filter(run.topic('b'))]), unsubscribe(4, run.topic('c')));
      const others = [await peer.next(), await peer.next(), await peer.next()];
      const told = [puback, pubrec].map((packet) => packet.properties?.reasonString !== undefined);
      expect(told).toEqual([requestProblemInformation, requestProblemInformation]);
      if (!requestProblemInformation) {
        for (const packet of others) expect('properties' in packet ? packet.properties : undefined).toBeUndefined();
      }
      // A publisher's properties are never stripped.
      await run.subscribe(peer, run.topic('d'));
      peer.send(publish(run.topic('d'), 'x', { properties: { userProperties: [['a', 'b']] } }));
      expect((await peer.expect('publish')).properties?.userProperties).toEqual([['a', 'b']]);
      peer.send('c1 00');
      await peer.expectDisconnected(0x81);
    }
  });

  statement(
    'MQTT5-4.3.3-9 MQTT5',
    'a payload that is not what it is said to be is refused with 0x99, its identifier is free again',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('a'));
      const peer = await run.connect();
      const properties = { payloadFormatIndicator: 1 } as const;
      peer.send(publish(run.topic('a'), Uint8Array.of(0xc3), { qos: 2, packetIdentifier: 5, properties }));
      await peer.expect('pubrec', { packetIdentifier: 5, reasonCode: 0x99 });
      await watcher.expectNothing();
      peer.send(publish(run.topic('a'), 'fine ✓', { qos: 2, packetIdentifier: 5, properties }));
      await peer.expect('pubrec', { packetIdentifier: 5, reasonCode: 0 });
      await watcher.expect('publish', { text: 'fine ✓' });
      peer.send(publish(run.topic('a'), Uint8Array.of(0xc3), { properties }));
      await peer.expectDisconnected(0x99);
    },
  );

  statement('MQTT5-3.1.3-8 MQTT311-3.1.3-9', 'a Client Identifier that is too long is refused', async (run) => {
    const peer = await run.open();
    peer.send(connectPacket(run.version, { clientId: 'x'.repeat(1001) }));
    await peer.expect('connack', { reasonCode: run.version === 5 ? 0x85 : 2, sessionPresent: false });
    await peer.expectClosed();
  });

  statement(
    'MQTT5-3.9.3-2 MQTT5-3.8.4-7 MQTT311-3.9.3-2 MQTT311-3.8.4-5',
    'a subscription over the limit is refused in its place of the SUBACK',
    async (run) => {
      const peer = await run.connect();
      const filters = Array.from({ length: 22 }, (_, i) => filter(run.topic(String(i)), 1));
      peer.send(subscribe(1, filters));
      const refused = run.version === 5 ? 0x97 : 0x80;
      const granted = Array.from({ length: 20 }, () => 1);
      await peer.expect('suback', { reasonCodes: [...granted, refused, refused] });
      // Replacing one is no new one.
      peer.send(subscribe(2, [filter(run.topic('3'), 2), filter(run.topic('x'), 2)]));
      await peer.expect('suback', { reasonCodes: [2, refused] });
    },
  );

  statement('MQTT31 MQTT311 MQTT5', 'more topic levels than the limit are refused with 0x90 and 0x8F', async (run) => {
    const ten = run.topic('a/b/c/d/e/f/g/h/i');
    const peer = await run.connect();
    await run.subscribe(peer, ten);
    peer.send(publish(ten, 'x'));
    await peer.expect('publish', { text: 'x' });
    peer.send(subscribe(9, [filter(`${ten}/#`)]));
    if (run.version === 3) await peer.expect('suback', { reasonCodes: [0] });
    else await peer.expect('suback', { reasonCodes: [run.version === 5 ? 0x8f : 0x80] });
    peer.send(publish(`${ten}/j`, 'x'));
    await peer.expectDisconnected(0x90);
  });

  statement('MQTT5', 'a CONNECT whose properties are in any order is read', async (run) => {
    const peer = await run.open();
    const properties = joined(
      '21 00 05 11 00 00 00 0a 27 00 00 10 00 22 00 05 17 01 19 00 26',
      field('a'),
      field('b'),
      '26',
      field('a'),
      field('b'),
    );
    peer.send(framed(0x10, field('MQTT'), 5, 2, '00 0a', properties.length, properties, field(run.id('c'))));
    await peer.expect('connack', { reasonCode: 0 });
  });
});
