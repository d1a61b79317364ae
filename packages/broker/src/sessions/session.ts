import { PacketType, type ProtocolVersion, type QoS, ReasonCode } from '@hawser/codec';
import {
  type Connection,
  Fifo,
  NO_TICKET,
  type OutboundAliases,
  PacketIdentifiers,
  type Ticket,
  unsetAlias,
} from '@hawser/protocol';
import { Delivery } from '../messages/delivery.ts';
import type { Message } from '../messages/message.ts';
import { BoundedQueue, type QueueHost, type QueueOptions } from './bounded-queue.ts';
import { InboundQos } from './inbound-qos.ts';

/** Whom a session tells what happens, and where it writes down what must survive. One for each session. */
export interface SessionHost extends QueueHost {
  /** Reaches the disk as far as this ticket. */
  readonly committed: Ticket;
  /** A message has joined the queue; sets `delivery.sequence`. Called only for sessions that survive. */
  storeQueued(delivery: Delivery): Ticket;
  /** The same for a message that was not stored when it came: it is looked at anew whether the store takes it. */
  storeLate(delivery: Delivery): void;
  /** The handshake of a message has a Packet Identifier. `lazy`: nothing waits for it. */
  storeOutbound(
    packetIdentifier: number,
    sequence: number,
    qos: 1 | 2,
    state: 'published' | 'released',
    lazy: boolean,
  ): Ticket;
  storeOutboundDone(packetIdentifier: number): void;
  /** Call `onCommitted` once this ticket is committed. */
  waitFor(ticket: Ticket): void;
  /** The receiver has taken a message to the end, or refused it with this Reason Code. Only for those that were kept. */
  onSettled(delivery: Delivery, reasonCode: number): void;
  /** Whether a message that has waited may be sent now; absent: any may. */
  mayDeliver?(delivery: Delivery): boolean;
  /** The receiver has refused a message of which nothing was kept. */
  onRejected?(): void;
}

/** What a session needs of the connection that serves it; a ServerConnection. */
export interface SessionConnection extends Pick<Connection, 'peerMaximumPacketSize' | 'writePublish'> {
  readonly version: ProtocolVersion;
  readonly aliases: OutboundAliases | undefined;
  readonly output: { readonly congested: boolean };
  acknowledge(type: number, packetIdentifier: number, reasonCode: number, ticket: Ticket): void;
  releaseSoon(): void;
}

/** Handshakes of sessions that end with their connection: nobody will send these again, so nothing is kept of them. */
const TRANSIENT_1 = Symbol('published at QoS 1');
const TRANSIENT_2 = Symbol('published at QoS 2');
/** PUBREL is due or sent; `RESUMED`: it was sent on an earlier connection, and counts against nothing on this one. */
const RELEASED = Symbol('released');
const RELEASED_RESUMED = Symbol('released, resumed');

type Handshake = Delivery | typeof TRANSIENT_1 | typeof TRANSIENT_2 | typeof RELEASED | typeof RELEASED_RESUMED;

export interface SessionOptions extends QueueOptions {
  /** Bytes of messages that were sent and not acknowledged, over which the next wait in the queue; absent: any. */
  readonly inflightBytes?: number;
  /** It outlives its connection: what it takes is kept, and stored by the host. */
  readonly survives: boolean;
}

/**
 * What an MQTT session remembers of the messages it sends, and of the QoS 2 messages it receives. It outlives
 * connections; either side of MQTT has one. Handshakes are kept in the order in which they began, for they are
 * sent again in it [MQTT5-4.6.0-1] [MQTT5-4.4.0-1].
 */
