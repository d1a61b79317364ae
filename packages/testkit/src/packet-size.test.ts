import { createBroker, type Settings } from '@hawser/broker';
import type { Packet, ProtocolVersion, PublishPacket } from '@hawser/codec';
import { encodePacket } from '@hawser/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { publishOf, Wire } from './testing/wire.ts';

// A packet grows on its way: by the property length of 5.0, by its topic in place of an alias. Nobody gets more than it takes [MQTT5-3.1.2-24].

const LIMIT = 2000;

/** Sizes of the PUBLISH packets that subscribers with these versions and Maximum Packet Sizes get. */
async function sizesOf(
  settings: Partial<Settings>,
  subscribers: readonly { readonly version: ProtocolVersion; readonly maximumPacketSize?: number | undefined }[],
  publisher: ProtocolVersion,
  packets: readonly Packet[],
): Promise<{ readonly sizes: number[][]; readonly lost: number; readonly answered: boolean }> {
  const clock = new FakeClock();
  const broker = await createBroker({ clock, settings: { 'limits.maximumPacketSize': LIMIT, ...settings } });
  const wires: Wire[] = [];
  for (const [i, { version, maximumPacketSize }] of subscribers.entries()) {
    const properties = version === 5 && maximumPacketSize !== undefined ? { maximumPacketSize } : undefined;
    const wire = await new Wire(broker, clock, version).connect(`s${i}`, false, properties ? { properties } : {});
    await wire.subscribe('#', 0);
    wires.push(wire);
  }
  const from = await new Wire(broker, clock, publisher).connect('publisher', false);
  await from.send(...packets, { type: 'pingreq' });
  const sizes = wires.map((wire, i) =>
    wire.published.map((packet) => encodePacket(packet, subscribers[i]?.version ?? 5).length),
  );
  const lost = broker.counters.lost['packet-too-large'] ?? 0;
  return { sizes, lost, answered: from.last('pingresp') !== undefined };
}

/** A PUBLISH of exactly this size. */
function publishOfSize(
  size: number,
  version: ProtocolVersion,
  topic: string,
  properties?: PublishPacket['properties'],
) {
  const packet = { ...publishOf(topic, '', 0, 0), properties };
  const rest = size - encodePacket({ ...packet, payload: new Uint8Array(size / 2) }, version).length + size / 2;
  return { ...packet, payload: new Uint8Array(rest) };
}

describe('the Maximum Packet Size of a receiver', () => {
  const four = [LIMIT, LIMIT, undefined, LIMIT].map((maximumPacketSize) => ({
    version: 5 as const,
    maximumPacketSize,
  }));

  test('holds for members of a group whose packet has grown by the property length', async () => {
    const seen = await sizesOf({}, four, 4, [publishOfSize(LIMIT, 4, 'big/x')]);
    expect(seen).toEqual({ sizes: [[], [], [LIMIT + 1], []], lost: 3, answered: true });
  });

  test('holds for members of a group whose packet has grown by its topic in place of an alias', async () => {
    const topic = `big/${'y'.repeat(1000)}`;
    const first = { ...publishOf(topic, '1', 0, 0), properties: { topicAlias: 1 } };
    const second = publishOfSize(LIMIT, 5, '', { topicAlias: 1 });
    const { sizes, lost, answered } = await sizesOf({}, four, 5, [first, second]);
    expect(sizes.map(({ length }) => length)).toEqual([1, 1, 2, 1]);
    expect({ lost, answered }).toEqual({ lost: 3, answered: true });
  });

  test('of no receiver ends the route for others: the largest packet of 3.1.1 cannot be one of 5.0', async () => {
    const clock = new FakeClock();
    const broker = await createBroker({ clock });
    const wire = await new Wire(broker, clock).connect('s', false);
    await wire.subscribe('#', 1);
    const received: number[] = [];
    broker.subscribe('#', ({ payload }) => received.push(payload.length));
    const payload = new Uint8Array(268_435_455 - 3);
    await broker.publish('t', payload);
    await broker.publish('t', payload, { qos: 1 });
    await broker.publish('t', 'small', { qos: 1 });
    await clock.settle();
    expect(wire.published.map(({ payload: { length } }) => length)).toEqual([5]);
    expect(received).toEqual([payload.length, payload.length, 5]);
    expect(broker.counters.lost['packet-too-large']).toBe(2);
  });

  test('holds, whatever the versions and sizes', async () => {
    const version = fc.constantFrom<ProtocolVersion>(3, 4, 5);
    const maximumPacketSize = fc.option(fc.integer({ min: LIMIT - 8, max: LIMIT + 8 }), { nil: undefined });
    const subscriber = fc.record({ version, maximumPacketSize });
    await fc.assert(
      fc.asyncProperty(
        fc.array(subscriber, { minLength: 1, maxLength: 8 }),
        version,
        fc.integer({ min: LIMIT - 6, max: LIMIT }),
        async (subscribers, from, size) => {
          const { sizes, lost, answered } = await sizesOf({}, subscribers, from, [publishOfSize(size, from, 'a/b')]);
          const got = sizes.map(([first]) => first);
          const wanted = subscribers.map(({ version: to, maximumPacketSize: most = 2 ** 28 }) => {
            const grown = size + (to === 5 ? 1 : 0) - (from === 5 ? 1 : 0);
            return to === 5 && grown > most ? undefined : grown;
          });
          expect(got).toEqual(wanted);
          expect(lost).toBe(wanted.filter((one) => one === undefined).length);
          expect(answered).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
