import { PacketType, type PublishPacket, reasonCodesOf, topicMatches } from '@hawser/codec';
import { Fifo } from '@hawser/protocol';
import type { Link } from '../connection/link.ts';
import { UsageError } from '../errors.ts';
import { afterWritten, type Journal } from '../session/journal.ts';
import { Message } from './message.ts';

/** Somebody who gets messages. */
export interface Consumer {
  /** Topic Filters; undefined: all topics. */
  readonly filters?: readonly string[] | undefined;
  /** Gets only what came by one of these Subscription Identifiers, if the message has any. */
  readonly identifiers?: ReadonlySet<number> | undefined;
  /** It does not keep up. */
  readonly isFull?: boolean;
  /** The message has been dealt with when this returns, or when the promise has settled. */
  deliver(message: Message): void | Promise<void>;
}

export interface InboxHost {
  reportError(error: unknown): void;
  warn(code: string, text: string): void;
  /** A reader does not keep up, or does again. */
  onTurn(): void;
}

/** Messages that came before anybody wanted any (with a resumed session they come at once) are kept for the first who does. */
const EARLY_MESSAGES = 1000;
/** Messages that handlers are at work on at once before reading stops. */
const MESSAGES_AT_WORK = 1000;

interface Entry {
  readonly packetIdentifier: number;
  readonly qos: 1 | 2;
  /** Its acknowledgement: 0 or a Reason Code; undefined: it has not been dealt with. */
  answer: number | undefined;
}

/** What comes: to whom it goes, and when it is acknowledged: in the order of receipt [MQTT5-4.6.0-2] [MQTT5-4.6.0-3]. */
export class Inbox {
  journal: Journal | undefined;
  /**
   * QoS 2 messages whose PUBREL has not come, by Packet Identifier: a duplicate is answered as they are, and goes no further
   * [MQTT5-4.3.3-10]. It outlives connections, and shares nothing with the identifiers that this side hands out.
   */
  readonly #inbound = new Map<number, Entry>();
  readonly #host: InboxHost;
  readonly #isManual: boolean;
  readonly #consumers = new Set<Consumer>();
  /** Of this connection, in the order in which they came. */
  readonly #entries = new Fifo<Entry>();
  #early: [Message, () => void][] | undefined = [];
  #link: Link | undefined;
  #atWork = 0;

  constructor(host: InboxHost, isManual: boolean) {
    this.#host = host;
    this.#isManual = isManual;
  }

  /** Somebody does not keep up: the client should not read on. */
  get isFull(): boolean {
    return this.#atWork >= MESSAGES_AT_WORK || [...this.#consumers].some((consumer) => consumer.isFull);
  }

  /** What an earlier run of the program has left. */
  restore(inbound: readonly number[]): void {
    for (const packetIdentifier of inbound)
      this.#inbound.set(packetIdentifier, { packetIdentifier, qos: 2, answer: 0 });
  }

  /** The server has no session (any more). */
  startAnew(): void {
    for (const packetIdentifier of this.#inbound.keys()) this.#end(packetIdentifier);
  }

  attach(link: Link): void {
    this.#link = link;
  }

  detach(): void {
    this.#entries.clear();
  }

  add(consumer: Consumer): () => void {
    this.#consumers.add(consumer);
    // It gets what came before it.
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const [message, done] of early) this.#give(message, done);
    return () => {
      this.#consumers.delete(consumer);
      this.#host.onTurn();
    };
  }

