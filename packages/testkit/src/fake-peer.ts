import { decodePacket, encodePacket, type Packet, PacketReader, type ProtocolVersion } from '@hawser/codec';
import type { Transport, TransportHandler, TransportInfo } from '@hawser/transport';
import type { FakeClock } from './fake-clock.ts';

/** What the broker under test sends is not what the test bounds. */
const ANY = { topicLevels: 65_535, userProperties: 65_535, topicFilters: 65_535 };

/** A client whose network takes and brings bytes as the test wants. */
export class FakePeer implements Transport {
  readonly info: TransportInfo = { kind: 'memory', remoteAddress: 'memory', remotePort: 1, tls: undefined };
  readonly version: ProtocolVersion;
  readonly received: Uint8Array[] = [];
  /** It does not read. */
  stuck = false;
  closed = false;
  /** The broker does not read it. */
  paused = false;
  pauses = 0;
  readonly #unread: Uint8Array[] = [];
  readonly #clock: FakeClock;
  #handler: TransportHandler | undefined;
  #blocked = false;

  constructor(clock: FakeClock, version: ProtocolVersion = 4) {
    this.#clock = clock;
    this.version = version;
  }
  start(handler: TransportHandler): void {
    this.#handler = handler;
  }
  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#blocked) throw new Error('a transport that is blocked was given more');
    for (const chunk of chunks) this.received.push(chunk.slice());
    this.#blocked = this.stuck;
    return !this.stuck;
  }
  pause(): void {
    this.paused = true;
    this.pauses++;
  }
  resume(): void {
    this.paused = false;
    this.#clock.defer(() => {
      while (!this.paused && !this.closed) {
        const chunk = this.#unread.shift();
        if (chunk === undefined) return;
        this.#handler?.onData(chunk);
      }
    });
  }
  end(): void {
    this.destroy();
  }
  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.#handler?.onClose(undefined);
  }
  send(...packets: Packet[]): void {
    const bytes = new Uint8Array(Buffer.concat(packets.map((packet) => encodePacket(packet, this.version))));
    if (this.closed) return;
    if (this.paused || this.#unread.length > 0) this.#unread.push(bytes);
    else this.#handler?.onData(bytes);
  }
  /** Reads all that was sent to it. */
  drain(): void {
    this.stuck = false;
    if (!this.#blocked || this.closed) return;
    this.#blocked = false;
    this.#handler?.onDrain();
  }
  /** Types of the packets it has got, and payloads of PUBLISH as text. */
  packets(): { readonly type: number; readonly text: string }[] {
    const reader = new PacketReader();
    reader.push(new Uint8Array(Buffer.concat(this.received)));
    const packets: { type: number; text: string }[] = [];
    while (reader.next()) {
      const type = reader.firstByte >> 4;
      const text = Buffer.from(reader.bytes.subarray(reader.bodyStart, reader.end)).toString();
      packets.push({ type, text: type === 3 ? (/#(\d+):/.exec(text)?.[1] ?? '') : '' });
    }
    return packets;
  }
  /** All whole packets it has got. */
  decoded(): Packet[] {
    const reader = new PacketReader();
    reader.push(new Uint8Array(Buffer.concat(this.received)));
    const packets: Packet[] = [];
    while (reader.next()) {
      packets.push(decodePacket(reader, this.version, 'to-client', undefined, ANY));
    }
    return packets;
  }
  /** Bytes as they are. */
  sendBytes(bytes: Uint8Array): void {
    if (!this.closed) this.#handler?.onData(bytes);
  }
  numbers(): number[] {
    return this.packets().flatMap(({ type, text }) => (type === 3 ? [Number(text)] : []));
  }
}
