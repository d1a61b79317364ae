import { type Delivery, Message, Session, type SessionHost } from '@hawser/broker';
import {
  type ConnackPacket,
  encodeUtf8,
  PacketType,
  type ProtocolVersion,
  type PublishPacket,
  type QoS,
  TopicCache,
} from '@hawser/codec';
import { type ClientCloseCause, ClientConnection, type ClientSink, Output, Slab, type Ticket } from '@hawser/protocol';
import type { Transport } from '@hawser/transport';
import { ClientDriver } from './client-driver.ts';
import type { FakeClock } from './fake-clock.ts';

export interface ProtocolClientOptions {
  readonly clientId: string;
  readonly clock: FakeClock;
  readonly protocolVersion: ProtocolVersion;
  /** A new network connection to the broker of the moment. */
  dial(): Transport;
  /** Milliseconds until it tries again after a connection has ended; 50. */
  readonly retryMs?: number;
  readonly cleanStart?: boolean;
  /** Topic Filters it subscribes to when the server has no session of its. */
  readonly subscriptions?: readonly (readonly [topicFilter: string, qos: QoS])[];
  /** A message was received; QoS 2 once for each. */
  onMessage?(topic: string, payload: Uint8Array, packet: PublishPacket): void;
}

const FOREVER = 0xffff_ffff;

/** With a session of which nothing waits for a disk. */
class DrivenClientConnection extends ClientConnection {
  declare readonly output: Output;
  releaseSoon(): void {}
}

/**
 * The least that is a right client: ClientConnection and Session, joined for ever. Its session lives in memory through any
 * number of connections, and messages given to it are sent until they are acknowledged. For tests under a FakeClock.
 */
export class ProtocolClient implements ClientSink, SessionHost {
  session: Session;
  connection: DrivenClientConnection | undefined;
  driver: ClientDriver | undefined;
  /** The last CONNACK. */
  connack: ConnackPacket | undefined;
  /** Ends of connections, in order. */
  readonly causes: ClientCloseCause[] = [];
  connects = 0;
  subscribed = false;
  readonly committed: Ticket = Number.POSITIVE_INFINITY;
  readonly #options: ProtocolClientOptions;
  readonly #slab = new Slab();
  readonly #topics = new TopicCache();
  #stopped = false;

  constructor(options: ProtocolClientOptions) {
    this.#options = options;
    this.session = this.#newSession();
  }

  connect(): void {
    const { clientId, clock, protocolVersion, cleanStart = false } = this.#options;
    this.connects++;
    const output = new Output(this.#slab);
    const connection = new DrivenClientConnection(
      {
        output,
        topics: this.#topics,
        connect: {
          type: 'connect',
          protocolVersion,
          cleanStart,
          keepAlive: 60,
          clientId,
          username: undefined,
          password: undefined,
          will: undefined,
          bridge: false,
          properties: protocolVersion === 5 ? { sessionExpiryInterval: FOREVER, receiveMaximum: 20 } : undefined,
        },
      },
      this,
      clock.now(),
    );
    this.connection = connection;
    this.driver = new ClientDriver(connection, this.#options.dial(), clock, (now) => this.session.pump(now));
    this.driver.start();
  }

  /** Sends a message as soon as it can, again and again until it is acknowledged. */
  publish(topic: string, payload: Uint8Array | string, qos: QoS, retain = false): void {
    const now = this.#options.clock.now();
    const bytes = typeof payload === 'string' ? encodeUtf8(payload) : payload;
    this.session.deliver(messageOf(topic, bytes, qos, retain, now), qos, retain, undefined, undefined, 0, now);
    this.driver?.afterTurn();
  }

  /** Messages that have not been acknowledged to the end. */
  get outstanding(): number {
    return this.session.inFlight + this.session.queue.length;
  }

  stop(): void {
    this.#stopped = true;
    this.connection?.disconnect(0, this.#options.clock.now());
    this.driver?.afterTurn();
  }

  onConnack(packet: ConnackPacket, now: number): void {
    this.connack = packet;
    if (packet.reasonCode !== 0) return;
    const connection = this.connection as DrivenClientConnection;
    if (!packet.sessionPresent) {
      // The server knows nothing: what it has not acknowledged is sent anew, with new identifiers.
      const unsettled = [...this.session.unsettled()];
      this.session = this.#newSession();
      for (const { message, qos, retain } of unsettled)
        this.session.deliver(message, qos, retain, undefined, undefined, 0, now);
      this.subscribed = false;
    }
    if (!this.subscribed && this.#options.subscriptions !== undefined) {
      const subscriptions = this.#options.subscriptions.map(([topicFilter, qos]) => ({
        topicFilter,
        qos,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0 as const,
      }));
      const packetIdentifier = this.session.nextPacketIdentifier(new Set());
      connection.write({ type: 'subscribe', packetIdentifier, properties: undefined, subscriptions });
    }
    this.session.attach(connection, Math.min(connection.peerReceiveMaximum, 100), now);
  }

