import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type BrokerProcess, startBroker } from './harness/broker-process.ts';
import { ack, type ConnectFields, connectPacket, filter, publish, subscribe } from './harness/packets.ts';
import { Peer, type Received } from './harness/peer.ts';
import { type Run, type Statement, suite } from './harness/statement.ts';

/*
 * Sessions that outlive their broker. A broker with a data directory serves all tests of a group at once; when each has done what
 * comes before, it is killed without ado (or stopped) once, started again on its data, and they go on.
 */
const statement = suite({}, ['tcp']);

class Restarting {
  readonly #signal: 'SIGKILL' | 'SIGTERM';
  readonly #directory = mkdtempSync(join(tmpdir(), 'hawser-conformance-'));
  #broker: BrokerProcess | undefined;
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(signal: 'SIGKILL' | 'SIGTERM') {
    this.#signal = signal;
    beforeAll(async () => {
      this.#broker = await startBroker({ data: this.#directory });
    }, 60_000);
    afterAll(async () => {
      await this.#broker?.stop();
      rmSync(this.#directory, { recursive: true, force: true });
    });
  }

  get broker(): BrokerProcess {
    if (this.#broker === undefined) throw new Error('there is no broker');
    return this.#broker;
  }

  begin(): void {
    this.#running++;
  }

  /** A test that ends before its restart must not keep the others waiting. */
  async leave(): Promise<void> {
    this.#running--;
    await this.#restartWhenAllWait();
  }

  /** Settles when the broker is back, all tests of the group having come so far. */
  async restart(): Promise<void> {
    const back = new Promise<void>((resolve) => this.#waiting.push(resolve));
    await this.#restartWhenAllWait();
    await back;
  }

  async #restartWhenAllWait(): Promise<void> {
    if (this.#waiting.length === 0 || this.#waiting.length < this.#running) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    await this.broker.stop(this.#signal);
    this.#broker = await startBroker({ data: this.#directory });
    for (const resolve of waiting) resolve();
  }
}

/** What a test of a group sees: clients with names of their own, and the restart. */
class Before {
  readonly #restarting: Restarting;
  readonly #run: Run;
  #left = false;

  constructor(restarting: Restarting, run: Run) {
    this.#restarting = restarting;
    this.#run = run;
  }

  async restart(): Promise<void> {
    await this.#restarting.restart();
    this.#left = true;
    await this.#restarting.leave();
  }

  async end(): Promise<void> {
    if (!this.#left) await this.#restarting.leave();
  }

  async connect(name: string, fields: ConnectFields = {}): Promise<Peer> {
    const { version } = this.#run;
    const peer = await Peer.open(this.#restarting.broker, 'tcp', version);
    const { properties, ...others } = fields;
    const expiry = version === 5 ? { sessionExpiryInterval: 60, ...properties } : undefined;
    peer.send(
      connectPacket(version, { clientId: this.#run.id(name), cleanStart: false, properties: expiry, ...others }),
    );
    peer.connack = await peer.expect('connack', { reasonCode: 0 });
    return peer;
  }
}

type Restarts = (tags: string, words: string, test: (broker: Before, run: Run) => Promise<void>) => void;

function group(signal: 'SIGKILL' | 'SIGTERM', holds: Statement): Restarts {
  const restarting = new Restarting(signal);
  return (tags, words, test) => {
    holds(tags, words, async (run) => {
      restarting.begin();
      const before = new Before(restarting, run);
      try {
        await test(before, run);
      } finally {
        await before.end();
      }
    });
  };
}

async function granted(peer: Peer, ...filters: Parameters<typeof filter>[]): Promise<void> {
  const subscriptions = filters.map((parts) => filter(...parts));
  peer.send(subscribe(peer.nextIdentifier(), subscriptions));
  await peer.expect('suback', { reasonCodes: subscriptions.map(({ qos }) => qos) });
}

async function published(peer: Peer, topic: string, payload: string, qos: 1 | 2 = 1, retain = false): Promise<void> {
  const packetIdentifier = peer.nextIdentifier();
  peer.send(publish(topic, payload, { qos, retain, packetIdentifier }));
  await peer.expect(qos === 1 ? 'puback' : 'pubrec', { packetIdentifier });
  if (qos === 1) return;
  peer.send(ack('pubrel', packetIdentifier));
  await peer.expect('pubcomp', { packetIdentifier });
}

describe('after kill -9', () => {
  const restarts = group('SIGKILL', statement);

  restarts(
    'MQTT31 MQTT311-4.1.0-1 MQTT311-3.1.2-5 MQTT5-4.1.0-1 MQTT5-3.1.2-23',
    'sessions, subscriptions, queued and retained messages are there',
    async (broker, run) => {
      const watcher = await broker.connect('watcher');
      await granted(watcher, [run.topic('a'), 2], [run.topic('b/+'), 1]);
      await watcher.disconnect();
      const peer = await broker.connect('publisher');
      for (const text of ['1', '2', '3']) await published(peer, run.topic('a'), text, 2);
      await published(peer, run.topic('b/kept'), 'kept', 1, true);
      await broker.restart();
      const again = await broker.connect('watcher');
      expect(again.connack?.sessionPresent).toBe(run.version > 3);
      for (const text of ['1', '2', '3']) {
        await again.expect('publish', { text, qos: 2, dup: false });
      }
      const other = await broker.connect('other');
      await granted(other, [run.topic('b/#'), 1]);
      await other.expect('publish', { text: 'kept', retain: true });
      await again.expect('publish', { text: 'kept', retain: false });
      await published(await broker.connect('publisher'), run.topic('b/x'), 'live');
      await again.expect('publish', { text: 'live' });
    },
  );

  restarts(
    'MQTT31 MQTT311-4.4.0-1 MQTT5-4.4.0-1 MQTT5-4.3.3-6',
    'handshakes go on with their identifiers: PUBLISH with DUP, PUBREL',
    async (broker, run) => {
      const watcher = await broker.connect('watcher');
      await granted(watcher, [run.topic('a'), 2]);
      const peer = await broker.connect('publisher');
      await published(peer, run.topic('a'), 'one', 2);
      const one = await watcher.expect('publish', { text: 'one' });
      await published(peer, run.topic('a'), 'two', 2);
      const two = await watcher.expect('publish', { text: 'two' });
      watcher.send(ack('pubrec', one.packetIdentifier));
      await watcher.expect('pubrel', { packetIdentifier: one.packetIdentifier });
      await broker.restart();
      const again = await broker.connect('watcher');
      const packets = [await again.next(), await again.next()];
      expect(packets.find(({ type }) => type === 'pubrel')).toMatchObject({ packetIdentifier: one.packetIdentifier });
      const resent = packets.find(({ type }) => type === 'publish') as Received<'publish'> | undefined;
      expect(resent).toMatchObject({ text: 'two', dup: true, packetIdentifier: two.packetIdentifier });
      again.send(ack('pubcomp', one.packetIdentifier), ack('pubrec', two.packetIdentifier));
      await again.expect('pubrel', { packetIdentifier: two.packetIdentifier });
      again.send(ack('pubcomp', two.packetIdentifier));
      await again.expectNothing();
    },
  );

  restarts(
    'MQTT31 MQTT311-4.3.3-2 MQTT5-4.3.3-10',
    'a QoS 2 PUBLISH sent again is not doubled',
    async (broker, run) => {
      const watcher = await broker.connect('watcher');
      await granted(watcher, [run.topic('a'), 1]);
      const peer = await broker.connect('publisher');
      peer.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: 9 }));
      await peer.expect('pubrec', { packetIdentifier: 9 });
      const { packetIdentifier } = await watcher.expect('publish', { text: 'x' });
      watcher.send(ack('puback', packetIdentifier));
      await watcher.expectNothing();
      await published(watcher, run.topic('b'), 'a barrier for the disk', 1, true);
      await broker.restart();
      const watching = await broker.connect('watcher');
      const again = await broker.connect('publisher');
      again.send(publish(run.topic('a'), 'x', { qos: 2, packetIdentifier: 9, dup: true }));
      await again.expect('pubrec', { packetIdentifier: 9 });
      again.send(ack('pubrel', 9));
      await again.expect('pubcomp', { packetIdentifier: 9 });
      await watching.expectNothing();
    },
  );

  restarts(
    'MQTT31 MQTT311-3.1.2-8 MQTT5-3.1.2-8 MQTT5-3.1.2-7',
    'the Wills of those connected are published',
    async (broker, run) => {
      const watcher = await broker.connect('watcher');
      await granted(watcher, [run.topic('will'), 1]);
      await broker.connect('doomed', { will: { topic: run.topic('will'), qos: 1, retain: true } });
      await broker.connect('clean', {
        cleanStart: true,
        properties: { sessionExpiryInterval: 0 },
        will: { topic: run.topic('will'), payload: 'clean', qos: 1 },
      });
      await published(watcher, run.topic('b'), 'a barrier for the disk', 1, true);
      await broker.restart();
      const again = await broker.connect('watcher');
      const texts = [(await again.expect('publish')).text, (await again.expect('publish')).text];
      expect(texts.sort()).toEqual(['clean', 'will']);
    },
  );

  restarts(
    'MQTT5-4.1.0-2',
    'a session whose time is over is gone, one that ends with its connection, too',
    async (broker, run) => {
      await broker.connect('short', { properties: { sessionExpiryInterval: 1 } }).then((peer) => peer.disconnect());
      await broker.connect('clean', { properties: { sessionExpiryInterval: 0 } });
      const clock = await broker.connect('clock');
      await granted(clock, [run.topic('tick'), 0]);
      await (
        await broker.connect('tick', { will: { topic: run.topic('tick'), properties: { willDelayInterval: 2 } } })
      ).cut();
      await clock.expect('publish');
      await published(clock, run.topic('b'), 'a barrier for the disk', 1, true);
      await broker.restart();
      for (const name of ['short', 'clean']) expect((await broker.connect(name)).connack?.sessionPresent).toBe(false);
    },
  );
});

describe('after an orderly stop', () => {
  const restarts = group('SIGTERM', statement);

  restarts(
    'MQTT31 MQTT311 MQTT5-3.14.2-1',
    '5.0 clients are told 0x8B, Wills are published, sessions are kept',
    async (broker, run) => {
      const watcher = await broker.connect('watcher');
      await granted(watcher, [run.topic('will'), 1]);
      await watcher.disconnect();
      const peer = await broker.connect('doomed', { will: { topic: run.topic('will'), qos: 1 } });
      await broker.restart();
      await peer.expectDisconnected(0x8b);
      const again = await broker.connect('watcher');
      expect(again.connack?.sessionPresent).toBe(run.version > 3);
      await again.expect('publish', { text: 'will' });
    },
  );
});
