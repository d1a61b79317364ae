import type { Packet, ProtocolVersion, PublishPacket } from '@hawser/codec';
import { openRaw, type RawConnection } from './raw-connection.ts';

const NO_PROPERTIES = { reasonCode: 0, properties: undefined } as const;

interface InFlight {
  readonly packet: PublishPacket;
  readonly sequence: number;
  released: boolean;
}

interface StubbornOptions {
  readonly clientId: string;
  readonly version: ProtocolVersion;
}

/** What publisher and subscriber share: a session that outlives connections, and what they found wrong. */
class StubbornClient {
  readonly clientId: string;
  readonly version: ProtocolVersion;
  /** Anything the broker did that it must not. */
  readonly faults: string[] = [];
  protected connection: RawConnection | undefined;
  #connected = 0;

  constructor({ clientId, version }: StubbornOptions) {
    this.clientId = clientId;
    this.version = version;
  }

  /** The first time with a new session, from then on with the one that must be there. */
  async connect(port: number): Promise<void> {
    const { clientId, version } = this;
    const isFirst = this.#connected === 0;
    // In 3.x Clean Session also says that the session ends with the connection.
    const cleanStart = isFirst && version === 5;
    this.connection = await openRaw({
      port,
      clientId,
      version,
      cleanStart,
      onPacket: (packet) => this.onPacket(packet),
    });
    const { reasonCode, sessionPresent } = this.connection.connack;
    if (reasonCode !== 0) this.faults.push(`${clientId}: CONNACK ${reasonCode}`);
    // 3.1 cannot say.
    if (version !== 3 && sessionPresent === isFirst) {
      this.faults.push(`${clientId}: Session Present ${sessionPresent} at connection ${this.#connected + 1}`);
    }
    this.#connected += 1;
  }

  /** Settles when the network connection is gone. */
  async gone(): Promise<void> {
    await this.connection?.closed;
    this.connection = undefined;
  }

  destroy(): void {
    this.connection?.destroy();
  }

  protected onPacket(_packet: Packet): void {}

  protected send(packet: Packet): void {
    this.connection?.send(packet);
  }
}

/** Publishes numbered messages, keeps what is not acknowledged, and sends it again on the next connection. */
export class StubbornPublisher extends StubbornClient {
  readonly topic: string;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  /** Behind the number in each payload. */
  readonly #padding: string;
  /** Numbers of messages whose handshake has ended. */
  readonly acknowledged = new Set<number>();
  sent = 0;
  onAcknowledged: () => void = () => {};
  readonly #window: number;
  readonly #inFlight = new Map<number, InFlight>();
  #running = true;
  #lastIdentifier = 0;
  #onIdle: (() => void) | undefined;

  constructor(
    options: StubbornOptions & {
      readonly topic: string;
      readonly qos: 1 | 2;
      readonly retain?: boolean;
      readonly window: number;
      /** Bytes that each message is longer. */
      readonly padding?: number;
    },
  ) {
    super(options);
    this.topic = options.topic;
    this.qos = options.qos;
    this.retain = options.retain ?? false;
    this.#window = options.window;
    this.#padding = ' '.repeat(options.padding ?? 0);
  }

  override async connect(port: number): Promise<void> {
    await super.connect(port);
    for (const { packet, released } of this.#inFlight.values()) {
      this.send(
        released
          ? { type: 'pubrel', packetIdentifier: packet.packetIdentifier, ...NO_PROPERTIES }
          : { ...packet, dup: true },
      );
    }
    this.#fill();
  }

