import { connect } from 'node:net';
import type { Broker, BrokerOptions } from '@hawser/broker';
import { encodePacket, type Packet, type PublishProperties } from '@hawser/codec';
import { describe, expect, it } from 'vitest';
import { openWebSocket } from './support/raw-websocket.ts';
import { Attacker, connectPacket, portOf, startGuardedBroker, withAttacker } from './support/security-client.ts';

const MiB = 1024 * 1024;

async function withBroker<T>(
  options: BrokerOptions,
  run: (port: number, broker: Broker & { readonly port: number }) => Promise<T>,
): Promise<T> {
  const broker = await startGuardedBroker(options);
  try {
    return await run(broker.port, broker);
  } finally {
    await broker.close();
  }
}

function publish(topic: string, properties?: PublishProperties, payload = new Uint8Array(1)): Packet {
  return { type: 'publish', dup: false, qos: 0, retain: false, topic, packetIdentifier: 0, payload, properties };
}

function subscribe(packetIdentifier: number, ...topicFilters: readonly string[]): Packet {
  const subscriptions = topicFilters.map((topicFilter) => ({
    topicFilter,
    qos: 0 as const,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
  }));
  return { type: 'subscribe', packetIdentifier, properties: undefined, subscriptions };
}

/** Somebody who has done nothing is still served. */
async function expectServes(port: number): Promise<void> {
  await withAttacker(port, 5, async (peer) => {
    expect((await peer.connect({ clientId: 'bystander' }))?.reasonCode).toBe(0);
    peer.send(subscribe(1, 'ok'));
    peer.send(publish('ok'));
    const packets = await peer.drain();
    expect(packets.map(({ type }) => type).sort()).toEqual(['publish', 'suback']);
  });
}

describe('floods inside MQTT', () => {
  it('a Topic Alias over the maximum ends the connection with 0x94', () =>
    withBroker({}, async (port) => {
      await withAttacker(port, 5, async (peer) => {
        await peer.connect();
        for (let alias = 1; alias <= 64; alias++) peer.send(publish(`alias/${alias}`, { topicAlias: alias }));
        expect(await peer.drain()).toEqual([]);
        peer.send(publish('alias/65', { topicAlias: 65 }));
        expect(await peer.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x94 });
      });
      await expectServes(port);
    }));

  it('topics that never end and topics that are never the same leave a bounded memory', () =>
    withBroker({ settings: { 'limits.routes': 100 } }, async (port, broker) => {
      await withAttacker(port, 5, async (peer) => {
        await peer.connect();
        for (let i = 0; i < 2000; i++) peer.send(publish(`flood/${i}/${'x'.repeat(50)}`));
        expect(await peer.drain()).toEqual([]);
        expect(broker.counters.messagesIn).toBe(2000);
        peer.send(publish('/'.repeat(500)));
        expect(await peer.next()).toMatchObject({ type: 'disconnect' });
      });
      await expectServes(port);
    }));

  it('subscriptions are bounded, and so are their levels', () =>
    withBroker({ settings: { 'limits.subscriptions': 10 } }, async (port, broker) => {
      await withAttacker(port, 5, async (peer) => {
        await peer.connect();
        peer.send(subscribe(1, ...Array.from({ length: 1000 }, (_, i) => `${'+/'.repeat(i % 50)}${i}`)));
        const [suback] = await peer.drain();
        if (suback?.type !== 'suback') throw new Error('no SUBACK');
        expect(suback.reasonCodes.filter((code) => code < 0x80)).toHaveLength(10);
        expect(broker.router.routes.subscriptionCount).toBe(10);
      });
      await expectServes(port);
    }));

  it('a User Property flood is bounded by the size of the packet: 0x95', () =>
    withBroker({ settings: { 'limits.maximumPacketSize': 10_000 } }, async (port) => {
      await withAttacker(port, 5, async (peer) => {
        await peer.connect();
        const userProperties = Array.from({ length: 1000 }, (_, i) => [`name ${i}`, 'value'] as const);
        peer.send(publish('p', { userProperties }));
        expect(await peer.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x95 });
      });
      await expectServes(port);
    }));

  it('a CONNECT larger than it may be is not waited for', () =>
    withBroker({ settings: { 'limits.connectPacketBytes': 1000 } }, async (port) => {
      const peer = await Attacker.open(port);
      peer.socket.write(encodePacket(connectPacket(5, { password: 'x'.repeat(5000) }), 5).subarray(0, 100));
      await peer.closed;
      await expectServes(port);
    }));

  it('bytes that are no MQTT are the end, whatever they are', () =>
    withBroker({}, async (port) => {
      for (const bytes of [
        'GET / HTTP/1.1\r\n\r\n',
        '\x16\x03\x01\x02\x00',
        '\xff\xff\xff\xff\xff',
        '\x10\xff\xff\xff\xff\x7f',
        '\x00',
      ]) {
        const peer = await Attacker.open(port);
        peer.socket.write(Buffer.from(bytes, 'latin1'));
        await peer.closed;
      }
      await expectServes(port);
    }));
});

