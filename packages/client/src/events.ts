import type { ClosedBy } from '@hawser/protocol';
import type { Message } from './inbound/message.ts';
import type { Negotiated } from './negotiated.ts';

export interface ConnectingEvent {
  /** 1 for the first, counted since the last good connection. */
  readonly attempt: number;
  /** Seconds that were waited before it. */
  readonly delay: number;
  /** `mqtt://host:1883`, without user info. */
  readonly url: string;
}

export interface ConnectedEvent {
  readonly sessionPresent: boolean;
  readonly negotiated: Negotiated;
  /** False: the first connection. */
  readonly reconnected: boolean;
}

export interface DisconnectedEvent {
  /** Stable, in kebab case: `network-lost`, `ping-timeout`, `session-taken-over`, … */
  readonly code: string;
  readonly reasonCode: number;
  /** For people. */
  readonly text: string;
  readonly by: ClosedBy;
  /** It will be tried again. */
  readonly willRetry: boolean;
  /** Seconds until then. */
  readonly delay: number | undefined;
  /** Why an attempt failed, or what ends the client. */
  readonly error: Error | undefined;
}

export interface WarningEvent {
  /** Stable, in kebab case. */
  readonly code: string;
  readonly text: string;
}

/** What a client tells. */
export interface ClientEvents {
  connecting: ConnectingEvent;
  connected: ConnectedEvent;
  /** A connection ended, or an attempt to reconnect failed. */
  disconnected: DisconnectedEvent;
  /** Something is worth knowing, and nothing has stopped. */
  warning: WarningEvent;
  /** Every message that comes. QoS 1 and 2 are acknowledged after the listeners; see `onMessage` for handlers that take time. */
  message: Message;
  /**
   * A handler or a listener has failed, or a payload did not match its schema: the client goes on. Or the client has stopped for good, and nothing else of the program has been
   * told. Without a listener it is thrown, as an unheard `error` of Node is: with its stack, and a program without `uncaughtException` ends.
   */
  error: Error;
}
