import type { CloseCause, CloseCode, CloseDetail, ClosedBy } from '@hawser/protocol';
import type { AttemptCode, AttemptDetail } from '@hawser/transport';
import type { LossCause } from '../causes/losses.ts';
import type { SessionEnd } from '../causes/session-ends.ts';
import type { WarningCode } from '../causes/warnings.ts';
import type { ClientInfo } from '../policy/policies.ts';

/** Why a connection was not let in: its own end, or that of an attempt which never became a connection. */
export type RefusalCause =
  | CloseCause
  | {
      readonly code: AttemptCode;
      readonly reasonCode: number;
      readonly detail: AttemptDetail;
      readonly by: ClosedBy;
    };

/**
 * One parameter of a connection, as the client's own `negotiated` has it. Receive Maximum, Maximum Packet Size and Topic Alias Maximum are said by
 * each side of what it takes itself: `requested` holds towards the client, `granted` and `effective` towards the server.
 */
export interface NegotiatedParameter {
  /** What the CONNECT said; undefined: nothing. */
  readonly requested: number | string | boolean | undefined;
  /** What the CONNACK said; undefined: nothing. */
  readonly granted: number | string | boolean | undefined;
  /** What holds. */
  readonly effective: number | string | boolean | undefined;
}

/** What a connection asked for, what it was granted and what holds, by the name of the parameter. */
export type Negotiated = Readonly<Record<string, NegotiatedParameter>>;

export interface ConnectedEvent {
  readonly client: ClientInfo;
  readonly sessionPresent: boolean;
  readonly cleanStart: boolean;
  readonly negotiated: Negotiated;
  readonly at: number;
}

export interface RefusedEvent {
  readonly listener: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Undefined: it did not come so far. */
  readonly client: ClientInfo | undefined;
  readonly cause: RefusalCause;
  readonly bytesIn: number;
  readonly at: number;
}

export interface ClosedEvent {
  readonly client: ClientInfo;
  readonly cause: CloseCause;
  readonly connectedForMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** Address of who took the session over. */
  readonly takenOverBy: string | undefined;
  readonly at: number;
}

export interface LostEvent {
  /** Whose loss it is; empty: nobody's in particular. */
  readonly clientId: string;
  readonly cause: LossCause;
  /** Of the last one, where there are several. */
  readonly topic: string;
  readonly qos: number;
  /** Messages that were lost at once. */
  readonly count: number;
  readonly at: number;
}

/** A SUBSCRIBE of which one Topic Filter was refused. */
export interface SubscribeRefusedEvent {
  readonly client: ClientInfo;
  readonly topicFilter: string;
  readonly code: CloseCode;
  readonly reasonCode: number;
  readonly detail: CloseDetail;
  readonly at: number;
}

export interface SessionEndedEvent {
  readonly clientId: string;
  readonly cause: SessionEnd;
  readonly queued: number;
  readonly at: number;
}

/** Told what happens in a broker. `at` is milliseconds of the wall clock. Payloads and passwords never come here. */
export interface Observer {
  onRefused?(event: RefusedEvent): void;
  onConnected?(event: ConnectedEvent): void;
  onClosed?(event: ClosedEvent): void;
  /** Messages were lost, mostly one: what is slow here slows down the broker. */
  onLost?(event: LostEvent): void;
  onSubscribeRefused?(event: SubscribeRefusedEvent): void;
  onSessionEnded?(event: SessionEndedEvent): void;
  /** Something for the operator, once: credentials that nobody checks, a disk that fails. */
  onWarning?(code: WarningCode, text: string): void;
  /** New TLS files of a listener are in use, for connections to come. `text`: `CN=localhost, valid until 2027-01-31`. */
  onTlsReloaded?(listener: string, text: string): void;
}

type EventName = keyof Observer;
type EventArguments = { [E in EventName]-?: Parameters<NonNullable<Observer[E]>> };
type Teller<E extends EventName> = (...args: EventArguments[E]) => void;
type Told = { [E in EventName]?: Teller<E> | undefined };

/**
 * The recorder is told first, then the observer, whose faults cost the broker nothing. What nobody wants to know stays undefined: whoever has
 * an event to tell looks before it is made.
 */
export function tellBoth(recorder: Observer, observer: Observer | undefined): Observer {
  const both = <E extends EventName>(event: E) => tellerOf(event, recorder, observer);
  const observerAlone = <E extends EventName>(event: E) => tellerOf(event, undefined, observer);
  const told = {
    onRefused: both('onRefused'),
    onConnected: both('onConnected'),
    onClosed: both('onClosed'),
    // The recorder has counted them itself.
    onLost: observerAlone('onLost'),
    onSubscribeRefused: both('onSubscribeRefused'),
    onSessionEnded: both('onSessionEnded'),
    onWarning: both('onWarning'),
    onTlsReloaded: observerAlone('onTlsReloaded'),
  } satisfies { [E in EventName]-?: Teller<E> | undefined };
  return Object.fromEntries(Object.entries(told).filter(([, teller]) => teller !== undefined));
}

function tellerOf<E extends EventName>(
  event: E,
  recorder: Told | undefined,
  observer: Told | undefined,
): Teller<E> | undefined {
  const isHeard = observer?.[event] !== undefined;
  if (recorder === undefined) return isHeard ? (...args) => tellObserver(observer, event, args) : undefined;
  return (...args) => {
    recorder[event]?.(...args);
    if (isHeard) tellObserver(observer, event, args);
  };
}

/** An observer that throws is told of it. */
function tellObserver<E extends EventName>(observer: Told, event: E, args: EventArguments[E]): void {
  try {
    observer[event]?.(...args);
  } catch (error) {
    if (event === 'onWarning') return;
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    tellObserver(observer, 'onWarning', ['observer-failed', `an observer threw in ${event}: ${stack}`]);
  }
}
