import type { Client, ClientOptions } from '@hawser/client';
import { type ConnackProperties, encodePacket, type Packet } from '@hawser/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { ack, ScriptedServer } from './scripted-server.ts';

// Whatever a program does with a client, nothing leaves it that the server's CONNACK does not allow.

const limits = fc.record<ConnackProperties>(
  {
    receiveMaximum: fc.integer({ min: 1, max: 5 }),
    maximumQoS: fc.constantFrom(0, 1),
    retainAvailable: fc.boolean(),
    maximumPacketSize: fc.integer({ min: 10, max: 200 }),
    topicAliasMaximum: fc.integer({ min: 0, max: 3 }),
    wildcardSubscriptionAvailable: fc.boolean(),
    subscriptionIdentifierAvailable: fc.boolean(),
    sharedSubscriptionAvailable: fc.boolean(),
    serverKeepAlive: fc.integer({ min: 5, max: 20 }),
  },
  { requiredKeys: [] },
);

const topicName = fc.constantFrom('a', 'b/c', 'some/longer/topic', 'd');
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      topic: topicName,
      qos: fc.constantFrom(0, 1, 2),
      retain: fc.boolean(),
      size: fc.integer({ min: 0, max: 250 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('subscribe' as const),
      filter: fc.constantFrom('a', '+/c', '#', '$share/g/a'),
      identifier: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('messages' as const), filter: fc.constantFrom('a', 'b/#') }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('cut' as const), next: limits, sessionPresent: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('answer' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30_000 }) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

describe('the limits of the server', () => {
  it('are never exceeded', async () => {
    const run = fc.asyncProperty(limits, fc.array(action, { maxLength: 40 }), async (properties, actions) => {
      await new Watched(properties).run(actions);
    });
    await fc.assert(run, { numRuns: 400 });
  });
});

class Watched {
  readonly #clock = new FakeClock();
  readonly #server = new ScriptedServer(this.#clock);
  /** Of the server that is connected: the next one may allow other things. */
  #properties: ConnackProperties;
  /** PUBLISH packets of this connection that wait for an answer. */
  #unanswered: { packetIdentifier: number; qos: number }[] = [];
  readonly #aliases = new Map<number, string>();

  constructor(properties: ConnackProperties) {
    this.#properties = properties;
    this.#server.connack = { properties };
  }

  async run(actions: readonly Action[]): Promise<void> {
    const faults: string[] = [];
    this.#server.intercept = (packet, connection) => {
      if (packet.type === 'connect') {
        this.#unanswered = [];
        this.#aliases.clear();
        return false;
      }
      const fault = this.#faultOf(packet);
      if (fault !== undefined) faults.push(fault);
      if (packet.type !== 'publish' || packet.qos === 0)
        return packet.type === 'pubrel' && this.#done(packet, connection);
      this.#unanswered.push(packet);
      return true;
    };
    const options: ClientOptions = { keepAlive: 300, queue: { messages: 20, whenFull: 'drop-oldest' } };
    const client = await this.#server.client(options);
    for (const one of actions) await this.#act(client, one);
    expect(faults).toEqual([]);
    const done = client.disconnect();
    await this.#clock.advance(5000);
    await done;
  }

  #done({ packetIdentifier }: { packetIdentifier: number }, connection: ScriptedServer['last']): boolean {
    connection.write(ack('pubcomp', packetIdentifier));
    this.#unanswered = this.#unanswered.filter((one) => one.packetIdentifier !== packetIdentifier);
    return true;
  }

  async #act(client: Client, one: Action): Promise<void> {
    const ignore = (): void => {};
    try {
      if (one.kind === 'publish') {
        const { topic, qos, retain, size } = one;
        client.publish(topic, new Uint8Array(size), { qos: qos as 0 | 1 | 2, retain }).catch(ignore);
      } else if (one.kind === 'subscribe') {
        client.subscribe(one.filter, { subscriptionIdentifier: one.identifier }).catch(ignore);
      } else if (one.kind === 'messages') client.messages(one.filter).next().catch(ignore);
      else if (one.kind === 'cut') {
        await this.#server.last.cut();
        this.#properties = one.next;
        this.#server.connack = { properties: one.next, sessionPresent: one.sessionPresent };
      } else if (one.kind === 'answer') {
        for (const { packetIdentifier, qos } of this.#unanswered.slice(0, 2)) {
          if (qos === 1)
            this.#unanswered = this.#unanswered.filter((other) => other.packetIdentifier !== packetIdentifier);
          this.#server.last.write(ack(qos === 1 ? 'puback' : 'pubrec', packetIdentifier));
        }
      } else await this.#clock.advance(one.ms);
    } catch {
      // Refused at once: that is what a limit is for.
    }
    await this.#clock.settle();
  }

  /** What is wrong with a packet of the client, by what the server has announced. */
  #faultOf(packet: Packet): string | undefined {
    const {
      receiveMaximum = 65_535,
      maximumQoS = 2,
      retainAvailable = true,
      maximumPacketSize = 2 ** 28,
    } = this.#properties;
    const size = encodePacket(packet, 5).length;
    if (size > maximumPacketSize) return `${packet.type} of ${size} bytes, ${maximumPacketSize} allowed`;
    if (packet.type === 'publish') {
      if (packet.qos > maximumQoS) return `QoS ${packet.qos}`;
      if (packet.retain && !retainAvailable) return 'retain';
      if (packet.qos > 0 && this.#unanswered.length >= receiveMaximum) return `over Receive Maximum ${receiveMaximum}`;
      const alias = packet.properties?.topicAlias;
      if (alias !== undefined) {
        if (alias > (this.#properties.topicAliasMaximum ?? 0)) return `Topic Alias ${alias}`;
        if (packet.topic !== '') this.#aliases.set(alias, packet.topic);
        else if (!this.#aliases.has(alias)) return `Topic Alias ${alias} was never set`;
      } else if (packet.topic === '') return 'no topic';
    }
    if (packet.type === 'subscribe') {
      const {
        wildcardSubscriptionAvailable = true,
        sharedSubscriptionAvailable = true,
        subscriptionIdentifierAvailable = true,
      } = this.#properties;
      if (!subscriptionIdentifierAvailable && packet.properties?.subscriptionIdentifier !== undefined)
        return 'identifier';
      for (const { topicFilter } of packet.subscriptions) {
        if (!wildcardSubscriptionAvailable && /[+#]/.test(topicFilter)) return 'wildcard';
        if (!sharedSubscriptionAvailable && topicFilter.startsWith('$share/')) return 'shared';
      }
    }
    return undefined;
  }
}
