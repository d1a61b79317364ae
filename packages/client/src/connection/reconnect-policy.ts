import type { ProtocolVersion } from '@hawser/codec';
import type { CloseCause } from '@hawser/protocol';
import type { ConnectError } from '../errors.ts';

/** What follows on a failed attempt or a lost connection. */
export type Decision =
  | { readonly kind: 'retry'; readonly warning?: string }
  | { readonly kind: 'follow'; readonly reference: string }
  | { readonly kind: 'stop'; readonly code: string; readonly text: string };

export interface ReconnectSettings {
  readonly delayMs: number;
  readonly delayMaxMs: number;
  readonly resetAfterMs: number;
  readonly followServerReference: boolean;
  readonly onTakenOver: 'stop' | 'retry';
  /** User name or password come from a function. */
  readonly asksForCredentials: boolean;
}

const RETRY: Decision = { kind: 'retry' };
/** CONNACK: busy, unavailable and their like, by name; CONNECTION.md section 4. */
const PASSING: ReadonlySet<string> = new Set([
  'server-unavailable',
  'server-busy',
  'quota-exceeded',
  'connection-rate-exceeded',
  'server-shutting-down',
]);
const MOVED: ReadonlySet<string> = new Set(['use-another-server', 'server-moved']);
const CREDENTIALS: ReadonlySet<string> = new Set(['bad-user-name-or-password', 'not-authorized', 'forbidden']);
/** DISCONNECT: nothing will be better the next time. */
const FINAL_DISCONNECT: ReadonlySet<number> = new Set([0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c]);
const TAKEN_OVER = 0x8e;
/** 3.x has no word for a takeover: this many closes this soon after the CONNACK are one. */
const QUICK_CLOSES = 3;
const QUICK_CLOSE_MS = 5000;
const QUICKLY_CLOSED = `the server closed the connection ${QUICK_CLOSES} times within ${QUICK_CLOSE_MS / 1000} s of the CONNACK`;
/** Two clients that both come back would fight for ever: the first to lose this often stops. */
const MOST_TAKEOVERS = 3;
const MOST_PROTOCOL_FAULTS = 3;
const MOST_FOLLOWED = 5;

/** Decides by the reason whether to try again, and how long to wait. */
export class ReconnectPolicy {
  /** Attempts since the last good connection. */
  attempt = 0;
  readonly #settings: ReconnectSettings;
  #doublings = 0;
  #takeovers = 0;
  #quickCloses = 0;
  #protocolFaults = 0;
  #followed = 0;
  #askedAgain = false;

  constructor(settings: ReconnectSettings) {
    this.#settings = settings;
  }

  /** Milliseconds: full jitter, the bound doubling from one to the next. `random`: 0 to 1. */
  nextDelayMs(random: number): number {
    const bound = Math.min(this.#settings.delayMaxMs, this.#settings.delayMs * 2 ** Math.min(this.#doublings, 30));
    this.#doublings++;
    return Math.round(random * bound);
  }

  /** An attempt has failed. */
  afterAttempt(error: ConnectError): Decision {
    const { stage, code } = error;
    const stop: Decision = { kind: 'stop', code, text: error.message };
    if (MOVED.has(code) && stage === 'connack') return this.#follow(error.evidence.serverReference, stop);
    if (CREDENTIALS.has(code) || (stage === 'auth' && code === 'provider-failed')) {
      if (code === 'provider-failed') return RETRY;
      if (!this.#settings.asksForCredentials || this.#askedAgain) return stop;
      this.#askedAgain = true;
      return RETRY;
    }
    if (isProtocolFault(error)) return this.#afterProtocolFault(stop);
    this.#protocolFaults = 0;
    if (stage === 'address' || stage === 'auth') return code.endsWith('-timeout') ? RETRY : stop;
    if (stage === 'connack' && error.reasonCode !== undefined) return PASSING.has(code) ? RETRY : stop;
    if (code === 'own-certificate-invalid') return stop;
    // A server's certificate, path or port may be put right while a device waits in the field.
    return RETRY;
  }

  /** A connection that was there has ended, `afterMs` after its CONNACK. */
  afterLoss(
    cause: CloseCause,
    version: ProtocolVersion,
    afterMs: number,
    serverReference: string | undefined,
  ): Decision {
    if (afterMs >= this.#settings.resetAfterMs) this.#reset();
    this.#askedAgain = false;
    const { reasonCode, by } = cause;
    const stop: Decision = { kind: 'stop', code: cause.code, text: cause.text };
    if (by === 'peer') {
      if (reasonCode === TAKEN_OVER) return this.#afterTakeover();
      if (reasonCode === 0x9c || reasonCode === 0x9d) return this.#follow(serverReference, stop);
      if (FINAL_DISCONNECT.has(reasonCode)) return stop;
    }
    if (by !== 'network' && (reasonCode === 0x81 || reasonCode === 0x82)) return this.#afterProtocolFault(stop);
    this.#protocolFaults = 0;
    if (by !== 'network' || cause.code !== 'network-lost' || afterMs >= QUICK_CLOSE_MS) this.#quickCloses = 0;
    else if (++this.#quickCloses >= QUICK_CLOSES) {
      this.#quickCloses = 0;
      if (version !== 5) return this.#afterTakeover(QUICK_CLOSES);
      // A server of 5.0 has a word for it. Not all say it (Mosquitto 2.0.11 does not), but others may lose connections.
      return { kind: 'retry', warning: `${QUICKLY_CLOSED}; it may be that another client uses the same Client ID` };
    }
    return RETRY;
  }

  #afterTakeover(lost = 1): Decision {
    this.#takeovers += lost;
    if (this.#settings.onTakenOver === 'retry' && this.#takeovers < MOST_TAKEOVERS * lost) return RETRY;
    const seen =
      lost === 1
        ? 'another client connected with the same Client ID and took over the session'
        : `${QUICKLY_CLOSED}: most likely another client uses the same Client ID`;
    return { kind: 'stop', code: 'session-taken-over', text: `${seen}; every client needs a Client ID of its own` };
  }

  #afterProtocolFault(stop: Decision): Decision {
    this.#protocolFaults++;
    return this.#protocolFaults >= MOST_PROTOCOL_FAULTS ? stop : RETRY;
  }

  #follow(reference: string | undefined, stop: Decision): Decision {
    if (!this.#settings.followServerReference || reference === undefined) return stop;
    if (this.#followed >= MOST_FOLLOWED) return stop;
    this.#followed++;
    return { kind: 'follow', reference };
  }

  #reset(): void {
    this.attempt = 0;
    this.#doublings = 0;
    this.#takeovers = 0;
    this.#quickCloses = 0;
    this.#protocolFaults = 0;
    this.#followed = 0;
  }
}

function isProtocolFault({ stage, code, reasonCode }: ConnectError): boolean {
  if (stage !== 'connack') return false;
  if (code === 'not-mqtt') return true;
  // The server's own bytes, and not a CONNACK that says so.
  return (reasonCode === 0x81 || reasonCode === 0x82) && code !== 'malformed-packet' && code !== 'protocol-error';
}
