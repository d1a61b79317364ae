import {
  type ClientPacket,
  encodeClientPacket,
  type ProtocolVersion,
  type SubackPacket,
  type Subscription,
  type UnsubackPacket,
  type UserProperties,
} from '@hawser/codec';
import type { ClientConnection } from '@hawser/protocol';
import { RefusedError } from '../errors.ts';

/** A SUBSCRIBE. */
export interface SubscribeRequest {
  readonly kind: 'subscribe';
  readonly subscriptions: readonly Subscription[];
  readonly identifier: number | undefined;
  readonly userProperties: UserProperties | undefined;
  readonly onAnswer: (packet: SubackPacket) => void;
  readonly onFailed: (error: unknown) => void;
}

/** An UNSUBSCRIBE. */
export interface UnsubscribeRequest {
  readonly kind: 'unsubscribe';
  readonly topicFilters: readonly string[];
  readonly userProperties: UserProperties | undefined;
  readonly onAnswer: (packet: UnsubackPacket) => void;
  readonly onFailed: (error: unknown) => void;
}

export type Request = SubscribeRequest | UnsubscribeRequest;

/** SUBSCRIBE and UNSUBSCRIBE that wait for a connection or an answer, in order. They are sent again with every connection. */
export class Requests {
  readonly #waiting: Request[] = [];
  readonly #sent = new Map<number, Request>();
  readonly #nextIdentifier: (inUse: { has(packetIdentifier: number): boolean }) => number;
  #connection: ClientConnection | undefined;

  /** `nextIdentifier`: a Packet Identifier that neither messages nor `inUse` have. */
  constructor(nextIdentifier: (inUse: { has(packetIdentifier: number): boolean }) => number) {
    this.#nextIdentifier = nextIdentifier;
  }

  get pending(): number {
    return this.#waiting.length + this.#sent.size;
  }

  add(request: Request): void {
    if (this.#connection === undefined) this.#waiting.push(request);
    else this.#send(request, this.#connection);
  }

  /** Nobody waits for it any more; what was sent is answered all the same. */
  takeBack(request: Request): void {
    const at = this.#waiting.indexOf(request);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  attach(connection: ClientConnection): void {
    this.#connection = connection;
    for (const request of this.#waiting.splice(0)) this.#send(request, connection);
  }

  detach(): void {
    this.#connection = undefined;
    this.#waiting.unshift(...this.#sent.values());
    this.#sent.clear();
  }

  /** False: nothing like it was asked, a Protocol Error. */
  handleSuback(packet: SubackPacket): boolean {
    const request = this.#sent.get(packet.packetIdentifier);
    if (request?.kind !== 'subscribe' || request.subscriptions.length !== packet.reasonCodes.length) return false;
    this.#sent.delete(packet.packetIdentifier);
    request.onAnswer(packet);
    return true;
  }

  handleUnsuback(packet: UnsubackPacket): boolean {
    const request = this.#sent.get(packet.packetIdentifier);
    if (request?.kind !== 'unsubscribe') return false;
    if (packet.reasonCodes.length > 0 && request.topicFilters.length !== packet.reasonCodes.length) return false;
    this.#sent.delete(packet.packetIdentifier);
    request.onAnswer(packet);
    return true;
  }

  close(error: unknown): void {
    this.#connection = undefined;
    for (const request of this.#waiting.splice(0)) request.onFailed(error);
    for (const request of this.#sent.values()) request.onFailed(error);
    this.#sent.clear();
  }

  #send(request: Request, connection: ClientConnection): void {
    const packetIdentifier = this.#nextIdentifier(this.#sent);
    try {
      const bytes = encodeClientPacket(packetOf(request, packetIdentifier, connection.version), connection.version);
      // [MQTT5-3.1.2-24]
      if (bytes.length > connection.peerMaximumPacketSize) {
        const text = `the ${request.kind.toUpperCase()} is a packet of ${bytes.length} bytes; the server takes ${connection.peerMaximumPacketSize} (Maximum Packet Size)`;
        throw new RefusedError('packet-too-large', 0x95, text);
      }
      connection.writeEncoded(bytes);
      this.#sent.set(packetIdentifier, request);
    } catch (error) {
      request.onFailed(error);
    }
  }
}

function packetOf(request: Request, packetIdentifier: number, version: ProtocolVersion): ClientPacket {
  const { userProperties } = request;
  const own = userProperties && { userProperties };
  if (request.kind === 'unsubscribe') {
    const properties = version === 5 ? own : undefined;
    return { type: 'unsubscribe', packetIdentifier, properties, topicFilters: [...request.topicFilters] };
  }
  const { identifier } = request;
  const properties = version === 5 ? { ...(identifier && { subscriptionIdentifier: identifier }), ...own } : undefined;
  return { type: 'subscribe', packetIdentifier, properties, subscriptions: [...request.subscriptions] };
}
