import { publishSize, type QoS, reasonCodeName } from '@hawser/codec';
import {
  type Connection,
  Delivery,
  type DropCause,
  Message,
  NO_TICKET,
  type QueueBounds,
  Session,
  type SessionHost,
  type Ticket,
} from '@hawser/protocol';
import type { PublishResult } from '../api.ts';
import { RefusedError } from '../errors.ts';
import type { Negotiated } from '../negotiated.ts';
import type { StoreWriter } from './store-writer.ts';
import { encodeStored, inboundKey, type Loaded, messageKey } from './stored-message.ts';

interface Waiting {
  readonly resolve: (result: PublishResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What this client sends: its half of the MQTT Session, and the promises of those who wait. The Session survives lost
 * connections; with a store, the program.
 */
export class Outbox implements SessionHost {
  session: Session;
  readonly #writer: StoreWriter;
  readonly #wallOffsetMs: () => number;
  readonly #bounds: { messages: number; bytes: number; readonly policy: QueueBounds['policy'] };
  readonly #limits: QueueBounds;
  readonly #waiting = new Map<Delivery, Waiting | undefined>();
  /** QoS 2: PUBREC has come, by Packet Identifier. */
  readonly #released = new Map<number, Waiting | undefined>();
  /** Sequences under which handshakes are stored, by Packet Identifier. */
  readonly #stored = new Map<number, { sequence: number; key: string }>();
  /** QoS 0 that has left the queue; whether it was sent or dropped is known when the call is over. */
  #left: Delivery[] = [];
  #sequence = 0;
  #acknowledging = 0;
  #idle: (() => void)[] = [];

  /** `wallOffsetMs`: what to add to the clock's `now` to get milliseconds since 1970. */
  constructor(limits: QueueBounds, writer: StoreWriter, wallOffsetMs: () => number) {
    this.#limits = limits;
    this.#bounds = { ...limits };
    this.#writer = writer;
    this.#wallOffsetMs = wallOffsetMs;
    this.session = this.#newSession();
  }

  /** Messages that are not acknowledged to the end. */
  get pending(): number {
    return this.#waiting.size + this.#released.size;
  }

  /** Takes up what an earlier run of the program has left, in order. Nobody waits for it. */
  restore(loaded: Loaded, now: number): void {
    const offset = this.#wallOffsetMs();
    const handshakes = loaded.messages.filter(({ state }) => state !== 'queued').sort((a, b) => a.began - b.began);
    for (const { content, sequence, qos, packetIdentifier, state } of handshakes) {
      if (state === 'released') {
        this.session.restoreHandshake(packetIdentifier, undefined, sequence);
        this.#released.set(packetIdentifier, undefined);
      } else {
        const delivery = new Delivery(
          new Message(content(now, offset), true),
          qos,
          content(now, offset).retain,
          undefined,
          undefined,
          sequence,
          0,
        );
        this.session.restoreHandshake(packetIdentifier, delivery, sequence);
        this.#waiting.set(delivery, undefined);
      }
      this.#stored.set(packetIdentifier, { sequence, key: messageKey(sequence) });
      this.#sequence = Math.max(this.#sequence, sequence);
    }
    this.#unbounded(() => {
      for (const { content, sequence, qos, state } of loaded.messages) {
        if (state !== 'queued') continue;
        this.#sequence = Math.max(this.#sequence, sequence);
        const message = new Message(content(now, offset), true);
        const delivery = new Delivery(message, qos, message.retain, undefined, undefined, sequence, 0);
        this.#waiting.set(delivery, undefined);
        this.session.enqueue(delivery, now);
      }
    });
    for (const packetIdentifier of loaded.inbound) this.session.inbound.begin(packetIdentifier);
  }

