import { type PublishPacket, reasonCodesOf, topicMatches } from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import { type ClientConnection, Fifo } from '@hawser/protocol';
import type { Clock } from '@hawser/transport/clock';
import { UsageError } from '../errors.ts';
import { acknowledgeWritten, type Journal } from '../session/journal.ts';
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
  readonly clock: Clock;
  reportError(error: unknown): void;
  warn(code: string, text: string): void;
  /** A reader does not keep up, or does again. */
  onTurn(): void;
}

/** Messages that nobody wants yet are kept, so many: with a resumed session they come at once. */
const MOST_WAITING = 1000;
/** For how long after the first consumer came, or a reader left. */
const WAITING_MS = 1000;
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

/** A message with what is to be called when it has been dealt with. */
export interface Delivery {
  readonly message: Message;
  readonly done: () => void;
}

/** What comes: to whom it goes, and when it is acknowledged: in the order of receipt [MQTT5-4.6.0-2] [MQTT5-4.6.0-3]. */
export interface Inbox {
  journal: Journal | undefined;
  /** Messages that nobody took, or not fast enough. */
  dropped: number;
  /** Somebody does not keep up: the client should not read on. */
  readonly isFull: boolean;
  /** What an earlier run of the program has left. */
  restore(inbound: readonly number[]): void;
  /** The server has no session (any more). */
  startAnew(): void;
  attach(connection: ClientConnection): void;
  detach(): void;
  /** Returns what takes the consumer away again. */
  add(consumer: Consumer): () => void;
  handlePublish(packet: PublishPacket): void;
  handlePubrel(packetIdentifier: number): void;
  /** What somebody has got and not looked at: for who comes next. */
  giveBack(unread: readonly Delivery[]): void;
  /** Counts it and tells it; what is dropped is dealt with. */
  drop(delivery: Delivery): void;
  close(): void;
}

