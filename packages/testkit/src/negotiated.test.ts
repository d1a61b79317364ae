import { inspectClientDetail, type Settings } from '@hawser/broker';
import type { ClientOptions, Negotiated } from '@hawser/client';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { startTestBroker } from './test-broker.ts';
import { connectTestClient } from './test-client.ts';

/** What each end of one connection says was negotiated. */
async function bothSides(settings: Partial<Settings>, options: Omit<ClientOptions, 'url'>) {
  const clock = new FakeClock();
  await using broker = await startTestBroker({ clock, settings });
  const client = await connectTestClient(broker, { clientId: 'device', ...options });
  const { negotiated } = client;
  const told = inspectClientDetail(broker.broker, negotiated?.clientId.effective ?? '')?.negotiated ?? {};
  const leaving = client.disconnect();
  await clock.settle();
  await leaving;
  if (negotiated === undefined) throw new Error('nothing was negotiated');
  return { client: negotiated, broker: told };
}

/** Parameters that both sides name; of the client's, what a broker's JSON would say. */
const SHARED = [
  'protocolVersion',
  'clientId',
  'keepAlive',
  'sessionExpiryInterval',
  'receiveMaximum',
  'maximumPacketSize',
  'topicAliasMaximum',
] as const satisfies (keyof Negotiated)[];

const sharedOf = (negotiated: object): unknown =>
  JSON.parse(JSON.stringify(Object.fromEntries(SHARED.map((name) => [name, negotiated[name as never]]))));

describe('what was negotiated', () => {
  it.each<[string, Partial<Settings>, Omit<ClientOptions, 'url'>]>([
    ['nothing in particular', {}, {}],
    [
      'limits that each side names for itself',
      { 'limits.receiveMaximum': 5, 'limits.maximumPacketSize': 9000, 'limits.topicAliasMaximum': 7 },
      { receiveMaximum: 20, maximumPacketSize: 4000, topicAliasMaximum: 3 },
    ],
    [
      'what is asked for and capped',
      { 'limits.keepAliveMax': 60, 'sessions.expiryMax': 100 },
      { keepAlive: 300, cleanStart: false, sessionExpiryInterval: 1000 },
    ],
    ['what need not be announced', { 'limits.receiveMaximum': 65_535, 'limits.topicAliasMaximum': 0 }, {}],
    ['a name that the server gives', {}, { clientId: '' }],
  ])('is the same at both ends: %s', async (_name, settings, options) => {
    const said = await bothSides(settings, options);
    expect(sharedOf(said.broker)).toEqual(sharedOf(said.client));
  });

  it('has what the client takes as requested, what the CONNACK announced as granted', async () => {
    const settings = { 'limits.receiveMaximum': 5, 'limits.maximumPacketSize': 9000 };
    const { broker } = await bothSides(settings, { receiveMaximum: 20, topicAliasMaximum: 3 });
    expect(broker).toMatchObject({
      receiveMaximum: { requested: 20, granted: 5, effective: 5 },
      maximumPacketSize: { granted: 9000, effective: 9000 },
      topicAliasMaximum: { requested: 3, granted: 64, effective: 64 },
    });
  });

  it('of a 3.x client has nothing as granted, and the packet size that holds all the same', async () => {
    const { broker, client } = await bothSides({ 'limits.maximumPacketSize': 9000 }, { protocolVersion: 4 });
    expect(broker.maximumPacketSize).toEqual({ effective: 9000 });
    expect(sharedOf({ ...broker, maximumPacketSize: {}, sessionExpiryInterval: {} })).toEqual(
      sharedOf({ ...client, maximumPacketSize: {}, sessionExpiryInterval: {} }),
    );
  });
});
