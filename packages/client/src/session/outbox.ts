import { encodePublishProperties, PacketType, publishSize, type QoS } from '@hawser/codec';
import { Fifo, type MessageContent, type QueueBounds } from '@hawser/protocol';
import type { PublishResult } from '../api.ts';
import type { Link } from '../connection/link.ts';
import { RefusedError } from '../errors.ts';
import type { Negotiated } from '../negotiated.ts';
import { abortable } from '../settle.ts';
import { afterWritten, type Journal } from './journal.ts';
import { Outgoing } from './outgoing.ts';
import { refusal, tooLarge } from './refusal.ts';

const NO_BYTES = /* @__PURE__ */ new Uint8Array();

/**
 * What this client sends: the queue, the handshakes of QoS 1 and 2, and the promises of those who wait. It outlives connections; with
 * a journal, the program. A message is in the queue, then (QoS 1 and 2) under its Packet Identifier among the handshakes. Those
 * are kept in the order in which they began, for they are sent again in it [MQTT5-4.6.0-1] [MQTT5-4.4.0-1].
 */
export class Outbox {
  journal: Journal | undefined;
  readonly #bounds: QueueBounds;
  readonly #now: () => number;
  readonly #nextIdentifier: () => number;
  readonly #queue = new Fifo<Outgoing>();
  /** Of what is in the queue. */
  #bytes = 0;
  readonly #handshakes = new Map<number, Outgoing>();
  /** Handshakes that are to be sent (again) on this connection, in order. */
  #toSend = new Fifo<Outgoing>();
  #link: Link | undefined;
  #negotiated: Negotiated | undefined;
  /** Counts connections. */
  #connection = 0;
  /** PUBLISH packets of this connection that have not been acknowledged to the end. */
  #unacknowledged = 0;

  /** `nextIdentifier`: a Packet Identifier that nothing else uses. */
  constructor(bounds: QueueBounds, now: () => number, nextIdentifier: () => number) {
    this.#bounds = bounds;
    this.#now = now;
    this.#nextIdentifier = nextIdentifier;
  }

  /** Messages that are not acknowledged to the end. */
  get pending(): number {
    return this.#queue.length + this.#handshakes.size;
  }

  has(packetIdentifier: number): boolean {
    return this.#handshakes.has(packetIdentifier);
  }

  /** Takes up what an earlier run of the program has left, in order. What was taken once is not lost to a bound. */
  restore(messages: readonly Outgoing[]): void {
    for (const message of messages) {
      if (message.packetIdentifier > 0) this.#handshakes.set(message.packetIdentifier, message);
      else this.#enqueue(message);
    }
  }

  /** Sends or queues; resolves with its acknowledgement. */
  publish(content: MessageContent, signal: AbortSignal | undefined): Promise<PublishResult> {
    const message = new Outgoing(content);
    if (this.#makeRoom(message)) {
      this.#enqueue(message);
      this.journal?.keep(message);
      this.pump();
    } else this.#settle(message, this.#fullError(message));
    return abortable(message.done.promise, signal, () => {
      for (const { size } of this.#queue.removeWhere((queued) => queued === message)) {
        this.#bytes -= size;
        this.journal?.forget(message);
      }
      message.done.reject(signal?.reason);
    });
  }

