import { describe, expect } from 'vitest';
import { utf8 } from './harness/bytes.ts';
import { ack, filter, publish, subscribe, unsubscribe } from './harness/packets.ts';
import type { Peer } from './harness/peer.ts';
import { type Run, suite } from './harness/statement.ts';

const statement = suite();

/** The texts of the messages that come, up to a PINGRESP. */
async function texts(peer: Peer): Promise<string[]> {
  return (await peer.drain()).filter((packet) => packet.type === 'publish').map(({ text }) => text);
}

describe('SUBSCRIBE', () => {
  statement(
    'MQTT31 MQTT311-3.8.4-1 MQTT311-3.8.4-2 MQTT311-2.3.1-7 MQTT311-3.8.4-5 MQTT311-3.9.3-1 MQTT311-3.9.3-2',
    'SUBACK has the identifier and a code for each filter in order, to the byte',
    async (run) => {
      const peer = await run.connect();
      peer.send(subscribe(0xfedc, [filter(run.topic('a'), 2), filter(run.topic('b'), 0), filter(run.topic('c'), 1)]));
      await peer.expectBytes('90 05 fe dc 02 00 01');
    },
  );

  statement(
    'MQTT5-3.8.4-1 MQTT5-3.8.4-2 MQTT5-2.2.1-6 MQTT5-3.8.4-6 MQTT5-3.8.4-7 MQTT5-3.9.3-1 MQTT5-3.9.3-2',
    'SUBACK has the identifier and a Reason Code for each filter in order, to the byte',
    async (run) => {
      const peer = await run.connect();
      peer.send(subscribe(0xfedc, [filter(run.topic('a'), 2), filter(run.topic('b'), 0), filter(run.topic('c'), 1)]));
      await peer.expectBytes('90 06 fe dc 00 02 00 01');
    },
  );

  statement(
    'MQTT31 MQTT311-3.8.4-4 MQTT5-3.8.4-5',
    'several filters in one SUBSCRIBE are several subscriptions',
    async (run) => {
      const peer = await run.connect();
      await run.publish(peer, run.topic('b'), 'kept', { retain: true });
      await run.subscribe(peer, [filter(run.topic('a'), 1), filter(run.topic('b')), filter(run.topic('c/#'), 2)]);
      await peer.expect('publish', { text: 'kept', retain: true });
      const other = await run.connect();
      for (const name of ['a', 'b', 'c', 'c/d']) {
        await run.publish(other, run.topic(name), name, { qos: 0 });
        await peer.expect('publish', { text: name });
      }
    },
  );

  for (const published of [0, 1, 2] as const) {
    for (const granted of [0, 1, 2] as const) {
      const qos = Math.min(published, granted);
      statement(
        'MQTT31 MQTT311-3.8.4-6 MQTT5-3.8.4-8',
        `published at ${published}, granted ${granted}: delivered at ${qos}`,
        async (run) => {
          const watcher = await run.connect();
          await run.subscribe(watcher, run.topic('a'), granted);
          const peer = await run.connect();
          await run.publish(peer, run.topic('a'), 'x', { qos: published });
          await watcher.expect('publish', { qos });
          await watcher.expectNothing();
        },
      );
    }
  }

  statement(
    'MQTT31 MQTT311-3.8.4-3 MQTT5-3.8.4-3 MQTT5-3.8.4-4',
    'the same filter again replaces the subscription; retained messages come again',
    async (run) => {
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'kept', { retain: true, qos: 1 });
      await run.subscribe(peer, run.topic('a'), 0);
      await peer.expect('publish', { retain: true, qos: 0 });
      await run.subscribe(peer, run.topic('a'), 1);
      const { packetIdentifier } = await peer.expect('publish', { retain: true, qos: 1 });
      peer.send(ack('puback', packetIdentifier));
      const other = await run.connect();
      await run.publish(other, run.topic('a'), 'x', { qos: 2 });
      await peer.expect('publish', { text: 'x', qos: 1, retain: false });
      await peer.expectNothing();
    },
  );

  statement('MQTT31 MQTT311-3.8.4-3 MQTT5-3.8.4-4', 'nothing is lost while a subscription is replaced', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('a'), 1);
    const peer = await run.connect();
    for (let i = 0; i < 20; i++) {
      watcher.send(subscribe(100 + i, [filter(run.topic('a'), 1)]));
      await run.publish(peer, run.topic('a'), String(i), { qos: 1 });
    }
    const packets = await watcher.drain();
    const seen = packets.filter(({ type }) => type === 'publish').map(({ text }) => text);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
  });

  statement(
    'MQTT5-3.3.1-10 MQTT5',
    'Retain Handling 1 sends retained messages for a new subscription only',
    async (run) => {
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'kept', { retain: true });
      const wanted = [filter(run.topic('a'), 1, { retainHandling: 1 })];
      await run.subscribe(peer, wanted);
      await peer.expect('publish', { text: 'kept', retain: true });
      await run.subscribe(peer, wanted);
      await peer.expectNothing();
      peer.send(unsubscribe(90, run.topic('a')));
      await peer.expect('unsuback');
      await run.subscribe(peer, wanted);
      await peer.expect('publish', { text: 'kept', retain: true });
    },
  );

  statement('MQTT5-3.3.1-11', 'Retain Handling 2 sends none', async (run) => {
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'kept', { retain: true });
    await run.subscribe(peer, [filter(run.topic('a'), 1, { retainHandling: 2 })]);
    await peer.expectNothing();
  });

  statement('MQTT5-3.3.1-9', 'Retain Handling 0 sends them each time', async (run) => {
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'kept', { retain: true });
    for (let i = 0; i < 3; i++) {
      await run.subscribe(peer, run.topic('+'));
      await peer.expect('publish', { text: 'kept', retain: true });
    }
  });

  statement(
    'MQTT5-3.8.3-3',
    'No Local keeps the own messages back, also those retained, and only them',
    async (run) => {
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'own, retained', { retain: true, qos: 1 });
      await run.subscribe(peer, [filter(run.topic('a'), 2, { noLocal: true })]);
      for (const qos of [0, 1, 2] as const) await run.publish(peer, run.topic('a'), 'own', { qos });
      await peer.expectNothing();
      const other = await run.connect();
      for (const qos of [0, 1, 2] as const) {
        await run.publish(other, run.topic('a'), `from another at ${qos}`, { qos });
        await peer.expect('publish', { text: `from another at ${qos}` });
      }
    },
  );

  statement(
    'MQTT5-3.8.3-3',
    'No Local holds for the Client Identifier over a reconnect, and for a Will',
    async (run) => {
      const fields = { clientId: run.id('k'), cleanStart: false, properties: { sessionExpiryInterval: 60 } };
      const first = await run.connect({ ...fields, will: { topic: run.topic('a'), qos: 1 } });
      await run.subscribe(first, [filter(run.topic('a'), 1, { noLocal: true })]);
      await first.cut();
      const second = await run.connect(fields);
      await run.publish(second, run.topic('a'), 'own', { qos: 1 });
      await second.expectNothing();
    },
  );
});

