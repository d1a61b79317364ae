import * as PacketType from '@hawser/codec/packet-type';
import type { Ticket } from '../ticket.ts';

/** Slots of the first ring: most connections never have more acknowledgements waiting, and there are very many connections. */
const INITIAL = 4;

const REASON_SHIFT = 4;
const IDENTIFIER_SHIFT = 12;

/** Writes acks where they belong; a Connection. */
export interface AckWriter {
  /** `type`: PUBACK, PUBREC, PUBREL or PUBCOMP. */
  writeAck(type: number, packetIdentifier: number, reasonCode: number, reasonString: string | undefined): void;
  /** A packet that was encoded before (SUBACK, UNSUBACK). */
  writeEncoded(packet: Uint8Array): void;
}

/**
 * Acknowledgements that wait for the disk, in the order in which MQTT wants them sent [MQTT5-4.6.0-2] [MQTT5-4.6.0-3]
 * [MQTT5-4.6.0-4]: a ring of (packet, identifier, reason, ticket). The ticket of one is never below that of the one before.
 */
export class AckQueue {
  /** By slot two numbers: packet, reason and identifier as the bits of one (28 of them), and the ticket. */
  #ring: number[] = NONE;
  /** Slots of the ring, less one: a power of two is their number. */
  #mask = -1;
  /** What few acks have: a Reason String, or the whole encoded packet. By slot. */
  #extras: Map<number, string | Uint8Array> | undefined;
  #head = 0;
  #length = 0;
  #lastTicket: Ticket = 0;
  /** PUBLISH packets with QoS over 0 whose handshake the released acks have ended, since it was last read. */
  #settled = 0;

  get length(): number {
    return this.#length;
  }

  /** The ticket of the first that waits; Infinity when there is none. */
  get headTicket(): Ticket {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : (this.#ring[2 * this.#head + 1] as number);
  }

  push(type: number, packetIdentifier: number, reasonCode: number, ticket: Ticket, extra?: string | Uint8Array): void {
    if (this.#length > this.#mask) this.#grow();
    const slot = (this.#head + this.#length) & this.#mask;
    if (this.#length === 0 || ticket > this.#lastTicket) this.#lastTicket = ticket;
    this.#ring[2 * slot] = type | (reasonCode << REASON_SHIFT) | (packetIdentifier << IDENTIFIER_SHIFT);
    this.#ring[2 * slot + 1] = this.#lastTicket;
    this.#length++;
    if (extra !== undefined) {
      this.#extras ??= new Map();
      this.#extras.set(slot, extra);
    }
  }

  /** Writes all whose tickets are committed, from the head. Returns how many PUBLISH handshakes they ended. */
  release(committed: Ticket, writer: AckWriter): number {
    this.#settled = 0;
    while (this.#length > 0) {
      const slot = this.#head;
      // [MQTT5-4.3.2-4] [MQTT5-4.3.3-8]
      if ((this.#ring[2 * slot + 1] as number) > committed) break;
      this.#head = (slot + 1) & this.#mask;
      this.#length--;
      this.#write(slot, writer);
    }
    return this.#settled;
  }

  #write(slot: number, writer: AckWriter): void {
    const bits = this.#ring[2 * slot] as number;
    let extra: string | Uint8Array | undefined;
    if (this.#extras !== undefined && this.#extras.size > 0) {
      extra = this.#extras.get(slot);
      this.#extras.delete(slot);
    }
    if (typeof extra === 'object') {
      writer.writeEncoded(extra);
      return;
    }
    const type = bits & 0xf;
    const reasonCode = (bits >> REASON_SHIFT) & 0xff;
    if (
      type === PacketType.PUBACK ||
      type === PacketType.PUBCOMP ||
      (type === PacketType.PUBREC && reasonCode >= 0x80)
    ) {
      this.#settled++;
    }
    writer.writeAck(type, bits >> IDENTIFIER_SHIFT, reasonCode, extra);
  }

  #grow(): void {
    const old = this.#ring;
    const slots = Math.max(INITIAL, old.length);
    const ring = new Array<number>(2 * slots).fill(0);
    const extras = this.#extras;
    const moved = extras === undefined ? undefined : new Map<number, string | Uint8Array>();
    for (let i = 0; i < this.#length; i++) {
      const from = (this.#head + i) & this.#mask;
      ring[2 * i] = old[2 * from] as number;
      ring[2 * i + 1] = old[2 * from + 1] as number;
      const extra = extras?.get(from);
      if (extra !== undefined) moved?.set(i, extra);
    }
    this.#extras = moved;
    this.#ring = ring;
    this.#mask = slots - 1;
    this.#head = 0;
  }
}

/** Never written to. */
const NONE: number[] = [];