  /** No new messages; settles when all that were sent are acknowledged. */
  finish(): Promise<void> {
    this.#running = false;
    return new Promise((resolve) => {
      if (this.#inFlight.size === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  protected override onPacket(packet: Packet): void {
    if (packet.type !== 'puback' && packet.type !== 'pubrec' && packet.type !== 'pubcomp') return;
    const { packetIdentifier, reasonCode } = packet;
    const inFlight = this.#inFlight.get(packetIdentifier);
    // [MQTT5-3.7.2.1] 0x92 is no error during recovery: the broker had ended the handshake, its PUBCOMP was lost.
    const isRecovered = packet.type === 'pubcomp' && reasonCode === 0x92 && inFlight?.released === true;
    if (inFlight === undefined || (reasonCode >= 0x80 && !isRecovered)) {
      this.faults.push(`${this.clientId}: ${packet.type} ${packetIdentifier} ${reasonCode}`);
      return;
    }
    if (packet.type === 'pubrec') {
      inFlight.released = true;
      this.send({ type: 'pubrel', packetIdentifier, ...NO_PROPERTIES });
      return;
    }
    this.#inFlight.delete(packetIdentifier);
    this.acknowledged.add(inFlight.sequence);
    this.onAcknowledged();
    this.#fill();
    if (this.#inFlight.size === 0) this.#onIdle?.();
  }

  #fill(): void {
    while (this.#running && this.connection !== undefined && this.#inFlight.size < this.#window) {
      this.#lastIdentifier = (this.#lastIdentifier % 65_535) + 1;
      const packetIdentifier = this.#lastIdentifier;
      if (this.#inFlight.has(packetIdentifier)) continue;
      this.sent += 1;
      const { topic, qos, retain } = this;
      const payload = Buffer.from(`${this.sent}${this.#padding}`);
      const packet: PublishPacket = {
        type: 'publish',
        topic,
        payload,
        qos,
        retain,
        dup: false,
        packetIdentifier,
        properties: undefined,
      };
      this.#inFlight.set(packetIdentifier, { packet, sequence: this.sent, released: false });
      this.send(packet);
    }
  }
}

/** Receives at QoS 2, counts each message, and remembers Packet Identifiers across connections as it must. */
export class StubbornSubscriber extends StubbornClient {
  readonly topicFilter: string;
  /** How often each message came, by topic and number, in the order of their first arrival. */
  readonly counts = new Map<string, Map<number, number>>();
  onMessage: () => void = () => {};
  /** Packet Identifiers between PUBLISH and PUBREL. */
  readonly #received = new Set<number>();
  #onSubscribed: (() => void) | undefined;

  constructor(options: StubbornOptions & { readonly topicFilter: string }) {
    super(options);
    this.topicFilter = options.topicFilter;
  }

  /** Settles after the SUBACK. */
  subscribe(): Promise<void> {
    const subscription = {
      topicFilter: this.topicFilter,
      qos: 2,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    } as const;
    return new Promise((resolve) => {
      this.#onSubscribed = resolve;
      this.send({ type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] });
    });
  }

  /** Settles when `enough` says so, which is asked after each message. */
  until(enough: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.onMessage = () => {
        if (enough()) resolve();
      };
      this.onMessage();
    });
  }

  protected override onPacket(packet: Packet): void {
    if (packet.type === 'suback') this.#onSubscribed?.();
    else if (packet.type === 'publish') this.#handlePublish(packet);
    else if (packet.type === 'pubrel') {
      const { packetIdentifier } = packet;
      this.#received.delete(packetIdentifier);
      this.send({ type: 'pubcomp', packetIdentifier, ...NO_PROPERTIES });
    }
  }

  #handlePublish({ topic, payload, qos, packetIdentifier }: PublishPacket): void {
    const isRepeated = qos === 2 && this.#received.has(packetIdentifier);
    if (!isRepeated) this.#count(topic, Number(Buffer.from(payload).toString()));
    if (qos === 1) this.send({ type: 'puback', packetIdentifier, ...NO_PROPERTIES });
    if (qos === 2) {
      this.#received.add(packetIdentifier);
      this.send({ type: 'pubrec', packetIdentifier, ...NO_PROPERTIES });
    }
    this.onMessage();
  }

  #count(topic: string, sequence: number): void {
    const counts = this.counts.get(topic) ?? new Map<number, number>();
    this.counts.set(topic, counts);
    counts.set(sequence, (counts.get(sequence) ?? 0) + 1);
  }
}

/** Settles when so many more have been acknowledged. */
export function acknowledgements(publishers: readonly StubbornPublisher[], count: number): Promise<void> {
  let left = count;
  return new Promise((resolve) => {
    for (const publisher of publishers) {
      publisher.onAcknowledged = () => {
        left -= 1;
        if (left === 0) resolve();
      };
    }
  });
}
