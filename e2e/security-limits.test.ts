import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { certificate, chain } from '@hawser/auth';
import { BAD_CREDENTIALS, type Broker, type BrokerOptions } from '@hawser/broker';
import { encodePacket, type Packet, type ProtocolVersion } from '@hawser/codec';
import { describe, expect, it } from 'vitest';
import { TestAuthority } from '../packages/testkit/src/test-certificates.ts';
import { Attacker, connectPacket, portOf, startGuardedBroker, withAttacker } from './support/security-client.ts';

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

const publish = (topic: string, payload: Uint8Array): Packet => ({
  type: 'publish',
  dup: false,
  qos: 0,
  retain: false,
  topic,
  packetIdentifier: 0,
  payload,
  properties: undefined,
});

describe('connections', () => {
  it('of one address are bounded; others still come in', () =>
    withBroker({ settings: { 'limits.connectionsPerAddress': 2 } }, async (port, broker) => {
      const peers = [await Attacker.open(port), await Attacker.open(port)];
      for (const [i, peer] of peers.entries()) expect((await peer.connect({ clientId: `c${i}` }))?.reasonCode).toBe(0);
      const third = await withAttacker(port, 5, (peer) => peer.connect());
      expect(third?.reasonCode ?? 0x97).toBe(0x97);
      expect((await withAttacker(port, 5, (peer) => peer.connect(), { from: '127.0.0.2' }))?.reasonCode).toBe(0);
      await peers[0]?.end();
      await expect.poll(() => broker.intake.size).toBe(1);
      expect((await withAttacker(port, 5, (peer) => peer.connect()))?.reasonCode).toBe(0);
      expect(broker.counters.limitedConnections).toBe(1);
      await peers[1]?.end();
    }));

  it('of one user are bounded; taking over an own one is no more', () =>
    withBroker(
      { settings: { 'limits.connectionsPerUser': 1 }, authenticate: () => ({ kind: 'allow' }) },
      async (port) => {
        const first = await Attacker.open(port);
        await first.connect({ username: 'alice', clientId: 'one' });
        expect(
          (await withAttacker(port, 5, (peer) => peer.connect({ username: 'alice', clientId: 'two' })))?.reasonCode,
        ).toBe(0x97);
        expect(
          (await withAttacker(port, 5, (peer) => peer.connect({ username: 'bob', clientId: 'two' })))?.reasonCode,
        ).toBe(0);
        expect(
          (await withAttacker(port, 5, (peer) => peer.connect({ username: 'alice', clientId: 'one' })))?.reasonCode,
        ).toBe(0);
        await first.end();
      },
    ));

  it.each(['limits.connectRate', 'limits.connectRatePerAddress'] as const)('come no faster than %s', (key) =>
    withBroker({ settings: { [key]: 3 } }, async (port, broker) => {
      const codes: (number | undefined)[] = [];
      for (let i = 0; i < 6; i++) codes.push((await withAttacker(port, 5, (peer) => peer.connect()))?.reasonCode);
      expect(codes.slice(0, 3)).toEqual([0, 0, 0]);
      expect(codes.at(-1) ?? 0x9f).toBe(0x9f);
      expect(broker.counters.limitedConnections).toBeGreaterThan(0);
    }),
  );

  it('that flap are banned: that Client Identifier from that address, nothing else', () =>
    withBroker({ settings: { 'bans.connects': 4 } }, async (port, broker) => {
      for (let i = 0; i < 4; i++) expect((await withAttacker(port, 5, (peer) => peer.connect()))?.reasonCode).toBe(0);
      expect((await withAttacker(port, 5, (peer) => peer.connect()))?.reasonCode).toBe(0x8a);
      expect((await withAttacker(port, 5, (peer) => peer.connect({ clientId: 'other' })))?.reasonCode).toBe(0);
      expect((await withAttacker(port, 5, (peer) => peer.connect(), { from: '127.0.0.2' }))?.reasonCode).toBe(0);
      expect(broker.bans.list()).toMatchObject([{ target: 'pair:device-7@127.0.0.1' }]);
    }));

  it.each([3, 4, 5] as const)(
    'of newcomers are refused while the event loop is late (version %i); those there go on',
    (version) => {
      let delay = 0;
      return withBroker({ loopDelayMs: () => delay, settings: { 'limits.loopDelay': 1 } }, async (port, broker) => {
        const early = await Attacker.open(port, version);
        await early.connect({ clientId: 'early' });
        delay = 1500;
        const late = await withAttacker(port, version, (peer) => peer.connect({ clientId: 'late' }));
        expect(late?.reasonCode).toBe(version === 5 ? 0x89 : 0x03);
        expect(await early.drain()).toEqual([]);
        expect(broker.counters.overloadRefusals).toBe(1);
        delay = 0;
        expect((await withAttacker(port, version, (peer) => peer.connect({ clientId: 'late' })))?.reasonCode).toBe(0);
        await early.end();
      });
    },
  );
});