describe('subscribers that never read', () => {
  it('lose QoS 0 at their bound; what waits for them stays bounded, and others get everything', () =>
    withBroker(
      { settings: { 'limits.outputBytes': 64 * 1024, 'backpressure.pauseMax': 0.01 } },
      async (port, broker) => {
        const stuck = await Attacker.open(port);
        await stuck.connect({ clientId: 'stuck' });
        stuck.send(subscribe(1, 'flood'));
        await stuck.drain();
        stuck.socket.pause();
        await withAttacker(port, 5, async (peer) => {
          await peer.connect({ clientId: 'publisher' });
          const payload = new Uint8Array(16 * 1024);
          let rounds = 0;
          // The system takes tens of MiB for a socket before the broker sees that nobody reads.
          while (broker.counters.slowConsumers === 0 && rounds < 400) {
            rounds++;
            for (let i = 0; i < 25; i++) peer.send(publish('flood', undefined, payload));
            await peer.drain();
          }
          expect(broker.counters.messagesIn).toBe(rounds * 25);
          const waiting = [...broker.intake.peers()].map(({ output }) => output.pendingBytes);
          expect(Math.max(...waiting)).toBeLessThan(2 * MiB);
          expect(broker.counters.slowConsumers).toBe(1);
          peer.send(publish('flood'));
          await peer.drain();
        });
        await expectServes(port);
        await stuck.end();
        // Told together, when they are over.
        await expect.poll(() => broker.counters.lost['slow-consumer'] ?? 0).toBeGreaterThan(0);
      },
    ));

  it('a client that asks and never reads the answers is not read any more', () =>
    withBroker({}, async (port) => {
      const stuck = await Attacker.open(port);
      await stuck.connect({ clientId: 'stuck' });
      stuck.socket.pause();
      const pings = Buffer.alloc(64 * 1024, Buffer.from([0xc0, 0x00]));
      let written = 0;
      while (written < 64 * MiB && stuck.socket.writableLength < 4 * MiB) {
        stuck.socket.write(pings);
        written += pings.length;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(stuck.socket.writableLength).toBeGreaterThan(MiB);
      await expectServes(port);
      await stuck.end();
    }));
});

describe('WebSockets', () => {
  const listeners = ['mqtt://127.0.0.1:0', 'ws://127.0.0.1:0/mqtt'];
  const open = (broker: Broker) => openWebSocket(portOf(broker.urls[1]));

  it('are not compressed, whatever the client offers: no bombs', () =>
    withBroker({ listeners }, async (port, broker) => {
      const web = await open(broker);
      expect(web.response.toLowerCase()).not.toContain('sec-websocket-extensions');
      // RSV1 is how a compressed message begins.
      web.send(new Uint8Array(10), { opcode: 0x42, fin: true });
      await web.closed;
      await expectServes(port);
    }));

  it('with fragments without end are held to what packets are held to', () =>
    withBroker({ listeners }, async (port, broker) => {
      const web = await open(broker);
      const part = new Uint8Array(256 * 1024).fill(0xc0);
      let sent = 0;
      while (!web.isClosed && sent < 100) {
        web.send(part, { opcode: sent++ === 0 ? 2 : 0, fin: false });
        await new Promise((resolve) => setImmediate(resolve));
      }
      await web.closed;
      await expectServes(port);
    }));

  it('a packet in fragments of one byte is a packet', () =>
    withBroker({ listeners }, async (_, broker) => {
      const web = await open(broker);
      const bytes = encodePacket(connectPacket(5, {}), 5);
      for (let i = 0; i < bytes.length; i++) {
        web.send(bytes.subarray(i, i + 1), { opcode: i === 0 ? 2 : 0, fin: i === bytes.length - 1 });
      }
      // A binary frame with a CONNACK in it.
      expect((await web.next())[2]).toBe(0x20);
      web.socket.destroy();
      await web.closed;
    }));

  it('an upgrade that never ends is cut off in time', () =>
    withBroker({ listeners, settings: { 'limits.connectTimeout': 0.4 } }, async (port, broker) => {
      const socket = connect(portOf(broker.urls[1]), '127.0.0.1');
      socket.on('error', () => {});
      socket.write('GET /mqtt HTTP/1.1\r\nHost: x\r\n');
      const drip = setInterval(() => socket.write('X-A: b\r\n'), 50);
      await new Promise((resolve) => socket.once('close', resolve));
      clearInterval(drip);
      await expectServes(port);
    }));
});
