import type { CloseCause } from '@hawser/protocol';
import type { DropCause } from '@hawser/protocol';
import type { ClientInfo } from '../policy/policies.ts';

/** Why a message did not go where it should have. Sessions lose for their causes, publishes for these too. */
export type LossCause = DropCause | 'not-authorized' | 'offline-qos0' | 'session-ended' | 'retained-limit' | 'store-fault' | 'quota-exceeded' | 'session-limit';

/** A requested, a granted and the effective value of one parameter of a connection. */
export interface NegotiatedParameter {
  readonly requested: number | string | boolean | undefined;
  readonly granted: number | string | boolean | undefined;
  readonly effective: number | string | boolean | undefined;
}

export interface ConnectedEvent {
  readonly client: ClientInfo;
  readonly sessionPresent: boolean;
  readonly cleanStart: boolean;
  readonly negotiated: Readonly<Record<string, NegotiatedParameter>>;
  readonly at: number;
}

export interface RefusedEvent {
  readonly listener: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Undefined: it did not come so far. */
  readonly client: ClientInfo | undefined;
  readonly cause: CloseCause;
  readonly bytesIn: number;
  readonly at: number;
}

export interface ClosedEvent {
  readonly client: ClientInfo;
  readonly cause: CloseCause;
  readonly connectedForMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** Address of who took the session over. */
  readonly takenOverBy: string | undefined;
  readonly at: number;
}

export interface LostEvent {
  /** Whose loss it is. */
  readonly clientId: string;
  readonly cause: LossCause;
  readonly topic: string;
  readonly qos: number;
  readonly at: number;
}

export interface SessionEndedEvent {
  readonly clientId: string;
  readonly cause: 'expired' | 'clean-start' | 'closed' | 'cleared';
  readonly queued: number;
  readonly at: number;
}

/** Told what happens in a broker. `at` is milliseconds of the wall clock. Payloads and passwords never come here. */
export interface Observer {
  onRefused?(event: RefusedEvent): void;
  onConnected?(event: ConnectedEvent): void;
  onClosed?(event: ClosedEvent): void;
  onLost?(event: LostEvent): void;
  onSessionEnded?(event: SessionEndedEvent): void;
  /** Something for the operator, once: credentials that nobody checks, a disk that fails. */
  onWarning?(code: string, text: string): void;
}