  /** A connection is there, and its server has this session: goes on where it was. */
  attach(link: Link, negotiated: Negotiated): void {
    this.#link = link;
    this.#negotiated = negotiated;
    this.#connection++;
    this.#unacknowledged = 0;
    // [MQTT311-4.4.0-1] [MQTT5-4.4.0-1]
    this.#toSend = new Fifo();
    for (const message of this.#handshakes.values()) this.#toSend.push(message);
    this.pump();
  }

  detach(): void {
    this.#link = undefined;
  }

  /** The server has no session (any more): what is not acknowledged is sent anew. Returns how many had been sent before. */
  startAnew(): number {
    const queued = [...this.#queue];
    const begun = [...this.#handshakes.values()];
    this.#queue.clear();
    this.#handshakes.clear();
    this.#bytes = 0;
    for (const message of begun) {
      if (message.isReleased) {
        // The server has taken it over already: sending it again would make two of one.
        this.#settle(message, 0);
        continue;
      }
      message.packetIdentifier = 0;
      message.sentOn = 0;
      this.journal?.keep(message);
      this.#enqueue(message);
    }
    for (const message of queued) this.#enqueue(message);
    return begun.length;
  }

  /** PUBACK, PUBREC or PUBCOMP. False: it does not fit what it answers, a Protocol Error. */
  handleAck(type: number, packetIdentifier: number, reasonCode: number): boolean {
    const message = this.#handshakes.get(packetIdentifier);
    const isTaken = type === PacketType.PUBREC && reasonCode < 0x80;
    if (!message) {
      // The sender of the PUBREC may forget it [MQTT5-4.3.3-5]; in 3.x PUBREL has no Reason Code and does the same.
      if (isTaken) this.#writePubrel(packetIdentifier, 0x92);
      return true;
    }
    if (
      type === PacketType.PUBCOMP ? !message.isReleased : message.content.qos !== (type === PacketType.PUBACK ? 1 : 2)
    )
      return false;
    if (isTaken) {
      if (!message.isReleased) {
        message.isReleased = true;
        this.journal?.keep(message);
      }
      this.#writePubrel(packetIdentifier);
      return true;
    }
    this.#handshakes.delete(packetIdentifier);
    if (message.sentOn === this.#connection) this.#unacknowledged--;
    // [MQTT5-4.4.0-2]; a PUBCOMP ends it whatever it says.
    const isRefused = reasonCode >= 0x80;
    if (isRefused && type !== PacketType.PUBCOMP)
      this.#settle(message, refusal(`the server refused ${nameOf(message)}`, reasonCode));
    else this.#settle(message, isRefused ? 0 : reasonCode);
    this.pump();
    return true;
  }

  /** Sends what the server, the network and the disk let go. */
  pump(): void {
    const link = this.#link;
    if (!link) return;
    this.#sendHandshakes(link);
    for (let message = this.#queue.peek(); message; message = this.#queue.peek()) {
      const error = this.#refusalOf(message);
      const { qos } = message.content;
      if (!error && !this.#isOpen(link, qos)) return;
      this.#shift();
      if (error) this.#settle(message, error);
      else if (qos === 0) this.#send(message, link);
      else {
        message.packetIdentifier = this.#nextIdentifier();
        this.#handshakes.set(message.packetIdentifier, message);
        const ticket = this.journal?.keep(message) ?? 0;
        // An identifier that is used again after a crash looks like a duplicate, and a QoS 2 message is lost.
        message.ready = qos === 2 ? ticket : 0;
        this.#toSend.push(message);
        this.#sendHandshakes(link);
      }
    }
  }

  /** Resolves when all that is pending now has been settled. */
  whenIdle(): Promise<unknown> {
    return Promise.allSettled([...this.#handshakes.values(), ...this.#queue].map(({ done }) => done.promise));
  }

  /** The client is closed: nobody will send these. */
  close(error: Error): void {
    for (const { done } of [...this.#handshakes.values(), ...this.#queue]) done.reject(error);
    this.#handshakes.clear();
    this.#queue.clear();
  }

  #enqueue(message: Outgoing): void {
    this.#queue.push(message);
    this.#bytes += message.size;
  }

  /** Takes out the first. */
  #shift(): void {
    this.#bytes -= this.#queue.shift()?.size ?? 0;
  }

  /** False: the queue is full, and its policy has this one go. */
  #makeRoom({ size, content }: Outgoing): boolean {
    const { messages, bytes, policy } = this.#bounds;
    const isOver = (): boolean => this.#queue.length >= messages || this.#bytes + size > bytes;
    const link = this.#link;
    // What leaves it at once needs no room.
    if (!isOver() || (link && this.#queue.length === 0 && this.#isOpen(link, content.qos))) return true;
    // One that would not fit an empty queue drives nobody out, unless they have expired.
    const drivesOut = policy === 'drop-oldest' && messages > 0 && size <= bytes;
    for (let oldest = this.#queue.peek(); oldest && isOver(); oldest = this.#queue.peek()) {
      const isExpired = this.#now() >= oldest.content.expiresAtMs;
      if (!isExpired && !drivesOut) break;
      this.#shift();
      this.#settle(oldest, isExpired ? expired(oldest) : this.#fullError(oldest));
    }
    return !isOver();
  }

  /** Nothing but what stands before it in the queue keeps a message from its turn. */
  #isOpen({ connection, output }: Link, qos: QoS): boolean {
    if (output.congested) return false;
    if (qos === 0) return this.#toSend.length === 0;
    // [MQTT5-3.3.4-9] [MQTT5-4.9.0-2]
    return this.#unacknowledged + this.#toSend.length < connection.peerReceiveMaximum && this.#handshakes.size < 65_535;
  }

  #sendHandshakes(link: Link): void {
    for (let message = this.#toSend.peek(); message; message = this.#toSend.peek()) {
      const { packetIdentifier, isReleased, ready } = message;
      if (this.#handshakes.get(packetIdentifier) === message) {
        // [MQTT5-4.3.3-5] [MQTT5-4.3.3-6]
        if (isReleased) this.#writePubrel(packetIdentifier);
        else if (
          // [MQTT5-3.3.4-9] [MQTT5-4.9.0-2]
          this.#unacknowledged >= link.connection.peerReceiveMaximum ||
          link.output.congested ||
          ready > (this.journal?.committed ?? 0)
        )
          return;
        else this.#send(message, link);
      }
      this.#toSend.shift();
    }
  }

  #send(message: Outgoing, { connection }: Link): void {
    const { topic, payload, qos, retain, properties, receivedAtMs, expiresAtMs } = message.content;
    const { packetIdentifier, sentOn } = message;
    let topicBytes = topic.bytes;
    let encoded = message.properties;
    if (connection.version === 5) {
      const { aliases } = connection;
      const topicAlias = aliases?.assign(topic.name);
      if (aliases?.known) topicBytes = NO_BYTES;
      const waited = expiresAtMs === Number.POSITIVE_INFINITY ? 0 : Math.floor((this.#now() - receivedAtMs) / 1000);
      if (topicAlias || waited > 0) {
        encoded = encodePublishProperties({
          ...properties,
          ...(topicAlias && { topicAlias }),
          // [MQTT5-3.3.2-6]
          ...(waited > 0 && { messageExpiryInterval: Math.max(1, (properties?.messageExpiryInterval ?? 0) - waited) }),
        });
      }
    } else encoded = undefined;
    if (connection.writePublish(topicBytes, payload, qos, retain, sentOn !== 0, packetIdentifier, encoded)) {
      if (qos === 0) this.#settle(message, 0);
      else {
        this.#unacknowledged++;
        message.sentOn = this.#connection;
      }
      return;
    }
    if (connection.aliases?.known === false) connection.aliases.unset(topic.name);
    this.#handshakes.delete(packetIdentifier);
    const size = publishSize(topic.bytes.length, payload.length, qos, connection.version, message.properties);
    this.#settle(message, tooLarge(nameOf(message), size, connection));
  }

  /** Only after it is written that PUBREC has come [MQTT5-4.3.3-4] [MQTT5-4.6.0-4] [MQTT311-4.6.0-4]. */
  #writePubrel(packetIdentifier: number, reasonCode = 0): void {
    const connection = this.#link?.connection;
    afterWritten(this.journal, () => connection?.acknowledge(PacketType.PUBREL, packetIdentifier, reasonCode));
  }

  /** Why a message that is next is not to be sent. */
  #refusalOf(message: Outgoing): RefusedError | undefined {
    const { qos, retain, expiresAtMs } = message.content;
    // [MQTT5-3.3.2-5]
    if (this.#now() >= expiresAtMs) return expired(message);
    const { maximumQoS, retainAvailable } = this.#negotiated as Negotiated;
    // [MQTT5-3.2.2-11]
    if (qos > maximumQoS.effective)
      return refusal(`${nameOf(message)} has QoS ${qos}, this server takes up to ${maximumQoS.effective}`, 0x9b);
    // [MQTT5-3.2.2-14]
    if (retain && !retainAvailable.effective) return refusal(`this server keeps nothing of ${nameOf(message)}`, 0x9a);
    return undefined;
  }

  #fullError(message: Outgoing): RefusedError {
    const { messages, bytes } = this.#bounds;
    const text = `no room for ${nameOf(message)}: ${this.#queue.length} wait; queue.messages is ${messages}, queue.bytes ${bytes}: await publish(), or choose queue.whenFull`;
    return new RefusedError('queue-full', 0x97, text);
  }

  /** It has been taken to the end, with a Reason Code, or is lost. */
  #settle(message: Outgoing, outcome: number | RefusedError): void {
    this.journal?.forget(message);
    if (typeof outcome === 'number') message.done.resolve({ qos: message.content.qos, reasonCode: outcome });
    else message.done.reject(outcome);
  }
}

function expired(message: Outgoing): RefusedError {
  return new RefusedError('message-expired', 0x83, `${nameOf(message)} expired before it could be sent`);
}

function nameOf({ content }: Outgoing): string {
  return `the message for '${content.topic.name}'`;
}
