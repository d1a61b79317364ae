/** How a transport wants each packet that is put into an Output: with a header before it (a WebSocket), which is shared as the packet is. */
export interface Framing {
  /** Bytes of the header before a packet of `size` bytes. */
  headerBytes(size: number): number;
  /** Writes that header: it ends at `at`, where the packet begins. */
  writeHeader(target: Uint8Array, at: number, size: number): void;
}
