import { type Broker, createBroker, type Settings } from '@hawser/broker';
import { encodeUtf8, type Packet } from '@hawser/codec';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { publishOf, Wire } from './testing/wire.ts';

const HOUR_MS = 3_600_000;

let clock: FakeClock;
let store: HeldStore;
let broker: Broker;
/** In place of a crash. */
let isStopped = false;

beforeEach(async () => {
  clock = new FakeClock();
  store = new HeldStore();
  broker = await createBroker({ clock, store });
});

async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await clock.settle();
    store.commitAll();
  }
  await clock.settle();
}

/**
 * The power goes, with everything in memory, or the broker is stopped in good order; `downMs` later it is started again.
 */
async function crash(downMs = 0, settings: Partial<Settings> = {}): Promise<void> {
  if (isStopped) {
    const closing = broker.close();
    await settle();
    await closing;
  }
  store = store.crash();
  clock.jumpWall(downMs);
  broker = await createBroker({ clock, store, settings });
  await settle();
}

async function connect(clientId: string, options: Parameters<Wire['connect']>[2] = {}): Promise<Wire> {
  const wire = await new Wire(broker, clock).connect(clientId, true, options);
  await settle();
  return wire;
}

/** Somebody who hears every Will. */
async function watch(): Promise<Wire> {
  const wire = new Wire(broker, clock).answerAll();
  await wire.connect('watcher', true);
  await wire.subscribe('will/#', 2);
  await settle();
  return wire;
}

const heard = (wire: Wire): string[] => wire.published.map(({ payload }) => new TextDecoder().decode(payload));

const will = (text: string, willDelayInterval = 0, qos: 0 | 1 | 2 = 1) => ({
  topic: 'will/1',
  payload: encodeUtf8(text),
  qos,
  retain: false,
  properties: { willDelayInterval },
});

const present = (wire: Wire): boolean | undefined => wire.last('connack')?.sessionPresent;

