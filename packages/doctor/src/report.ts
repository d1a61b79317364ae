import type { ConnectEvidence, ConnectStage, Negotiated, Retry } from '@hawser/client';

/** How bad a finding is: `error` makes the report not ok. */
export type Severity = 'error' | 'warning' | 'info';

/** Languages of findings and hints. */
export type Language = 'en' | 'zh';

/** What a connection is for, tried in this order once there is one. */
export type TrialStage = 'keep-alive' | 'subscribe' | 'qos0' | 'qos1' | 'qos2' | 'retained' | 'limits' | 'session';

/** A stage of connecting, or a trial of the connection. */
export type DoctorStage = ConnectStage | TrialStage;

/** What was seen in a stage; plain JSON. */
export type StageEvidence = Readonly<Record<string, unknown>>;

/** One stage that is over. */
export interface StageReport {
  readonly stage: DoctorStage;
  readonly ok: boolean;
  /** Milliseconds that it took. */
  readonly ms: number;
  readonly evidence: StageEvidence;
}

/** Something that is worth changing, or knowing. */
export interface Finding {
  readonly severity: Severity;
  /** Stable, in kebab case. */
  readonly code: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** Why no connection came about: a ConnectError, as JSON. */
export interface ReportedError {
  readonly stage: ConnectStage;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly retry: Retry;
  readonly evidence: ConnectEvidence;
}

/** Limits of the server: announced in the CONNACK (5.0), tried where trying shows them. Undefined: not known. */
export interface Capabilities {
  readonly maximumQoS: 0 | 1 | 2 | undefined;
  readonly retain: boolean | undefined;
  readonly wildcardSubscriptions: boolean | undefined;
  readonly sharedSubscriptions: boolean | undefined;
  readonly subscriptionIdentifiers: boolean | undefined;
  /** Bytes; 5.0, when the server has announced one. */
  readonly maximumPacketSize: number | undefined;
  /** 5.0. */
  readonly receiveMaximum: number | undefined;
  /** 5.0. */
  readonly topicAliasMaximum: number | undefined;
  /** A session is there again, with what came meanwhile. */
  readonly sessionResume: boolean | undefined;
  /** PINGREQ is answered. */
  readonly keepAlive: boolean | undefined;
}

/** What the doctor found. `ok`: connected, and no finding of severity `error`. */
export interface DoctorReport {
  readonly ok: boolean;
  /** `mqtt://host:1883`, without user info. */
  readonly url: string;
  readonly stages: readonly StageReport[];
  readonly error?: ReportedError;
  readonly negotiated?: Negotiated;
  readonly capabilities?: Capabilities;
  readonly findings: readonly Finding[];
}
