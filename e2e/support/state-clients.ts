import type { ConnectPacket, Packet, PublishProperties } from '@hawser/codec';
import { AskingClient, type AskingClientOptions } from './asking-client.ts';
import type { BrokerProcess } from './broker-process.ts';

/** Expired by the time the broker is up again, and far from it. */
const SHORT_S = 1;
const LONG_S = 3600;
const TOPICS = 12;

/** What a round found after the restart. */
export interface StateFindings {
  readonly problems: readonly string[];
  readonly wills: number;
}

/**
 * Clients that change what a broker must remember beside messages on their way: retained messages, subscriptions, Wills, what
 * expires. Each change is acknowledged before the broker is killed; `check` compares what is there with what was acknowledged.
 */
export class StateClients {
  readonly #broker: BrokerProcess;
  readonly #random: () => number;
  /** By topic; `undefined`: it was cleared, or has expired. */
  readonly #retained = new Map<string, string | undefined>();
  /** Topic Filter to Subscription Identifier, QoS and Retain As Published, in words. */
  readonly #subscriptions = new Map<string, string>();
  #wills: string[] = [];
  #queued: { readonly expected: string[]; readonly expiring: string[] } = { expected: [], expiring: [] };
  #round = 0;
  #clients: AskingClient[] = [];
  /** Since when what was to expire has. */
  #expiredAt = 0;

  constructor(broker: BrokerProcess, random: () => number) {
    this.#broker = broker;
    this.#random = random;
  }

  get summary(): string {
    const retained = [...this.#retained.values()].filter((value) => value !== undefined).length;
    return `${retained} retained, ${this.#subscriptions.size} subscriptions`;
  }

  /** Makes the sessions that later rounds find. */
  async begin(): Promise<void> {
    for (const [clientId, filter] of [
      ['state-watcher', 'state/will/#'],
      ['state-queue', 'state/queue'],
      ['state-subscriber', 'state/end'],
    ] as const) {
      const client = await this.#connect(clientId);
      await client.request(subscribeTo(filter, undefined, client.nextIdentifier()), 'suback');
      client.destroy();
    }
  }

  /** Changes all kinds of state; settles when all of it is acknowledged. */
  async change(): Promise<void> {
    this.#round++;
    const publisher = await this.#connect('state-publisher', { cleanStart: true });
    await this.#changeRetained(publisher);
    await this.#changeSubscriptions();
    await this.#changeWills();
    await this.#queue(publisher);
    for (const [clientId, sessionExpiryInterval] of [
      ['state-brief', SHORT_S],
      ['state-long', LONG_S],
    ] as const) {
      const client = await this.#connect(clientId, { cleanStart: true, sessionExpiryInterval });
      client.destroy();
    }
    this.#expiredAt = Date.now() + SHORT_S * 1000 + 500;
  }

  /** After the restart: what is there. */
  async check(): Promise<StateFindings> {
    this.end();
    const wait = this.#expiredAt - Date.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const problems: string[] = [];
    const wills = await this.#checkWills(problems);
    await this.#checkRetained(problems);
    await this.#checkSubscriptions(problems);
    await this.#checkQueue(problems);
    for (const [clientId, present] of [
      ['state-brief', false],
      ['state-long', true],
    ] as const) {
      const client = await this.#connect(clientId);
      if (client.connack.sessionPresent !== present) problems.push(`${clientId}: Session Present is ${!present}`);
      client.destroy();
    }
    return { problems, wills };
  }

  end(): void {
    for (const client of this.#clients) client.destroy();
    this.#clients = [];
  }

  async #changeRetained(publisher: AskingClient): Promise<void> {
    for (let count = 0; count < 6; count++) {
      const topic = `state/kept/${this.#below(TOPICS)}`;
      const kind = this.#below(4);
      const text = kind === 0 ? '' : `${this.#round}-${count}`;
      const expiry = kind === 1 ? SHORT_S : kind === 2 ? LONG_S : undefined;
      await publish(publisher, topic, text, true, expiry);
      this.#retained.set(topic, kind < 2 ? undefined : text);
    }
  }

  async #changeSubscriptions(): Promise<void> {
    const client = await this.#connect('state-subscriber');
    for (let count = 0; count < 6; count++) {
      const topicFilter = `state/sub/${this.#below(TOPICS)}`;
      if (this.#below(3) === 0) {
        await client.request(
          {
            type: 'unsubscribe',
            packetIdentifier: client.nextIdentifier(),
            properties: undefined,
            topicFilters: [topicFilter],
          },
          'unsuback',
        );
        this.#subscriptions.delete(topicFilter);
      } else {
        const identifier = 1 + this.#below(1_000_000);
        const qos = this.#below(2) as 0 | 1;
        const retainAsPublished = this.#below(2) === 1;
        const subscription = { topicFilter, qos, noLocal: false, retainAsPublished, retainHandling: 2 } as const;
        await client.request(
          {
            type: 'subscribe',
            packetIdentifier: client.nextIdentifier(),
            properties: { subscriptionIdentifier: identifier },
            subscriptions: [subscription],
          },
          'suback',
        );
        this.#subscriptions.set(topicFilter, `${identifier}, QoS ${qos}, RETAIN ${retainAsPublished}`);
      }
    }
    client.destroy();
  }