describe('overlapping subscriptions', () => {
  statement(
    'MQTT5-3.8.3-3 MQTT5-3.3.4-4',
    'an own message comes by the subscriptions without No Local alone',
    async (run) => {
      const orders = [
        [0, 1, 2],
        [2, 1, 0],
        [1, 0, 2],
      ];
      for (const [at, order] of orders.entries()) {
        const peer = await run.connect();
        const topic = (name: string): string => run.topic(`${at}/${name}`);
        const subscriptions = [
          filter(topic('#'), 2, { noLocal: true, retainAsPublished: true }),
          filter(topic('+'), 0),
          filter(topic('a'), 1),
        ];
        for (const i of order) {
          const subscription = subscriptions[i];
          if (subscription !== undefined)
            await run.subscribe(peer, [subscription], 0, { subscriptionIdentifier: i + 1 });
        }
        peer.send(publish(topic('a'), 'own', { qos: 2, packetIdentifier: 70, retain: true }));
        const own = (await peer.drain()).filter((packet) => packet.type === 'publish');
        expect(own).toMatchObject([{ text: 'own', qos: 1, retain: false }]);
        expect([...(own[0]?.properties?.subscriptionIdentifiers ?? [])].sort()).toEqual([2, 3]);
        const other = await run.connect();
        await run.publish(other, topic('a'), 'other', { qos: 2, retain: true });
        const { properties } = await peer.expect('publish', { text: 'other', qos: 2, retain: true });
        expect([...(properties?.subscriptionIdentifiers ?? [])].sort()).toEqual([1, 2, 3]);
      }
    },
  );

  statement(
    'MQTT31 MQTT311-3.3.5-1 MQTT5-3.3.4-2',
    'one copy at the highest QoS, whatever the order of the subscriptions',
    async (run) => {
      for (const [name, order] of [
        ['u', [2, 0, 1]],
        ['v', [0, 1, 2]],
      ] as const) {
        const watcher = await run.connect();
        const filters = [run.topic(`${name}/#`), run.topic(`${name}/+`), run.topic(`${name}/a`)];
        for (const [i, topicFilter] of filters.entries()) await run.subscribe(watcher, topicFilter, order[i]);
        const peer = await run.connect();
        await run.publish(peer, run.topic(`${name}/a`), 'x', { qos: 2 });
        await watcher.expect('publish', { text: 'x', qos: 2 });
        await watcher.expectNothing();
        await run.publish(peer, run.topic(`${name}/a`), 'y', { qos: 0 });
        await watcher.expect('publish', { text: 'y', qos: 0 });
        await watcher.expectNothing();
      }
    },
  );

  statement('MQTT5-3.3.4-3 MQTT5-3.3.4-4', 'the one copy has all Subscription Identifiers', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('#'), 0, { subscriptionIdentifier: 1 });
    await run.subscribe(watcher, run.topic('+'), 1, { subscriptionIdentifier: 268_435_455 });
    await run.subscribe(watcher, run.topic('a'), 2);
    const peer = await run.connect();
    for (const qos of [0, 1, 2] as const) {
      await run.publish(peer, run.topic('a'), 'x', { qos });
      const { properties } = await watcher.expect('publish', { qos });
      expect([...(properties?.subscriptionIdentifiers ?? [])].sort((a, b) => a - b)).toEqual([1, 268_435_455]);
    }
    const packets = await watcher.drain();
    expect(packets).toEqual([]);
  });

  statement(
    'MQTT5-3.3.4-3 MQTT5-3.8.4-3',
    'a replaced subscription has its new Subscription Identifier, or none',
    async (run) => {
      const watcher = await run.connect();
      const peer = await run.connect();
      for (const subscriptionIdentifier of [5, 6, undefined]) {
        await run.subscribe(
          watcher,
          run.topic('a'),
          0,
          subscriptionIdentifier === undefined ? undefined : { subscriptionIdentifier },
        );
        await run.publish(peer, run.topic('a'), 'x');
        const { properties } = await watcher.expect('publish');
        expect(properties?.subscriptionIdentifiers ?? []).toEqual(
          subscriptionIdentifier === undefined ? [] : [subscriptionIdentifier],
        );
      }
    },
  );

  statement(
    'MQTT5-3.3.4-3',
    'retained messages and shared subscriptions have their Subscription Identifier',
    async (run) => {
      const watcher = await run.connect();
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'kept', { retain: true });
      await run.subscribe(watcher, run.topic('a'), 0, { subscriptionIdentifier: 9 });
      expect((await watcher.expect('publish', { retain: true })).properties?.subscriptionIdentifiers).toEqual([9]);
      await run.subscribe(watcher, `$share/g/${run.topic('s')}`, 1, { subscriptionIdentifier: 10 });
      await run.publish(peer, run.topic('s'), 'x', { qos: 1 });
      expect((await watcher.expect('publish')).properties?.subscriptionIdentifiers).toEqual([10]);
    },
  );
});

