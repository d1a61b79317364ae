import type { ProtocolVersion } from '@hawser/codec';
import * as ReasonCode from '@hawser/codec/reason-code';
import type { ClientCloseCause } from '@hawser/protocol';
import type { ConnectError } from '../errors.ts';
import type { Settings } from '../settings.ts';
import { type Address, followReference } from './address.ts';

/** What follows on a failed attempt or a lost connection. */
export type Decision =
  | { readonly kind: 'retry'; readonly warning?: string }
  | { readonly kind: 'follow'; readonly to: Address }
  | Stop;

interface Stop {
  readonly kind: 'stop';
  readonly code: string;
  readonly text: string;
}

/** `username`, `password`: a function is asked once more when they are refused. */
type ReconnectSettings = Pick<
  Settings,
  'reconnect' | 'onTakenOver' | 'username' | 'password' | 'authentication' | 'addresses' | 'hasOwnClientId'
>;

const RETRY: Decision = { kind: 'retry' };
/** Bad user name or password, not authorized, in 3.x and in 5.0. */
const CREDENTIALS: readonly (number | undefined)[] = [4, 5, 0x86, 0x87];
/** Use another server, server moved. */
const MOVED: readonly (number | undefined)[] = [0x9c, 0x9d];
/** Malformed packet, Protocol Error. */
const FAULTS: readonly (number | undefined)[] = [0x81, 0x82];
/** DISCONNECT: nothing will be better the next time. */
const FINAL_DISCONNECT: readonly number[] = [0x84, 0x85, 0x8a, 0x8c];
/** 3.x has no word for a takeover: this many closes this soon after the CONNACK are one. */
const QUICK_CLOSES = 3;
const QUICK_CLOSE_MS = 5000;
const QUICKLY_CLOSED = 'closed 3 times within 5 s of the CONNACK: another client may use this Client ID';
const ENDED_QUICKLY =
  'closed 3 times within 5 s of the CONNACK, without a reason: the server or a proxy ends connections';
/** Two clients that both come back would fight for ever: the first to lose this often stops. */
const MOST_TAKEOVERS = 3;
const MOST_PROTOCOL_FAULTS = 3;
const MOST_FOLLOWED = 5;

/** Decides by the reason whether to try again, and how long to wait. */
export interface ReconnectPolicy {
  /** Attempts since the last good connection. */
  attempt: number;
  /** Seconds: full jitter, the bound doubling from one to the next. `random`: 0 to 1. */
  nextDelay(random: number): number;
  /** An attempt to connect to `address` has failed. */
  afterAttempt(error: ConnectError, address: Address): Decision;
  /** A connection that was there, to `address`, has ended, `afterMs` after its CONNACK. */
  afterLoss(
    cause: ClientCloseCause,
    version: ProtocolVersion,
    afterMs: number,
    address: Address,
    serverReference: string | undefined,
  ): Decision;
}

