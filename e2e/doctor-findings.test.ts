import { connect as connectSocket, createServer } from 'node:net';
import {
  ALLOW_CONNECT,
  type Broker,
  type BrokerOptions,
  clearSession,
  createBroker,
  type Settings,
} from '@hawser/broker';
import { connect } from '@hawser/client';
import { decodePacket, encodePacket, PacketReader, PacketType } from '@hawser/codec';
import { type DoctorOptions, type DoctorReport, examine } from '@hawser/doctor';
import { afterEach, describe, expect, it } from 'vitest';

// What the doctor finds at servers that work, but not quite: a real broker each, with settings and policies that make it so.

const running: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
});

async function serve(settings: Partial<Settings>, options: BrokerOptions = {}): Promise<Broker> {
  const broker = await createBroker({ listeners: ['mqtt://127.0.0.1:0'], settings, ...options });
  running.push(broker);
  return broker;
}

async function codesOf(
  broker: Broker,
  connection: DoctorOptions['connect'] = {},
  more: Partial<DoctorOptions> = {},
): Promise<string[]> {
  const [url] = broker.urls;
  const report = await examine({ connect: { url, connectTimeout: 0.5, ...connection }, ...more });
  return codes(report);
}

const codes = ({ findings }: DoctorReport): string[] => findings.map(({ code }) => code);

describe('the doctor finds', () => {
  it('random-client-id: a device was spared', async () => {
    expect(await codesOf(await serve({}), { clientId: 'device' })).toEqual(['random-client-id']);
  });

  it('publish-refused: no room for a retained message', async () => {
    expect(await codesOf(await serve({ 'limits.retainedMessages': 0 }))).toEqual(['publish-refused']);
  });

  it('subscribe-refused: no room for a subscription', async () => {
    const broker = await serve({ 'limits.subscriptionBytes': 1024 });
    expect(await codesOf(broker, {}, { topic: 'x'.repeat(2000) })).toContain('subscribe-refused');
  });

  it('session-not-resumed: the server has forgotten it meanwhile', async () => {
    const broker: Broker = await serve(
      {},
      { intercept: ({ topic }) => (topic.endsWith('/session') ? forget() : 'allow') },
    );
    const forget = (): 'allow' => {
      for (const { clientId, handler } of broker.registry.values())
        if (handler === undefined) clearSession(broker, clientId);
      return 'allow';
    };
    expect(await codesOf(broker)).toEqual(['session-not-resumed']);
  });

  it('session-not-kept: the server grants a Session Expiry Interval of 0', async () => {
    expect(await codesOf(await serve({ 'sessions.expiryMax': 0 }))).toEqual(['session-not-kept']);
  });

  it('session-not-tried: one connection is let in, and no other', async () => {
    let connections = 0;
    const broker = await serve(
      {},
      {
        authenticate: () => (connections++ === 0 ? ALLOW_CONNECT : { kind: 'deny', reasonCode: 0x89, reason: 'full' }),
      },
    );
    expect(await codesOf(broker)).toEqual(['session-not-tried']);
  });

  it('queued-message-lost: nothing waits for who is away', async () => {
    expect(await codesOf(await serve({ 'queue.messages': 0 }))).toEqual(['queued-message-lost']);
  });

  it("queue-in-front: what waits for the device is not the doctor's to take", async () => {
    const broker = await serve({});
    const device = { url: broker.urls[0], clientId: 'device', cleanStart: false, sessionExpiryInterval: 1000 };
    const first = await connect(device);
    await first.subscribe('news/#', { qos: 1 });
    await first.disconnect();
    for (let i = 0; i < 3; i++) await broker.publish('news/today', `${i}`, { qos: 1 });
    const own = { clientId: 'device', cleanStart: false, sessionExpiryInterval: 1000, receiveMaximum: 1 };
    expect(await codesOf(broker, own, { asClient: true })).toContain('queue-in-front');
    expect(broker.registry.get('device')?.session.queue.length).toBeGreaterThan(1);
  });

  it('cleanup-incomplete: a retained message may be set, and not be deleted', async () => {
    const broker = await serve(
      {},
      { intercept: ({ payload, retain }) => (retain && payload.length === 0 ? 'deny' : 'allow') },
    );
    expect(await codesOf(broker)).toEqual(['topic-not-permitted', 'cleanup-incomplete']);
  });

  it('retained-not-deleted, retained-not-received: 3.1.1 cannot say that it was refused', async () => {
    const stays = await serve(
      {},
      { intercept: ({ payload, retain }) => (retain && payload.length === 0 ? 'deny' : 'allow') },
    );
    expect(await codesOf(stays, { protocolVersion: 4 })).toEqual(['retained-not-deleted']);
    const forgets = await serve({}, { intercept: ({ retain }) => (retain ? 'deny' : 'allow') });
    expect(await codesOf(forgets, { protocolVersion: 4 })).toEqual(['retained-not-received']);
  });

  it('qos-downgraded: somebody between subscribes with less than was asked for', async () => {
    const [url = ''] = (await serve({})).urls;
    const proxy = createServer((near) => {
      const far = connectSocket(Number(new URL(url).port), '127.0.0.1');
      for (const socket of [near, far]) socket.on('error', () => {});
      far.pipe(near);
      near.on('close', () => far.destroy());
      const reader = new PacketReader();
      near.on('data', (chunk: Buffer) => {
        reader.push(chunk);
        while (reader.next()) {
          const packet = decodePacket(reader, 5, 'to-server');
          if (reader.firstByte >> 4 === PacketType.SUBSCRIBE && packet.type === 'subscribe')
            packet.subscriptions = packet.subscriptions.map((subscription) => ({ ...subscription, qos: 0 }));
          far.write(encodePacket(packet, 5));
        }
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    running.push({ close: () => proxy.close() });
    const { port } = proxy.address() as { readonly port: number };
    const report = await examine({ connect: { url: `mqtt://127.0.0.1:${port}`, connectTimeout: 0.5 } });
    expect(codes(report)).toContain('qos-downgraded');
  });
});
