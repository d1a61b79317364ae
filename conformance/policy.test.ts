import { describe, expect } from 'vitest';
import { utf8 } from './harness/bytes.ts';
import { ack, connectPacket, filter, publish, subscribe } from './harness/packets.ts';
import type { Peer } from './harness/peer.ts';
import { type Run, suite } from './harness/statement.ts';

const statement = suite({ policies: true });

const auth = (reasonCode: number, data?: string, authenticationMethod: string | undefined = 'TEST') =>
  ({
    type: 'auth',
    reasonCode,
    properties: { authenticationMethod, authenticationData: data === undefined ? undefined : utf8(data) },
  }) as const;

/** A CONNECT with the method TEST and this data. */
async function begin(
  run: Run,
  data: string | undefined,
  fields: Parameters<typeof connectPacket>[1] = {},
): Promise<Peer> {
  const peer = await run.open();
  const authenticationData = data === undefined ? undefined : utf8(data);
  const properties = { authenticationMethod: 'TEST', authenticationData, ...fields.properties };
  peer.send(connectPacket(5, { clientId: run.id('c'), ...fields, properties }));
  return peer;
}

describe('credentials', () => {
  statement('MQTT31 MQTT311-3.1.4-4 MQTT5-3.2.2-8', 'right ones are let in', async (run) => {
    await run.connect({ username: 'user', password: utf8('secret') });
  });

  statement(
    'MQTT31 MQTT311-3.2.2-4 MQTT311-3.2.2-5 MQTT5-3.1.4-2 MQTT5-3.2.2-6 MQTT5-3.2.2-7 MQTT5-4.13.2-1',
    'wrong ones are refused with a CONNACK, Session Present 0, and the end',
    async (run) => {
      const kept = {
        clientId: run.id('c'),
        cleanStart: false,
        properties: run.version === 5 ? { sessionExpiryInterval: 60 } : undefined,
      };
      await (await run.connect(kept)).disconnect();
      for (const [username, password] of [
        ['user', 'guess'],
        ['nobody', 'secret'],
      ] as const) {
        const peer = await run.open();
        peer.send(connectPacket(run.version, { ...kept, username, password: utf8(password) }));
        await peer.expect('connack', { sessionPresent: false, reasonCode: run.version === 5 ? 0x86 : 4 });
        await peer.expectClosed();
      }
      expect((await run.connect(kept)).connack?.sessionPresent).toBe(run.version > 3);
    },
  );

  statement('MQTT31 MQTT311-3.1.4-5 MQTT5-3.1.4-6', 'what follows a refused CONNECT is not handled', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'));
    const peer = await run.open();
    const connect = connectPacket(run.version, { clientId: run.id('c'), username: 'user', password: utf8('guess') });
    peer.send(connect, publish(run.topic('a'), 'x'), subscribe(1, [filter('a')]));
    await peer.expect('connack');
    await peer.expectClosed();
    await watcher.expectNothing();
  });

  statement('MQTT31 MQTT311-3.1.4-2 MQTT5-3.1.4-3', 'who is refused takes nobody over', async (run) => {
    const first = await run.connect({ clientId: run.id('c') });
    const peer = await run.open();
    peer.send(connectPacket(run.version, { clientId: run.id('c'), username: 'user', password: utf8('guess') }));
    await peer.expect('connack');
    await peer.expectClosed();
    await first.expectNothing();
  });
});