export class Session {
  readonly inbound = new InboundQos();
  readonly queue: BoundedQueue;
  survives: boolean;
  /** What its connection speaks knows of Retain As Published: RETAIN of live messages may reach it [MQTT311-3.3.1-9]. */
  keepsRetain = true;
  /** Sends a message that is owed beside the queue: one in turn with each of the queue, so that neither waits for the other's end. */
  beside: { runOne(now: number): void } | undefined;
  /** Nothing is sent until it is known what its client may have: messages wait in the queue. */
  isHeld = false;
  /** The connection it is served by now. */
  connection: SessionConnection | undefined;
  readonly host: SessionHost;
  #identifiers: PacketIdentifiers | undefined;
  /** Shared and empty until there is a handshake: most connections never have one. */
  #window: Map<number, Handshake> = NO_HANDSHAKES;
  /** Of the messages that are kept until they are acknowledged. */
  #inflightBytes = 0;
  readonly #maximumInflightBytes: number;
  /** Sequences of handshakes whose message is no longer held, for the store. */
  #releasedSequences: Map<number, number> | undefined;
  /** Identifiers that wait to be sent (again) on this connection, in order. */
  #toSend: Fifo<number> | undefined;
  /** PUBLISH packets of this connection that have not been acknowledged to the end. */
  #unacknowledged = 0;
  #receiveMaximum = 65_535;
  #waitingFor: Ticket = NO_TICKET;
  #isTurnOfBeside = false;
  /** The last PUBREC that was written down: no PUBREL leaves before it is on disk, on whatever connection. */
  #releasedTicket: Ticket = NO_TICKET;

  constructor(host: SessionHost, options: SessionOptions) {
    this.host = host;
    this.survives = options.survives;
    this.#maximumInflightBytes = options.inflightBytes ?? Number.POSITIVE_INFINITY;
    this.queue = new BoundedQueue(host, options);
  }

  /** Handshakes under way. */
  get inFlight(): number {
    return this.#window.size;
  }

  nextPacketIdentifier(alsoInUse: { has(packetIdentifier: number): boolean }): number {
    return this.#nextOf({ has: (id) => this.#window.has(id) || alsoInUse.has(id) });
  }

  /** The queue is full and its policy says that the publisher is to be refused. */
  refuses(size: number): boolean {
    return this.queue.policy === 'refuse' && this.queue.isFull(size) && !this.#canSendNow();
  }

  /**
   * Sends a message or queues it. The ticket is that of its place on disk: who acknowledges the message to its publisher
   * waits for it. `ready`: it may not be seen before this is committed.
   */
  deliver(
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    shared: string | undefined,
    ready: Ticket,
    now: number,
  ): Ticket {
    if (ready <= this.host.committed) {
      if (qos === 0 && this.connection !== undefined && !this.isHeld) {
        // [MQTT311-4.3.1-1] [MQTT5-4.3.1-1]
        this.#send(message, 0, retain, false, 0, subscriptionIdentifiers, now, undefined);
        return NO_TICKET;
      }
      if (!this.survives && shared === undefined && this.#canSendNow()) {
        // [MQTT311-4.3.2-1] [MQTT311-4.3.3-1] [MQTT5-4.3.2-1] [MQTT5-4.3.2-2] [MQTT5-4.3.3-1] [MQTT5-4.3.3-2]
        const packetIdentifier = this.#nextOf(this.#window);
        if (this.#send(message, qos, retain, false, packetIdentifier, subscriptionIdentifiers, now, undefined)) {
          this.#setTransient(packetIdentifier, qos);
        }
        return NO_TICKET;
      }
    }
    // [MQTT311-4.5.0-1] [MQTT5-4.5.0-1] [MQTT5-4.1.0-1]
    const delivery = new Delivery(message.keep(), qos, retain, subscriptionIdentifiers, shared, 0, ready);
    return this.enqueue(delivery, now);
  }