export function reconnectPolicyOf(settings: ReconnectSettings): ReconnectPolicy {
  const { reconnect } = settings;
  let doublings = 0;
  let takeovers = 0;
  let quickCloses = 0;
  let protocolFaults = 0;
  let followed = 0;
  let askedAgain = false;

  const afterTakeover = (seen: string): Decision => {
    if (settings.onTakenOver === 'retry' && ++takeovers < MOST_TAKEOVERS) return RETRY;
    return { kind: 'stop', code: 'session-taken-over', text: `${seen}; each needs its own` };
  };

  const afterProtocolFault = (stop: Stop): Decision => (++protocolFaults >= MOST_PROTOCOL_FAULTS ? stop : RETRY);

  const follow = (from: Address, reference: string | undefined, stop: Stop): Decision => {
    if (reference === undefined) return stop;
    const to = reconnect.followServerReference && followed++ < MOST_FOLLOWED && followReference(from, reference);
    if (to && (mayTake(to) || !hasCredentials(from))) return { kind: 'follow', to };
    const why = to ? `: name ${to.host} in reconnect.referenceHosts for user name and password to go there` : '';
    return { ...stop, text: `${stop.text}; it refers to '${reference}', which is not followed${why}` };
  };

  const hasCredentials = ({ username }: Address): boolean =>
    [settings.username, settings.password, settings.authentication, username].some((given) => given !== undefined);

  /** Whether the program has named the host: a server that answers does not say where the password goes. */
  const mayTake = ({ host }: Address): boolean =>
    settings.addresses.some((known) => known.host === host) ||
    [reconnect.referenceHosts ?? []].flat().some((name) => isNamed(name.toLowerCase(), host));

  /** A provider of credentials that were refused gets one more try. */
  const askAgain = (stop: Stop): Decision => {
    const { username, password } = settings;
    if (askedAgain || ![username, password].some((given) => typeof given === 'function')) return stop;
    askedAgain = true;
    return RETRY;
  };

  const policy: ReconnectPolicy = {
    attempt: 0,

    nextDelay(random) {
      const bound = Math.min(reconnect.delayMax, reconnect.delay * 2 ** Math.min(doublings++, 30));
      return Math.round(random * bound * 1000) / 1000;
    },

    afterAttempt(error, address) {
      const { stage, code, reasonCode, retry } = error;
      const stop: Stop = { kind: 'stop', code, text: error.message };
      const isConnack = stage === 'connack';
      if (isConnack && MOVED.includes(reasonCode)) return follow(address, error.evidence.serverReference, stop);
      if (code === 'provider-failed') return RETRY;
      if ((isConnack && CREDENTIALS.includes(reasonCode)) || code === 'forbidden') return askAgain(stop);
      // The server's own bytes, and not a CONNACK that says so.
      const isOwn = FAULTS.includes(reasonCode) && error.evidence.reasonCode === undefined;
      if (isConnack && (isOwn || code === 'not-mqtt')) return afterProtocolFault(stop);
      protocolFaults = 0;
      if (stage === 'address' || stage === 'auth') return code.endsWith('-timeout') ? RETRY : stop;
      // A CONNACK with busy, unavailable and the like: the reason passes by itself, so the client tries again.
      if (isConnack && reasonCode !== undefined) return retry === 'yes' ? RETRY : stop;
      // A server's certificate, path or port may be put right while a device waits in the field.
      return code === 'own-certificate-invalid' ? stop : RETRY;
    },

    afterLoss({ code, text, reasonCode, by }, version, afterMs, address, serverReference) {
      if (afterMs >= reconnect.resetAfter * 1000)
        policy.attempt = doublings = takeovers = quickCloses = protocolFaults = followed = 0;
      const stop: Stop = { kind: 'stop', code, text };
      if (by === 'peer') {
        if (CREDENTIALS.includes(reasonCode)) return askAgain(stop);
        if (reasonCode === ReasonCode.SessionTakenOver) {
          return afterTakeover('another client has taken over this Client ID');
        }
        if (MOVED.includes(reasonCode)) return follow(address, serverReference, stop);
        if (FINAL_DISCONNECT.includes(reasonCode)) return stop;
      }
      askedAgain = false;
      if (by !== 'network' && FAULTS.includes(reasonCode)) return afterProtocolFault(stop);
      protocolFaults = 0;
      if (by !== 'network' || code !== 'network-lost' || afterMs >= QUICK_CLOSE_MS) quickCloses = 0;
      else if (++quickCloses >= QUICK_CLOSES) {
        quickCloses = 0;
        // Nobody else has a Client ID that this client has generated.
        if (settings.hasOwnClientId) return { kind: 'retry', warning: ENDED_QUICKLY };
        // A server of 5.0 has a word for it. Not all say it (Mosquitto 2.0.11 does not), but others may lose connections.
        if (version === 5) return { kind: 'retry', warning: QUICKLY_CLOSED };
        return afterTakeover(QUICKLY_CLOSED);
      }
      return RETRY;
    },
  };
  return policy;
}

/** `*.example.com`: every name below it. */
function isNamed(name: string, host: string): boolean {
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name;
}
