/**
 * The receiver's half of QoS 2: identifiers whose PUBLISH has been taken and whose PUBREL has not come
 * [MQTT5-4.3.3-8] [MQTT5-4.3.3-9]. It shares nothing with the identifiers this side hands out.
 */
export class InboundQos {
  #identifiers: Set<number> | undefined;

  get size(): number {
    return this.#identifiers?.size ?? 0;
  }

  /** True: new, the message is to be handled. False: a duplicate, to be answered and go no further. */
  begin(packetIdentifier: number): boolean {
    this.#identifiers ??= new Set();
    if (this.#identifiers.has(packetIdentifier)) return false;
    this.#identifiers.add(packetIdentifier);
    return true;
  }

  has(packetIdentifier: number): boolean {
    return this.#identifiers?.has(packetIdentifier) === true;
  }

  /** PUBREL has come. False: the identifier was not known (0x92). */
  end(packetIdentifier: number): boolean {
    return this.#identifiers?.delete(packetIdentifier) === true;
  }
}
