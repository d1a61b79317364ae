import { type PublishPacket, reasonCodesOf } from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import { type ClientConnection, Fifo } from '@hawser/protocol';
import type { Clock } from '@hawser/transport/clock';
import { UsageError } from '../errors.ts';
import { isThenable } from '../promises.ts';
import { acknowledgeWritten, type Journal } from '../session/journal.ts';
import { tallyOf } from '../tally.ts';
import { type Consumer, type Delivery, type Entry, isMeantFor, matches } from './consumer.ts';
import { Message } from './message.ts';

export interface InboxHost {
  readonly clock: Clock;
  reportError(error: unknown): void;
  warn(code: string, text: string): void;
  /** Reading may have to stop, or may go on. */
  onTurn(): void;
  /** The program has unsubscribed from all that brings this topic. */
  isGivenUp(topic: string): boolean;
}

/** Messages that no consumer takes: from so many of QoS 1 and 2 on nothing is read; of QoS 0 no more are kept. */
const MOST_WAITING = 1000;
/** For how long QoS 0 waits after the first consumer came, or a stream was left; after which what waits is told. */
const WAITING_MS = 1000;
/** Handlers that are at work at once before reading stops. */
const MOST_AT_WORK = 1000;
/** Where reading cannot stop, no more of QoS 0 are taken: those of QoS 1 and 2 the Receive Maximum bounds. */
const MOST_AT_WORK_READING_ON = 10 * MOST_AT_WORK;
/** Of a message that nobody wants any more [MQTT5-4.13.2]: "not willing to accept it". */
const NOT_WANTED = 0x83;

/**
 * What comes: who gets it, and when it is acknowledged: in the order of receipt [MQTT5-4.6.0-2] [MQTT5-4.6.0-3]. A message of QoS 1 or 2 that no
 * consumer has taken is not acknowledged: it waits, and when too many wait reading stops, so that the server keeps the others.
 */
export interface Inbox {
  journal: Journal | undefined;
  /** Messages that nobody took, or not fast enough. */
  readonly dropped: number;
  /** A consumer does not keep up, or too much waits for one: the client should not read on. */
  readonly isFull: boolean;
  /** The program waits for a message. */
  readonly isAwaited: boolean;
  /** What an earlier run of the program has left. */
  restore(inbound: readonly number[]): void;
  /** The server has no session (any more). */
  startAnew(): void;
  /** `isResumed`: the server sends again what has not been acknowledged. */
  attach(connection: ClientConnection, isResumed: boolean): void;
  detach(): void;
  /** Returns what takes the consumer away again. */
  add(consumer: Consumer): () => void;
  handlePublish(packet: PublishPacket): void;
  handlePubrel(packetIdentifier: number): void;
  /** A consumer that keeps messages has dealt with one. */
  release(delivery: Delivery): void;
  /** What a consumer has got and the program has not looked at: for the next one. */
  giveBack(unread: readonly Delivery[]): void;
  /** A message of QoS 0 is lost: counts and tells it. */
  drop(delivery: Delivery): void;
  /** The program has unsubscribed. */
  review(): void;
  close(): void;
}

/** A consumer, and when it came. */
interface Registration {
  readonly consumer: Consumer;
  readonly since: number;
}

