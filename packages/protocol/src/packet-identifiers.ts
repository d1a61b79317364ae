/** Hands out Packet Identifiers that are not in use [MQTT5-2.2.1-3] [MQTT311-2.3.1-2], in turn, 1 to 65,535. */
export class PacketIdentifiers {
  /** Handed out last. Set it, and identifiers of a session that was loaded are not used again at once. */
  last = 0;

  /** `inUse` has those that are taken. 0: all of them are. */
  next(inUse: { has(packetIdentifier: number): boolean }): number {
    for (let i = 0; i < 65_535; i++) {
      this.last = this.last === 65_535 ? 1 : this.last + 1;
      if (!inUse.has(this.last)) return this.last;
    }
    return 0;
  }
}
