import { type DisconnectProperties, ReasonCode } from '@hawser/codec';
import type { CloseCause, CloseCode, CloseDetail, Output, ServerConnection } from '@hawser/protocol';
import type { WebSocketError } from '@hawser/transport';
import { causeText } from '../causes/cause-text.ts';
import type { ConnectionDriver, DriverListener } from '../node/connection-driver.ts';
import type { DriverNode } from '../node/driver-node.ts';
import { WORK_OF_PACKET } from '../node/work-kinds.ts';
import type { ClientInfo } from '../policy/policies.ts';
import type { Counters } from '../recorder/counters.ts';
import type { Observer } from '../recorder/observer.ts';
import type { Settings } from '../settings.ts';
import type { ListenerInfo } from './listener-info.ts';

/** What every connection needs of its broker. */
export interface PeerCore {
  readonly settings: Settings;
  readonly counters: Counters;
  readonly observer: Observer;
  readonly driverNode: DriverNode;
  now(): number;
}

/** A network connection in the broker: what is done with it on both sides of its CONNACK. */
export abstract class Peer implements DriverListener {
  /** Of all connections of the broker there ever were. */
  abstract readonly memberNumber: number;
  abstract readonly connection: ServerConnection;
  abstract readonly driver: ConnectionDriver;
  abstract readonly output: Output;
  abstract readonly listener: ListenerInfo;
  /** Undefined: no CONNECT has come. */
  abstract readonly info: ClientInfo | undefined;
  protected abstract readonly core: PeerCore;
  /** The setting that bounds what is held of its packets. */
  protected abstract readonly inputBound: 'limits.inputBytesNode' | 'limits.inputBytesStrangers';

  abstract onWritable(now: number): void;
  abstract onGone(): void;

  get remoteAddress(): string {
    return this.driver.transport.info.remoteAddress;
  }

  /** Ends the connection from this side. */
  disconnect(code: CloseCode, reasonCode: number, detail: CloseDetail, properties?: DisconnectProperties): void {
    this.connection.disconnect(code, reasonCode, detail, this.core.now(), properties);
    this.driver.afterTurn();
  }

  /** Nothing more of the client's is handled until the promise has settled; `then` is called only while the connection is there. */
  whenSettled<T>(promise: Promise<T>, then: (value: T) => unknown): void {
    this.connection.suspend();
    this.resumeAfter(promise, (value) => (this.connection.closeCause === undefined ? then(value) : undefined));
  }

  /** After a promise: `then`, and on with what the peer has sent meanwhile. What is thrown costs this connection. */
  protected resumeAfter<T>(promise: Promise<T>, then: (value: T) => unknown): void {
    const onSettled = (): void => this.driver.resume();
    const onFault = (error: unknown): void => {
      this.onFault(error);
      this.driver.afterTurn();
    };
    promise.then(then).then(onSettled).catch(onFault);
  }

  reasonStringOf(cause: CloseCause): string {
    return causeText(cause, 'en');
  }

  onHandled(type: number): void {
    const { turn } = this.core.driverNode;
    turn.spend(type, WORK_OF_PACKET);
    if (!turn.isOver || this.connection.closeCause !== undefined) return;
    this.core.counters.turnsYielded++;
    this.connection.yieldTurn();
  }

  onInputOverflow(): void {
    this.core.counters.inputOverflows++;
    const key = this.inputBound;
    const detail: CloseDetail = { is: 'input-bytes', limit: this.core.settings[key], key };
    this.connection.fail('quota-exceeded', ReasonCode.QuotaExceeded, detail, this.core.now());
  }

  onTransportFault({ code, why }: WebSocketError): void {
    const detail: CloseDetail = why === undefined ? { is: 'plain' } : { is: 'websocket-frame', why };
    this.connection.fail(code, ReasonCode.ProtocolError, detail, this.core.now());
  }

  onAhead(): void {
    this.core.counters.readingPauses++;
  }

  onFault(error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const name = this.info?.clientId ?? this.remoteAddress;
    this.core.observer.onWarning?.(
      'internal-error',
      `an error in the broker itself cost ${name} its connection: ${stack}`,
    );
    this.connection.fail('internal-error', ReasonCode.UnspecifiedError, { is: 'plain' }, this.core.now());
  }
}