/** `isManual`: the program acknowledges each message, and nothing else does. */
export function inboxOf(host: InboxHost, isManual: boolean): Inbox {
  const { clock } = host;
  /**
   * QoS 2 messages whose PUBREL has not come, by Packet Identifier: a duplicate is answered as they are, and goes no further
   * [MQTT5-4.3.3-10]. It outlives connections, and shares nothing with the identifiers that this side hands out.
   */
  const inbound = new Map<number, Entry>();
  /** Never changed, but replaced: a consumer that comes while a message is given out does not get that one. */
  let all: readonly Registration[] = [];
  /** Of this connection, in the order in which they came. */
  const entries = new Fifo<Entry>();
  /** Nobody has wanted these yet. */
  let waiting: Delivery[] = [];
  /** Those of them that are to be acknowledged. */
  let waitingEntries = 0;
  /** Counts consumers that have come. */
  let arrivals = 0;
  /** Consumers that have come in this turn: all of them get what came before them. */
  let fresh: Registration[] = [];
  /** QoS 0 that nobody wants waits; from the first consumer on for a while. */
  let isKeeping = true;
  /** It has been told that something waits. */
  let isTold = false;
  let isClosed = false;
  let cancelTimer: (() => void) | undefined;
  let connection: ClientConnection | undefined;
  let atWork = 0;
  let lastDropped = '';

  const losses = tallyOf(clock, (total) =>
    host.warn(
      'message-dropped',
      `${total} dropped, the last for '${lastDropped}': nobody takes them, or not fast enough`,
    ),
  );

  const receive = (message: Message, entry: Entry | undefined): void => {
    const delivery: Delivery = { message, entry, open: 0, givenAt: 0, isHad: false };
    if (!give(delivery, all)) wait(delivery);
  };

  const wait = (delivery: Delivery): void => {
    if (delivery.entry) {
      waiting.push(delivery);
      waitingEntries++;
      lookLater();
    } else if (!isKeeping) inbox.drop(delivery);
    else {
      waiting.push(delivery);
      // The oldest goes.
      if (waiting.length - waitingEntries > MOST_WAITING) {
        const [oldest] = waiting.splice(
          waiting.findIndex(({ entry }) => !entry),
          1,
        );
        if (oldest) inbox.drop(oldest);
      }
    }
  };

  const setWaiting = (deliveries: Delivery[]): void => {
    waiting = deliveries;
    waitingEntries = waiting.filter(({ entry }) => entry).length;
    if (waitingEntries === 0) isTold = false;
    else lookLater();
    host.onTurn();
  };

  const lookLater = (): void => {
    if (isClosed) return;
    cancelTimer ??= clock.setTimer(clock.now() + WAITING_MS, look);
  };

  const keepOn = (): void => {
    isKeeping = true;
    cancelTimer?.();
    cancelTimer = undefined;
    lookLater();
  };

  /** What has waited for a while is lost (QoS 0), refused where the program has given it up and listens to something else, or told. */
  const look = (): void => {
    cancelTimer = undefined;
    const isOver = arrivals > 0;
    if (isOver) isKeeping = false;
    // What is not acknowledged holds up all that comes after it: another consumer would wait for ever.
    const mayRefuse = !isManual && all.length > 0;
    const rest: Delivery[] = [];
    const lost: Delivery[] = [];
    for (const delivery of waiting) {
      const { entry, message } = delivery;
      const isLost = entry ? mayRefuse && host.isGivenUp(message.topic) : isOver;
      (isLost ? lost : rest).push(delivery);
    }
    if (lost.length > 0) setWaiting(rest);
    for (const delivery of lost) {
      inbox.drop(delivery);
      if (delivery.entry) finish(delivery.entry, NOT_WANTED);
    }
    const first = rest.find(({ entry }) => entry);
    if (!first || isTold) return;
    isTold = true;
    const text = `nothing takes ${waitingEntries} messages of QoS 1 and 2, the first for '${first.message.topic}': neither they nor later ones are acknowledged`;
    host.warn('message-not-taken', text);
  };

  /** False: none of them wants it. */
  const give = (delivery: Delivery, candidates: readonly Registration[]): boolean => {
    const { message } = delivery;
    // Identifiers that nobody here has are those of an earlier run of the program: then the filters decide.
    const isMeant =
      message.subscriptionIdentifiers.length > 0 &&
      candidates.some(({ consumer }) => matches(consumer, message) && isMeantFor(consumer, message));
    let isTaken = false;
    delivery.givenAt = arrivals;
    // Nobody has dealt with it before all have got it.
    delivery.open = 1;
    for (const { consumer } of candidates) {
      if (!matches(consumer, message)) continue;
      isTaken = true;
      if (isMeant && consumer.identifiers && !isMeantFor(consumer, message)) continue;
      delivery.open++;
      hand(delivery, consumer);
    }
    if (isTaken) release(delivery);
    return isTaken;
  };

  const hand = (delivery: Delivery, consumer: Consumer): void => {
    try {
      if (!consumer.keeps) delivery.isHad = true;
      const result = consumer.deliver(delivery);
      if (consumer.keeps) return;
      if (isThenable(result)) {
        const done = (): void => {
          count(-1);
          release(delivery);
        };
        count(1);
        result.then(done, (error) => {
          host.reportError(error);
          done();
        });
        return;
      }
    } catch (error) {
      host.reportError(error);
    }
    release(delivery);
  };

  const release = (delivery: Delivery): void => {
    if (--delivery.open === 0 && delivery.entry && !isManual) finish(delivery.entry, 0);
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

    get dropped() {
      return losses.total;
    },

    get isFull() {
      return waitingEntries >= MOST_WAITING || atWork >= MOST_AT_WORK || all.some(({ consumer }) => consumer.isFull);
    },

    get isAwaited() {
      return all.some(({ consumer }) => consumer.isAwaited);
    },

    restore(identifiers) {
      for (const packetIdentifier of identifiers)
        inbound.set(packetIdentifier, { packetIdentifier, qos: 2, answer: 0 });
    },

    startAnew() {
      for (const packetIdentifier of inbound.keys()) end(packetIdentifier);
    },

    attach(to, isResumed) {
      connection = to;
      if (!isResumed) return;
      // A duplicate of QoS 2 is known by its Packet Identifier.
      for (const { consumer } of all) consumer.forgetRepeated?.();
      setWaiting(waiting.filter(({ entry }) => entry?.qos !== 1));
    },

    detach() {
      entries.clear();
    },

    add(consumer) {
      if (arrivals === 0) keepOn();
      const added = { consumer, since: ++arrivals };
      all = [...all, added];
      if (fresh.push(added) === 1) {
        queueMicrotask(() => {
          const candidates = fresh.filter((one) => all.includes(one));
          fresh = [];
          // A handler may give back others meanwhile.
          const deliveries = waiting;
          waiting = [];
          const rest = deliveries.filter((delivery) => !give(delivery, candidates));
          setWaiting([...rest, ...waiting]);
        });
      }
      return () => {
        all = all.filter((one) => one !== added);
        host.onTurn();
      };
    },

    handlePublish(packet) {
      const { qos, packetIdentifier } = packet;
      if (qos === 0) {
        const message = new Message(packet, undefined);
        if (atWork < MOST_AT_WORK_READING_ON) receive(message, undefined);
        else inbox.drop({ message, entry: undefined, open: 0, givenAt: 0, isHad: false });
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
      const answer = isManual ? (reasonCode = 0): void => finish(entry, reasonCode) : undefined;
      receive(new Message(packet, answer), entry);
    },

    handlePubrel(packetIdentifier) {
      // [MQTT5-4.3.3-11]
      acknowledge(PacketType.PUBCOMP, packetIdentifier, end(packetIdentifier) ? 0 : 0x92);
    },

    release,

    giveBack(unread) {
      for (const delivery of unread) {
        const { message, givenAt, isHad } = delivery;
        const candidates = all.filter(({ consumer }) => matches(consumer, message));
        // The program has had it, or another stream has it. Later ones get it now, or it waits.
        if (isHad || candidates.some(({ since }) => since <= givenAt)) release(delivery);
        else if (!give(delivery, candidates)) {
          if (!delivery.entry) keepOn();
          wait(delivery);
        }
      }
      host.onTurn();
    },

    drop({ message }) {
      lastDropped = message.topic;
      losses.add();
    },

    review() {
      if (waitingEntries > 0) lookLater();
    },

    close() {
      isClosed = true;
      cancelTimer?.();
      losses.close();
    },
  };
  return inbox;
}
