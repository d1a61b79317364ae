import type { Packet } from '@hawser/codec';
import { describe, expect, test } from 'vitest';
import { type connectPacket, publishPacket, type Scenario, Stage, subscribePacket } from './testing/causes/stage.ts';

// A refusal is told in words to who wants them [MQTT5-3.1.2-29], in a packet that still fits [MQTT5-3.1.2-25].

const GUARDED: Scenario = { options: { authorize: () => 'deny' }, run() {} };

async function answerTo(
  packet: Packet,
  scenario: Scenario = GUARDED,
  properties: ReturnType<typeof connectPacket>['properties'] = undefined,
): Promise<Packet | undefined> {
  const stage = new Stage(scenario);
  await stage.open();
  const peer = await stage.join(5, { properties });
  await stage.send(peer, packet);
  expect(peer.closed).toBe(false);
  return peer.decoded().at(-1);
}

describe('the Reason String', () => {
  test.each<[string, Packet, string, number]>([
    ['PUBACK', publishPacket('secret/plans', 1, 1), 'publishing to secret/plans is not permitted', 0x87],
    ['PUBREC', publishPacket('secret/plans', 2, 1), 'publishing to secret/plans is not permitted', 0x87],
  ])('of a %s says why', async (_name, packet, text, reasonCode) => {
    expect(await answerTo(packet)).toMatchObject({ reasonCode, properties: { reasonString: text } });
  });

  test('of a SUBACK says why, of each subscription that was refused', async () => {
    const subscriptions = ['a', 'b/c'].map((topicFilter) => ({
      topicFilter,
      qos: 0 as const,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
    }));
    const packet: Packet = { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions };
    expect(await answerTo(packet)).toMatchObject({
      reasonCodes: [0x87, 0x87],
      properties: { reasonString: 'the subscription to a is not permitted; the subscription to b/c is not permitted' },
    });
    expect(await answerTo(packet, { run() {} })).toMatchObject({ reasonCodes: [0, 0], properties: undefined });
  });

  test.each<[string, Packet]>([
    ['PUBACK', publishPacket('t', 1, 1)],
    ['SUBACK', subscribePacket('t')],
  ])('stays away from a %s where problem information is not wanted', async (_name, packet) => {
    const answer = await answerTo(packet, GUARDED, { requestProblemInformation: false });
    expect(answer).toMatchObject({ properties: undefined });
  });

  // [MQTT5-3.4.2-2] [MQTT5-3.9.2-1]
  test.each<[string, Packet]>([
    ['PUBACK', publishPacket('t'.repeat(200), 1, 1)],
    ['SUBACK', subscribePacket('t'.repeat(200))],
  ])('stays away from a %s that would be larger than the client takes', async (_name, packet) => {
    expect(await answerTo(packet, GUARDED, { maximumPacketSize: 100 })).toMatchObject({ properties: undefined });
  });

  test('of a DISCONNECT is cut in the same way', async () => {
    const stage = new Stage({ ...GUARDED, settings: { 'policy.denyCloses': true } });
    await stage.open();
    const peer = await stage.join();
    await stage.send(peer, publishPacket(`${'x'.repeat(1008)}${'🚢'.repeat(10)}`, 0, 0));
    expect(peer.decoded().at(-1)).toMatchObject({ type: 'disconnect', reasonCode: 0x87 });
  });

  test('is cut where the topic is very long, and never inside a character', async () => {
    for (const topic of ['x'.repeat(65_535), `${'x'.repeat(1007)}${'🚢'.repeat(10)}`, `x${'🚢'.repeat(600)}`]) {
      for (const packet of [publishPacket(topic, 1, 1), subscribePacket(topic)]) {
        const answer = await answerTo(packet);
        const { reasonString = '' } = (answer as { properties?: { reasonString?: string } }).properties ?? {};
        expect(reasonString.length).toBeGreaterThan(500);
        expect(reasonString.length).toBeLessThanOrEqual(1024);
      }
    }
  });
});