  /** Sends or queues; resolves with its acknowledgement. */
  publish(message: Message, signal: AbortSignal | undefined, now: number): Promise<PublishResult> {
    const size = message.size;
    if (this.session.refuses(size)) return Promise.reject(this.#full());
    const { qos, retain } = message;
    const delivery = new Delivery(message, qos, retain, undefined, undefined, ++this.#sequence, NO_TICKET);
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { resolve, reject };
      this.#waiting.set(delivery, waiting);
      if (signal !== undefined) {
        const onAbort = (): void => this.#takeBack(delivery, signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        const done = (): void => signal.removeEventListener('abort', onAbort);
        this.#waiting.set(delivery, {
          resolve: (result) => {
            done();
            resolve(result);
          },
          reject: (error) => {
            done();
            reject(error);
          },
        });
      }
      this.session.enqueue(delivery, now);
      this.settleSent();
    });
  }

  /** The connection is there and the server has kept the session: goes on where it was. */
  resume(connection: Connection, negotiated: Negotiated, now: number): void {
    this.#dropWhatIsNotAllowed(negotiated);
    this.session.attach(connection, negotiated.receiveMaximum.effective, now);
    this.settleSent();
  }

  /** The server has no session (any more): what is not acknowledged is sent anew. Returns how many had been sent before. */
  startAnew(now: number): number {
    const old = this.session;
    const sent = old.inFlight;
    old.detach();
    for (const packetIdentifier of [...this.#stored.keys()]) this.#forget(packetIdentifier);
    for (const packetIdentifier of old.inbound.values()) this.#writer.put(inboundKey(packetIdentifier), undefined);
    // The server has taken these over already: sending them again would make two of one.
    for (const [packetIdentifier] of [...this.#released]) this.#complete(packetIdentifier, 0);
    this.session = this.#newSession();
    this.#unbounded(() => {
      for (const { message, qos, retain, sequence } of [...old.unsettled()]) {
        const before = this.#find(sequence);
        if (before === undefined) continue;
        const delivery = new Delivery(message, qos, retain, undefined, undefined, sequence, NO_TICKET);
        const waiting = this.#waiting.get(before);
        this.#waiting.delete(before);
        this.#waiting.set(delivery, waiting);
        this.session.enqueue(delivery, now);
      }
    });
    return sent;
  }

  detach(): void {
    this.session.detach();
  }

  handlePuback(packetIdentifier: number, reasonCode: number, now: number): boolean {
    const isKnown = this.session.handlePuback(packetIdentifier, reasonCode, now);
    this.settleSent();
    return isKnown;
  }

  handlePubrec(packetIdentifier: number, reasonCode: number, now: number): boolean {
    this.#acknowledging = packetIdentifier;
    const isKnown = this.session.handlePubrec(packetIdentifier, reasonCode, now);
    this.#acknowledging = 0;
    this.settleSent();
    return isKnown;
  }

  handlePubcomp(packetIdentifier: number, reasonCode: number, now: number): boolean {
    if (!this.session.handlePubcomp(packetIdentifier, now)) return false;
    this.#complete(packetIdentifier, reasonCode);
    this.settleSent();
    return true;
  }

  /** The server takes bytes again. */
  pump(now: number): void {
    this.session.pump(now);
    this.settleSent();
  }

  /** What waited for the disk may go. */
  onCommitted(now: number): void {
    this.session.onCommitted(now);
    this.settleSent();
  }

  /** Resolves the promises of QoS 0 messages that were handed to the network. Call after anything that sends. */
  settleSent(): void {
    if (this.#left.length > 0) {
      const left = this.#left;
      this.#left = [];
      for (const delivery of left) this.#settle(delivery, (waiting) => waiting.resolve({ qos: 0, reasonCode: 0 }));
    }
    if (this.pending === 0 && this.#idle.length > 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Resolves when nothing is pending. */
  whenIdle(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** The client is closed: nobody will send these. */
  close(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting?.reject(error);
    for (const waiting of this.#released.values()) waiting?.reject(error);
    this.#waiting.clear();
    this.#released.clear();
  }

  // What the Session asks of its host.

  get committed(): Ticket {
    return this.#writer.committed;
  }

  storeQueued(delivery: Delivery): Ticket {
    if (delivery.qos === 0 || !this.#writer.isDurable) return NO_TICKET;
    return this.#writer.put(messageKey(delivery.sequence), this.#encode(delivery, 0, 'queued'));
  }

  storeDequeued(delivery: Delivery): void {
    if (delivery.qos === 0) this.#left.push(delivery);
    else if (this.#acknowledging === 0) this.#writer.put(messageKey(delivery.sequence), undefined);
  }

  storeOutbound(
    packetIdentifier: number,
    sequence: number,
    _qos: 1 | 2,
    state: 'published' | 'released',
    _lazy: boolean,
  ): Ticket {
    if (!this.#writer.isDurable) return NO_TICKET;
    const delivery = this.#find(sequence);
    if (delivery === undefined) return NO_TICKET;
    const key = messageKey(sequence);
    this.#stored.set(packetIdentifier, { sequence, key });
    return this.#writer.put(key, this.#encode(delivery, packetIdentifier, state));
  }

  storeOutboundDone(packetIdentifier: number): void {
    this.#forget(packetIdentifier);
  }

  waitFor(_ticket: Ticket): void {}
  requestPage(_afterSequence: number): void {}

  onDropped(cause: DropCause, delivery: Delivery): void {
    if (cause === 'rejected-by-receiver') return;
    this.#settle(delivery, (waiting) => waiting.reject(this.#dropError(cause, delivery)));
  }

  onSettled(delivery: Delivery, reasonCode: number): void {
    const { qos } = delivery;
    if (qos === 2 && reasonCode < 0x80) {
      // PUBREC: done when PUBCOMP has come.
      this.#released.set(this.#acknowledging, this.#waiting.get(delivery));
      this.#waiting.delete(delivery);
      return;
    }
    this.#settle(delivery, (waiting) => {
      if (reasonCode < 0x80) waiting.resolve({ qos, reasonCode });
      else waiting.reject(refused(delivery, reasonCode));
    });
  }

  #newSession(): Session {
    return new Session(this, { survives: true, bounds: this.#bounds, pageSize: Number.POSITIVE_INFINITY });
  }

  /** What was taken once is not lost to a bound. */
  #unbounded(task: () => void): void {
    this.#bounds.messages = Number.POSITIVE_INFINITY;
    this.#bounds.bytes = Number.POSITIVE_INFINITY;
    try {
      task();
    } finally {
      this.#bounds.messages = this.#limits.messages;
      this.#bounds.bytes = this.#limits.bytes;
    }
  }

  #find(sequence: number): Delivery | undefined {
    for (const delivery of this.#waiting.keys()) if (delivery.sequence === sequence) return delivery;
    return undefined;
  }

  #settle(delivery: Delivery, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(delivery);
    this.#waiting.delete(delivery);
    if (waiting !== undefined) how(waiting);
  }

  #complete(packetIdentifier: number, reasonCode: number): void {
    const waiting = this.#released.get(packetIdentifier);
    this.#released.delete(packetIdentifier);
    waiting?.resolve({ qos: 2, reasonCode: reasonCode < 0x80 ? reasonCode : 0 });
  }

  #forget(packetIdentifier: number): void {
    const stored = this.#stored.get(packetIdentifier);
    if (stored === undefined) return;
    this.#stored.delete(packetIdentifier);
    this.#writer.put(stored.key, undefined);
  }

  #takeBack(delivery: Delivery, reason: unknown): void {
    const removed = this.session.queue.removeWhere((queued) => queued === delivery);
    if (removed.length > 0) this.storeDequeued(delivery);
    this.#settle(delivery, (waiting) => waiting.reject(reason));
    this.#left = this.#left.filter((left) => left !== delivery);
    this.settleSent();
  }

  /** Limits that were not known when these were taken. */
  #dropWhatIsNotAllowed(negotiated: Negotiated): void {
    const refusals = new Map<Delivery, RefusedError>();
    this.session.queue.removeWhere((delivery) => {
      const error = limitError(delivery.qos, delivery.retain, negotiated);
      if (error !== undefined) refusals.set(delivery, error);
      return error !== undefined;
    });
    for (const [delivery, error] of refusals) {
      if (delivery.qos > 0) this.storeDequeued(delivery);
      this.#settle(delivery, (waiting) => waiting.reject(error));
    }
  }

  #full(): RefusedError {
    const { messages, bytes } = this.#limits;
    const text = `${this.session.queue.length} messages wait for the server, and queue.messages (${messages}) or queue.bytes (${bytes}) is reached: await publish() before the next one, or choose queue.whenFull`;
    return new RefusedError('queue-full', 0x97, text);
  }

  #dropError(cause: DropCause, delivery: Delivery): RefusedError {
    const topic = delivery.message.topic.name;
    if (cause === 'packet-too-large') {
      const connection = this.session.connection;
      const { topic: name, payload } = delivery.message;
      const version = connection?.version ?? 5;
      const properties = delivery.message.encodeProperties(delivery.message.receivedAtMs, undefined, undefined);
      const size = publishSize(name.bytes.length, payload.length, delivery.qos, version, properties);
      const text = `the message for '${topic}' is a packet of ${size} bytes; the server takes ${connection?.peerMaximumPacketSize} (Maximum Packet Size)`;
      return new RefusedError('packet-too-large', 0x95, text);
    }
    if (cause === 'expired') {
      return new RefusedError(
        'message-expired',
        0x83,
        `the message for '${topic}' expired (messageExpiryInterval) before it could be sent`,
      );
    }
    return new RefusedError(
      'queue-full',
      0x97,
      `the message for '${topic}' was dropped: the queue is full (queue.whenFull)`,
    );
  }

  #encode(delivery: Delivery, packetIdentifier: number, state: 'queued' | 'published' | 'released'): Uint8Array {
    return encodeStored(delivery, packetIdentifier, state, this.#wallOffsetMs());
  }
}

/** The server's limits that concern one message; undefined: it may go. */
export function limitError(qos: QoS, retain: boolean, negotiated: Negotiated): RefusedError | undefined {
  // [MQTT5-3.2.2-11]
  if (qos > negotiated.maximumQoS.effective) {
    const text = `QoS ${qos} was asked for; this server takes up to QoS ${negotiated.maximumQoS.effective} (Maximum QoS)`;
    return new RefusedError('qos-not-supported', 0x9b, text);
  }
  // [MQTT5-3.2.2-14]
  if (retain && !negotiated.retainAvailable.effective) {
    return new RefusedError(
      'retain-not-supported',
      0x9a,
      'this server keeps no retained messages (Retain Available 0)',
    );
  }
  return undefined;
}

function refused(delivery: Delivery, reasonCode: number): RefusedError {
  const code = reasonCodeName(reasonCode);
  const hex = `0x${reasonCode.toString(16).toUpperCase()}`;
  return new RefusedError(
    code,
    reasonCode,
    `the server refused the message for '${delivery.message.topic.name}': ${code} (${hex})`,
  );
}
