import { decodePacket, encodePacket, type Packet, PacketReader, type ProtocolVersion } from '@hawser/codec';
import { expect } from 'vitest';
import type { BrokerProcess } from './broker-process.ts';
import { fromHex, toHex } from './bytes.ts';
import { openWire, type Via, type Wire } from './wire.ts';

type Type = Packet['type'];
type Of<T extends Type> = Extract<Packet, { type: T }>;
/** Fields that are looked at; `text` is a PUBLISH's payload. */
type Expected<T extends Type> = { [K in keyof Of<T>]?: unknown } & { readonly text?: string };
/** A packet that has come, with its bytes, and the payload of a PUBLISH as text. */
export type Received<T extends Type = Type> = Of<T> & { readonly bytes: Uint8Array; readonly text: string };

const WITHIN_MS = 8000;

/** A client that sends any bytes and looks at every packet that comes. */
export class Peer {
  version: ProtocolVersion;
  /** What the broker said first; set by `connect` of the harness. */
  connack: Received<'connack'> | undefined;
  readonly #reader = new PacketReader();
  readonly #packets: Received[] = [];
  #closed = false;
  #wire: Wire | undefined;
  #wake: (() => void) | undefined;
  #nextIdentifier = 0;

  constructor(version: ProtocolVersion) {
    this.version = version;
  }

  static async open(broker: BrokerProcess, via: Via, version: ProtocolVersion): Promise<Peer> {
    const peer = new Peer(version);
    peer.#wire = await openWire(broker, via, {
      onBytes: (bytes) => peer.#onBytes(bytes),
      onClosed: () => {
        peer.#closed = true;
        peer.#wake?.();
      },
    });
    return peer;
  }

  get wire(): Wire {
    if (this.#wire === undefined) throw new Error('the peer is not connected');
    return this.#wire;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** A Packet Identifier that was not used here before. */
  nextIdentifier(): number {
    return ++this.#nextIdentifier;
  }

  /** Bytes, hexadecimal texts and packets, in one write. */
  send(...items: readonly (Uint8Array | string | Packet)[]): void {
    const parts = items.map((item) => {
      if (typeof item === 'string') return fromHex(item);
      return 'type' in item ? encodePacket(item, this.version) : item;
    });
    const bytes = new Uint8Array(Buffer.concat(parts));
    this.wire.write(bytes);
  }

  /** The next packet, whatever it is. Fails when the connection ends instead, or nothing comes in time. */
  async next(wanted = 'a packet'): Promise<Received> {
    await this.#until(() => this.#packets.length > 0 || this.#closed, wanted);
    const packet = this.#packets.shift();
    if (packet === undefined) throw new Error(`${wanted} was to come, the connection was closed instead`);
    return packet;
  }

  /** The next packet, which must be of this type and have these fields. */
  async expect<T extends Type>(type: T, fields: Expected<T> = {} as Expected<T>): Promise<Received<T>> {
    const packet = await this.next(type);
    if (packet.type !== type) throw new Error(`${type} was to come, but ${describe(packet)}`);
    expect(packet, toHex(packet.bytes)).toMatchObject(fields);
    return packet as Received<T>;
  }

  /** The next packet, to the byte. */
  async expectBytes(hex: string): Promise<void> {
    const packet = await this.next(hex);
    expect(toHex(packet.bytes)).toBe(toHex(fromHex(hex)));
  }

  /** The connection ends, and nothing comes before that. */
  async expectClosed(): Promise<void> {
    await this.#until(() => this.#closed || this.#packets.length > 0, 'the end of the connection');
    const packet = this.#packets.shift();
    if (packet !== undefined) throw new Error(`the end of the connection was to come, but ${describe(packet)}`);
  }

  /** The connection is refused: in 5.0 with a DISCONNECT and its Reason Code first, in 3.x by the end alone. */
  async expectDisconnected(reasonCode: number): Promise<void> {
    if (this.version === 5) await this.expect('disconnect', { reasonCode });
    await this.expectClosed();
  }

  /** Everything that was sent has been handled, and nothing comes. */
  async expectNothing(): Promise<void> {
    const [packet] = await this.drain();
    if (packet !== undefined) throw new Error(`nothing was to come, but ${describe(packet)}`);
  }

  /**
   * The packets that come until everything sent so far has been handled. Two PINGREQs, one after the other: acknowledgements may
   * come behind the answer to the first.
   */
  async drain(): Promise<Received[]> {
    const packets: Received[] = [];
    for (let pings = 0; pings < 2; pings++) {
      this.send('c0 00');
      for (let packet = await this.next('pingresp'); packet.type !== 'pingresp'; packet = await this.next('pingresp')) {
        packets.push(packet);
      }
    }
    return packets;
  }

  /** Cuts the connection and waits for its end on this side. */
  async cut(): Promise<void> {
    this.wire.cut();
    await this.#until(() => this.#closed, 'the end of the connection');
  }

  /** DISCONNECT, and the end that must follow. */
  async disconnect(): Promise<void> {
    this.send('e0 00');
    await this.#until(() => this.#closed, 'the end of the connection');
  }

  #onBytes(bytes: Uint8Array): void {
    this.#reader.push(bytes);
    while (this.#reader.next()) {
      const { firstByte, bytes: buffer, start, bodyStart, end } = this.#reader;
      const packet = decodePacket({ firstByte, bytes: buffer.slice(), bodyStart, end }, this.version, 'to-client');
      const text = packet.type === 'publish' ? new TextDecoder().decode(packet.payload) : '';
      this.#packets.push({ ...packet, bytes: buffer.slice(start, end), text } as Received);
    }
    this.#wake?.();
  }

  async #until(condition: () => boolean, wanted: string): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#wake = undefined;
        reject(new Error(`${wanted} did not come within ${WITHIN_MS} ms`));
      }, WITHIN_MS);
      this.#wake = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

function describe(packet: Received): string {
  return `${packet.type} came: ${toHex(packet.bytes.subarray(0, 80))}`;
}