  /**
   * Sends a retained message because of a new subscription, outside the queue and its bounds. False: the window is closed, nothing was
   * done.
   */
  deliverRetained(
    message: Message,
    qos: QoS,
    subscriptionIdentifiers: readonly number[] | undefined,
    now: number,
  ): boolean {
    if (qos > 0 && (this.#toSend !== undefined || !this.#hasWindow())) return false;
    if (qos === 0 || !this.survives) {
      const packetIdentifier = qos === 0 ? 0 : this.#nextOf(this.#window);
      const isSent = this.#send(message, qos, true, false, packetIdentifier, subscriptionIdentifiers, now, undefined);
      if (isSent && qos > 0) this.#setTransient(packetIdentifier, qos);
      return true;
    }
    const delivery = new Delivery(message.keep(), qos, true, subscriptionIdentifiers, undefined, 0, NO_TICKET);
    delivery.isReplay = true;
    this.host.storeQueued(delivery);
    this.#begin(delivery, now);
    return true;
  }

  /** Puts a message at the end of the queue, within its bounds, and sends what may be sent. */
  enqueue(delivery: Delivery, now: number): Ticket {
    const canSendNow = this.#canSendNow();
    if (!canSendNow && !this.queue.admits(delivery, now)) return NO_TICKET;
    const isStored = this.survives && (delivery.qos > 0 || this.connection === undefined);
    if (isStored && this.queue.back.length > 0) this.queue.storeBack((waiting) => this.host.storeLate(waiting));
    const ticket = isStored ? this.host.storeQueued(delivery) : NO_TICKET;
    if (this.queue.add(delivery, canSendNow)) this.pump(now);
    return ticket;
  }

  /** Puts back what was loaded from a store: a handshake under way. In the order in which they began. */
  restoreHandshake(packetIdentifier: number, delivery: Delivery | undefined, sequence: number): void {
    if (delivery === undefined) {
      this.#setHandshake(packetIdentifier, RELEASED);
      this.#rememberSequence(packetIdentifier, sequence);
    } else {
      delivery.sent = true;
      this.#setHandshake(packetIdentifier, delivery);
    }
    this.#identifiers ??= new PacketIdentifiers();
    this.#identifiers.last = packetIdentifier;
  }

  /** A page of the queue, as it was when it was asked for; `complete`: there was nothing behind it. */
  onPage(deliveries: readonly Delivery[], complete: boolean, now: number): void {
    const underWay = deliveries.length > 0 && this.#window.size > 0 ? this.#sequencesUnderWay() : undefined;
    this.queue.takePage(deliveries, complete, now, (delivery) => {
      if (underWay?.has(delivery.sequence) === true) return true;
      if (!this.#isReleased(delivery.sequence)) return false;
      // Taken by the receiver before a crash that came between the two notes of it.
      this.host.storeDequeued(delivery);
      return true;
    });
    this.pump(now);
  }

  /** A connection serves it now: handshakes are taken up with their identifiers and DUP, then the queue. */
  attach(connection: SessionConnection, receiveMaximum: number, now: number): void {
    this.connection = connection;
    this.queue.isServed = true;
    this.queue.dropStale(now);
    this.#receiveMaximum = receiveMaximum;
    this.#unacknowledged = 0;
    this.#waitingFor = NO_TICKET;
    this.#toSend = undefined;
    // [MQTT311-4.4.0-1] [MQTT5-4.4.0-1]
    if (this.#window.size > 0) {
      const toSend = new Fifo<number>();
      for (const [packetIdentifier, handshake] of this.#window) {
        if (handshake === RELEASED) this.#setHandshake(packetIdentifier, RELEASED_RESUMED);
        toSend.push(packetIdentifier);
      }
      this.#toSend = toSend;
    }
    this.pump(now);
  }

  /** It has ended: it holds nothing any more. */
  clear(): void {
    this.queue.clear();
    for (const handshake of this.#window.values()) if (typeof handshake === 'object') this.#release(handshake);
    this.#window = NO_HANDSHAKES;
  }

  detach(): void {
    this.connection = undefined;
    this.queue.isServed = false;
    this.#toSend = undefined;
    this.#waitingFor = NO_TICKET;
  }

  /** What was waited for is on disk. */
  onCommitted(now: number): void {
    this.#waitingFor = NO_TICKET;
    this.pump(now);
  }

  /** PUBACK. False: it answers a QoS 2 message, a Protocol Error. */
  handlePuback(packetIdentifier: number, reasonCode: number, now: number): boolean {
    const handshake = this.#window.get(packetIdentifier);
    if (handshake === undefined) return true;
    if (handshake !== TRANSIENT_1 && (typeof handshake === 'symbol' || handshake.qos !== 1)) return false;
    // Out of the queue before its handshake is forgotten: a crash between leaves nothing that would be sent again.
    if (typeof handshake === 'object') this.#settle(handshake, reasonCode);
    else if (reasonCode >= 0x80) this.host.onRejected?.();
    this.#end(packetIdentifier);
    this.#unacknowledged--;
    if (this.queue.length > 0 || this.#toSend !== undefined) this.pump(now);
    return true;
  }

  /** PUBREC. False: it answers a QoS 1 message, a Protocol Error. */
  handlePubrec(packetIdentifier: number, reasonCode: number, now: number): boolean {
    const handshake = this.#window.get(packetIdentifier);
    if (handshake === TRANSIENT_1 || (typeof handshake === 'object' && handshake.qos !== 2)) return false;
    if (handshake === undefined) {
      // The sender of the PUBREC may forget it [MQTT5-4.3.3-5]; in 3.x PUBREL has no Reason Code and does the same.
      if (reasonCode < 0x80) {
        this.connection?.acknowledge(
          PacketType.PUBREL,
          packetIdentifier,
          ReasonCode.PacketIdentifierNotFound,
          NO_TICKET,
        );
      }
      return true;
    }
    // [MQTT5-4.4.0-2]
    if (reasonCode >= 0x80) {
      if (typeof handshake === 'object') this.#settle(handshake, reasonCode);
      else if (handshake === TRANSIENT_2) this.host.onRejected?.();
      this.#end(packetIdentifier);
      this.#unacknowledged--;
      this.pump(now);
      return true;
    }
    let ticket = NO_TICKET;
    if (handshake === TRANSIENT_2) this.#setHandshake(packetIdentifier, RELEASED);
    else if (typeof handshake === 'object') {
      this.#setHandshake(packetIdentifier, RELEASED);
      if (this.survives && handshake.sequence > 0) {
        this.#rememberSequence(packetIdentifier, handshake.sequence);
        ticket = this.host.storeOutbound(packetIdentifier, handshake.sequence, 2, 'released', false);
        this.#releasedTicket = ticket;
      }
      this.#settle(handshake, reasonCode);
    }
    // [MQTT5-4.3.3-4] [MQTT5-4.6.0-4] [MQTT311-4.6.0-4]
    this.connection?.acknowledge(PacketType.PUBREL, packetIdentifier, 0, ticket);
    return true;
  }

  /** PUBCOMP. False: it answers a QoS 1 message, or one whose PUBREL was not sent: a Protocol Error. */
  handlePubcomp(packetIdentifier: number, now: number): boolean {
    const handshake = this.#window.get(packetIdentifier);
    if (handshake === undefined) return true;
    if (handshake !== RELEASED && handshake !== RELEASED_RESUMED) return false;
    this.#end(packetIdentifier);
    if (handshake === RELEASED) this.#unacknowledged--;
    if (this.queue.length > 0 || this.#toSend !== undefined) this.pump(now);
    return true;
  }

  /** Sends what the window, the connection and the disk let go. */
  pump(now: number): void {
    if (this.isHeld) return;
    this.#sendHandshakes(now);
    while (this.queue.front.length > 0 && this.#toSend === undefined) {
      const delivery = this.queue.front.peek() as Delivery;
      // [MQTT5-3.3.2-5]
      if (delivery.message.isExpired(now)) {
        this.queue.shift();
        this.queue.drop('expired', delivery);
        continue;
      }
      if (!this.#hasWindow()) break;
      if (this.host.mayDeliver?.(delivery) === false) {
        this.queue.shift();
        this.queue.drop('no-longer-permitted', delivery);
        continue;
      }
      if (delivery.ready > this.host.committed) {
        this.#wait(delivery.ready);
        break;
      }
      if (this.#isTurnOfBeside) {
        this.#isTurnOfBeside = false;
        this.beside?.runOne(now);
        continue;
      }
      this.queue.shift();
      this.#begin(delivery, now);
      this.#isTurnOfBeside = this.beside !== undefined;
    }
    this.queue.requestPageWhenDue();
  }

  /** Sequences of messages that the receiver has taken, but for the end of their handshake. */
  get releasedSequences(): Iterable<number> {
    return this.#releasedSequences?.values() ?? [];
  }

  /** All messages in memory that have not been taken by the receiver: in flight first, then queued. For moving them elsewhere. */
  *unsettled(): Iterable<Delivery> {
    for (const handshake of this.#window.values()) if (typeof handshake === 'object') yield handshake;
    yield* this.queue.front;
    yield* this.queue.back;
  }

  /** Sends a message of the queue with a Packet Identifier of its own; QoS 2 of a surviving session after it is on disk. */
  #begin(delivery: Delivery, now: number): void {
    if (delivery.qos === 0) {
      this.#send(
        delivery.message,
        0,
        this.#retainOf(delivery),
        false,
        0,
        delivery.subscriptionIdentifiers,
        now,
        delivery,
      );
      if (delivery.sequence > 0) this.host.storeDequeued(delivery);
      return;
    }
    const packetIdentifier = this.#nextOf(this.#window);
    this.#setHandshake(packetIdentifier, delivery);
    if (this.survives && delivery.sequence > 0) {
      const lazy = delivery.qos === 1;
      const ticket = this.host.storeOutbound(packetIdentifier, delivery.sequence, delivery.qos, 'published', lazy);
      if (!lazy && ticket > this.host.committed) {
        delivery.ready = ticket;
        this.#toSend ??= new Fifo();
        this.#toSend.push(packetIdentifier);
        this.#wait(ticket);
        this.#beginMore();
        return;
      }
    }
    this.#sendHandshake(packetIdentifier, delivery, now);
  }

  /** While one QoS 2 message waits for its identifier to be on disk, those behind it get theirs into the same batch. */
  #beginMore(): void {
    while (this.queue.front.length > 0 && this.#hasWindow()) {
      const delivery = this.queue.front.peek() as Delivery;
      if (delivery.qos !== 2 || delivery.sequence === 0 || delivery.ready > this.host.committed) return;
      if (this.host.mayDeliver?.(delivery) === false) return;
      this.queue.shift();
      const packetIdentifier = this.#nextOf(this.#window);
      this.#setHandshake(packetIdentifier, delivery);
      delivery.ready = this.host.storeOutbound(packetIdentifier, delivery.sequence, 2, 'published', false);
      this.#toSend?.push(packetIdentifier);
    }
  }

  #sendHandshakes(now: number): void {
    const toSend = this.#toSend;
    if (toSend === undefined) return;
    const connection = this.connection;
    while (toSend.length > 0 && connection !== undefined) {
      const packetIdentifier = toSend.peek() as number;
      const handshake = this.#window.get(packetIdentifier);
      if (typeof handshake === 'object') {
        if (handshake.ready > this.host.committed) {
          this.#wait(handshake.ready);
          return;
        }
        // [MQTT5-3.3.4-9] [MQTT5-4.9.0-2]
        if (connection.output.congested || this.#unacknowledged >= this.#receiveMaximum) return;
        toSend.shift();
        this.#sendHandshake(packetIdentifier, handshake, now);
      } else {
        toSend.shift();
        // [MQTT5-4.3.3-5] [MQTT5-4.3.3-6]
        if (handshake === RELEASED_RESUMED)
          connection.acknowledge(PacketType.PUBREL, packetIdentifier, 0, this.#releasedTicket);
      }
    }
    this.#toSend = undefined;
    connection?.releaseSoon();
  }

  #sendHandshake(packetIdentifier: number, delivery: Delivery, now: number): void {
    const { message, qos, sent, subscriptionIdentifiers } = delivery;
    if (
      !this.#send(
        message,
        qos,
        this.#retainOf(delivery),
        sent,
        packetIdentifier,
        subscriptionIdentifiers,
        now,
        delivery,
      )
    ) {
      this.#end(packetIdentifier);
      if (delivery.sequence > 0) this.host.storeDequeued(delivery);
      return;
    }
    this.#unacknowledged++;
    delivery.sent = true;
  }

  /** It may have been queued for a connection of another version [MQTT311-3.3.1-9]. */
  #retainOf(delivery: Delivery): boolean {
    return delivery.retain && (this.keepsRetain || delivery.isReplay);
  }

  /** False: the peer does not take a packet of this size; the message is dropped and told. */
  #send(
    message: Message,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetIdentifier: number,
    subscriptionIdentifiers: readonly number[] | undefined,
    now: number,
    delivery: Delivery | undefined,
  ): boolean {
    const connection = this.connection as SessionConnection;
    let topic = message.topic.bytes;
    let properties: Uint8Array | undefined;
    if (connection.version === 5) {
      const aliases = connection.aliases;
      let alias: number | undefined;
      if (aliases !== undefined) {
        alias = aliases.assign(message.topic.name);
        if (aliases.known) topic = NO_BYTES;
      }
      properties = message.encodeProperties(now, subscriptionIdentifiers, alias);
    }
    if (connection.writePublish(topic, message.payload, qos, retain, dup, packetIdentifier, properties)) return true;
    if (connection.aliases?.known === false) unsetAlias(connection.aliases, message.topic.name);
    const lost = delivery ?? new Delivery(message, qos, retain, subscriptionIdentifiers, undefined, 0, NO_TICKET);
    this.host.onDropped('packet-too-large', lost);
    return false;
  }

  #hasWindow(): boolean {
    const connection = this.connection;
    return (
      connection !== undefined &&
      !this.isHeld &&
      // [MQTT5-3.3.4-9] [MQTT5-4.9.0-2]
      this.#unacknowledged + (this.#toSend?.length ?? 0) < this.#receiveMaximum &&
      this.#window.size < 65_535 &&
      this.#inflightBytes < this.#maximumInflightBytes &&
      !connection.output.congested
    );
  }

  #canSendNow(): boolean {
    return this.queue.front.length === 0 && !this.queue.isBehind && this.#toSend === undefined && this.#hasWindow();
  }