describe('enhanced authentication', () => {
  statement(
    'MQTT5-4.12.0-2 MQTT5-4.12.0-3 MQTT5-4.12.0-5 MQTT5-3.2.0-1 MQTT5-3.15.2-1',
    'AUTH 0x18 asks, AUTH 0x18 answers, CONNACK ends it; the method is in all of them',
    async (run) => {
      const peer = await begin(run, 'hello');
      const question = await peer.expect('auth', { reasonCode: 0x18 });
      expect(question.properties).toMatchObject({ authenticationMethod: 'TEST', authenticationData: utf8('who?') });
      peer.send(auth(0x18, 'answer'));
      const { properties } = await peer.expect('connack', { reasonCode: 0 });
      expect(properties).toMatchObject({ authenticationMethod: 'TEST', authenticationData: utf8('welcome') });
      await peer.expectNothing();
    },
  );

  statement('MQTT5-4.12.0-5', 'without a question CONNACK comes at once, with the method', async (run) => {
    const peer = await begin(run, 'at once');
    const { properties } = await peer.expect('connack', { reasonCode: 0 });
    expect(properties).toMatchObject({ authenticationMethod: 'TEST', authenticationData: utf8('welcome') });
  });

  statement('MQTT5-4.12.0-4', 'a wrong beginning, and a wrong answer, are refused with a CONNACK', async (run) => {
    const one = await begin(run, 'wrong');
    await one.expect('connack', { reasonCode: 0x87 });
    await one.expectClosed();
    const two = await begin(run, undefined);
    await two.expect('auth');
    two.send(auth(0x18, 'guess'));
    await two.expect('connack', { reasonCode: 0x87 });
    await two.expectClosed();
  });

  statement('MQTT5-4.12.0-1', 'a method that is not known is refused with 0x8C', async (run) => {
    const peer = await begin(run, 'hello', { properties: { authenticationMethod: 'OTHER' } });
    await peer.expect('connack', { reasonCode: 0x8c });
    await peer.expectClosed();
  });

  statement('MQTT5-3.1.2-30', 'before the CONNACK only AUTH and DISCONNECT may come', async (run) => {
    for (const packet of [publish(run.topic('a'), 'x'), subscribe(1, [filter('a')]), 'c0 00'] as const) {
      const peer = await begin(run, 'hello');
      await peer.expect('auth');
      peer.send(packet);
      await peer.expect('connack', { reasonCode: 0x82 });
      await peer.expectClosed();
    }
    const peer = await begin(run, 'hello');
    await peer.expect('auth');
    peer.send('e0 00');
    await peer.expectClosed();
  });

  statement('MQTT5-4.12.0-5', 'an answer with another method is refused', async (run) => {
    const peer = await begin(run, 'hello');
    await peer.expect('auth');
    peer.send(auth(0x18, 'answer', 'OTHER'));
    await peer.expect('connack', { reasonCode: 0x8c });
    await peer.expectClosed();
  });

  statement('MQTT5-4.12.0-3', 'an answer with 0x19 is refused', async (run) => {
    const peer = await begin(run, 'hello');
    await peer.expect('auth');
    peer.send(auth(0x19, 'answer'));
    await peer.expect('connack', { reasonCode: 0x82 });
    await peer.expectClosed();
  });

  statement('MQTT5-4.12.1-1', 'a connected client authenticates again, and goes on meanwhile', async (run) => {
    const peer = await begin(run, 'at once');
    await peer.expect('connack');
    for (let i = 0; i < 2; i++) {
      peer.send(auth(0x19, 'hello again'));
      await peer.expect('auth', { reasonCode: 0x18 });
      await run.publish(peer, run.topic('a'), 'x', { qos: 1 });
      peer.send(auth(0x18, 'answer'));
      const { properties } = await peer.expect('auth', { reasonCode: 0 });
      expect(properties).toMatchObject({ authenticationMethod: 'TEST', authenticationData: utf8('welcome') });
    }
  });

  statement('MQTT5-4.12.1-2', 'where that fails, DISCONNECT with its Reason Code and the end', async (run) => {
    const peer = await begin(run, 'at once');
    await peer.expect('connack');
    peer.send(auth(0x19, 'hello again'));
    await peer.expect('auth');
    peer.send(auth(0x18, 'guess'));
    await peer.expectDisconnected(0x87);
  });

  statement('MQTT5-4.12.1-1', 'with another method it is refused with 0x8C', async (run) => {
    const peer = await begin(run, 'at once');
    await peer.expect('connack');
    peer.send(auth(0x19, 'hello', 'OTHER'));
    await peer.expectDisconnected(0x8c);
  });

  statement('MQTT5-4.12.0-7 MQTT5-4.12.0-6', 'without a method in CONNECT AUTH is refused', async (run) => {
    const peer = await run.connect();
    peer.send(auth(0x19, 'hello'));
    await peer.expectDisconnected(0x82);
  });

  statement('MQTT5-4.13.1-1', 'AUTH without its method is refused with 0x82', async (run) => {
    for (const bytes of ['f0 00', 'f0 02 19 00'] as const) {
      const peer = await begin(run, 'at once');
      await peer.expect('connack');
      peer.send(bytes);
      await peer.expectDisconnected(0x82);
    }
  });

  statement('MQTT5', 'an answer that nobody has asked for is refused', async (run) => {
    const peer = await begin(run, 'at once');
    await peer.expect('connack');
    peer.send(auth(0x18, 'answer'));
    await peer.expectDisconnected(0x82);
  });

  statement('MQTT5', 'the Assigned Client Identifier comes at the end of the exchange', async (run) => {
    const peer = await begin(run, 'hello', { clientId: '' });
    await peer.expect('auth');
    peer.send(auth(0x18, 'answer'));
    expect((await peer.expect('connack')).properties?.assignedClientIdentifier).toMatch(/.+/);
  });
});

