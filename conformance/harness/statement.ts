import type { ProtocolVersion, QoS, SubscribePacket, Subscription } from '@hawser/codec';
import { afterAll, beforeAll, it } from 'vitest';
import { type BrokerProcess, type BrokerProcessOptions, startBroker } from './broker-process.ts';
import { ack, type ConnectFields, connectPacket, filter, publish, subscribe } from './packets.ts';
import { Peer, type Received } from './peer.ts';
import type { Via } from './wire.ts';

/** One run of a test: a version, a transport, names that nobody else has. */
export interface Run {
  readonly version: ProtocolVersion;
  readonly via: Via;
  readonly broker: BrokerProcess;
  /** A Client Identifier of this run. */
  id(name: string): string;
  /** A topic or filter of this run. */
  topic(name: string): string;
  /** A connection on which nothing was sent. */
  open(version?: ProtocolVersion): Promise<Peer>;
  /** A client whose CONNECT was accepted; a Client Identifier of its own where none is given. */
  connect(fields?: ConnectFields): Promise<Peer>;
  /** Subscribes and checks that all was granted; retained messages that come after stay to be read. */
  subscribe(
    peer: Peer,
    topicFilter: string | readonly Subscription[],
    qos?: QoS,
    properties?: SubscribePacket['properties'],
  ): Promise<Received<'suback'>>;
  /** Publishes and waits until the broker has taken it: the ack, at QoS 2 to PUBCOMP, at QoS 0 a PINGRESP. */
  publish(peer: Peer, topic: string, payload: string, fields?: Parameters<typeof publish>[2]): Promise<void>;
  /** Settles when the broker's own clock has run on by so many seconds: a Will that is due then shows it. */
  seconds(count: number): Promise<void>;
}

export type Statement = (tags: string, words: string, test: (run: Run) => Promise<void>) => void;

const VERSIONS: Readonly<Record<string, ProtocolVersion>> = { MQTT31: 3, MQTT311: 4, MQTT5: 5 };
const NAMES = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const;
const VIAS: readonly Via[] = ['tcp', 'ws'];
let runs = 0;

/**
 * A broker for the tests of one file, and how these are written: `statement('MQTT311-3.1.0-2 MQTT5-3.1.0-2', words, test)`.
 * The tags are the statements that the test holds; each version among them is a run of its own, over each transport. A
 * version alone (`MQTT31`) adds a run. `only`: over these transports.
 */
export function suite(options: BrokerProcessOptions = {}, only: readonly Via[] = VIAS): Statement {
  let broker: BrokerProcess | undefined;
  beforeAll(async () => {
    broker = await startBroker(options);
  }, 30_000);
  afterAll(() => broker?.stop());
  return (tags, words, test) => {
    const numbers = tags.split(' ').filter((tag) => tag.includes('-'));
    const versions = new Set(tags.split(' ').map((tag) => VERSIONS[tag.split('-', 1)[0] ?? '']));
    const title = [...numbers.map((number) => `[${number}]`), words].join(' ');
    for (const version of versions) {
      if (version === undefined) throw new Error(`no version in the tags '${tags}'`);
      for (const via of only) {
        it.concurrent(`${title}: ${NAMES[version]} over ${via}`, async () => {
          if (broker === undefined) throw new Error('the broker is not there');
          const run = new TestRun(broker, via, version);
          try {
            await test(run);
          } finally {
            run.close();
          }
        });
      }
    }
  };
}

class TestRun implements Run {
  readonly broker: BrokerProcess;
  readonly via: Via;
  readonly version: ProtocolVersion;
  readonly #number = ++runs;
  readonly #peers: Peer[] = [];
  #named = 0;

  constructor(broker: BrokerProcess, via: Via, version: ProtocolVersion) {
    this.broker = broker;
    this.via = via;
    this.version = version;
  }

  readonly id = (name: string): string => {
    return `r${this.#number}${name}`;
  };

  readonly topic = (name: string): string => {
    return `r${this.#number}/${name}`;
  };

  readonly open = async (version: ProtocolVersion = this.version): Promise<Peer> => {
    const peer = await Peer.open(this.broker, this.via, version);
    this.#peers.push(peer);
    return peer;
  };

  readonly connect = async (fields: ConnectFields = {}): Promise<Peer> => {
    const version = fields.protocolVersion ?? this.version;
    const peer = await this.open(version);
    peer.send(connectPacket(version, { clientId: this.id(`x${++this.#named}`), ...fields }));
    peer.connack = await peer.expect('connack', { reasonCode: 0 });
    return peer;
  };

  readonly subscribe = async (
    peer: Peer,
    topicFilter: string | readonly Subscription[],
    qos: QoS = 0,
    properties?: SubscribePacket['properties'],
  ): Promise<Received<'suback'>> => {
    const subscriptions = typeof topicFilter === 'string' ? [filter(topicFilter, qos)] : topicFilter;
    const packetIdentifier = peer.nextIdentifier();
    peer.send(subscribe(packetIdentifier, subscriptions, properties));
    return peer.expect('suback', { packetIdentifier, reasonCodes: subscriptions.map((granted) => granted.qos) });
  };

  readonly publish = async (
    peer: Peer,
    topic: string,
    payload: string,
    fields: Parameters<typeof publish>[2] = {},
  ): Promise<void> => {
    const packetIdentifier = fields.packetIdentifier ?? ((fields.qos ?? 0) > 0 ? peer.nextIdentifier() : 0);
    peer.send(publish(topic, payload, { ...fields, packetIdentifier }));
    if (fields.qos === 1) await peer.expect('puback', { packetIdentifier });
    else if (fields.qos === 2) {
      await peer.expect('pubrec', { packetIdentifier });
      peer.send(ack('pubrel', packetIdentifier));
      await peer.expect('pubcomp', { packetIdentifier, reasonCode: 0 });
    } else await peer.expectNothing();
  };

  readonly seconds = async (count: number): Promise<void> => {
    const topic = this.topic(`clock${++this.#named}`);
    const watcher = await this.connect({ protocolVersion: 5 });
    await this.subscribe(watcher, topic);
    const clock = await this.connect({
      protocolVersion: 5,
      properties: { sessionExpiryInterval: count + 60 },
      will: { topic, properties: { willDelayInterval: count } },
    });
    await clock.cut();
    await watcher.expect('publish', { topic });
  };

  close(): void {
    for (const peer of this.#peers) if (!peer.isClosed) peer.wire.cut();
  }
}
