import { PacketType } from '@hawser/codec';
import type { Ticket } from '../ticket.ts';

const INITIAL = 16;

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
  #types: Uint8Array | undefined;
  #identifiers = NONE16;
  #reasons = NONE8;
  #tickets = NONE64;
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
    return this.#length === 0 ? Number.POSITIVE_INFINITY : (this.#tickets[this.#head] ?? 0);
  }

  push(type: number, packetIdentifier: number, reasonCode: number, ticket: Ticket, extra?: string | Uint8Array): void {
    if (this.#types === undefined || this.#length === this.#types.length) this.#grow();
    const types = this.#types as Uint8Array;
    const slot = (this.#head + this.#length) & (types.length - 1);
    if (this.#length === 0 || ticket > this.#lastTicket) this.#lastTicket = ticket;
    types[slot] = type;
    this.#identifiers[slot] = packetIdentifier;
    this.#reasons[slot] = reasonCode;
    this.#tickets[slot] = this.#lastTicket;
    this.#length++;
    if (extra !== undefined) {
      this.#extras ??= new Map();
      this.#extras.set(slot, extra);
    }
  }

  /** Writes all whose tickets are committed, from the head. Returns how many PUBLISH handshakes they ended. */
  release(committed: Ticket, writer: AckWriter): number {
    const types = this.#types;
    if (types === undefined) return 0;
    this.#settled = 0;
    const mask = types.length - 1;
    while (this.#length > 0) {
      const slot = this.#head;
      // [MQTT5-4.3.2-4] [MQTT5-4.3.3-8]
      if ((this.#tickets[slot] as number) > committed) break;
      this.#head = (slot + 1) & mask;
      this.#length--;
      this.#write(slot, types[slot] as number, writer);
    }
    return this.#settled;
  }

  #write(slot: number, type: number, writer: AckWriter): void {
    let extra: string | Uint8Array | undefined;
    if (this.#extras !== undefined && this.#extras.size > 0) {
      extra = this.#extras.get(slot);
      this.#extras.delete(slot);
    }
    if (typeof extra === 'object') {
      writer.writeEncoded(extra);
      return;
    }
    const reasonCode = this.#reasons[slot] as number;
    if (
      type === PacketType.PUBACK ||
      type === PacketType.PUBCOMP ||
      (type === PacketType.PUBREC && reasonCode >= 0x80)
    ) {
      this.#settled++;
    }
    writer.writeAck(type, this.#identifiers[slot] as number, reasonCode, extra);
  }

  #grow(): void {
    const old = this.#types;
    const size = old === undefined ? INITIAL : old.length * 2;
    const types = new Uint8Array(size);
    const identifiers = new Uint16Array(size);
    const reasons = new Uint8Array(size);
    const tickets = new Float64Array(size);
    const extras = this.#extras;
    if (old !== undefined) {
      const moved = extras === undefined ? undefined : new Map<number, string | Uint8Array>();
      for (let i = 0; i < this.#length; i++) {
        const from = (this.#head + i) & (old.length - 1);
        types[i] = old[from] as number;
        identifiers[i] = this.#identifiers[from] as number;
        reasons[i] = this.#reasons[from] as number;
        tickets[i] = this.#tickets[from] as number;
        const extra = extras?.get(from);
        if (extra !== undefined) moved?.set(i, extra);
      }
      this.#extras = moved;
    }
    this.#types = types;
    this.#identifiers = identifiers;
    this.#reasons = reasons;
    this.#tickets = tickets;
    this.#head = 0;
  }
}

const NONE8 = new Uint8Array(0);
const NONE16 = new Uint16Array(0);
const NONE64 = new Float64Array(0);
