import type { ConnackPacket, Packet } from '@hawser/codec';
import { openRaw, type RawConnection, type RawConnectOptions } from './raw-connection.ts';

const LONGEST_MS = 20_000;

export interface AskingClientOptions extends Omit<RawConnectOptions, 'onPacket'> {
  readonly onPacket?: ((packet: Packet, client: AskingClient) => void) | undefined;
}

/** A connection for tests that ask one thing after the other: send a packet, wait for the answer. */
export class AskingClient {
  /** All that came after the CONNACK. */
  readonly packets: Packet[] = [];
  #connection: RawConnection | undefined;
  #waiting: { readonly type: Packet['type']; readonly resolve: (packet: Packet) => void }[] = [];
  #identifier = 0;

  static async connect(options: AskingClientOptions): Promise<AskingClient> {
    const client = new AskingClient();
    client.#connection = await openRaw({
      ...options,
      onPacket(packet) {
        client.packets.push(packet);
        options.onPacket?.(packet, client);
        const at = client.#waiting.findIndex(({ type }) => type === packet.type);
        if (at >= 0) client.#waiting.splice(at, 1)[0]?.resolve(packet);
      },
    });
    return client;
  }

  get connack(): ConnackPacket {
    return this.#open.connack;
  }

  get closed(): Promise<void> {
    return this.#open.closed;
  }

  nextIdentifier(): number {
    this.#identifier = (this.#identifier % 65_535) + 1;
    return this.#identifier;
  }

  send(packet: Packet): void {
    this.#open.send(packet);
  }

  /** The next packet of a type; undefined: none came in time. */
  next<T extends Packet['type']>(type: T, withinMs = LONGEST_MS): Promise<Extract<Packet, { type: T }> | undefined> {
    return new Promise((resolve) => {
      const waiter = {
        type,
        resolve(packet: Packet) {
          clearTimeout(timer);
          resolve(packet as Extract<Packet, { type: T }>);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((one) => one !== waiter);
        resolve(undefined);
      }, withinMs);
      this.#waiting.push(waiter);
    });
  }

  /** Sends a packet and waits for the answer to it. */
  request<T extends Packet['type']>(
    packet: Packet,
    type: T,
    withinMs?: number,
  ): Promise<Extract<Packet, { type: T }> | undefined> {
    const answered = this.next(type, withinMs);
    this.send(packet);
    return answered;
  }

  destroy(): void {
    this.#connection?.destroy();
  }

  get #open(): RawConnection {
    if (this.#connection === undefined) throw new Error('not connected yet');
    return this.#connection;
  }
}