/** `isManual`: each message is acknowledged by who gets it. */
export function inboxOf(host: InboxHost, isManual: boolean): Inbox {
  /**
   * QoS 2 messages whose PUBREL has not come, by Packet Identifier: a duplicate is answered as they are, and goes no further
   * [MQTT5-4.3.3-10]. It outlives connections, and shares nothing with the identifiers that this side hands out.
   */
  const inbound = new Map<number, Entry>();
  const consumers = new Set<Consumer>();
  /** Of this connection, in the order in which they came. */
  const entries = new Fifo<Entry>();
  /** Nobody has wanted these yet. */
  const waiting: Delivery[] = [];
  /** Who has come in this turn: all of them get what came before them. */
  let fresh: Consumer[] = [];
  /** What nobody wants waits; from the first consumer on for a while. */
  let isKeeping = true;
  let isClosed = false;
  let stopKeeping: (() => void) | undefined;
  let connection: ClientConnection | undefined;
  let atWork = 0;

  const receive = (message: Message, done: () => void): void => {
    const delivery = { message, done };
    if (give(delivery, [...consumers])) return;
    waiting.push(delivery);
    // The oldest goes.
    if (waiting.length > (isKeeping ? MOST_WAITING : 0)) inbox.drop(waiting.shift() as Delivery);
  };

  const keepOn = (): void => {
    if (isClosed) return;
    isKeeping = true;
    stopKeeping?.();
    stopKeeping = host.clock.setTimer(host.clock.now() + WAITING_MS, () => {
      isKeeping = false;
      for (const delivery of waiting.splice(0)) inbox.drop(delivery);
    });
  };

  /** False: none of them wants it. */
  const give = ({ message, done }: Delivery, candidates: readonly Consumer[]): boolean => {
    const takers = candidates.filter((consumer) => matches(consumer, message));
    const isMeant = takers.some((consumer) => isMeantFor(consumer, message));
    const handlers: Promise<void>[] = [];
    let change = 0;
    for (const consumer of takers) {
      // Identifiers that nobody here has are those of an earlier run of the program: then the filters decide.
      if (isMeant && consumer.identifiers && !isMeantFor(consumer, message)) continue;
      try {
        const result = consumer.deliver(message);
        if (result) handlers.push(Promise.resolve(result).catch((error) => host.reportError(error)));
        // A stream has a bound of its own.
        if (result && consumer.isFull === undefined) change = 1;
      } catch (error) {
        host.reportError(error);
      }
    }
    if (handlers.length > 0) {
      count(change);
      void Promise.all(handlers).then(() => {
        done();
        count(-change);
      });
    } else if (takers.length > 0) done();
    return takers.length > 0;
  };

  const count = (change: number): void => {
    const before = inbox.isFull;
    atWork += change;
    if (before !== inbox.isFull) host.onTurn();
  };

  /** Acknowledges from the front as far as all have been dealt with. What came by an earlier connection comes again. */
  const finish = (finished: Entry, reasonCode: number): void => {
    if (isManual && !reasonCodesOf(PacketType.PUBACK, 'to-server').includes(reasonCode))
      throw new UsageError('reason-code-invalid', `acknowledge(): ${reasonCode} is no Reason Code of PUBACK`);
    finished.answer ??= reasonCode;
    for (let entry = entries.peek(); entry?.answer !== undefined; entry = entries.peek()) {
      entries.shift();
      const { packetIdentifier, qos } = entry;
      const answer = connection?.version === 5 ? entry.answer : 0;
      if (qos === 1) connection?.acknowledge(PacketType.PUBACK, packetIdentifier, answer);
      else {
        // The sender forgets what is refused: the identifier may come again with another message [MQTT5-4.3.3-12].
        if (answer >= 0x80) end(packetIdentifier);
        else inbox.journal?.keepInbound(packetIdentifier);
        acknowledge(PacketType.PUBREC, packetIdentifier, answer);
      }
    }
  };

  /** False: it was not known. */
  const end = (packetIdentifier: number): boolean => {
    inbox.journal?.forgetInbound(packetIdentifier);
    return inbound.delete(packetIdentifier);
  };

  const acknowledge = (type: number, packetIdentifier: number, reasonCode: number): void =>
    acknowledgeWritten(inbox.journal, connection, type, packetIdentifier, reasonCode);

  const inbox: Inbox = {
    journal: undefined,
    dropped: 0,

    get isFull() {
      return atWork >= MESSAGES_AT_WORK || [...consumers].some((consumer) => consumer.isFull);
    },

    restore(identifiers) {
      for (const packetIdentifier of identifiers)
        inbound.set(packetIdentifier, { packetIdentifier, qos: 2, answer: 0 });
    },

    startAnew() {
      for (const packetIdentifier of inbound.keys()) end(packetIdentifier);
    },

    attach(to) {
      connection = to;
    },

    detach() {
      entries.clear();
    },

    add(consumer) {
      if (consumers.size === 0 && !stopKeeping) keepOn();
      consumers.add(consumer);
      if (fresh.push(consumer) === 1) {
        queueMicrotask(() => {
          const candidates = fresh.filter((one) => consumers.has(one));
          fresh = [];
          // A handler may give back others meanwhile.
          for (const delivery of waiting.splice(0)) if (!give(delivery, candidates)) waiting.push(delivery);
        });
      }
      return () => {
        consumers.delete(consumer);
        host.onTurn();
      };
    },

    handlePublish(packet) {
      const { qos, packetIdentifier } = packet;
      if (qos === 0) {
        const message = new Message(packet, undefined);
        if (atWork < MOST_AT_WORK) receive(message, nothing);
        else inbox.drop({ message, done: nothing });
        return;
      }
      const known = qos === 2 ? inbound.get(packetIdentifier) : undefined;
      const entry: Entry = known ?? { packetIdentifier, qos, answer: undefined };
      // A duplicate waits for whoever has the message; of one connection, one acknowledgement is enough.
      if (!known || ![...entries].includes(known)) entries.push(entry);
      if (known) {
        if (known.answer !== undefined) finish(known, known.answer);
        return;
      }
      if (qos === 2) inbound.set(packetIdentifier, entry);
      const answer = (reasonCode = 0): void => finish(entry, reasonCode);
      if (isManual) receive(new Message(packet, answer), nothing);
      else receive(new Message(packet, undefined), answer);
    },

    handlePubrel(packetIdentifier) {
      // [MQTT5-4.3.3-11]
      acknowledge(PacketType.PUBCOMP, packetIdentifier, end(packetIdentifier) ? 0 : 0x92);
    },

    giveBack(unread) {
      for (const delivery of unread) {
        // Who else wants it has had it.
        if ([...consumers].some((consumer) => matches(consumer, delivery.message))) delivery.done();
        else {
          waiting.push(delivery);
          keepOn();
        }
      }
    },

    drop({ message, done }) {
      // The first, the tenth, the hundredth.
      if (/^10*$/.test(`${++inbox.dropped}`)) {
        const text = `${inbox.dropped} dropped, the last for '${message.topic}': nobody takes them, or not fast enough`;
        host.warn('message-dropped', text);
      }
      // Nobody else could.
      message.acknowledge();
      done();
    },

    close() {
      isClosed = true;
      stopKeeping?.();
    },
  };
  return inbox;
}

/** There is nobody to tell. */
function nothing(): void {}

function matches({ filters }: Consumer, { topic }: Message): boolean {
  return !filters || filters.some((filter) => topicMatches(filter, topic));
}

function isMeantFor({ identifiers }: Consumer, { subscriptionIdentifiers }: Message): boolean {
  return subscriptionIdentifiers.some((identifier) => identifiers?.has(identifier));
}
