import type { Transport, TransportHandler } from '@hawser/transport';

/** A packet as it is to be written: in the frame that `transport` wants around it. */
export function framed({ framing }: Transport, packet: Uint8Array): Uint8Array[] {
  if (framing === undefined) return [packet];
  const header = new Uint8Array(framing.headerBytes(packet.length));
  framing.writeHeader(header, header.length, packet.length);
  return [header, packet];
}

/** A TransportHandler that writes down what it is told, and lets a test wait for it. */
export class TransportRecorder implements TransportHandler {
  readonly chunks: Uint8Array[] = [];
  /** Bytes received. */
  length = 0;
  drains = 0;
  closes = 0;
  error: Error | undefined;
  /** Calls after `onClose`: there must be none. */
  afterClose = 0;
  /** Called within `onData`, after it was written down. */
  onBytes: (() => void) | undefined;
  #waiting: { readonly isReached: () => boolean; readonly resolve: () => void }[] = [];

  constructor(transport?: Transport) {
    transport?.start(this);
  }

  get isClosed(): boolean {
    return this.closes > 0;
  }

  /** All bytes that were received. */
  get bytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  onData(bytes: Uint8Array): void {
    if (this.isClosed) this.afterClose++;
    this.chunks.push(bytes.slice());
    this.length += bytes.length;
    this.onBytes?.();
    this.#check();
  }

  onDrain(): void {
    if (this.isClosed) this.afterClose++;
    this.drains++;
    this.#check();
  }

  onClose(error: Error | undefined): void {
    this.closes++;
    this.error = error;
    this.#check();
  }

  async received(length: number): Promise<Uint8Array> {
    await this.until(() => this.length >= length);
    return this.bytes;
  }

  async drained(count = 1): Promise<void> {
    await this.until(() => this.drains >= count);
  }

  async closed(): Promise<Error | undefined> {
    await this.until(() => this.isClosed);
    return this.error;
  }

  /** Resolves once `isReached` is true after something was told. */
  until(isReached: () => boolean): Promise<void> {
    if (isReached()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ isReached, resolve });
    });
  }

  #check(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = waiting.filter(({ isReached, resolve }) => {
      if (!isReached()) return true;
      resolve();
      return false;
    });
  }
}
