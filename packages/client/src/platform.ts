import type { TopicCache } from '@hawser/codec';
import type { Clock } from '@hawser/transport/clock';
import type { Transport } from '@hawser/transport/transport';
import type { Address } from './connection/address.ts';
import type { ConnectError, ConnectEvidence, ConnectStage, Retry } from './errors.ts';
import type { ConnectOptions, TlsOptions } from './options.ts';

/** No connection came about; a DialError of Node is one. */
export interface DialFailure {
  readonly stage: ConnectStage;
  readonly code: string;
  readonly message: string;
  readonly evidence: ConnectEvidence;
  /** Default: it passes by itself. */
  readonly retry?: Retry | undefined;
  readonly cause?: unknown;
}

/** A connection that ended before its CONNACK, or never came about. */
export interface FailedAttempt {
  readonly address: Address;
  readonly signal: AbortSignal;
  /** As it was connected with. */
  readonly tls: TlsOptions;
  /** No connection has been there yet: what fails is looked into. */
  readonly isFirst: boolean;
  /** What the system said when the network connection went. */
  readonly loss: Error | undefined;
  /** The beginning of what the server sent. */
  readonly received: Uint8Array | undefined;
}

/** The clock of one client. */
export interface ClientClock extends Clock {
  /** The client is closed. Timers that are set go on. */
  close?(): void;
}

export interface PlatformDialOptions {
  /** The client's. */
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tls: TlsOptions;
  /** A stage begins; `evidence` is the one object that grows. */
  readonly onStage: (stage: ConnectStage, evidence: ConnectEvidence) => void;
}

/** What a client needs of the world: Node, a browser, or a test's virtual network under a fake clock (`connectWith`). */
export interface Platform {
  readonly name: 'node' | 'browser';
  readonly clock: Clock;
  /** A clock for one client, in place of `clock`, which is closed with it. `warn`: what its program is to know about it. */
  openClock?(warn: (code: string, text: string) => void): ClientClock;
  /** At least 0, less than 1; for delays. */
  random(): number;
  /** 22 letters and digits that nobody else has. */
  generateClientId(): string;
  /** Rejects with an error that is a DialFailure, else it counts as `tcp-failed`. */
  dial(address: Address, options: PlatformDialOptions): Promise<Transport>;
  /** Names of topics that need not be decoded again, for a connection; absent: they are, and less code is loaded. */
  createTopicCache?(): TopicCache;
  /** Throws AddressError for options that the way to these servers has no use for. */
  check?(options: ConnectOptions, addresses: readonly Address[]): void;
  /** Gets an `error` that nothing listens to; absent: it is thrown, in a turn of its own, so that the program ends with its stack. */
  onUnheard?(error: Error): void;
  /** What to do about an error, for people, where the texts are at hand. */
  hint?(error: ConnectError): string | undefined;
  /** What stands behind a failed attempt, where this platform can know or find out: TLS. Undefined: what `error` says. */
  explain?(error: ConnectError, attempt: FailedAttempt): Promise<ConnectError | undefined>;
}
