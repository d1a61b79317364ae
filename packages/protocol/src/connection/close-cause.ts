import type { PacketFault, ReasonCodeName } from '@hawser/codec';
import type { CloseDetail } from './close-detail.ts';

/** Who ended a connection. */
export type ClosedBy = 'peer' | 'self' | 'network';

/** Faults of packets that only a server sends: a server never ends a connection for them. */
type FaultOfServers =
  | 'auth-unexpected'
  | 'no-reason-codes'
  | 'second-connack'
  | 'session-expiry-from-server'
  | 'session-present-unexpected'
  | 'session-present-with-refusal'
  | 'session-present-without-state'
  | 'unexpected-answer';

/** Names of Reason Codes that a server ends or refuses a connection with. */
type EndingReason = Extract<
  ReasonCodeName,
  | 'unspecified-error'
  | 'malformed-packet'
  | 'protocol-error'
  | 'implementation-specific-error'
  | 'unsupported-protocol-version'
  | 'client-identifier-not-valid'
  | 'bad-user-name-or-password'
  | 'not-authorized'
  | 'server-unavailable'
  | 'server-busy'
  | 'banned'
  | 'server-shutting-down'
  | 'bad-authentication-method'
  | 'keep-alive-timeout'
  | 'session-taken-over'
  | 'topic-filter-invalid'
  | 'topic-name-invalid'
  | 'receive-maximum-exceeded'
  | 'topic-alias-invalid'
  | 'packet-too-large'
  | 'quota-exceeded'
  | 'administrative-action'
  | 'payload-format-invalid'
  | 'retain-not-supported'
  | 'qos-not-supported'
  | 'use-another-server'
  | 'server-moved'
  | 'connection-rate-exceeded'
  | 'maximum-connect-time'
>;

/** Stable names, in kebab case, of all that a server's connection can end of: what metrics and logs have. */
export type CloseCode =
  | EndingReason
  | Exclude<PacketFault, FaultOfServers>
  | 'normal-disconnection'
  | 'disconnect-with-will-message'
  | 'network-lost'
  | 'internal-error'
  | 'connect-never-sent'
  | 'connect-timeout'
  | 'too-many-half-open'
  | 'too-many-open-files'
  | 'websocket-text-frame'
  | 'websocket-frame-invalid'
  | 'retained-limit'
  | 'store-fault'
  | 'policy-failed';

/** Names of Reason Codes that a client may end its connection with, to say what was wrong (section 3.14.2.1). */
export type ComplaintCode = Extract<
  ReasonCodeName,
  | 'unspecified-error'
  | 'malformed-packet'
  | 'protocol-error'
  | 'implementation-specific-error'
  | 'topic-name-invalid'
  | 'receive-maximum-exceeded'
  | 'topic-alias-invalid'
  | 'packet-too-large'
  | 'message-rate-too-high'
  | 'quota-exceeded'
  | 'administrative-action'
  | 'payload-format-invalid'
>;

/** Why a server's connection ended: data alone. Sentences are made where they are shown. */
export interface CloseCause {
  readonly code: CloseCode | ComplaintCode;
  /** MQTT 5.0 Reason Code (also for 3.x, where it never goes over the wire). */
  readonly reasonCode: number;
  readonly detail: CloseDetail;
  readonly by: ClosedBy;
}

/** Why a client's connection ended, in words and in numbers. */
export interface ClientCloseCause {
  /** Stable, in kebab case: the Reason Code's name in the 5.0 specification, or one of Hawser's own (`network-lost`). */
  readonly code: string;
  /** MQTT 5.0 Reason Code (also for 3.x, where it never goes over the wire). */
  readonly reasonCode: number;
  /** For people: what happened, with figures. */
  readonly text: string;
  readonly by: ClosedBy;
}