describe('a flood of messages', () => {
  it.each([
    // More than is read for the PINGREQ in it, 16 KiB, which are handled together.
    ['limits.messageRate', 1000, 4000, 10],
    ['limits.byteRate', 100_000, 300, 1000],
  ] as const)('over %s is slowed down by not being read, and loses nothing', (key, rate, count, size) =>
    withBroker({ settings: { [key]: rate } }, async (port, broker) => {
      await withAttacker(port, 5, async (peer) => {
        await peer.connect();
        const before = performance.now();
        for (let i = 0; i < count; i++) {
          peer.send(publish('flood', new Uint8Array(size)));
          // One read is handled as it comes: several make the bound show.
          if (i % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
        }
        // The answer to a PINGREQ waits for none of them.
        await peer.drain();
        await expect.poll(() => broker.counters.messagesIn, { timeout: 20_000 }).toBe(count);
        // A second's worth goes through at once, the rest at the rate.
        expect(performance.now() - before).toBeGreaterThan(500);
        expect(broker.counters.ratePauses).toBeGreaterThan(0);
      });
    }),
  );
});

describe('slow and half-open connections', () => {
  const settings = { 'limits.connectTimeout': 0.5 };

  it.each([3, 4, 5] as const)('slowloris: a CONNECT byte by byte is cut off in time (version %i)', (version) =>
    withBroker({ settings }, async (port) => {
      const peer = await Attacker.open(port, version);
      const bytes = encodePacket(connectPacket(version, {}), version);
      const before = performance.now();
      let sent = 0;
      const drip = setInterval(() => {
        if (sent < bytes.length - 1 && !peer.isClosed) peer.socket.write(bytes.subarray(sent, ++sent));
      }, 60);
      await peer.closed;
      clearInterval(drip);
      expect(sent).toBeGreaterThan(2);
      expect(performance.now() - before).toBeLessThan(10_000);
    }),
  );

  it('say nothing: cut off in time, and they are bounded in number meanwhile', () =>
    withBroker({ settings: { ...settings, 'limits.halfOpen': 3 } }, async (port, broker) => {
      const silent = await Promise.all([1, 2, 3, 4, 5].map(() => Attacker.open(port)));
      await Promise.race(silent.slice(3).map((peer) => peer.closed));
      await Promise.all(silent.map((peer) => peer.closed));
      await expect.poll(() => broker.intake.size).toBe(0);
    }));

  it('a half-open client is found by its Keep Alive', () =>
    withBroker({}, (port) =>
      withAttacker(port, 5, async (peer) => {
        await peer.connect({ keepAlive: 1 });
        expect(await peer.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x8d });
      }),
    ));
});

const V1 = 'PROXY TCP4 203.0.113.7 192.0.2.1 8888 1883\r\n';

function v2WithCertificate(commonName: string, verify: number): Uint8Array {
  const name = Buffer.from(commonName);
  const field = (type: number, value: Uint8Array) =>
    Buffer.concat([Uint8Array.of(type, value.length >> 8, value.length & 255), value]);
  const ssl = field(0x20, Buffer.concat([Uint8Array.of(3, 0, 0, 0, verify), field(0x22, name)]));
  const body = Buffer.concat([Buffer.from('cb007107c000020122b8075b', 'hex'), ssl]);
  return Buffer.concat([
    Buffer.from('0d0a0d0a000d0a515549540a2111', 'hex'),
    Uint8Array.of(body.length >> 8, body.length & 255),
    body,
  ]);
}

/** Of a balancer that listens on IPv6 and writes IPv4 addresses as IPv6 ones: ::ffff:203.0.113.7, port 8888. */
const V2_MAPPED = Buffer.from(
  `0d0a0d0a000d0a515549540a21210024${'0'.repeat(20)}ffffcb007107${'0'.repeat(31)}122b8075b`,
  'hex',
);

