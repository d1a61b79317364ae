import {
  type ConnackPacket,
  decodeConnack,
  encodePacket,
  PacketReader,
  PacketType,
  type ProtocolVersion,
  peekProtocolVersion,
} from '@hawser/codec';
import type { Transport, TransportHandler, TransportInfo } from '@hawser/transport';

/** A Transport that looks on: keeps the CONNACK with every property, and asks for a PINGRESP when it is told to. */
export class TappedTransport implements Transport {
  readonly info: TransportInfo;
  /** The server's, as soon as it has come and can be read. */
  connack: ConnackPacket | undefined;
  /** PUBACKs that have come. */
  pubacks = 0;
  readonly #inner: Transport;
  readonly #reader = new PacketReader();
  #version: ProtocolVersion = 5;
  #hasWritten = false;
  #isBroken = false;
  #waiting: (() => void)[] = [];

  constructor(inner: Transport) {
    this.#inner = inner;
    this.info = inner.info;
  }

  /** Of the CONNECT that was written. */
  get version(): ProtocolVersion {
    return this.#version;
  }

  /** Sends a PINGREQ [MQTT5-3.1.2-20]; resolves with the next PINGRESP [MQTT5-3.12.4-1]. Never rejects. */
  ping(): Promise<void> {
    const answered = new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
    this.#inner.write([encodePacket({ type: 'pingreq' }, this.#version)]);
    return answered;
  }

  start(handler: TransportHandler): void {
    this.#inner.start({
      onData: (bytes) => {
        this.#look(bytes);
        handler.onData(bytes);
      },
      onDrain: () => handler.onDrain(),
      onClose: (error) => handler.onClose(error),
    });
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (!this.#hasWritten) {
      this.#hasWritten = true;
      this.#version = versionOf(chunks) ?? this.#version;
    }
    return this.#inner.write(chunks);
  }

  pause(): void {
    this.#inner.pause();
  }
  resume(): void {
    this.#inner.resume();
  }
  end(): void {
    this.#inner.end();
  }
  destroy(): void {
    this.#inner.destroy();
  }

  /** What is wrong with the bytes is for the client to say, which reads them too. */
  #look(bytes: Uint8Array): void {
    if (this.#isBroken) return;
    try {
      this.#reader.push(bytes);
      while (this.#reader.next()) this.#handle();
    } catch {
      this.#isBroken = true;
    }
  }

  #handle(): void {
    const type = this.#reader.firstByte >> 4;
    if (type === PacketType.CONNACK) this.connack ??= decodeConnack(this.#reader, this.#version, 'to-client');
    else if (type === PacketType.PUBACK) this.pubacks++;
    else if (type === PacketType.PINGRESP) for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Of the CONNECT, which is the first thing a client writes. */
function versionOf(chunks: readonly Uint8Array[]): ProtocolVersion | undefined {
  const reader = new PacketReader();
  for (const chunk of chunks) reader.push(chunk);
  if (!reader.next()) return undefined;
  return peekProtocolVersion(reader.bytes, reader.bodyStart, reader.end);
}
