/** Hands out Packet Identifiers that are not in use [MQTT5-2.2.1-3] [MQTT311-2.3.1-2], in turn, 1 to 65,535. */
export class PacketIdentifiers {
  /** Handed out last. Set it, and identifiers of a session that was loaded are not used again at once. */
  last = 0;

  /** `inUse` has those that are taken. 0: all of them are. */
  next(inUse: { has(packetIdentifier: number): boolean }): number {
    let candidate = this.last;
    for (let i = 0; i < 65_535; i++) {
      candidate = candidate === 65_535 ? 1 : candidate + 1;
      if (!inUse.has(candidate)) {
        this.last = candidate;
        return candidate;
      }
    }
    return 0;
  }
}
