import { PacketType, type PublishPacket, topicMatches } from '@hawser/codec';
import { type Connection, Fifo, type InboundQos, NO_TICKET } from '@hawser/protocol';
import type { StoreWriter } from '../session/store-writer.ts';
import { inboundKey } from '../session/stored-message.ts';
import { Message } from './message.ts';

/** Somebody who gets messages. */
export interface Consumer {
  /** Topic Filters; undefined: all topics. */
  readonly filters: readonly string[] | undefined;
  /** Gets only what came by one of these Subscription Identifiers, if the message has any. */
  readonly identifiers?: ReadonlySet<number> | undefined;
  /** The message has been dealt with when this returns, or when the promise has settled. */
  deliver(message: Message): void | Promise<void>;
}

export interface InboxHost {
  /** Whether the `message` event has listeners. */
  readonly hasListeners: boolean;
  emitMessage(message: Message): void;
  emitError(error: unknown): void;
  warn(code: string, text: string): void;
  /** Something is to be sent. */
  afterTurn(): void;
  /** A reader does not keep up, or does again. */
  onPressure(): void;
}

/** Messages that came before anybody wanted any (with a resumed session they come at once) are kept for the first who does. */
const EARLY_MESSAGES = 1000;
/** Handlers that are at work at once before reading stops. */
const HANDLERS_AT_WORK = 1000;

interface Entry {
  readonly packetIdentifier: number;
  readonly qos: 1 | 2;
  /** Of the connection that the message came by. */
  readonly epoch: number;
  isDone: boolean;
  reasonCode: number;
}

/** What comes: to whom it goes, and when it is acknowledged: in the order of receipt [MQTT5-4.6.0-2] [MQTT5-4.6.0-3]. */
export class Inbox {
  readonly #host: InboxHost;
  readonly #isManual: boolean;
  readonly #writer: StoreWriter;
  readonly #consumers = new Set<Consumer>();
  readonly #full = new Set<object>();
  #entries = new Fifo<Entry>();
  /** QoS 2 messages that were given out and not acknowledged yet: when the server sends them again they are not given out again. */
  readonly #given = new Map<number, Entry>();
  #early: [Message, () => void][] | undefined = [];
  #connection: Connection | undefined;
  #inbound: InboundQos | undefined;
  #epoch = 0;
  #atWork = 0;

  constructor(host: InboxHost, isManual: boolean, writer: StoreWriter) {
    this.#host = host;
    this.#isManual = isManual;
    this.#writer = writer;
  }

  /** Somebody does not keep up: the client should not read on. */
  get isFull(): boolean {
    return this.#full.size > 0 || this.#atWork >= HANDLERS_AT_WORK;
  }

  attach(connection: Connection, inbound: InboundQos, isResumed: boolean): void {
    this.#connection = connection;
    this.#inbound = inbound;
    this.#epoch++;
    this.#entries = new Fifo();
    if (!isResumed) this.#given.clear();
  }

  detach(): void {
    this.#connection = undefined;
  }

  add(consumer: Consumer): () => void {
    this.#consumers.add(consumer);
    this.giveEarly();
    return () => {
      this.#consumers.delete(consumer);
      this.setFull(consumer, false);
    };
  }

  /** A consumer has come: it gets what came before it. */
  giveEarly(): void {
    const early = this.#early;
    if (early === undefined) return;
    this.#early = undefined;
    for (const [message, done] of early) this.#give(message, done);
  }

  setFull(consumer: object, isFull: boolean): void {
    const before = this.isFull;
    if (isFull) this.#full.add(consumer);
    else this.#full.delete(consumer);
    if (before !== this.isFull) this.#host.onPressure();
  }