  #settle(delivery: Delivery, reasonCode: number): void {
    if (delivery.sequence > 0) this.host.storeDequeued(delivery);
    if (reasonCode >= 0x80) this.host.onDropped('rejected-by-receiver', delivery);
    this.host.onSettled(delivery, reasonCode);
  }

  #end(packetIdentifier: number): void {
    const handshake = this.#window.get(packetIdentifier);
    if (typeof handshake === 'object') this.#release(handshake);
    this.#window.delete(packetIdentifier);
    this.#releasedSequences?.delete(packetIdentifier);
    if (this.survives) this.host.storeOutboundDone(packetIdentifier);
  }

  #rememberSequence(packetIdentifier: number, sequence: number): void {
    this.#releasedSequences ??= new Map();
    this.#releasedSequences.set(packetIdentifier, sequence);
  }

  #sequencesUnderWay(): ReadonlySet<number> {
    const sequences = new Set<number>();
    for (const handshake of this.#window.values()) if (typeof handshake === 'object') sequences.add(handshake.sequence);
    return sequences;
  }

  #isReleased(sequence: number): boolean {
    if (this.#releasedSequences === undefined) return false;
    for (const released of this.#releasedSequences.values()) if (released === sequence) return true;
    return false;
  }

  #nextOf(inUse: { has(packetIdentifier: number): boolean }): number {
    this.#identifiers ??= new PacketIdentifiers();
    return this.#identifiers.next(inUse);
  }

  #setTransient(packetIdentifier: number, qos: QoS): void {
    this.#setHandshake(packetIdentifier, qos === 1 ? TRANSIENT_1 : TRANSIENT_2);
    this.#unacknowledged++;
  }

  #setHandshake(packetIdentifier: number, handshake: Handshake): void {
    if (this.#window === NO_HANDSHAKES) this.#window = new Map();
    const before = this.#window.get(packetIdentifier);
    if (typeof before === 'object') this.#release(before);
    if (typeof handshake === 'object') {
      this.#inflightBytes += handshake.cost + handshake.message.cost;
      this.queue.memory?.hold(handshake);
    }
    this.#window.set(packetIdentifier, handshake);
  }

  #release(delivery: Delivery): void {
    this.#inflightBytes -= delivery.cost + delivery.message.cost;
    this.queue.memory?.release(delivery);
  }

  #wait(ticket: Ticket): void {
    if (this.#waitingFor >= ticket) return;
    this.#waitingFor = ticket;
    this.host.waitFor(ticket);
  }
}

const NO_BYTES = new Uint8Array(0);
/** Never written to. */
const NO_HANDSHAKES: Map<number, Handshake> = new Map();
