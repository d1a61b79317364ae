import { encodePublishProperties, packetName, publishSize, type QoS, violation } from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import { type ClientConnection, Fifo } from '@hawser/protocol';
import type { Clock } from '@hawser/transport/clock';
import type { Link } from '../connection/link.ts';
import { RefusedError } from '../errors.ts';
import type { Negotiated } from '../negotiated.ts';
import { abortable, ignorable } from '../promises.ts';
import type { PublishResult } from '../results.ts';
import type { QueueSettings } from '../settings.ts';
import { tallyOf } from '../tally.ts';
import { handoverOf } from './handover.ts';
import { acknowledgeWritten, type Journal } from './journal.ts';
import { type Outgoing, type OutgoingContent, outgoingOf } from './outgoing.ts';
import { refusal, tooLarge } from './refusal.ts';

/** Of a topic that its alias stands for. */
const NO_BYTES = new Uint8Array(0);
/** Packet Identifiers for messages; the rest are for SUBSCRIBE and UNSUBSCRIBE. */
const MOST_HANDSHAKES = 65_000;

/**
 * What this client sends: the queue, the handshakes of QoS 1 and 2, and the promises of those who wait. It outlives connections; with
 * a journal, the program. A message is in the queue, then (QoS 1 and 2) under its Packet Identifier among the handshakes. Those
 * are kept in the order in which they began, for they are sent again in it [MQTT5-4.6.0-1] [MQTT5-4.4.0-1].
 */
export interface Outbox {
  /** Messages that are not acknowledged to the end, of QoS 0 not handed to the network. */
  readonly pending: number;
  /** Those of them whose turn depends on what the server answers. */
  readonly unanswered: number;
  has(packetIdentifier: number): boolean;
  /** Takes up what an earlier run of the program has left, in order. What was taken once is not lost to a bound. */
  restore(messages: readonly Outgoing[], journal: Journal): void;
  /** Sends or queues; resolves with its acknowledgement, QoS 0 when it was handed to the transport. */
  publish(content: OutgoingContent, signal: AbortSignal | undefined): Promise<PublishResult>;
  /** A connection is there, and its server has this session: goes on where it was. */
  attach(link: Link, negotiated: Negotiated): void;
  detach(): void;
  /** The server has no session (any more): what is not acknowledged is sent anew. Returns how many had been sent before. */
  startAnew(): number;
  /** PUBACK, PUBREC or PUBCOMP. Throws ProtocolError when it does not fit what it answers. */
  handleAck(type: number, packetIdentifier: number, reasonCode: number, reasonString: string | undefined): void;
  /** Sends what the server, the network and the disk let go. */
  pump(): void;
  /** All that was written has been handed to the transport. */
  handleFlushed(): void;
  /** Resolves when all that is pending now has been settled. */
  whenIdle(): Promise<unknown>;
  /** The client is closed: nobody will send these. */
  close(error: Error): void;
}

export interface OutboxHost {
  readonly clock: Clock;
  warn(code: string, text: string): void;
}

