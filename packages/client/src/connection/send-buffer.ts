import type { PacketOutput } from '@hawser/protocol';

/** What is too large for the buffer gets another; a larger one is not kept for what comes next. */
const BUFFER_BYTES = 16 * 1024;
/** So many bytes do not wait for the end of the turn. */
const MUCH_BYTES = 64 * 1024;
/** Over this many bytes that the network does not take, messages wait in their queue. */
const CONGESTED_BYTES = 1024 * 1024;

/** What a connection is to send at the end of the turn. */
export interface SendBuffer extends PacketOutput {
  /** What has not been taken out yet, and room behind it. */
  target: Uint8Array;
  /** The network takes nothing now. */
  blocked: boolean;
  readonly congested: boolean;
  /** All that waits, if the network takes it or `isLast`. Bytes that were taken out are never written over: the network may hold them for as long as it likes. */
  take(isLast: boolean): Uint8Array | undefined;
}

/** `onDirty`: it was empty, and is not any more. `onMuch`: the network may take all of it, before the turn ends. */
export function sendBufferOf(onDirty: () => void, onMuch: () => void): SendBuffer {
  let length = 0;
  const buffer: SendBuffer = {
    target: new Uint8Array(0),
    blocked: false,

    get congested() {
      return buffer.blocked && length > CONGESTED_BYTES;
    },

    reserve(size) {
      // A program that publishes without a pause is to learn that the network takes no more.
      if (length >= MUCH_BYTES && !buffer.blocked) onMuch();
      const at = length;
      if (at === 0) onDirty();
      length += size;
      if (length > buffer.target.length) {
        const waiting = buffer.target.subarray(0, at);
        buffer.target = new Uint8Array(Math.max(BUFFER_BYTES, 2 * at, length));
        buffer.target.set(waiting);
      }
      return at;
    },

    take(isLast) {
      if ((buffer.blocked && !isLast) || length === 0) return undefined;
      const bytes = buffer.target.subarray(0, length);
      buffer.target = buffer.target.subarray(length > BUFFER_BYTES ? buffer.target.length : length);
      length = 0;
      return bytes;
    },
  };
  return buffer;
}