  handlePublish(packet: PublishPacket): void {
    const { qos, packetIdentifier } = packet;
    if (qos === 0) {
      this.#receive(new Message(packet, undefined), () => {});
      return;
    }
    const entry: Entry = { packetIdentifier, qos, answer: undefined };
    this.#entries.push(entry);
    if (qos === 2) {
      const first = this.#inbound.get(packetIdentifier);
      this.#inbound.set(packetIdentifier, entry);
      if (first) {
        // Its acknowledgement waits for whoever has the first one.
        if (first.answer !== undefined) this.#finish(entry, first.answer);
        return;
      }
    }
    // QoS 2 may come again with another connection: then it is that one which is acknowledged.
    const finish = (reasonCode: number): void =>
      this.#finish((qos === 2 && this.#inbound.get(packetIdentifier)) || entry, reasonCode);
    if (this.#isManual) this.#receive(new Message(packet, finish), () => {});
    else this.#receive(new Message(packet, undefined), () => finish(0));
  }

  handlePubrel(packetIdentifier: number): void {
    // [MQTT5-4.3.3-11]
    this.#acknowledge(PacketType.PUBCOMP, packetIdentifier, this.#end(packetIdentifier) ? 0 : 0x92);
  }

  #receive(message: Message, done: () => void): void {
    if (this.#early === undefined) {
      this.#give(message, done);
      return;
    }
    if (this.#early.length >= EARLY_MESSAGES) {
      const first = this.#early.shift();
      first?.[1]();
      first?.[0].acknowledge();
      const text = `nobody takes messages: over ${EARLY_MESSAGES} came, the oldest is dropped`;
      this.#host.warn('message-without-handler', text);
    }
    this.#early.push([message, done]);
  }

  #give(message: Message, done: () => void): void {
    const atWork: Promise<void>[] = [];
    for (const consumer of this.#consumers) {
      if (!wants(consumer, message)) continue;
      try {
        const result = consumer.deliver(message);
        if (result) atWork.push(result.catch((error) => this.#host.reportError(error)));
      } catch (error) {
        this.#host.reportError(error);
      }
    }
    if (atWork.length === 0) {
      done();
      return;
    }
    this.#count(1);
    void Promise.all(atWork).then(() => {
      done();
      this.#count(-1);
    });
  }

  #count(change: 1 | -1): void {
    const before = this.isFull;
    this.#atWork += change;
    if (before !== this.isFull) this.#host.onTurn();
  }

  /** Acknowledges from the front as far as all have been dealt with. What came by an earlier connection comes again. */
  #finish(finished: Entry, reasonCode: number): void {
    if (this.#isManual && !reasonCodesOf(PacketType.PUBACK, 'to-server').includes(reasonCode))
      throw new UsageError('reason-code-invalid', `acknowledge(): ${reasonCode} is no Reason Code of PUBACK`);
    finished.answer ??= reasonCode;
    for (let entry = this.#entries.peek(); entry?.answer !== undefined; entry = this.#entries.peek()) {
      this.#entries.shift();
      const { packetIdentifier, qos } = entry;
      const answer = this.#link?.connection.version === 5 ? entry.answer : 0;
      if (qos === 1) this.#link?.connection.acknowledge(PacketType.PUBACK, packetIdentifier, answer);
      else {
        // The sender forgets what is refused: the identifier may come again with another message [MQTT5-4.3.3-12].
        if (answer >= 0x80) this.#end(packetIdentifier);
        else this.journal?.keepInbound(packetIdentifier);
        this.#acknowledge(PacketType.PUBREC, packetIdentifier, answer);
      }
    }
  }

  /** False: it was not known. */
  #end(packetIdentifier: number): boolean {
    this.journal?.forgetInbound(packetIdentifier);
    return this.#inbound.delete(packetIdentifier);
  }

  #acknowledge(type: number, packetIdentifier: number, reasonCode: number): void {
    const link = this.#link;
    afterWritten(this.journal, () => link?.connection.acknowledge(type, packetIdentifier, reasonCode));
  }
}

function wants({ filters, identifiers }: Consumer, message: Message): boolean {
  const { subscriptionIdentifiers } = message;
  if (identifiers !== undefined && subscriptionIdentifiers.length > 0) {
    if (!subscriptionIdentifiers.some((identifier) => identifiers.has(identifier))) return false;
  }
  return filters === undefined || filters.some((filter) => topicMatches(filter, message.topic));
}