describe('UNSUBSCRIBE', () => {
  statement(
    'MQTT31 MQTT311-3.10.4-4 MQTT311-3.10.4-5 MQTT311-2.3.1-7',
    'UNSUBACK has the identifier, to the byte, whether there was a subscription or not',
    async (run) => {
      const peer = await run.connect();
      peer.send(unsubscribe(0x0102, run.topic('nothing')));
      await peer.expectBytes('b0 02 01 02');
      await run.subscribe(peer, run.topic('a'));
      peer.send(unsubscribe(0x0103, run.topic('a')));
      await peer.expectBytes('b0 02 01 03');
    },
  );

  statement(
    'MQTT5-3.10.4-4 MQTT5-3.10.4-5 MQTT5-2.2.1-6 MQTT5-3.11.3-1 MQTT5-3.11.3-2',
    'UNSUBACK says 0 or 0x11 for each filter in order',
    async (run) => {
      const peer = await run.connect();
      await run.subscribe(peer, [filter(run.topic('a')), filter(run.topic('b'))]);
      peer.send(unsubscribe(0x0102, run.topic('x'), run.topic('b'), run.topic('a'), run.topic('a')));
      await peer.expectBytes('b0 07 01 02 00 11 00 00 11');
    },
  );

  statement('MQTT31 MQTT311-3.10.4-1 MQTT5-3.10.4-1', 'filters are compared character by character', async (run) => {
    const peer = await run.connect();
    await run.subscribe(peer, [filter(run.topic('a/+')), filter(run.topic('B'))]);
    peer.send(unsubscribe(7, run.topic('a/b'), run.topic('a/#'), run.topic('b'), run.topic('a/+/')));
    await peer.expect('unsuback');
    const other = await run.connect();
    await run.publish(other, run.topic('a/b'), '1');
    await run.publish(other, run.topic('B'), '2');
    expect(await texts(peer)).toEqual(['1', '2']);
    peer.send(unsubscribe(8, run.topic('a/+')));
    await peer.expect('unsuback');
    await run.publish(other, run.topic('a/b'), '3');
    await run.publish(other, run.topic('B'), '4');
    expect(await texts(peer)).toEqual(['4']);
  });

  statement(
    'MQTT31 MQTT311-3.10.4-6 MQTT5-3.10.4-6',
    'several filters in one UNSUBSCRIBE have one UNSUBACK',
    async (run) => {
      const peer = await run.connect();
      await run.subscribe(peer, [filter(run.topic('a')), filter(run.topic('b')), filter(run.topic('c'))]);
      peer.send(unsubscribe(8, run.topic('a'), run.topic('c')));
      await peer.expect('unsuback', { packetIdentifier: 8 });
      const other = await run.connect();
      for (const name of ['a', 'b', 'c']) await run.publish(other, run.topic(name), name);
      expect(await texts(peer)).toEqual(['b']);
    },
  );

  statement(
    'MQTT31 MQTT311-3.10.4-3 MQTT5-3.10.4-3',
    'messages that were sent are brought to their end after UNSUBACK',
    async (run) => {
      const peer = await run.connect();
      await run.subscribe(peer, run.topic('a'), 2);
      const other = await run.connect();
      await run.publish(other, run.topic('a'), 'x', { qos: 2 });
      const { packetIdentifier } = await peer.expect('publish', { qos: 2 });
      peer.send(unsubscribe(8, run.topic('a')));
      await peer.expect('unsuback');
      peer.send(ack('pubrec', packetIdentifier));
      await peer.expect('pubrel', { packetIdentifier });
      peer.send(ack('pubcomp', packetIdentifier));
      await peer.expectNothing();
    },
  );

  statement(
    'MQTT31 MQTT311-3.10.4-3 MQTT5-3.10.4-3',
    'messages under way are sent again after a reconnect, their subscription gone or not',
    async (run) => {
      const fields = { clientId: run.id('k'), cleanStart: false, properties: { sessionExpiryInterval: 60 } };
      const peer = await run.connect(fields);
      await run.subscribe(peer, run.topic('a'), 1);
      const other = await run.connect();
      await run.publish(other, run.topic('a'), 'x', { qos: 1 });
      const { packetIdentifier } = await peer.expect('publish', { qos: 1 });
      peer.send(unsubscribe(8, run.topic('a')));
      await peer.expect('unsuback');
      await peer.cut();
      const again = await run.connect(fields);
      await again.expect('publish', { text: 'x', packetIdentifier, dup: true });
    },
  );
});