describe('permissions', () => {
  for (const name of ['denied/a', 'denied/slowly/a']) {
    statement(
      'MQTT311-3.3.5-2 MQTT31 MQTT5-3.4.2-1 MQTT5-3.5.2-1',
      `a PUBLISH to ${name} is acknowledged, in 5.0 with 0x87, and goes nowhere`,
      async (run) => {
        const watcher = await run.connect();
        await run.subscribe(watcher, run.topic('+/#'));
        const peer = await run.connect();
        const refused = run.version === 5 ? 0x87 : 0;
        peer.send(publish(run.topic(name), 'x', { qos: 1, packetIdentifier: 1 }));
        await peer.expect('puback', { packetIdentifier: 1, reasonCode: refused });
        peer.send(publish(run.topic(name), 'x', { qos: 2, packetIdentifier: 2 }));
        await peer.expect('pubrec', { packetIdentifier: 2, reasonCode: refused });
        if (run.version !== 5) {
          peer.send(ack('pubrel', 2));
          await peer.expect('pubcomp', { packetIdentifier: 2 });
        }
        peer.send(publish(run.topic(name), 'x', { retain: true }));
        await peer.expectNothing();
        await watcher.expectNothing();
      },
    );

    statement(
      'MQTT31 MQTT311-3.8.4-5 MQTT5-3.8.4-7',
      `a subscription to ${name} is refused in its place: 0x87, 0x80, in 3.1 granted and never served`,
      async (run) => {
        const peer = await run.connect();
        const refused = { 3: 1, 4: 0x80, 5: 0x87 }[run.version];
        peer.send(subscribe(1, [filter(run.topic('a'), 2), filter(run.topic(name), 1), filter(run.topic('b'), 0)]));
        await peer.expect('suback', { reasonCodes: [2, refused, 0] });
        await peer.expectNothing();
      },
    );
  }

  statement('MQTT5-4.3.3-9', 'after a PUBREC that refuses the identifier is free', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'));
    const peer = await run.connect();
    peer.send(publish(run.topic('denied/a'), 'x', { qos: 2, packetIdentifier: 2 }));
    await peer.expect('pubrec', { packetIdentifier: 2, reasonCode: 0x87 });
    peer.send(publish(run.topic('a'), 'y', { qos: 2, packetIdentifier: 2 }));
    await peer.expect('pubrec', { packetIdentifier: 2, reasonCode: 0 });
    await watcher.expect('publish', { text: 'y' });
  });

  statement(
    'MQTT31 MQTT311-3.1.4-4 MQTT5-3.1.4-2',
    'a Will that may not be published refuses the connection',
    async (run) => {
      const peer = await run.open();
      peer.send(connectPacket(run.version, { clientId: run.id('c'), will: { topic: run.topic('denied/a') } }));
      await peer.expect('connack', { reasonCode: run.version === 5 ? 0x87 : 5 });
      await peer.expectClosed();
    },
  );

  statement('MQTT31 MQTT311-4.6.0-5 MQTT5-4.6.0-5', 'what waits for a slow decision keeps its order', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'), 1);
    const peer = await run.connect();
    const packets = Array.from({ length: 10 }, (_, i) =>
      publish(run.topic(i % 2 === 0 ? 'a' : 'denied/slowly/a'), String(i), { qos: 1, packetIdentifier: i + 1 }),
    );
    peer.send(...packets);
    for (let i = 1; i <= 10; i++) await peer.expect('puback', { packetIdentifier: i });
    for (const text of ['0', '2', '4', '6', '8']) await watcher.expect('publish', { text });
  });
});
