import { encodeUtf8, PacketReader, PacketType, type ProtocolVersion, type PublishPacket } from '@hawser/codec';
import { FakeClock } from '@hawser/testkit';
import { describe, expect, test } from 'vitest';
import { createBroker } from '../broker.ts';
import { ALLOWED, DENIED, type Permission, UNKNOWN } from '../policy/answers.ts';
import { Asker } from '../policy/asker.ts';
import type { Publication } from '../routing/publication.ts';
import type { Routed } from '../routing/router.ts';
import { type Settings, settingsWith } from '../settings.ts';
import { type PublishCore, type Publisher, PublishHandler } from './publish-handler.ts';

interface Scene {
  readonly permission?: Permission | Promise<Permission>;
  readonly version?: ProtocolVersion;
  readonly settings?: Partial<Settings>;
  readonly routed?: Partial<Routed>;
  readonly hasRoom?: boolean;
}

/** A handler with a real session, and a router that writes down what it is given. */
async function scene({ permission = ALLOWED, version = 5, settings, routed, hasRoom = true }: Scene = {}) {
  const clock = new FakeClock();
  const broker = await createBroker({ clock });
  const { session } = broker.registry.open({
    clientId: 'p',
    cleanStart: true,
    protocolVersion: version,
    knowsOptions: version === 5,
    expiryInterval: 0,
    username: undefined,
    will: undefined,
  });
  const published: Publication[] = [];
  const answers: string[] = [];
  const paused: boolean[] = [];
  const waiting: Promise<unknown>[] = [];
  const core: PublishCore = {
    settings: settingsWith(settings),
    counters: broker.counters,
    driverNode: { turn: { spend: () => {} } },
    policies: { authorize: () => 'allow', intercept: undefined, mayPass: () => ALLOWED },
    router: {
      publish: (publication) => {
        published.push(publication);
        return { ticket: 0, matched: true, work: 0, congested: false, rest: undefined, ...routed };
      },
      mostStoreBytes: () => 0,
      storeBytes: () => 0,
      refuses: () => false,
      retained: { hasRoom: () => hasRoom },
    },
    guard: { isSlow: false, refusalOf: () => undefined },
    journal: broker.journal,
    store: undefined,
    now: () => clock.now(),
  };
  const client: Publisher = {
    connection: {
      version,
      closeCause: undefined,
      reader: new PacketReader(),
      sendsProblemInformation: true,
      acknowledge: (type, packetIdentifier, reasonCode) => {
        const name = type === PacketType.PUBACK ? 'puback' : 'pubrec';
        answers.push(`${name} ${packetIdentifier} 0x${reasonCode.toString(16)}`);
      },
      fail: (code) => answers.push(`end: ${code}`),
    },
    driver: { setBackpressure: (on) => paused.push(on) },
    clientSession: session,
    info: {
      clientId: 'p',
      username: undefined,
      protocolVersion: version,
      remoteAddress: '192.0.2.1',
      remotePort: 1,
      listener: '',
      tls: undefined,
      userProperties: [],
    },
    asker: new Asker(),
    permissions: { decide: () => permission },
    whenSettled: (promise, then) => {
      waiting.push(promise.then(then));
    },
  };
  const handler = new PublishHandler(core, { pause: (driver) => driver.setBackpressure(true) });
  return {
    published,
    answers,
    paused,
    lost: broker.counters.lost,
    inbound: session.session.inbound,
    publish: (packet: Partial<PublishPacket>) => handler.handlePublish(client, publishOf(packet), 0),
    settle: () => Promise.all(waiting),
  };
}

function publishOf(packet: Partial<PublishPacket>): PublishPacket {
  const qos = packet.qos ?? 0;
  return {
    type: 'publish',
    topic: 't',
    payload: encodeUtf8('x'),
    qos,
    retain: false,
    dup: false,
    packetIdentifier: qos === 0 ? 0 : 1,
    properties: undefined,
    ...packet,
  };
}