  onPublish(packet: PublishPacket): void {
    const connection = this.connection as DrivenClientConnection;
    if (packet.qos === 2) {
      const isNew = this.session.inbound.begin(packet.packetIdentifier);
      connection.acknowledge(PacketType.PUBREC, packet.packetIdentifier, 0);
      if (!isNew) return;
    } else if (packet.qos === 1) connection.acknowledge(PacketType.PUBACK, packet.packetIdentifier, 0);
    this.#options.onMessage?.(packet.topic, packet.payload.slice(), packet);
  }

  onAck(type: number, packetIdentifier: number, reasonCode: number, now: number): void {
    const { session } = this;
    if (type === PacketType.PUBACK) session.handlePuback(packetIdentifier, reasonCode, now);
    else if (type === PacketType.PUBREC) session.handlePubrec(packetIdentifier, reasonCode, now);
    else if (type === PacketType.PUBCOMP) session.handlePubcomp(packetIdentifier, now);
    else
      this.connection?.acknowledge(
        PacketType.PUBCOMP,
        packetIdentifier,
        session.inbound.end(packetIdentifier) ? 0 : 0x92,
      );
  }

  onAnswer(): void {
    this.subscribed = true;
  }

  onAuth(): void {}

  onClosed(cause: ClientCloseCause): void {
    this.causes.push(cause);
    this.session.detach();
    const { clock, retryMs = 50 } = this.#options;
    if (this.#stopped) return;
    clock.setTimer(clock.now() + retryMs, () => {
      if (!this.#stopped) this.connect();
    });
  }

  // The session's host: everything is in memory.
  storeQueued(): Ticket {
    return 0;
  }
  storeLate(): void {}
  storeDequeued(): void {}
  storeOutbound(): Ticket {
    return 0;
  }
  storeOutboundDone(): void {}
  waitFor(): void {}
  requestPage(): void {}
  onDropped(cause: string, delivery: Delivery): void {
    throw new Error(`a client lost a message to ${delivery.message.topic.name}: ${cause}`);
  }
  onSettled(): void {}

  #newSession(): Session {
    const bounds = {
      messages: Number.POSITIVE_INFINITY,
      bytes: Number.POSITIVE_INFINITY,
      policy: 'drop-newest' as const,
    };
    return new Session(this, { survives: true, bounds, pageSize: Number.POSITIVE_INFINITY });
  }
}

function messageOf(topic: string, payload: Uint8Array, qos: QoS, retain: boolean, now: number): Message {
  return new Message(
    {
      topic: { name: topic, bytes: encodeUtf8(topic) },
      payload,
      qos,
      retain,
      properties: undefined,
      publisher: undefined,
      receivedAtMs: now,
      expiresAtMs: Number.POSITIVE_INFINITY,
    },
    true,
  );
}
