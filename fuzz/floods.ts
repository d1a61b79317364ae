import { encodePacket, encodeUtf8, type Packet, type ProtocolVersion, type QoS } from '@hawser/codec';
import type { Random } from '@hawser/transport';
import { plainConnect } from './sequences.ts';

/** Packets that are valid one by one and too many together. */
type Flood = (random: Random, version: ProtocolVersion) => Uint8Array[];

const NOTHING = new Uint8Array(0);

function publish(
  topic: string,
  qos: QoS,
  packetIdentifier: number,
  more: Partial<Packet & { readonly type: 'publish' }> = {},
): Packet {
  return {
    type: 'publish',
    topic,
    payload: NOTHING,
    qos,
    retain: false,
    dup: false,
    packetIdentifier,
    properties: undefined,
    ...more,
  };
}

function subscribe(packetIdentifier: number, filters: readonly string[], qos: QoS = 0): Packet {
  const subscriptions = filters.map((topicFilter) => ({
    topicFilter,
    qos,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
  }));
  return { type: 'subscribe', packetIdentifier, properties: undefined, subscriptions };
}

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const id = (i: number): number => (i % 65_535) + 1;

function after(connect: Uint8Array, packets: readonly Packet[], version: ProtocolVersion): Uint8Array[] {
  // Together: a flood has no pauses.
  return [connect, new Uint8Array(Buffer.concat(packets.map((packet) => encodePacket(packet, version))))];
}

export const FLOODS: Readonly<Record<string, Flood>> = {
  aliases: (random) =>
    after(
      plainConnect(random, 5, { topicAliasMaximum: 65_535 }),
      times(random.integer(65, 500), (i) =>
        publish(`alias/${random.integer(0, 1e9)}`, 0, 0, {
          properties: { topicAlias: random.chance(0.5) ? (i % 64) + 1 : id(i) },
        }),
      ),
      5,
    ),
  topics: (random, version) =>
    after(
      plainConnect(random, version),
      times(3000, (i) => publish(`flood/${random.integer(0, 1e9)}/${i}`, 0, 0)),
      version,
    ),
  longTopics: (random, version) =>
    after(
      plainConnect(random, version),
      times(60, (i) => publish(`${i}/${'long'.repeat(random.integer(1000, 16_000))}`, 0, 0)),
      version,
    ),
  deepTopics: (random, version) =>
    after(
      plainConnect(random, version),
      times(200, () => publish(times(random.integer(100, 140), () => random.pick(['a', ''])).join('/') || 'a', 0, 0)),
      version,
    ),
  retained: (random, version) =>
    after(
      plainConnect(random, version),
      times(2000, (i) =>
        publish(`kept/${random.integer(0, 1e6)}/${i}`, 0, 0, {
          retain: true,
          payload: encodeUtf8('x'.repeat(random.integer(1, 400))),
        }),
      ),
      version,
    ),
  filters: (random, version) => {
    const filters = times(random.integer(500, 5000), (i) =>
      random.pick([`f/${i}`, `+/${i}`, `${i}/#`, `$share/g${i}/f/+`]),
    );
    return after(plainConnect(random, version), [subscribe(1, filters, 1)], version);
  },
  deepFilters: (random, version) => {
    const filters = times(300, () => times(random.integer(60, 128), () => random.pick(['a', '+'])).join('/'));
    const topic = times(100, () => 'a').join('/');
    return after(
      plainConnect(random, version),
      [subscribe(1, filters), ...times(50, (i) => publish(`${topic}/${i}`, 0, 0))],
      version,
    );
  },
  longFilters: (random, version) =>
    after(
      plainConnect(random, version),
      times(40, (i) =>
        subscribe(
          id(i),
          times(4, (n) => `${random.integer(0, 1e9)}/${'f'.repeat(16_000)}/${n}`),
        ),
      ),
      version,
    ),
  everything: (random, version) =>
    after(
      plainConnect(random, version),
      times(300, (i) => subscribe(id(i), ['#', '+/#', '+/+/+'])),
      version,
    ),
  churn: (random, version) =>
    after(
      plainConnect(random, version),
      times(
        1000,
        (i): Packet =>
          i % 2 === 0
            ? subscribe(id(i), ['#'])
            : { type: 'unsubscribe', packetIdentifier: id(i), properties: undefined, topicFilters: ['#'] },
      ),
      version,
    ),
  userProperties: (random) => {
    const userProperties = times(random.integer(900, 1100), (n) => [`k${n}`, 'v'] as const);
    const retained = times(20, (i) => publish(`p/${i}`, 1, id(i), { retain: true, properties: { userProperties } }));
    return after(plainConnect(random, 5), retained, 5);
  },
  exactlyOnceNeverReleased: (random, version) =>
    after(
      plainConnect(random, version),
      times(random.integer(900, 20_000), (i) => publish('q2', 2, id(i))),
      version,
    ),
  pubrel: (random, version) =>
    after(
      plainConnect(random, version),
      times(5000, (i): Packet => ({ type: 'pubrel', packetIdentifier: id(i), reasonCode: 0, properties: undefined })),
      version,
    ),
  acks: (random, version) =>
    after(
      plainConnect(random, version),
      times(
        3000,
        (i): Packet => ({
          type: random.pick(['puback', 'pubrec', 'pubcomp'] as const),
          packetIdentifier: id(i),
          reasonCode: 0,
          properties: undefined,
        }),
      ),
      version,
    ),
  pings: (random, version) =>
    after(
      plainConnect(random, version),
      times(20_000, (): Packet => ({ type: 'pingreq' })),
      version,
    ),
  atLeastOnce: (random, version) =>
    after(
      plainConnect(random, version),
      times(20_000, (i) => publish('q1', 1, id(i))),
      version,
    ),
  large: (random, version) =>
    after(
      plainConnect(random, version),
      times(4, (i) => publish('big', 1, id(i), { payload: new Uint8Array(1024 * 1000), retain: random.chance(0.3) })),
      version,
    ),
  announced: (random, version) => [
    plainConnect(random, version),
    Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f),
    new Uint8Array(random.integer(1, 5000)),
  ],
  almost: (random, version) => [
    plainConnect(random, version),
    Uint8Array.of(0x30, 0x80, 0x80, 0x3f),
    new Uint8Array(random.integer(1, 1_000_000)),
  ],
  announcedConnect: (random) => [
    Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0x7f, 0, 4),
    new Uint8Array(random.integer(1, 100_000)),
  ],
  halfConnect: (random, version) => [plainConnect(random, version).subarray(0, random.integer(1, 12))],
  self: (random, version) =>
    after(
      plainConnect(random, version),
      [subscribe(1, ['#'], 1), ...times(2000, (i) => publish('self', 1, id(i), { payload: new Uint8Array(500) }))],
      version,
    ),
};
