import { ReasonCode } from '@hawser/codec';
import type { Timed } from '../node/deadlines.ts';
import type { ClientHandler } from './client-handler.ts';

/** The end of a connection whose credentials end. */
export class Lifetime implements Timed {
  readonly #handler: ClientHandler;
  readonly #endsAtMs: number;

  constructor(handler: ClientHandler, endsAtMs: number) {
    this.#handler = handler;
    this.#endsAtMs = endsAtMs;
    handler.core.driverNode.deadlines.watch(this);
  }

  stop(): void {
    this.#handler.core.driverNode.deadlines.unwatch(this);
  }

  nextTimeout(): number {
    return this.#handler.connection.closeCause === undefined ? this.#endsAtMs : Number.POSITIVE_INFINITY;
  }

  handleTimeout(): void {
    this.#handler.core.counters.credentialsExpired++;
    this.#handler.disconnect('maximum-connect-time', ReasonCode.MaximumConnectTime, { is: 'credentials-expired' });
  }
}
