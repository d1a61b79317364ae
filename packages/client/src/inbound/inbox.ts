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
  /** Gets only what came by one of these Subscription Identifiers, if the message has any that somebody has. */
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
/** Where reading cannot stop, for this client waits for an answer, no more of QoS 0 are taken: those of QoS 1 and 2 the window bounds. */
const MOST_AT_WORK = 10 * MESSAGES_AT_WORK;

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
    // All who come in this turn get what came before them.
    queueMicrotask(() => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const [message, done] of early) this.#give(message, done);
    });
    return () => {
      this.#consumers.delete(consumer);
      this.#host.onTurn();
    };
  }

  handlePublish(packet: PublishPacket): void {
    const { qos, packetIdentifier } = packet;
    if (qos === 0) {
      if (this.#atWork < MOST_AT_WORK) this.#receive(new Message(packet, undefined), () => {});
      else this.#host.warn('message-dropped', `handlers are at work on ${MOST_AT_WORK}: one of QoS 0 is dropped`);
      return;
    }
    const known = qos === 2 ? this.#inbound.get(packetIdentifier) : undefined;
    const entry = known ?? { packetIdentifier, qos, answer: undefined };
    // A duplicate waits for whoever has the message; of one connection, one acknowledgement is enough.
    if (!known || ![...this.#entries].includes(known)) this.#entries.push(entry);
    if (known) {
      if (known.answer !== undefined) this.#finish(known, known.answer);
      return;
    }
    if (qos === 2) this.#inbound.set(packetIdentifier, entry);
    const finish = (reasonCode: number): void => this.#finish(entry, reasonCode);
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
    const takers = [...this.#consumers].filter((consumer) => matches(consumer, message));
    const isMeant = takers.some((consumer) => isMeantFor(consumer, message));
    // Nobody else could.
    if (takers.length === 0) message.acknowledge();
    for (const consumer of takers) {
      // Identifiers that nobody here has are those of an earlier run of the program: then the filters decide.
      if (isMeant && consumer.identifiers && !isMeantFor(consumer, message)) continue;
      try {
        const result = consumer.deliver(message);
        if (result) atWork.push(Promise.resolve(result).catch((error) => this.#host.reportError(error)));
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

function matches({ filters }: Consumer, { topic }: Message): boolean {
  return !filters || filters.some((filter) => topicMatches(filter, topic));
}

function isMeantFor({ identifiers }: Consumer, { subscriptionIdentifiers }: Message): boolean {
  return subscriptionIdentifiers.some((identifier) => identifiers?.has(identifier));
}
