import { type Broker, type BrokerOptions, createBroker, type Settings } from '@hawser/broker';
import { encodePacket, type Packet, type ProtocolVersion, type QoS } from '@hawser/codec';
import { FakeClock } from '../../fake-clock.ts';
import { FakePeer } from '../../fake-peer.ts';
import { HeldStore } from '../../held-store.ts';

type Connect = Extract<Packet, { type: 'connect' }>;

/** Whom the scenarios are about, and where connections of the memory come from. */
export const CLIENT = 'it';
export const ADDRESS = 'memory';

/** How one cause comes about. */
export interface Scenario {
  readonly settings?: Partial<Settings>;
  readonly options?: BrokerOptions;
  /** With a store, whose disk is the test. */
  readonly stored?: boolean;
  /** Where the cause is to stand: with the Client Identifier, or with the address of who never said who it is. */
  readonly at?: 'client' | 'address';
  run(stage: Stage): void | Promise<void>;
}

/** By the code that the recorder must have afterwards. */
export type Scenarios = Readonly<Record<string, Scenario>>;

/** A broker under a clock that stands still, and clients of raw packets. */
export class Stage {
  readonly clock = new FakeClock();
  readonly store = new HeldStore();
  readonly #scenario: Scenario;
  #broker: Broker | undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  get broker(): Broker {
    if (this.#broker === undefined) throw new Error('the stage is not open');
    return this.#broker;
  }

  async open(more: BrokerOptions = {}): Promise<void> {
    const { settings = {}, options, stored } = this.#scenario;
    const store = stored === true ? { store: this.store } : {};
    this.#broker = await createBroker({ clock: this.clock, settings, ...store, ...options, ...more });
  }

  /** A connection on which nothing has been said. */
  attach(version: ProtocolVersion = 5): FakePeer {
    const peer = new FakePeer(this.clock, version);
    this.broker.attach(peer);
    return peer;
  }

  async join(version: ProtocolVersion = 5, change: Partial<Connect> = {}): Promise<FakePeer> {
    const peer = this.attach(version);
    peer.send(connectPacket(version, change));
    await this.settle();
    return peer;
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await this.clock.settle();
      if (this.#scenario.stored === true && this.store.fault === undefined) this.store.commitAll();
    }
  }

  async send(peer: FakePeer, ...packets: Packet[]): Promise<void> {
    peer.send(...packets);
    await this.settle();
  }

  async sendBytes(peer: FakePeer, bytes: Uint8Array): Promise<void> {
    peer.sendBytes(bytes);
    await this.settle();
  }

  /** A session that waits for its client, with a subscription to `t/#`. */
  async leaveSession(qos: QoS = 1, change: Partial<Connect> = {}): Promise<void> {
    const peer = await this.join(5, { cleanStart: false, properties: { sessionExpiryInterval: 1000 }, ...change });
    await this.send(peer, subscribePacket('t/#', qos));
    peer.destroy();
    await this.settle();
  }
}

export function connectPacket(protocolVersion: ProtocolVersion, change: Partial<Connect> = {}): Connect {
  return {
    type: 'connect',
    protocolVersion,
    cleanStart: true,
    keepAlive: 0,
    clientId: CLIENT,
    username: undefined,
    password: undefined,
    will: undefined,
    properties: undefined,
    bridge: false,
    ...change,
  };
}

export function subscribePacket(topicFilter: string, qos: QoS = 0): Packet {
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 as const };
  const subscriptions = [{ topicFilter, qos, ...options }];
  return { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions };
}

export function publishPacket(
  topic: string,
  qos: QoS,
  packetIdentifier: number,
  change: Partial<Extract<Packet, { type: 'publish' }>> = {},
): Packet {
  const payload = new Uint8Array(4);
  const flags = { retain: false, dup: false };
  return { type: 'publish', topic, payload, qos, ...flags, packetIdentifier, properties: undefined, ...change };
}

/** `30 02 00 01` */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.split(/\s+/).filter(Boolean), (byte) => Number.parseInt(byte, 16));
}

/** The bytes of a CONNECT, changed: what no encoder would write. */
export function connectBytes(
  version: ProtocolVersion,
  change: (bytes: Uint8Array) => void,
  more: Partial<Connect> = {},
): Uint8Array {
  const bytes = encodePacket(connectPacket(version, more), version);
  change(bytes);
  return bytes;
}
