/** Who ended a connection. */
export type ClosedBy = 'peer' | 'self' | 'network';

/** Why a connection ended, in words and in numbers. */
export interface CloseCause {
  /** Stable, in kebab case: the Reason Code's name in the 5.0 specification, or one of Hawser's own (`network-lost`). */
  readonly code: string;
  /** MQTT 5.0 Reason Code (also for 3.x, where it never goes over the wire). */
  readonly reasonCode: number;
  /** For people: what happened, with figures. */
  readonly text: string;
  readonly by: ClosedBy;
}