  handlePublish(packet: PublishPacket): void {
    const { qos, packetIdentifier } = packet;
    if (qos === 0) {
      this.#receive(new Message(packet, undefined), () => {});
      return;
    }
    const entry: Entry = { packetIdentifier, qos, epoch: this.#epoch, isDone: false, reasonCode: 0 };
    this.#entries.push(entry);
    if (qos === 2 && this.#inbound?.begin(packetIdentifier) === false) {
      // A duplicate goes no further [MQTT5-4.3.3-10]; its acknowledgement waits for whoever has the first one.
      const first = this.#given.get(packetIdentifier);
      if (first === undefined || first.isDone) this.#finish(entry, first?.reasonCode ?? 0);
      else this.#given.set(packetIdentifier, entry);
      return;
    }
    if (qos === 2) this.#given.set(packetIdentifier, entry);
    // QoS 2 may come again with another connection: then it is that one which is acknowledged.
    const finish = (reasonCode: number): void =>
      this.#finish((qos === 2 && this.#given.get(packetIdentifier)) || entry, reasonCode);
    const message = new Message(packet, this.#isManual ? finish : undefined);
    this.#receive(message, this.#isManual ? () => {} : () => finish(0));
  }

  handlePubrel(packetIdentifier: number): void {
    const isKnown = this.#inbound?.end(packetIdentifier) === true;
    this.#given.delete(packetIdentifier);
    if (isKnown) this.#writer.put(inboundKey(packetIdentifier), undefined);
    // [MQTT5-4.3.3-11]
    this.#connection?.acknowledge(PacketType.PUBCOMP, packetIdentifier, isKnown ? 0 : 0x92, NO_TICKET);
  }

  #receive(message: Message, done: () => void): void {
    if (this.#early === undefined || this.#consumers.size > 0 || this.#host.hasListeners) {
      this.giveEarly();
      this.#give(message, done);
      return;
    }
    if (this.#early.length >= EARLY_MESSAGES) {
      const first = this.#early.shift();
      first?.[1]();
      first?.[0].acknowledge();
      this.#host.warn(
        'message-without-handler',
        `nobody takes messages: more than ${EARLY_MESSAGES} came, the oldest is dropped`,
      );
    }
    this.#early.push([message, done]);
  }

  #give(message: Message, done: () => void): void {
    let waiting = 1;
    const finished = (): void => {
      if (--waiting === 0) done();
    };
    this.#host.emitMessage(message);
    for (const consumer of this.#consumers) {
      if (!wants(consumer, message)) continue;
      let result: void | Promise<void>;
      try {
        result = consumer.deliver(message);
      } catch (error) {
        this.#host.emitError(error);
        continue;
      }
      if (result === undefined) continue;
      waiting++;
      this.#begin();
      result
        .then(finished, (error: unknown) => {
          this.#host.emitError(error);
          finished();
        })
        .finally(() => this.#end());
    }
    finished();
  }

  #begin(): void {
    if (++this.#atWork === HANDLERS_AT_WORK) this.#host.onPressure();
  }

  #end(): void {
    if (this.#atWork-- === HANDLERS_AT_WORK) this.#host.onPressure();
  }

  #finish(entry: Entry, reasonCode: number): void {
    if (entry.isDone) return;
    entry.isDone = true;
    entry.reasonCode = reasonCode;
    if (entry.epoch === this.#epoch) this.#release();
  }

  /** Acknowledges from the front as far as all have been dealt with. */
  #release(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    let released = false;
    for (let entry = this.#entries.peek(); entry?.isDone === true; entry = this.#entries.peek()) {
      this.#entries.shift();
      const { packetIdentifier, qos } = entry;
      const reasonCode = connection.version === 5 ? entry.reasonCode : 0;
      let ticket = NO_TICKET;
      if (qos === 2 && reasonCode >= 0x80) {
        // The sender forgets it: the identifier may come again with another message [MQTT5-4.3.3-12].
        this.#inbound?.end(packetIdentifier);
        this.#given.delete(packetIdentifier);
      } else if (qos === 2) ticket = this.#writer.put(inboundKey(packetIdentifier), new Uint8Array(0));
      connection.acknowledge(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetIdentifier, reasonCode, ticket);
      released = true;
    }
    if (!released) return;
    connection.releaseAcks();
    this.#host.afterTurn();
  }
}

function wants({ filters, identifiers }: Consumer, message: Message): boolean {
  if (identifiers !== undefined && message.subscriptionIdentifiers.length > 0) {
    if (!message.subscriptionIdentifiers.some((identifier) => identifiers.has(identifier))) return false;
  }
  return filters === undefined || filters.some((filter) => topicMatches(filter, message.topic));
}
