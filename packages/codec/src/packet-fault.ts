/** Stable names of what is wrong with a packet. */
export type PacketFault =
  | 'auth-unexpected'
  | 'authentication-data-without-method'
  | 'authentication-method-missing'
  | 'dup-with-qos-0'
  | 'duplicate-property'
  | 'invalid-connect-flags'
  | 'invalid-length'
  | 'invalid-qos'
  | 'invalid-retain-handling'
  | 'invalid-subscription-options'
  | 'invalid-utf8'
  | 'no-local-on-shared-subscription'
  | 'no-reason-codes'
  | 'no-topic-filters'
  | 'non-minimal-length'
  | 'not-a-connect'
  | 'not-connected'
  | 'not-mqtt'
  | 'null-in-string'
  | 'packet-identifier-zero'
  | 'property-not-allowed'
  | 'property-out-of-range'
  | 'reason-code-not-allowed'
  | 'reserved-bits'
  | 'reserved-flags'
  | 'reserved-packet-type'
  | 'response-topic-invalid'
  | 'second-connack'
  | 'second-connect'
  | 'session-expiry-from-server'
  | 'session-present-unexpected'
  | 'session-present-with-refusal'
  | 'session-present-without-state'
  | 'subscription-identifier-from-client'
  | 'surrogate-in-string'
  | 'topic-alias-invalid'
  | 'topic-alias-unknown'
  | 'topic-filter-invalid'
  | 'topic-name-invalid'
  | 'topic-name-missing'
  | 'trailing-bytes'
  | 'truncated'
  | 'unexpected-answer'
  | 'unknown-property'
  | 'unsupported-protocol-version'
  | 'wrong-direction'
  | PacketExcess['is'];

/** What of a packet is over a bound, with its figures. */
export interface PacketExcess {
  readonly is:
    | 'packet-too-large'
    | 'receive-maximum-exceeded'
    | 'too-many-topic-filters'
    | 'too-many-user-properties'
    | 'topic-filter-too-deep'
    | 'topic-name-too-deep'
    | 'topic-name-too-long';
  readonly limit: number;
  /** Absent: more than the limit, and nobody has counted how many. */
  readonly actual?: number;
  /** Of what; the packet or the field. */
  readonly where?: string;
}
