import type { ClosedBy } from '@hawser/protocol';
import type { LossCause } from '../causes/losses.ts';
import type { Detail } from '../causes/sentences.ts';

/** What a recorded event is about. `broker-ended`: the broker went down without being stopped, with this client connected. */
export type EventKind = 'connected' | 'closed' | 'refused' | 'subscribe-refused' | 'session-ended' | 'broker-ended';

/** One thing that happened to a client, or at an address. Never holds a password or a payload. */
export interface RecordedEvent {
  /** Milliseconds of the wall clock. */
  readonly at: number;
  readonly kind: EventKind;
  /** Stable, in kebab case; each has its words in the catalogue (`broker/src/causes/`). */
  readonly code: string;
  /** What there is to say about it, with figures; sentences are made where it is shown. */
  readonly detail?: Detail;
  /** The sentence that a broker before causes were data wrote down in place of a detail. */
  readonly text?: string;
  readonly reasonCode?: number;
  readonly by?: ClosedBy;
  /** Without the port. */
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly listener?: string;
  readonly username?: string;
  /** Fingerprint of a name that nobody has confirmed. */
  readonly claimedUsername?: string;
  readonly protocolVersion?: number;
  /** TLS version, and subject of the client's certificate if it had one. */
  readonly tls?: string;
  readonly certificate?: string;
  readonly connectedForMs?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly packetsIn?: number;
  readonly packetsOut?: number;
  /** `address:port` of who took the session over, and of whom it was taken from. */
  readonly takenOverBy?: string;
  readonly tookOverFrom?: string;
  readonly sessionPresent?: boolean;
  readonly cleanStart?: boolean;
  /** Messages that waited in a session when it ended. */
  readonly queued?: number;
  /** How often in a row just this happened, and when last. */
  repeated?: number;
  lastAt?: number;
}

/** Messages that were lost for one cause. */
export interface LossTotal {
  count: number;
  firstAt: number;
  lastAt: number;
  /** Of the last one. */
  topic: string;
}

export type LossLedger = Partial<Record<LossCause, LossTotal>>;

/** An event with whom it is about; `clientId` undefined: it did not say. */
export interface HistoryEntry {
  readonly clientId: string | undefined;
  readonly event: RecordedEvent;
}

/** Something that the operator was told. */
export interface RecordedWarning {
  readonly at: number;
  readonly code: string;
  readonly text: string;
  repeated?: number;
}

/** `address:port`, brackets around IPv6. */
export function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
