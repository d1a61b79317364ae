/** Flags of `hawser sub` that are its own. */
export interface SubFlags {
  readonly topic?: readonly string[];
  readonly qos: 0 | 1 | 2;
  readonly count?: number;
  readonly wait?: number;
  readonly verbose?: boolean;
  readonly debug?: boolean;
  readonly format: string;
  readonly json?: boolean;
  readonly newline: boolean;
  readonly retained: boolean;
  readonly retainedOnly?: boolean;
  readonly unsubscribe?: readonly string[];
  readonly filterOut?: readonly string[];
  readonly exitAfterSubscribe?: boolean;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  readonly retainHandling?: 0 | 1 | 2;
  readonly subscriptionIdentifier?: number;
  readonly userProperty?: readonly (readonly [string, string])[];
}