describe.each(['crash', 'stop'] as const)('over a %s', (how) => {
  beforeEach(() => {
    isStopped = how === 'stop';
  });

  describe('Session Expiry Interval over a crash', () => {
    test('the deadline is that of the wall clock: time while the broker was down counts', async () => {
      await (await connect('a', { properties: { sessionExpiryInterval: 3600 } })).cut();
      await settle();
      await crash(HOUR_MS - 60_000);
      const back = await connect('a', { properties: { sessionExpiryInterval: 3600 } });
      expect(present(back)).toBe(true);
      await back.cut();
      await settle();
      await crash(HOUR_MS + 1000);
      expect(present(await connect('a'))).toBe(false);
    });

    test('of those connected it begins with the start after a crash, with the stop otherwise', async () => {
      await connect('a', { properties: { sessionExpiryInterval: 3600 } });
      await crash(100 * HOUR_MS);
      if (isStopped) {
        expect(broker.registry.get('a')).toBeUndefined();
        return;
      }
      await clock.advance(HOUR_MS - 60_000);
      expect(broker.registry.get('a')).toBeDefined();
      await clock.advance(120_000);
      expect(broker.registry.get('a')).toBeUndefined();
    });

    test('a wall clock that is set while the broker runs ends nothing, at the next start neither', async () => {
      await (await connect('a', { properties: { sessionExpiryInterval: 3600 } })).cut();
      await settle();
      clock.jumpWall(50 * 365 * 24 * HOUR_MS);
      await clock.advance(30_000);
      await settle();
      await crash();
      expect(present(await connect('a'))).toBe(true);
    });
  });

  describe('a CONNACK waits for the disk', () => {
    test('a session and a Will that it stands for survive a crash at once behind it', async () => {
      const wire = await new Wire(broker, clock).connect('a', true, { will: will('gone') });
      expect(wire.packets, 'before the commit').toEqual([]);
      store.commitAll();
      await clock.settle();
      expect(wire.last('connack')).toMatchObject({ reasonCode: 0 });
      await crash();
      expect(broker.registry.get('a')).toBeDefined();
    });

    test('a session that Clean Start has discarded does not come back', async () => {
      const first = await connect('a');
      await first.subscribe('t');
      await settle();
      await first.cut();
      const second = new Wire(broker, clock);
      await second.connect('a', false);
      expect(second.packets).toEqual([]);
      await settle();
      expect(second.last('connack')).toMatchObject({ reasonCode: 0, sessionPresent: false });
      await crash();
      expect(broker.registry.get('a')).toBeUndefined();
    });

    test('without anything to be kept it waits for nothing', async () => {
      const wire = await new Wire(broker, clock).connect('a', false);
      expect(wire.last('connack')).toMatchObject({ reasonCode: 0 });
      expect(store.pending).toEqual([]);
    });
  });

  describe('a connection that ends without its CONNACK', () => {
    const ending = { cleanStart: false, properties: { sessionExpiryInterval: 0 } };

    /** Its session has a message and a Will that waits; its client is away. */
    async function leaveMessageAndWill(): Promise<void> {
      const wire = await connect('a', { will: will('waits', 600), properties: { sessionExpiryInterval: 3600 } });
      await wire.subscribe('t', 1);
      await settle();
      await wire.cut();
      broker.publish('t', 'acknowledged', { qos: 1 });
      await settle();
    }

    async function expectAllThere(): Promise<void> {
      const watcher = await watch();
      await clock.advance(601_000);
      await settle();
      expect(heard(watcher)).toEqual(['waits']);
      const back = await connect('a', ending);
      await settle();
      expect(present(back)).toBe(true);
      expect(heard(back)).toEqual(['acknowledged']);
      await back.cut();
      expect(broker.registry.get('a'), 'accepted, it ends the session').toBeUndefined();
    }

    test('leaves the session as it was, whatever Session Expiry Interval it asked for', async () => {
      await leaveMessageAndWill();
      const lost = await new Wire(broker, clock).connect('a', true, {
        ...ending,
        will: will('of who was not accepted'),
      });
      expect(lost.packets).toEqual([]);
      broker.publish('t', 'meanwhile', { qos: 1 });
      await lost.cut();
      await settle();
      await crash();
      const back = await connect('a', { properties: { sessionExpiryInterval: 3600 } });
      expect(heard(back)).toEqual(['acknowledged', 'meanwhile']);
    });

    test('because the disk fails: refused, and the session is there', async () => {
      await leaveMessageAndWill();
      const refused = await new Wire(broker, clock).connect('a', true, { ...ending, will: will('refused') });
      store.fail();
      await clock.settle();
      expect(refused.last('connack')).toMatchObject({ reasonCode: 0x88, sessionPresent: false });
      store.heal();
      await settle();
      await expectAllThere();
    });

    test('the deadline of the session is the one it had', async () => {
      await leaveMessageAndWill();
      await clock.advance(3_000_000);
      await (await new Wire(broker, clock).connect('a', true)).cut();
      await settle();
      await clock.advance(601_000);
      expect(broker.registry.get('a')).toBeUndefined();
    });

    test('leaves no session where there was none', async () => {
      await (await new Wire(broker, clock).connect('a', true)).cut();
      expect(broker.registry.get('a')).toBeUndefined();
      await settle();
      await crash();
      expect(present(await connect('a'))).toBe(false);
    });
  });

  describe('DUP after a crash', () => {
    /** Two messages wait for a client, which comes and answers nothing; the notes of their sending are not on disk. */
    async function sendWithoutNote(qos: 1 | 2, sessionExpiryInterval = 3600): Promise<Wire> {
      const options = { properties: { sessionExpiryInterval } };
      const first = await connect('a', options);
      await first.subscribe('t', qos);
      await settle();
      await first.cut();
      for (const text of ['1', '2']) broker.publish('t', text, { qos });
      await settle();
      const wire = await new Wire(broker, clock).connect('a', true, options);
      store.commit();
      await clock.settle();
      return wire;
    }
    const dups = (wire: Wire): string[] => wire.published.map(({ dup }, index) => `${heard(wire)[index]} ${dup}`);

    test.each([3600, 0xffff_ffff])(
      'QoS 1 that may have been sent carries it [MQTT5-3.3.1-1] (session of %d s)',
      async (expiry) => {
        const wire = await sendWithoutNote(1, expiry);
        expect(dups(wire)).toEqual(['1 false', '2 false']);
        await crash();
        // Also when the broker goes down once more before the client is back.
        await crash();
        broker.publish('t', 'new', { qos: 1 });
        const back = await connect('a');
        expect(dups(back)).toEqual(['1 true', '2 true', 'new false']);
      },
    );

    test('what came while its client was away does not', async () => {
      const wire = await connect('a');
      await wire.subscribe('t', 1);
      await settle();
      await wire.cut();
      broker.publish('t', '1', { qos: 1 });
      await settle();
      await crash();
      expect(dups(await connect('a'))).toEqual(['1 false']);
    });

    // Stopped in good order the note is written, and the PUBLISH is not sent any more.
    test.runIf(how === 'crash')('QoS 2 never leaves without a note', async () => {
      expect(dups(await sendWithoutNote(2))).toEqual([]);
      await crash();
      expect(dups(await connect('a'))).toEqual(['1 false', '2 false']);
    });
  });

  describe('Wills over a crash', () => {
    test('of who was connected it is sent after the start, once', async () => {
      await (await watch()).cut();
      await connect('a', { will: will('of a kept session') });
      const clean = { cleanStart: true, properties: { sessionExpiryInterval: 0 } };
      await connect('b', { ...clean, will: will('of a clean session') });
      await connect('c', { ...clean, will: will('of QoS 2', 0, 2) });
      await crash();
      await crash();
      expect(heard(await watch()).sort()).toEqual(['of QoS 2', 'of a clean session', 'of a kept session']);
      await crash();
      expect(heard(await watch())).toEqual([]);
    });

    test('one that waits is sent when it is due, time while the broker was down counts', async () => {
      await (await watch()).cut();
      await (await connect('a', { will: will('late', 600) })).cut();
      await settle();
      await crash(500_000);
      const early = await watch();
      expect(heard(early)).toEqual([]);
      await clock.advance(101_000);
      await settle();
      expect(heard(early)).toEqual(['late']);
    });

    test('one that was taken back, or whose client is back in time, is not sent', async () => {
      await (await watch()).cut();
      const polite = await connect('polite', { will: will('taken back') });
      await polite.send({ type: 'disconnect', reasonCode: 0, properties: undefined });
      await (await connect('back', { will: will('back in time', 600) })).cut();
      await settle();
      await crash(60_000);
      await connect('back');
      await crash();
      await clock.advance(HOUR_MS);
      await settle();
      expect(heard(await watch())).toEqual([]);
    });

    test('a crash in the middle of its publication: all of it is on disk, or nothing', async () => {
      for (let survives = 0, pending = 0; survives <= pending; survives++) {
        store = new HeldStore();
        broker = await createBroker({ clock, store });
        await (await watch()).cut();
        const wire = await connect('a', { will: will('once', 0, 2) });
        await wire.cut();
        pending = store.appended - store.committed;
        store = store.crash({ survives });
        broker = await createBroker({ clock, store });
        await settle();
        expect(broker.registry.get('watcher')?.session.queue.length, `${survives} of ${pending} on disk`).toBe(1);
      }
    });
  });

  describe('retained messages over a crash', () => {
    test('expire by the wall clock, and go from the disk', async () => {
      const publisher = await connect('publisher');
      const retained = publishOf('kept/1', 'short', 1, 1, true);
      await publisher.send(
        { ...retained, properties: { messageExpiryInterval: 100 } },
        publishOf('kept/2', 'for ever', 1, 2, true),
      );
      await settle();
      await crash(50_000);
      const early = await connect('early');
      await early.subscribe('kept/#');
      await settle();
      expect(heard(early)).toEqual(['short', 'for ever']);
      expect(early.published[0]).toMatchObject({ properties: { messageExpiryInterval: 50 } });
      await crash(51_000);
      const late = await connect('late');
      await late.subscribe('kept/#');
      await settle();
      expect(heard(late)).toEqual(['for ever']);
      await settle();
      expect((await store.crash().open()).retained.map(({ topic }) => topic)).toEqual(['kept/2']);
    });

    test('one that was cleared stays cleared', async () => {
      const publisher = await connect('publisher');
      await publisher.send(publishOf('kept/1', 'x', 1, 1, true), publishOf('kept/1', '', 1, 2, true));
      await settle();
      await crash();
      expect(broker.router.retained.count).toBe(0);
    });
  });

  describe('subscriptions over a crash', () => {
    const subscription = { qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const subscribe = (
      one: Partial<typeof subscription> & { topicFilter: string },
      subscriptionIdentifier?: number,
    ): Packet => ({
      type: 'subscribe',
      packetIdentifier: 1,
      properties: subscriptionIdentifier === undefined ? undefined : { subscriptionIdentifier },
      subscriptions: [{ ...subscription, ...one } as typeof subscription & { topicFilter: string }],
    });

    test('keep options, identifiers and shares; what was unsubscribed stays so', async () => {
      const wire = await connect('a');
      await wire.send(subscribe({ topicFilter: 'a/#' }, 7), subscribe({ topicFilter: 'a/b' }, 268_435_455));
      await wire.send(subscribe({ topicFilter: 'own/#', noLocal: true as false }));
      await wire.send(subscribe({ topicFilter: 'kept', retainAsPublished: true as false, qos: 1 as 2 }));
      await wire.send(
        subscribe({ topicFilter: '$share/g/shared', qos: 1 as 2 }, 9),
        subscribe({ topicFilter: 'gone' }),
      );
      await wire.send({ type: 'unsubscribe', packetIdentifier: 2, properties: undefined, topicFilters: ['gone'] });
      await settle();
      expect(wire.last('unsuback')).toBeDefined();
      await crash();
      const back = await connect('a');
      await back.send(
        publishOf('own/1', 'own', 1, 1),
        publishOf('kept', 'kept', 1, 2, true),
        publishOf('gone', 'gone', 1, 3),
      );
      for (const topic of ['a/b', 'shared']) broker.publish(topic, topic, { qos: 2 });
      await settle();
      const seen = back.published.map(({ topic, qos, retain, properties }) => [
        topic,
        qos,
        retain,
        properties?.subscriptionIdentifiers?.toSorted((a, b) => a - b),
      ]);
      expect(seen).toEqual([
        ['kept', 1, true, undefined],
        ['a/b', 2, false, [7, 268_435_455]],
        ['shared', 1, false, [9]],
      ]);
    });

    test('a SUBACK of what was there already still stands for something on disk', async () => {
      const wire = await connect('a');
      await wire.send(subscribe({ topicFilter: 't' }));
      expect(wire.last('suback')).toBeUndefined();
      await wire.send({ ...subscribe({ topicFilter: 't' }), packetIdentifier: 2 } as Packet);
      expect(wire.last('suback'), 'before the commit').toBeUndefined();
      await settle();
      expect(wire.packets.filter(({ type }) => type === 'suback')).toHaveLength(2);
      const appended = store.appended;
      await wire.send({ ...subscribe({ topicFilter: 't' }), packetIdentifier: 3 } as Packet);
      expect(store.appended, 'nothing is written a second time').toBe(appended);
    });
  });

  test('messages in a queue expire over a crash, by the wall clock, and that is told', async () => {
    const wire = await connect('a');
    await wire.subscribe('t');
    await settle();
    await wire.cut();
    broker.publish('t', 'short', { qos: 1, properties: { messageExpiryInterval: 100 } });
    broker.publish('t', 'long', { qos: 1, properties: { messageExpiryInterval: 1000 } });
    await settle();
    await crash(200_000);
    const back = await connect('a');
    await settle();
    expect(heard(back)).toEqual(['long']);
    expect(back.published[0]).toMatchObject({ properties: { messageExpiryInterval: 800 } });
    await back.cut();
    expect((await connect('a')).lost).toEqual({ expired: 1 });
  });

  test('inbound QoS 2: a duplicate after a crash goes no further, PUBREL is answered', async () => {
    const reader = await connect('reader');
    await reader.subscribe('t');
    await settle();
    await reader.cut();
    const wire = await connect('a');
    await wire.send(publishOf('t', 'once', 2, 5));
    await settle();
    expect(wire.last('pubrec')).toMatchObject({ packetIdentifier: 5, reasonCode: 0 });
    await crash();
    const back = await connect('a');
    await back.send({ ...publishOf('t', 'once', 2, 5), dup: true });
    await settle();
    expect(back.last('pubrec')).toMatchObject({ packetIdentifier: 5, reasonCode: 0 });
    await back.send({ type: 'pubrel', packetIdentifier: 5, reasonCode: 0, properties: undefined });
    await settle();
    expect(back.last('pubcomp')).toMatchObject({ packetIdentifier: 5, reasonCode: 0 });
    await crash();
    // The identifier is free: a new message under it is new.
    const again = await connect('a');
    await again.send(publishOf('t', 'another', 2, 5));
    await settle();
    const late = new Wire(broker, clock).answerAll();
    await late.connect('reader', true);
    await settle();
    expect(heard(late)).toEqual(['once', 'another']);
  });
});