describe('topics', () => {
  const matches: readonly (readonly [string, string, boolean])[] = [
    ['a/#', 'a', true],
    ['a/#', 'a/', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'ab', false],
    ['a/+', 'a/', true],
    ['a/+', 'a', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['+/a', '/a', true],
    ['+', 'a', true],
    ['+', '/a', false],
    ['/+', '/a', true],
    ['+/+', '/a', true],
    ['a//b', 'a//b', true],
    ['a/+/b', 'a//b', true],
    ['a/+/#', 'a/b', true],
    ['a/+/#', 'a', false],
    ['A', 'a', false],
    ['a', '/a', false],
    ['a', 'a/', false],
    ['a b', 'a b', true],
    ['ä', 'a\u0308', false],
    ['+/$x', 'a/$x', true],
    ['a/+', 'a/$x', true],
  ];
  statement(
    'MQTT31 MQTT311-4.7.1-2 MQTT311-4.7.1-3 MQTT311-4.7.3-4 MQTT5-4.7.1-1 MQTT5-4.7.1-2 MQTT5-4.7.3-4',
    'filters match the topics they should, messages and retained ones',
    async (run) => {
      for (const [at, [topicFilter, topic, expected]] of matches.entries()) {
        const under = (name: string): string => run.topic(`${at}/${name}`);
        const peer = await run.connect();
        await run.subscribe(peer, under(topicFilter));
        const publisher = await run.connect();
        await run.publish(publisher, under(topic), 'live', { retain: true });
        if (!expected) {
          await peer.expectNothing();
          await run.subscribe(peer, [filter(under(topicFilter))]);
          await peer.expectNothing();
        } else {
          await peer.expect('publish', { topic: under(topic), text: 'live', retain: false });
          const other = await run.connect();
          await run.subscribe(other, under(topicFilter));
          await other.expect('publish', { topic: under(topic), text: 'live', retain: true });
        }
      }
    },
  );

  statement(
    'MQTT31 MQTT311-4.7.2-1 MQTT5-4.7.2-1',
    'a wildcard at the start does not match topics that begin with $',
    async (run) => {
      const name = run.id('x');
      const peer = await run.connect();
      const other = await run.connect();
      await run.publish(other, `$${name}/kept`, 'kept', { retain: true });
      await run.subscribe(peer, [filter(`+/${name}`), filter('+/kept')]);
      await run.publish(other, `$q/${name}`, 'hidden', { qos: 1 });
      await run.publish(other, `$${name}/kept`, 'hidden too', { qos: 1 });
      await run.publish(other, `q/${name}`, 'seen', { qos: 1 });
      expect(await texts(peer)).toEqual(['seen']);
      const all = await run.connect();
      await run.subscribe(all, '#');
      await run.publish(other, `$q/${name}`, `hidden from # ${name}`, { qos: 1 });
      const seen = await all.drain();
      expect(seen.filter((packet) => packet.type === 'publish' && packet.topic.startsWith('$'))).toEqual([]);
    },
  );

  statement('MQTT31 MQTT311-4.7.2-1 MQTT5-4.7.2-1', 'a filter that begins with $ matches them', async (run) => {
    // The topics that a client may publish to without a rule are those of bridges.
    const bridge = `$SYS/broker/connection/${run.id('x')}`;
    const peer = await run.connect();
    await run.subscribe(peer, `${bridge}/#`);
    const other = await run.connect();
    await run.publish(other, `${bridge}/state`, '1');
    await peer.expect('publish', { topic: `${bridge}/state` });
  });

  statement('MQTT31 MQTT311 MQTT5', 'a topic of / alone, and of a space', async (run) => {
    const peer = await run.connect();
    const name = run.id('n');
    await run.subscribe(peer, [filter(`/${name}/`), filter(` ${name}`)]);
    const other = await run.connect();
    await run.publish(other, `/${name}/`, '1');
    await run.publish(other, ` ${name}`, '2');
    expect(await texts(peer)).toEqual(['1', '2']);
  });
});

describe('shared subscriptions', () => {
  /** Member number `i` connects; its session is kept. */
  const member = (run: Run, i: number): Promise<Peer> =>
    run.connect({
      clientId: run.id(`m${i}`),
      cleanStart: false,
      properties: run.version === 5 ? { sessionExpiryInterval: 60 } : undefined,
    });
  const members = async (
    run: Run,
    count: number,
    topicFilter: string,
    qos: 0 | 1 | 2 = 1,
    first = 0,
  ): Promise<Peer[]> => {
    const peers: Peer[] = [];
    for (let i = first; i < first + count; i++) {
      const peer = await member(run, i);
      await run.subscribe(peer, topicFilter, qos);
      peers.push(peer);
    }
    return peers;
  };

  statement('MQTT31 MQTT311 MQTT5-4.8.2-1 MQTT5-4.8.2-2', 'each message goes to one member, balanced', async (run) => {
    const peers = await members(run, 3, `$share/g/${run.topic('a/+')}`, 0);
    const peer = await run.connect();
    for (let i = 0; i < 30; i++) await run.publish(peer, run.topic('a/x'), String(i));
    const counts: number[] = [];
    const all: string[] = [];
    for (const receiver of peers) {
      const seen = await texts(receiver);
      counts.push(seen.length);
      all.push(...seen);
    }
    expect(all.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    for (const count of counts) expect(count).toBeGreaterThanOrEqual(5);
  });

  statement(
    'MQTT31 MQTT311 MQTT5',
    'groups of other names, and plain subscriptions, get a copy of their own',
    async (run) => {
      const [one] = await members(run, 1, `$share/g1/${run.topic('a')}`);
      const [two] = await members(run, 1, `$share/group2/${run.topic('a')}`, 1, 1);
      if (one === undefined || two === undefined) throw new Error('no members');
      await run.subscribe(one, run.topic('a'), 0);
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'x', { qos: 1 });
      expect(await texts(one)).toEqual(['x', 'x']);
      expect(await texts(two)).toEqual(['x']);
    },
  );

  statement('MQTT5-4.8.2-3 MQTT311 MQTT31', 'the QoS granted to the member is respected', async (run) => {
    const topicFilter = `$share/g/${run.topic('a')}`;
    for (const qos of [0, 1, 2] as const) {
      const peer = await run.connect();
      await run.subscribe(peer, topicFilter, qos);
      const other = await run.connect();
      await run.publish(other, run.topic('a'), 'x', { qos: 2 });
      await peer.expect('publish', { qos });
      await peer.disconnect();
    }
  });

  statement('MQTT31 MQTT311 MQTT5', 'retained messages do not go to a shared subscription', async (run) => {
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'kept', { retain: true, qos: 1 });
    await run.subscribe(peer, `$share/g/${run.topic('a')}`, 1);
    await peer.expectNothing();
  });

  statement(
    'MQTT31 MQTT311-4.7.2-1 MQTT5-4.7.2-1',
    'a shared # does not match topics that begin with $',
    async (run) => {
      const peer = await run.connect();
      await run.subscribe(peer, `$share/${run.id('g')}/#`, 0);
      const other = await run.connect();
      await run.publish(other, `$q/${run.id('x')}`, 'hidden');
      const seen = await peer.drain();
      expect(seen.filter((packet) => packet.type === 'publish' && packet.topic.startsWith('$'))).toEqual([]);
    },
  );

  statement('MQTT31 MQTT311 MQTT5', 'UNSUBSCRIBE leaves the group', async (run) => {
    const topicFilter = `$share/g/${run.topic('a')}`;
    const [one, two] = await members(run, 2, topicFilter, 0);
    if (one === undefined || two === undefined) throw new Error('no members');
    one.send(unsubscribe(9, topicFilter));
    await one.expect('unsuback', run.version === 5 ? { reasonCodes: [0] } : {});
    const peer = await run.connect();
    for (let i = 0; i < 4; i++) await run.publish(peer, run.topic('a'), String(i));
    expect(await texts(one)).toEqual([]);
    expect(await texts(two)).toEqual(['0', '1', '2', '3']);
  });

  statement('MQTT31 MQTT311 MQTT5', 'a member that is there is preferred to one that is away', async (run) => {
    const [one, two] = await members(run, 2, `$share/g/${run.topic('a')}`);
    if (one === undefined || two === undefined) throw new Error('no members');
    await one.disconnect();
    const peer = await run.connect();
    for (let i = 0; i < 4; i++) await run.publish(peer, run.topic('a'), String(i), { qos: 1 });
    expect(await texts(two)).toEqual(['0', '1', '2', '3']);
  });

  statement('MQTT31 MQTT311 MQTT5', 'where all are away the message waits for one of them', async (run) => {
    const topicFilter = `$share/g/${run.topic('a')}`;
    const [one] = await members(run, 1, topicFilter);
    await one?.disconnect();
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { qos: 1 });
    expect(await texts(await member(run, 0))).toEqual(['x']);
  });

  statement('MQTT5', 'QoS 1 moves to another member when the session ends', async (run) => {
    const topicFilter = `$share/g/${run.topic('a')}`;
    const one = await run.connect({ clientId: run.id('one') });
    await run.subscribe(one, topicFilter, 1);
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { qos: 1 });
    await one.expect('publish', { text: 'x' });
    const [two] = await members(run, 1, topicFilter);
    await two?.expectNothing();
    await one.disconnect();
    await two?.expect('publish', { text: 'x', qos: 1 });
  });

  statement(
    'MQTT5-4.8.2-4 MQTT311 MQTT31',
    'QoS 2 waits for the same session and is brought to its end there',
    async (run) => {
      const topicFilter = `$share/g/${run.topic('a')}`;
      const [one] = await members(run, 1, topicFilter, 2);
      const peer = await run.connect();
      await run.publish(peer, run.topic('a'), 'x', { qos: 2 });
      const { packetIdentifier } = (await one?.expect('publish', { text: 'x' })) ?? {};
      await one?.disconnect();
      const again = await member(run, 0);
      const packet = await again.expect('publish', { text: 'x', dup: true, packetIdentifier });
      again.send(ack('pubrec', packet.packetIdentifier));
      await again.expect('pubrel', { packetIdentifier });
    },
  );

  statement('MQTT5-4.8.2-5 MQTT311 MQTT31', 'QoS 2 ends with its session and goes to nobody else', async (run) => {
    const topicFilter = `$share/g/${run.topic('a')}`;
    const [one] = await members(run, 1, topicFilter, 2);
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { qos: 2 });
    await one?.expect('publish', { text: 'x' });
    const two = await run.connect();
    await run.subscribe(two, topicFilter, 2);
    await one?.disconnect();
    const clean = await run.connect({ clientId: run.id('m0'), cleanStart: true });
    await clean.expectNothing();
    await two.expectNothing();
  });

  statement('MQTT5-4.8.2-6', 'a message that a member refuses is discarded', async (run) => {
    const [one, two] = await members(run, 2, `$share/g/${run.topic('a')}`, 2);
    const peer = await run.connect();
    for (const [qos, type] of [
      [1, 'puback'],
      [2, 'pubrec'],
    ] as const) {
      await run.publish(peer, run.topic('a'), 'x', { qos });
      await run.publish(peer, run.topic('a'), 'x', { qos });
      for (const receiver of [one, two]) {
        const { packetIdentifier } = (await receiver?.expect('publish', { qos })) ?? {};
        receiver?.send(ack(type, packetIdentifier ?? 0, 0x83));
      }
      for (const receiver of [one, two]) await receiver?.expectNothing();
    }
    await one?.disconnect();
    await two?.expectNothing();
    await (await member(run, 0)).expectNothing();
  });
});

