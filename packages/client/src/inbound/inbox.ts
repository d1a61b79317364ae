import { type PublishPacket, reasonCodesOf, topicMatches } from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import { type ClientConnection, Fifo } from '@hawser/protocol';
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
export interface Inbox {
  journal: Journal | undefined;
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
  let early: [Message, () => void][] | undefined = [];
  let connection: ClientConnection | undefined;
  let atWork = 0;

  const receive = (message: Message, done: () => void): void => {
    if (early === undefined) {
      give(message, done);
      return;
    }
    if (early.length >= EARLY_MESSAGES) {
      const first = early.shift();
      first?.[1]();
      first?.[0].acknowledge();
      const text = `nobody takes messages: over ${EARLY_MESSAGES} came, the oldest is dropped`;
      host.warn('message-without-handler', text);
    }
    early.push([message, done]);
  };

  const give = (message: Message, done: () => void): void => {
    const handlers: Promise<void>[] = [];
    for (const consumer of consumers) {
      if (!wants(consumer, message)) continue;
      try {
        const result = consumer.deliver(message);
        if (result) handlers.push(result.catch((error) => host.reportError(error)));
      } catch (error) {
        host.reportError(error);
      }
    }
    if (handlers.length === 0) {
      done();
      return;
    }
    count(1);
    void Promise.all(handlers).then(() => {
      done();
      count(-1);
    });
  };

  const count = (change: 1 | -1): void => {
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

  const acknowledge = (type: number, packetIdentifier: number, reasonCode: number): void => {
    const to = connection;
    afterWritten(inbox.journal, () => to?.acknowledge(type, packetIdentifier, reasonCode));
  };

  const inbox: Inbox = {
    journal: undefined,

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
      consumers.add(consumer);
      // It gets what came before it.
      const waiting = early ?? [];
      early = undefined;
      for (const [message, done] of waiting) give(message, done);
      return () => {
        consumers.delete(consumer);
        host.onTurn();
      };
    },

    handlePublish(packet) {
      const { qos, packetIdentifier } = packet;
      if (qos === 0) {
        receive(new Message(packet, undefined), () => {});
        return;
      }
      const entry: Entry = { packetIdentifier, qos, answer: undefined };
      entries.push(entry);
      if (qos === 2) {
        const first = inbound.get(packetIdentifier);
        inbound.set(packetIdentifier, entry);
        if (first) {
          // Its acknowledgement waits for whoever has the first one.
          if (first.answer !== undefined) finish(entry, first.answer);
          return;
        }
      }
      // QoS 2 may come again with another connection: then it is that one which is acknowledged.
      const done = (reasonCode: number): void =>
        finish((qos === 2 && inbound.get(packetIdentifier)) || entry, reasonCode);
      if (isManual) receive(new Message(packet, done), () => {});
      else receive(new Message(packet, undefined), () => done(0));
    },

    handlePubrel(packetIdentifier) {
      // [MQTT5-4.3.3-11]
      acknowledge(PacketType.PUBCOMP, packetIdentifier, end(packetIdentifier) ? 0 : 0x92);
    },
  };
  return inbox;
}

function wants({ filters, identifiers }: Consumer, message: Message): boolean {
  const { subscriptionIdentifiers } = message;
  if (identifiers !== undefined && subscriptionIdentifiers.length > 0) {
    if (!subscriptionIdentifiers.some((identifier) => identifiers.has(identifier))) return false;
  }
  return filters === undefined || filters.some((filter) => topicMatches(filter, message.topic));
}
