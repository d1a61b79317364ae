import { type ProtocolVersion, ReasonCode } from '@hawser/codec';
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
  /** A function is asked once more when they are refused. */
  readonly username: unknown;
  readonly password: unknown;
}

const RETRY: Decision = { kind: 'retry' };
/** CONNACK: bad user name or password, not authorized, in 3.x and in 5.0. */
const CREDENTIALS: readonly (number | undefined)[] = [4, 5, 0x86, 0x87];
/** DISCONNECT: nothing will be better the next time. */
const FINAL_DISCONNECT: readonly number[] = [0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c];
/** 3.x has no word for a takeover: this many closes this soon after the CONNACK are one. */
const QUICK_CLOSES = 3;
const QUICK_CLOSE_MS = 5000;
const QUICKLY_CLOSED = 'closed 3 times within 5 s of the CONNACK: another client may use this Client ID';
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
    const { stage, code, reasonCode, retry } = error;
    const stop: Decision = { kind: 'stop', code, text: error.message };
    const isConnack = stage === 'connack';
    if (isConnack && isMoved(reasonCode)) return this.#follow(error.evidence.serverReference, stop);
    if (code === 'provider-failed') return RETRY;
    if ((isConnack && CREDENTIALS.includes(reasonCode)) || code === 'forbidden') {
      const { username, password } = this.#settings;
      if (this.#askedAgain || ![username, password].some((given) => typeof given === 'function')) return stop;
      this.#askedAgain = true;
      return RETRY;
    }
    // The server's own bytes, and not a CONNACK that says so.
    const isOwn = isFault(reasonCode) && error.evidence.reasonCode === undefined;
    if (isConnack && (isOwn || code === 'not-mqtt')) return this.#afterProtocolFault(stop);
    this.#protocolFaults = 0;
    if (stage === 'address' || stage === 'auth') return code.endsWith('-timeout') ? RETRY : stop;
    // CONNACK: busy, unavailable and their like pass; CONNECTION.md section 4.
    if (isConnack && reasonCode !== undefined) return retry === 'yes' ? RETRY : stop;
    // A server's certificate, path or port may be put right while a device waits in the field.
    return code === 'own-certificate-invalid' ? stop : RETRY;
  }

  /** A connection that was there has ended, `afterMs` after its CONNACK. */
  afterLoss(
    { code, text, reasonCode, by }: CloseCause,
    version: ProtocolVersion,
    afterMs: number,
    serverReference: string | undefined,
  ): Decision {
    if (afterMs >= this.#settings.resetAfterMs) this.#reset();
    this.#askedAgain = false;
    const stop: Decision = { kind: 'stop', code, text };
    if (by === 'peer') {
      if (reasonCode === ReasonCode.SessionTakenOver) {
        return this.#afterTakeover('another client has taken over this Client ID');
      }
      if (isMoved(reasonCode)) return this.#follow(serverReference, stop);
      if (FINAL_DISCONNECT.includes(reasonCode)) return stop;
    }
    if (by !== 'network' && isFault(reasonCode)) return this.#afterProtocolFault(stop);
    this.#protocolFaults = 0;
    if (by !== 'network' || code !== 'network-lost' || afterMs >= QUICK_CLOSE_MS) this.#quickCloses = 0;
    else if (++this.#quickCloses >= QUICK_CLOSES) {
      this.#quickCloses = 0;
      // A server of 5.0 has a word for it. Not all say it (Mosquitto 2.0.11 does not), but others may lose connections.
      if (version === 5) return { kind: 'retry', warning: QUICKLY_CLOSED };
      return this.#afterTakeover(QUICKLY_CLOSED, QUICK_CLOSES);
    }
    return RETRY;
  }

  #afterTakeover(seen: string, lost = 1): Decision {
    this.#takeovers += lost;
    if (this.#settings.onTakenOver === 'retry' && this.#takeovers < MOST_TAKEOVERS * lost) return RETRY;
    return { kind: 'stop', code: 'session-taken-over', text: `${seen}; each needs its own` };
  }

  #afterProtocolFault(stop: Decision): Decision {
    return ++this.#protocolFaults >= MOST_PROTOCOL_FAULTS ? stop : RETRY;
  }

  #follow(reference: string | undefined, stop: Decision): Decision {
    if (!this.#settings.followServerReference || reference === undefined) return stop;
    return this.#followed++ >= MOST_FOLLOWED ? stop : { kind: 'follow', reference };
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

function isMoved(reasonCode: number | undefined): boolean {
  return reasonCode === ReasonCode.UseAnotherServer || reasonCode === ReasonCode.ServerMoved;
}

/** A malformed packet or a Protocol Error. */
function isFault(reasonCode: number | undefined): boolean {
  return reasonCode === ReasonCode.MalformedPacket || reasonCode === ReasonCode.ProtocolError;
}