describe('a PUBLISH', () => {
  test.each([
    [5, true, '0x0'],
    [5, false, '0x10'],
    [4, false, '0x0'],
  ] as const)('of version %i, with a subscriber: %s, is answered with %s', async (version, matched, code) => {
    const { publish, answers } = await scene({ version, routed: { matched } });
    publish({ qos: 0 });
    publish({ qos: 1 });
    publish({ qos: 2, packetIdentifier: 2 });
    expect(answers).toEqual([`puback 1 ${code}`, `pubrec 2 ${code}`]);
  });

  test('brings its frame along with QoS 0 alone', async () => {
    const { publish, published } = await scene();
    publish({ qos: 0 });
    publish({ qos: 1 });
    expect(published.map(({ frame }) => frame?.version)).toEqual([5, undefined]);
  });

  test('with QoS 2 that comes again is answered and goes no further, until its PUBREL', async () => {
    const { publish, published, answers, inbound } = await scene();
    publish({ qos: 2 });
    publish({ qos: 2, dup: true });
    expect(answers).toEqual(['pubrec 1 0x0', 'pubrec 1 0x0']);
    expect(published).toHaveLength(1);
    inbound.end(1);
    publish({ qos: 2 });
    expect(published).toHaveLength(2);
  });

  test('over limits.inboundQos2 is refused and lost, and leaves no identifier', async () => {
    const { publish, answers, inbound, lost } = await scene({ settings: { 'limits.inboundQos2': 1 } });
    publish({ qos: 2, packetIdentifier: 1 });
    publish({ qos: 2, packetIdentifier: 2 });
    expect(answers).toEqual(['pubrec 1 0x0', 'pubrec 2 0x97']);
    expect([inbound.size, lost]).toEqual([1, { 'quota-exceeded': 1 }]);
  });

  test.each<[string, Scene, Partial<PublishPacket>, string[], string]>([
    ['5.0 is told', { permission: DENIED }, { qos: 2 }, ['pubrec 1 0x87'], 'not-authorized'],
    ['3.x is not', { permission: DENIED, version: 4 }, { qos: 2 }, ['pubrec 1 0x0'], 'not-authorized'],
    [
      '3.x is closed with policy.denyCloses',
      { permission: DENIED, version: 4, settings: { 'policy.denyCloses': true } },
      { qos: 1 },
      ['end: not-authorized'],
      'not-authorized',
    ],
    ['nobody could decide', { permission: UNKNOWN }, { qos: 1 }, ['puback 1 0x83'], 'policy-failed'],
    [
      'nobody could decide, 3.x',
      { permission: UNKNOWN, version: 4 },
      { qos: 1 },
      ['end: policy-failed'],
      'policy-failed',
    ],
    ['nobody could decide, QoS 0', { permission: UNKNOWN }, { qos: 0 }, [], 'policy-failed'],
    ['no room to retain it', { hasRoom: false }, { qos: 1, retain: true }, ['puback 1 0x97'], 'retained-limit'],
    [
      'no text, though it says so',
      {},
      { qos: 1, payload: new Uint8Array([0xff]), properties: { payloadFormatIndicator: 1 } },
      ['puback 1 0x99'],
      'payload-format-invalid',
    ],
  ])('that is not taken is lost, counted, and not routed: %s', async (_what, options, packet, answered, cause) => {
    const { publish, answers, published, lost } = await scene({
      ...options,
      settings: { 'messages.checkPayloadFormat': true, ...options.settings },
    });
    publish(packet);
    expect(answers).toEqual(answered);
    expect(published).toEqual([]);
    expect(lost).toEqual({ [cause]: 1 });
  });

  test('with QoS 2 that 5.0 is refused may come again under its identifier', async () => {
    const { publish, inbound } = await scene({ permission: DENIED });
    publish({ qos: 2 });
    expect(inbound.size).toBe(0);
  });

  test('that waits for a policy keeps its payload, takes its identifier afterwards, and is routed then', async () => {
    const { publish, published, inbound, answers, settle } = await scene({ permission: Promise.resolve(ALLOWED) });
    const payload = encodeUtf8('before');
    publish({ qos: 2, payload });
    payload.fill(0);
    expect([published.length, inbound.size]).toEqual([0, 0]);
    await settle();
    expect(published.map((publication) => new TextDecoder().decode(publication.payload))).toEqual(['before']);
    expect([inbound.size, answers]).toEqual([1, ['pubrec 1 0x0']]);
  });

  test('is acknowledged when the last of its receivers has it', async () => {
    const rest = Promise.withResolvers<Routed>();
    const { publish, answers, settle } = await scene({ routed: { rest: rest.promise } });
    publish({ qos: 1 });
    expect(answers).toEqual([]);
    rest.resolve({ ticket: 0, matched: true, work: 0, congested: false, rest: undefined });
    await settle();
    expect(answers).toEqual(['puback 1 0x0']);
  });

  test('for a subscriber that does not read stops its publisher', async () => {
    const { publish, paused } = await scene({ routed: { congested: true } });
    publish({ qos: 0 });
    expect(paused).toEqual([true]);
  });
});