statement(
  'MQTT31 MQTT311-4.5.0-1 MQTT5-4.5.0-1',
  'a message reaches every client with a matching subscription, there or away',
  async (run) => {
    const fields = {
      clientId: run.id('away'),
      cleanStart: false,
      properties: run.version === 5 ? { sessionExpiryInterval: 60 } : undefined,
    };
    const away = await run.connect(fields);
    await run.subscribe(away, run.topic('#'), 2);
    await away.disconnect();
    const there = [await run.connect(), await run.connect(), await run.connect({ protocolVersion: 4 })];
    for (const peer of there) await run.subscribe(peer, run.topic('a'), 1);
    const peer = await run.connect();
    await run.publish(peer, run.topic('a'), 'x', { qos: 2 });
    for (const watcher of there) await watcher.expect('publish', { text: 'x', qos: 1 });
    const back = await run.connect(fields);
    await back.expect('publish', { text: 'x', qos: 2, dup: false });
  },
);

statement('MQTT31', 'PUBREL, SUBSCRIBE and UNSUBSCRIBE may have DUP', async (run) => {
  const peer = await run.connect();
  peer.send('8a 08 00 05 00 03', utf8('a/b'), '01');
  await peer.expectBytes('90 03 00 05 01');
  peer.send('aa 07 00 06 00 03', utf8('a/b'));
  await peer.expectBytes('b0 02 00 06');
  peer.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: 7 }));
  await peer.expect('pubrec');
  peer.send('6a 02 00 07');
  await peer.expect('pubcomp');
});
