import * as PacketType from '@hawser/codec/packet-type';

/** Finds the PINGREQ in a stream of packets that are not handled yet. Begins at the beginning of a packet. */
export class PingScanner {
  #type = 0;
  /** Place in the fixed header: 0: the first byte comes next. */
  #place = 0;
  #remaining = 0;
  /** Bytes of the packet's body still to come. */
  #body = 0;

  /** How many there are in the next bytes of the stream. */
  scan(bytes: Uint8Array): number {
    let found = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.#body > 0) {
        const part = Math.min(this.#body, bytes.length - at);
        this.#body -= part;
        at += part;
        continue;
      }
      const byte = bytes[at++] as number;
      if (this.#place === 0) {
        this.#type = byte;
        this.#remaining = 0;
        this.#place = 1;
        continue;
      }
      this.#remaining += (byte & 0x7f) * 128 ** (this.#place - 1);
      this.#place++;
      // After four bytes it is no packet; whoever reads it will say so.
      if (byte >= 0x80 && this.#place <= 4) continue;
      this.#place = 0;
      this.#body = this.#remaining;
      if (this.#type === PacketType.PINGREQ << 4 && this.#body === 0) found++;
    }
    return found;
  }
}