describe('behind a balancer', () => {
  const seen = (proxyProtocol: readonly string[], more: BrokerOptions = {}): BrokerOptions => ({
    listeners: [{ url: 'mqtt://127.0.0.1:0', proxyProtocol }],
    ...more,
  });

  it('the address is that of the client, for rules, bans and bounds', () => {
    const addresses: string[] = [];
    const authorizeAll: BrokerOptions['authenticate'] = ({ client }) => {
      addresses.push(`${client.remoteAddress}:${client.remotePort}`);
      return { kind: 'allow' };
    };
    return withBroker(seen(['loopback'], { authenticate: authorizeAll }), async (port) => {
      const versions: readonly ProtocolVersion[] = [3, 5];
      for (const version of versions) {
        expect((await withAttacker(port, version, (peer) => peer.connect(), { before: V1 }))?.reasonCode).toBe(0);
      }
      await withAttacker(port, 5, (peer) => peer.connect(), { before: V2_MAPPED });
      expect(addresses).toEqual(Array(3).fill('203.0.113.7:8888'));
    });
  });

  it('nobody else may say whom he connects', () =>
    withBroker(seen(['10.0.0.0/8']), (port) =>
      withAttacker(port, 5, async (peer) => expect(await peer.connect()).toBeUndefined(), { before: V1 }),
    ));

  it('where no balancer is named the header is no MQTT', () =>
    withBroker({}, (port) =>
      withAttacker(port, 5, async (peer) => expect(await peer.connect()).toBeUndefined(), { before: V1 }),
    ));

  it.each(['', 'PROXY TCP4 x y 1 2\r\n', 'GET / HTTP/1.1\r\n\r\n'])('%j instead of a header is the end', (before) =>
    withBroker(seen(['loopback']), (port) =>
      withAttacker(port, 5, async (peer) => expect(await peer.connect()).toBeUndefined(), { before }),
    ),
  );

  it('a header that does not come is the end too, in time', () =>
    withBroker(seen(['loopback'], { settings: { 'limits.connectTimeout': 0.3 } }), async (port) => {
      const peer = await Attacker.open(port, 5, { before: 'PROXY TCP4' });
      await peer.closed;
    }));

  it('a certificate that the balancer has verified is who it is; one that it has not is nobody', () =>
    withBroker(seen(['loopback'], { authenticate: chain(certificate()) }), async (port) => {
      const connect = (verify: number) =>
        withAttacker(port, 5, (peer) => peer.connect(), { before: v2WithCertificate('device-7', verify) });
      expect((await connect(0))?.reasonCode).toBe(0);
      expect((await connect(1))?.reasonCode).toBe(0x87);
    }));

  it('TLS and WebSocket come after the header', async () => {
    using authority = new TestAuthority();
    const { cert, key } = authority.issue('localhost');
    const listeners = [
      { url: 'mqtts://127.0.0.1:0', proxyProtocol: ['loopback'], tls: { cert, key, verify: 'none' as const } },
      { url: 'ws://127.0.0.1:0/mqtt', proxyProtocol: ['loopback'] },
    ];
    const addresses: string[] = [];
    await withBroker(
      {
        listeners,
        authenticate: ({ client }) => (addresses.push(client.remoteAddress) > 0 ? { kind: 'allow' } : BAD_CREDENTIALS),
      },
      async (_, broker) => {
        const raw = connect(portOf(broker.urls[0]), '127.0.0.1');
        raw.write(V1);
        const secure = connectTls({ socket: raw, ca: authority.cert, servername: 'localhost' });
        await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
        secure.write(encodePacket(connectPacket(5, {}), 5));
        await new Promise((resolve) => secure.once('data', resolve));
        secure.destroy();
        const web = connect(portOf(broker.urls[1]), '127.0.0.1');
        const upgrade = [
          'GET /mqtt HTTP/1.1',
          'Host: localhost',
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
          'Sec-WebSocket-Protocol: mqtt',
        ];
        web.write(`${V1}${upgrade.join('\r\n')}\r\n\r\n`);
        expect(String(await new Promise((resolve) => web.once('data', resolve)))).toContain('101 Switching Protocols');
        web.destroy();
      },
    );
    expect(addresses).toEqual(['203.0.113.7']);
  });
});
