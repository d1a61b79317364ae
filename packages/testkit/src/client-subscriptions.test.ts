import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { publish, ScriptedServer } from './scripted-server.ts';

// What a client has subscribed to, over lost connections and lost sessions.

let clock: FakeClock;
let server: ScriptedServer;

beforeEach(() => {
  clock = new FakeClock();
  server = new ScriptedServer(clock);
});

/** What was asked for on this connection, in order. */
function asked(connection = server.last): string[] {
  return connection.packets.flatMap((packet) => {
    if (packet.type === 'subscribe')
      return [`+ ${packet.subscriptions.map(({ topicFilter, qos }) => `${topicFilter} ${qos}`).join(', ')}`];
    return packet.type === 'unsubscribe' ? [`- ${packet.topicFilters.join(', ')}`] : [];
  });
}

describe('after the session is lost', () => {
  it('an UNSUBSCRIBE that was under way has the last word', async () => {
    const client = await server.client();
    const granted = client.subscribe('a');
    await clock.settle();
    await granted;
    server.intercept = (packet) => packet.type === 'unsubscribe';
    const unsubscribed = client.unsubscribe('a');
    await clock.settle();
    await server.last.cut();
    server.intercept = () => false;
    await clock.advance(1000);
    await unsubscribed;
    expect(asked()).toEqual(['+ a 0', '- a']);
    await server.last.cut();
    await clock.advance(2000);
    expect(asked()).toEqual([]);
  });

  it('a SUBSCRIBE that was under way replaces the one before, not the other way round', async () => {
    const client = await server.client();
    const first = client.subscribe('a', { qos: 0 });
    await clock.settle();
    await first;
    await server.last.cut();
    const second = client.subscribe('a', { qos: 2 });
    await clock.advance(1000);
    expect((await second)[0]?.qos).toBe(2);
    expect(asked()).toEqual(['+ a 0', '+ a 2']);
    await server.last.cut();
    await clock.advance(2000);
    expect(asked()).toEqual(['+ a 2']);
  });

  it('what is subscribed to again is not asked for more often from connection to connection', async () => {
    const client = await server.client();
    const granted = client.subscribe('a');
    await clock.settle();
    await granted;
    server.intercept = (packet, connection) => {
      if (packet.type !== 'subscribe') return false;
      connection.end();
      return true;
    };
    await server.last.cut();
    await clock.advance(600_000);
    expect(server.connections.length).toBeGreaterThan(5);
    expect(asked()).toEqual(['+ a 0']);
    server.intercept = () => false;
    await clock.advance(120_000);
    expect(asked()).toEqual(['+ a 0']);
    await server.last.cut();
    await clock.advance(120_000);
    expect(asked()).toEqual(['+ a 0']);
  });

  it('SUBSCRIBE packets are no larger than those that were asked for', async () => {
    server.connack = { properties: { maximumPacketSize: 100 } };
    const client = await server.client();
    const filters = Array.from({ length: 10 }, (_, i) => `some/filter/number/${i}`);
    const granted = Promise.all(filters.map((filter) => client.subscribe(filter)));
    await clock.settle();
    await granted;
    await server.last.cut();
    await clock.advance(1000);
    expect(asked()).toEqual(filters.map((filter) => `+ ${filter} 0`));
  });
});

describe('a server that knows no Subscription Identifiers', () => {
  it('is not asked for one by a stream that another server had given it', async () => {
    const client = await server.client();
    const stream = client.messages('a');
    await clock.settle();
    expect(server.last.of('subscribe')[0]?.properties?.subscriptionIdentifier).toBe(1);
    server.connack = { properties: { subscriptionIdentifierAvailable: false } };
    await server.last.cut();
    await clock.advance(1000);
    expect(server.last.of('subscribe')[0]?.properties?.subscriptionIdentifier).toBeUndefined();
    await server.last.send(publish('a', '1'));
    expect(stream.buffered).toBe(1);
  });
});

describe('a server that knows no wildcards', () => {
  it('is not asked for one that another server had granted, or that was asked for meanwhile', async () => {
    const client = await server.client();
    const warnings: string[] = [];
    client.on('warning', ({ code }) => warnings.push(code));
    const granted = client.subscribe('a/#');
    await clock.settle();
    await granted;
    server.connack = { properties: { wildcardSubscriptionAvailable: false } };
    await server.last.cut();
    const second = client.subscribe('b/#');
    const refused = expect(second).rejects.toMatchObject({ code: 'wildcard-subscriptions-not-supported' });
    await clock.advance(1000);
    await refused;
    expect(asked()).toEqual([]);
    expect(warnings).toContain('subscription-lost');
  });
});

describe('a Subscription Identifier', () => {
  it('of 0 is refused with words', async () => {
    const client = await server.client();
    const refused = expect(client.subscribe('a', { subscriptionIdentifier: 0 })).rejects.toMatchObject({
      code: 'property-out-of-range',
    });
    await clock.settle();
    await refused;
    expect(asked()).toEqual([]);
  });
});
