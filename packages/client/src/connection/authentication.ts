import { type AuthPacket, ReasonCode } from '@hawser/codec';
import type { ClientConnection } from '@hawser/protocol';
import type { AuthenticationOptions } from '../options.ts';

/** The AUTH exchange of one connection, and its repetitions (section 4.12). */
export class Authentication {
  readonly method: string;
  readonly #options: AuthenticationOptions;
  readonly #signal: AbortSignal;
  #settle: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  constructor(options: AuthenticationOptions, signal: AbortSignal) {
    this.method = options.method;
    this.#options = options;
    this.#signal = signal;
  }

  /** The Authentication Data of the CONNECT. */
  async start(): Promise<Uint8Array | undefined> {
    return toBytes(await this.#options.start?.(this.#signal));
  }

  /** The CONNACK's, or the last AUTH's, data: proves who the server is where the mechanism can. */
  async finish(data: Uint8Array | undefined): Promise<void> {
    await this.#options.finish?.(data);
  }

  /** An AUTH of the server: continue, or the success of a repetition. Rejects when this side gives up. */
  async handle(packet: AuthPacket, connection: ClientConnection, afterTurn: () => void): Promise<void> {
    const data = packet.properties?.authenticationData;
    try {
      if (packet.reasonCode === ReasonCode.Success) {
        await this.finish(data);
        this.#settle?.resolve();
        this.#settle = undefined;
        return;
      }
      const answer = toBytes(await this.#options.continue?.(data, this.#signal));
      if (connection.closeCause !== undefined) return;
      this.#write(connection, ReasonCode.ContinueAuthentication, answer);
      afterTurn();
    } catch (error) {
      this.#settle?.reject(error);
      this.#settle = undefined;
      throw error;
    }
  }

  /** Begins again on a connection that is there. */
  async repeat(connection: ClientConnection, afterTurn: () => void): Promise<void> {
    const data = await this.start();
    const done = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#write(connection, ReasonCode.ReAuthenticate, data);
    afterTurn();
    await done;
  }

  /** The connection is gone. */
  abandon(error: Error): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }

  #write(connection: ClientConnection, reasonCode: number, authenticationData: Uint8Array | undefined): void {
    const properties = { authenticationMethod: this.method, ...(authenticationData && { authenticationData }) };
    connection.write({ type: 'auth', reasonCode, properties });
  }
}

function toBytes(data: Uint8Array | string | undefined): Uint8Array | undefined {
  return typeof data === 'string' ? new TextEncoder().encode(data) : data;
}