  /** Some are connected when the broker is killed, of one the Will waits already, one has left in good order. */
  async #changeWills(): Promise<void> {
    this.#wills = [];
    for (let count = 0; count < 4; count++) {
      const text = `${this.#round}-${count}`;
      const will = {
        topic: `state/will/${count}`,
        payload: Buffer.from(text),
        qos: 1 as const,
        retain: false,
        properties: count === 0 ? { willDelayInterval: SHORT_S } : undefined,
      };
      const isKept = count % 2 === 0;
      const sessionExpiryInterval = isKept ? LONG_S : 0;
      const client = await this.#connect(`state-will-${count}`, { cleanStart: true, sessionExpiryInterval, will });
      if (count < 3) {
        this.#wills.push(text);
        this.#clients.push(client);
        if (count === 0) client.destroy();
      } else {
        client.send({ type: 'disconnect', reasonCode: 0, properties: undefined });
        await client.closed;
      }
    }
  }

  async #queue(publisher: AskingClient): Promise<void> {
    this.#queued = { expected: [], expiring: [] };
    for (let count = 0; count < 6; count++) {
      const text = `${this.#round}-${count}`;
      const expiry = count % 3 === 0 ? SHORT_S : count % 3 === 1 ? LONG_S : undefined;
      await publish(publisher, 'state/queue', text, false, expiry);
      (expiry === SHORT_S ? this.#queued.expiring : this.#queued.expected).push(text);
    }
    publisher.destroy();
  }

  async #checkWills(problems: string[]): Promise<number> {
    const seen = await this.#collect('state-watcher', (texts) => this.#wills.every((text) => texts.includes(text)));
    for (const text of this.#wills) if (!seen.includes(text)) problems.push(`the Will ${text} did not come`);
    for (const text of seen) if (!this.#wills.includes(text)) problems.push(`the Will ${text} should not have come`);
    return seen.length;
  }

  async #checkQueue(problems: string[]): Promise<void> {
    const { expected, expiring } = this.#queued;
    const seen = await this.#collect('state-queue', (texts) => expected.every((text) => texts.includes(text)));
    if (seen.join() !== expected.join())
      problems.push(`the queue had ${seen.join()}, not ${expected.join()} (${expiring.join()} expired)`);
  }

  async #checkRetained(problems: string[]): Promise<void> {
    const wanted = [...this.#retained].filter(([, value]) => value !== undefined);
    const seen = new Map<string, string>();
    const client = await this.#connect('state-reader', { cleanStart: true, sessionExpiryInterval: 0 }, (packet) => {
      if (packet.type === 'publish') seen.set(packet.topic, Buffer.from(packet.payload).toString());
    });
    await client.request(subscribeTo('state/kept/#', undefined, 1, 0), 'suback');
    // What is retained has been sent before a PINGRESP is.
    await client.request({ type: 'pingreq' }, 'pingresp');
    for (const [topic, value] of wanted) {
      if (seen.get(topic) !== value) problems.push(`${topic} is ${seen.get(topic)}, not ${value}`);
    }
    for (const topic of seen.keys()) {
      if (this.#retained.get(topic) === undefined) problems.push(`${topic} is there, which was cleared or has expired`);
    }
    client.destroy();
  }

  async #checkSubscriptions(problems: string[]): Promise<void> {
    const publisher = await this.#connect('state-publisher', { cleanStart: true });
    const seen = new Map<string, string>();
    let onEnd: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      onEnd = resolve;
    });
    const client = await this.#connect('state-subscriber', {}, (packet, self) => {
      if (packet.type !== 'publish') return;
      acknowledge(packet, self);
      if (packet.topic === 'state/end') onEnd();
      else {
        const identifier = packet.properties?.subscriptionIdentifiers?.[0];
        seen.set(packet.topic, `${identifier}, QoS ${packet.qos}, RETAIN ${packet.retain}`);
      }
    });
    if (!client.connack.sessionPresent) problems.push('the session of state-subscriber is gone');
    for (let number = 0; number < TOPICS; number++)
      await publish(publisher, `state/sub/${number}`, 'x', true, undefined);
    await publish(publisher, 'state/end', 'x', false, undefined);
    await ended;
    for (let number = 0; number < TOPICS; number++) {
      const topic = `state/sub/${number}`;
      const [is, should] = [seen.get(topic), this.#subscriptions.get(topic)];
      if (is !== should) problems.push(`the subscription to ${topic} has ${is}, not ${should}`);
    }
    client.destroy();
    publisher.destroy();
  }

  /** What waits for a session, until there is enough of it, and a little longer. */
  async #collect(clientId: string, enough: (texts: readonly string[]) => boolean): Promise<readonly string[]> {
    const texts: string[] = [];
    const client = await this.#connect(clientId, {}, (packet, self) => {
      if (packet.type !== 'publish') return;
      if (!packet.dup || !texts.includes(Buffer.from(packet.payload).toString()))
        texts.push(Buffer.from(packet.payload).toString());
      acknowledge(packet, self);
    });
    const until = Date.now() + 5000;
    while (!enough(texts) && Date.now() < until) await client.next('publish', 100);
    await client.request({ type: 'pingreq' }, 'pingresp');
    client.destroy();
    return texts;
  }

  #connect(
    clientId: string,
    options: { cleanStart?: boolean; sessionExpiryInterval?: number; will?: ConnectPacket['will'] } = {},
    onPacket?: AskingClientOptions['onPacket'],
  ): Promise<AskingClient> {
    const { cleanStart = false, sessionExpiryInterval = LONG_S, will } = options;
    const { port } = this.#broker;
    return AskingClient.connect({ port, clientId, version: 5, cleanStart, sessionExpiryInterval, will, onPacket });
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

function acknowledge(packet: Packet, client: AskingClient): void {
  if (packet.type !== 'publish' || packet.qos !== 1) return;
  client.send({ type: 'puback', packetIdentifier: packet.packetIdentifier, reasonCode: 0, properties: undefined });
}

/** Publishes at QoS 1; settles with the PUBACK. */
async function publish(
  client: AskingClient,
  topic: string,
  text: string,
  retain: boolean,
  expiry: number | undefined,
): Promise<void> {
  const properties: PublishProperties | undefined =
    expiry === undefined ? undefined : { messageExpiryInterval: expiry };
  const packetIdentifier = client.nextIdentifier();
  const payload = Buffer.from(text);
  const answer = await client.request(
    { type: 'publish', topic, payload, qos: 1, retain, dup: false, packetIdentifier, properties },
    'puback',
  );
  if (answer === undefined || answer.reasonCode >= 0x80)
    throw new Error(`${topic} was not taken: ${answer?.reasonCode}`);
}

function subscribeTo(
  topicFilter: string,
  subscriptionIdentifier: number | undefined,
  packetIdentifier: number,
  qos: 0 | 1 = 1,
): Packet {
  const subscription = { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const properties = subscriptionIdentifier === undefined ? undefined : { subscriptionIdentifier };
  return { type: 'subscribe', packetIdentifier, properties, subscriptions: [subscription] };
}