/** `nextIdentifier`: a Packet Identifier that nothing else uses. */
export function outboxOf(bounds: QueueSettings, host: OutboxHost, nextIdentifier: () => number): Outbox {
  const { clock } = host;
  const now = (): number => clock.now();
  const queue = new Fifo<Outgoing>();
  const handshakes = new Map<number, Outgoing>();
  let queuedBytes = 0;
  /** QoS 0 that the transport does not have yet. */
  const handover = handoverOf();
  let fullBound = '';
  const losses = tallyOf(clock, (total) =>
    host.warn('queue-full', `${total} messages found no room: ${fullBound} (queue.whenFull: '${bounds.whenFull}')`),
  );
  /** Handshakes that are to be sent (again) on this connection, in order. */
  const toSend = new Fifo<Outgoing>();
  let journal: Journal | undefined;
  let link: Link | undefined;
  let negotiated: Negotiated | undefined;
  /** How many there were. */
  let connections = 0;
  /** PUBLISH packets of this connection that have not been acknowledged to the end. */
  let unacknowledged = 0;

  const all = (): Outgoing[] => [...handshakes.values(), ...queue];

  const enqueue = (message: Outgoing): void => {
    queue.push(message);
    queuedBytes += message.size;
  };

  /** Takes out the first. */
  const shift = (): void => {
    queuedBytes -= queue.shift()?.size ?? 0;
  };

  /** False: the queue is full, and its policy has this one go. */
  const makeRoom = ({ size, qos }: Outgoing): boolean => {
    const { messages, bytes, whenFull } = bounds;
    const isOver = (): boolean => queue.length >= messages || queuedBytes + size > bytes;
    // What leaves it at once needs no room.
    if (!isOver() || (link && queue.length === 0 && isOpen(link, qos))) return true;
    // One that would not fit an empty queue drives nobody out, unless they have expired.
    const drivesOut = whenFull === 'drop-oldest' && messages > 0 && size <= bytes;
    for (let oldest = queue.peek(); oldest && isOver(); oldest = queue.peek()) {
      const isExpired = now() > oldest.expiresAtMs;
      if (!isExpired && !drivesOut) break;
      if (!isExpired) noteFull(size);
      shift();
      settle(oldest, isExpired ? expired(oldest) : fullError(oldest));
    }
    return !isOver();
  };

  const noteFull = (size: number): void => {
    const { messages, bytes } = bounds;
    fullBound = queuedBytes + size > bytes ? `queue.bytes is ${bytes}` : `queue.messages is ${messages}`;
    losses.add();
  };

  /** Nothing but what stands before it in the queue keeps a message from its turn. */
  const isOpen = ({ connection, output }: Link, qos: QoS): boolean => {
    if (output.congested) return false;
    if (qos === 0) return toSend.length === 0;
    // [MQTT5-3.3.4-9] [MQTT5-4.9.0-2]
    return unacknowledged + toSend.length < connection.peerReceiveMaximum && handshakes.size < MOST_HANDSHAKES;
  };

  const sendHandshakes = (to: Link): void => {
    for (let message = toSend.peek(); message; message = toSend.peek()) {
      const { packetIdentifier, isReleased, ready } = message;
      if (handshakes.get(packetIdentifier) === message) {
        // One that has begun may be over a limit that its server had not then.
        const error = refusalOf(message, message.encoded, to);
        // [MQTT5-4.3.3-5] [MQTT5-4.3.3-6]
        if (isReleased) writePubrel(packetIdentifier);
        else if (error) {
          handshakes.delete(packetIdentifier);
          settle(message, error);
        } else if (
          // [MQTT5-3.3.4-9] [MQTT5-4.9.0-2]
          unacknowledged >= to.connection.peerReceiveMaximum ||
          to.output.congested ||
          ready > (journal?.committed ?? 0)
        )
          return;
        else send(message, to);
      }
      toSend.shift();
    }
  };

  const send = (message: Outgoing, { connection }: Link): void => {
    write(message, message.encoded, message.packetIdentifier, message.sentOn !== 0, connection);
    if (message.qos === 0) handover.add(message).then(message.resolve, message.reject);
    else {
      unacknowledged++;
      message.sentOn = connections;
    }
  };

  const write = (
    message: OutgoingContent,
    properties: Uint8Array | undefined,
    packetIdentifier: number,
    dup: boolean,
    connection: ClientConnection,
  ): void => {
    const { topic, payload, qos, retain } = message;
    const { aliases } = connection;
    const interval = message.properties?.messageExpiryInterval;
    let topicBytes = topic.bytes;
    let encoded = properties;
    if (aliases || interval) {
      // A new alias adds up to five bytes.
      const isFull = sizeOf(message, properties, connection) + 5 > connection.peerMaximumPacketSize;
      const topicAlias = isFull ? undefined : aliases?.assign(topic.name);
      if (topicAlias && aliases?.known) topicBytes = NO_BYTES;
      // [MQTT5-3.3.2-6]
      const messageExpiryInterval =
        interval && Math.max(1, interval - Math.floor((now() - message.receivedAtMs) / 1000));
      if (topicAlias || messageExpiryInterval !== interval)
        encoded = encodePublishProperties({ ...message.properties, topicAlias, messageExpiryInterval });
    }
    connection.writePublish(topicBytes, payload, qos, retain, dup, packetIdentifier, encoded);
  };

  /** QoS 0 that nothing keeps from its turn leaves at once: no queue, and one promise for all of a turn. */
  const sendAtOnce = (content: OutgoingContent, to: Link): Promise<PublishResult> => {
    const encoded = encodePublishProperties(content.properties);
    const error = refusalOf(content, encoded, to);
    if (error) return ignorable(Promise.reject(error));
    write(content, encoded, 0, false, to.connection);
    const handed = handover.add(content);
    to.flushEarly();
    return handed;
  };

  /** Only after it is written that PUBREC has come [MQTT5-4.3.3-4] [MQTT5-4.6.0-4] [MQTT311-4.6.0-4]. */
  const writePubrel = (packetIdentifier: number, reasonCode = 0): void => {
    acknowledgeWritten(journal, link?.connection, PacketType.PUBREL, packetIdentifier, reasonCode);
  };

  /** The limit of this server that keeps a message from being sent. */
  const refusalOf = (
    message: OutgoingContent,
    encoded: Uint8Array | undefined,
    { connection }: Link,
  ): RefusedError | undefined => {
    const { qos, retain } = message;
    const { maximumQoS, retainAvailable } = negotiated as Negotiated;
    const size = sizeOf(message, encoded, connection);
    // [MQTT5-3.1.2-24] [MQTT5-3.1.2-25]
    if (size > connection.peerMaximumPacketSize) return tooLarge(nameOf(message), size, connection);
    // [MQTT5-3.2.2-11]
    if (qos > maximumQoS.effective)
      return refusal(`${nameOf(message)} has QoS ${qos}, this server takes up to ${maximumQoS.effective}`, 0x9b);
    // [MQTT5-3.2.2-14]
    if (retain && !retainAvailable.effective) return refusal(`this server keeps nothing of ${nameOf(message)}`, 0x9a);
    return undefined;
  };

  const fullError = (message: OutgoingContent): RefusedError => {
    const { messages, bytes } = bounds;
    const text = `no room for ${nameOf(message)}: queue.messages is ${messages}, queue.bytes ${bytes}`;
    return new RefusedError('queue-full', 0x97, text);
  };

  /** It has been taken to the end, with a Reason Code, or is lost. */
  const settle = (message: Outgoing, outcome: number | RefusedError): void => {
    journal?.forget(message);
    if (typeof outcome === 'number') message.resolve({ qos: message.qos, reasonCode: outcome });
    else message.reject(outcome);
  };

  const pump = (): void => {
    const to = link;
    if (!to) return;
    sendHandshakes(to);
    for (let message = queue.peek(); message; message = queue.peek()) {
      const { qos, expiresAtMs } = message;
      // [MQTT5-3.3.2-5]
      const error = now() > expiresAtMs ? expired(message) : refusalOf(message, message.encoded, to);
      if (!error && !isOpen(to, qos)) return;
      shift();
      if (error) settle(message, error);
      else if (qos === 0) send(message, to);
      else {
        message.packetIdentifier = nextIdentifier();
        handshakes.set(message.packetIdentifier, message);
        const ticket = journal?.keep(message) ?? 0;
        // An identifier that is used again after a crash looks like a duplicate, and a QoS 2 message is lost.
        message.ready = qos === 2 ? ticket : 0;
        toSend.push(message);
        sendHandshakes(to);
      }
    }
  };

  return {
    get pending() {
      return queue.length + handshakes.size + handover.messages.length;
    },

    get unanswered() {
      return queue.length + handshakes.size;
    },

    has: (packetIdentifier) => handshakes.has(packetIdentifier),

    restore(messages, keptIn) {
      journal = keptIn;
      // What the program has published meanwhile comes after what an earlier run has left.
      const later = [...queue];
      queue.clear();
      queuedBytes = 0;
      for (const message of messages) {
        if (message.packetIdentifier > 0) handshakes.set(message.packetIdentifier, message);
        else enqueue(message);
      }
      for (const message of later) {
        journal.keep(message);
        enqueue(message);
      }
    },

    publish(content, signal) {
      if (content.qos === 0 && link && !signal && queue.length === 0 && isOpen(link, 0))
        return sendAtOnce(content, link);
      const message = outgoingOf(content);
      ignorable(message.promise);
      if (makeRoom(message)) {
        enqueue(message);
        journal?.keep(message);
        pump();
      } else {
        noteFull(message.size);
        settle(message, fullError(message));
      }
      return abortable(message.promise, signal, () => {
        if (queue.removeWhere((queued) => queued === message).length > 0) {
          queuedBytes -= message.size;
          journal?.forget(message);
        }
        message.reject(signal?.reason);
      });
    },

    attach(to, agreed) {
      link = to;
      negotiated = agreed;
      connections++;
      unacknowledged = 0;
      // [MQTT311-4.4.0-1] [MQTT5-4.4.0-1]
      toSend.clear();
      for (const message of handshakes.values()) toSend.push(message);
      pump();
    },

    detach() {
      const isLost = link?.isLost;
      link = undefined;
      // A connection that this side or the server has ended hands over what was written before it goes.
      if (!isLost) handover.settle();
      handover.takeBack((messages) => {
        const later = [...queue];
        queue.clear();
        queuedBytes = 0;
        const again = messages.map(outgoingOf);
        for (const message of [...again, ...later]) enqueue(message);
        return Promise.all(again.map(({ promise }) => promise));
      });
    },

    handleFlushed: handover.settle,

    startAnew() {
      const begun = handshakes.size;
      const messages = all();
      queue.clear();
      handshakes.clear();
      queuedBytes = 0;
      for (const message of messages) {
        // The server has taken it over already: sending it again would make two of one.
        if (message.isReleased) settle(message, 0);
        else {
          if (message.packetIdentifier > 0) {
            message.packetIdentifier = message.sentOn = 0;
            journal?.keep(message);
          }
          enqueue(message);
        }
      }
      return begun;
    },

    handleAck(type, packetIdentifier, reasonCode, reasonString) {
      const message = handshakes.get(packetIdentifier);
      const isTaken = type === PacketType.PUBREC && reasonCode < 0x80;
      if (!message) {
        // The sender of the PUBREC may forget it [MQTT5-4.3.3-5]; in 3.x PUBREL has no Reason Code and does the same.
        if (isTaken) writePubrel(packetIdentifier, 0x92);
        return;
      }
      if (type === PacketType.PUBCOMP ? !message.isReleased : message.qos !== (type === PacketType.PUBACK ? 1 : 2))
        throw violation(packetName(type << 4), 'unexpected-answer', packetIdentifier);
      if (isTaken) {
        if (!message.isReleased) {
          message.isReleased = true;
          journal?.keep(message);
        }
        writePubrel(packetIdentifier);
        return;
      }
      handshakes.delete(packetIdentifier);
      if (message.sentOn === connections) unacknowledged--;
      // [MQTT5-4.4.0-2]; a PUBCOMP ends it whatever it says.
      if (reasonCode < 0x80) settle(message, reasonCode);
      else if (type === PacketType.PUBCOMP) settle(message, 0);
      else settle(message, refusal(`the server refused ${nameOf(message)}`, reasonCode, reasonString));
      pump();
    },

    pump,

    whenIdle() {
      return Promise.allSettled([...all().map(({ promise }) => promise), handover.promise]);
    },

    close(error) {
      losses.close();
      handover.reject(error);
      for (const { reject } of all()) reject(error);
      handshakes.clear();
      queue.clear();
    },
  };
}

function sizeOf(
  { topic, payload, qos }: OutgoingContent,
  encoded: Uint8Array | undefined,
  { version }: ClientConnection,
): number {
  return publishSize(topic.bytes.length, payload.length, qos, version, encoded);
}

function expired(message: Outgoing): RefusedError {
  return new RefusedError('message-expired', 0x83, `${nameOf(message)} expired before it could be sent`);
}

function nameOf({ topic }: OutgoingContent): string {
  return `the message for '${topic.name}'`;
}
