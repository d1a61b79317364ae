import { nearest } from '@hawser/parameters';
import type { ClosedBy } from '@hawser/protocol';
import { checkFunction } from './check-options.ts';
import { UsageError } from './errors.ts';
import type { Message } from './inbound/message.ts';
import type { Negotiated } from './negotiated.ts';
import { isThenable } from './settle.ts';

export interface ConnectingEvent {
  /** 1 for the first, counted since the last good connection. */
  readonly attempt: number;
  /** Seconds that were waited before it. */
  readonly delay: number;
  /** `mqtt://host:1883`, without user info. */
  readonly url: string;
}

export interface ConnectedEvent {
  readonly sessionPresent: boolean;
  readonly negotiated: Negotiated;
  /** False: the first connection. */
  readonly reconnected: boolean;
}

export interface DisconnectedEvent {
  /** Stable, in kebab case: `network-lost`, `ping-timeout`, `session-taken-over`, … */
  readonly code: string;
  readonly reasonCode: number;
  /** For people. */
  readonly text: string;
  readonly by: ClosedBy;
  /** It will be tried again. */
  readonly willRetry: boolean;
  /** Seconds until then. */
  readonly delay: number | undefined;
  /** Why an attempt failed, or what ends the client. */
  readonly error: Error | undefined;
}

export interface WarningEvent {
  /** Stable, in kebab case. */
  readonly code: string;
  readonly text: string;
}

/** What a client tells. */
export interface ClientEvents {
  connecting: ConnectingEvent;
  connected: ConnectedEvent;
  /** A connection ended, or an attempt to reconnect failed. */
  disconnected: DisconnectedEvent;
  /** Something is worth knowing, and nothing has stopped. */
  warning: WarningEvent;
  /** Every message that comes. QoS 1 and 2 are acknowledged after the listeners; see `onMessage` for handlers that take time. */
  message: Message;
  /**
   * A handler or a listener has failed, or a payload did not match its schema: the client goes on. Or the client has stopped for good, and nothing else of the program has been
   * told. Without a listener it is thrown, as an unheard `error` of Node is: with its stack, and a program without `uncaughtException` ends.
   */
  error: Error;
}

/** Who is told of what. */
export interface Emitter<Events> {
  on<E extends keyof Events>(event: E, listener: (data: Events[E]) => void): () => void;
  once<E extends keyof Events>(event: E, listener: (data: Events[E]) => void): () => void;
  off<E extends keyof Events>(event: E, listener: (data: Events[E]) => void): void;
  hears(event: keyof Events): boolean;
  /** False: nobody listens. */
  emit<E extends keyof Events>(event: E, data: Events[E]): boolean;
}

const EVENTS: Readonly<Record<keyof ClientEvents, true>> = {
  connecting: true,
  connected: true,
  disconnected: true,
  warning: true,
  message: true,
  error: true,
};

/** What others call it. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['connect', "'connected'"],
  ['reconnect', "'connecting'"],
  ['close', "'disconnected'"],
  ['offline', "'disconnected'"],
  ['disconnect', "'disconnected'"],
  ['end', 'the promise client.closed'],
]);

/** A caller without types may give anything. */
function checkListener(event: string, listener: unknown): void {
  const names = Object.keys(EVENTS);
  if (!names.includes(event)) {
    const near = typeof event === 'string' ? nearest(event, names) : undefined;
    const meant = MEANT.get(event) ?? (near && `'${near}'`);
    throw new UsageError(
      'unknown-event',
      `on('${String(event)}'): no such event${meant ? `; did you mean ${meant}?` : ''}`,
    );
  }
  checkFunction(`the listener of '${event}'`, listener);
}

/** Typed events without Node's EventEmitter. `onError`: what a listener has thrown, or the promise that it returned rejected with; `onChange`: somebody has begun to listen, or has stopped. */
export function emitterOf(
  onError: (error: unknown) => void,
  onChange: (event: keyof ClientEvents, isHeard: boolean) => void,
): Emitter<ClientEvents> {
  let all: Registration[] = [];

  const add = (event: keyof ClientEvents, listener: unknown, isOnce: boolean): (() => void) => {
    checkListener(event, listener);
    const added = { event, listener: listener as Registration['listener'], isOnce };
    all.push(added);
    onChange(event, true);
    return () => keep(event, (one) => one !== added);
  };

  /** Takes away those of an event that are not to be kept. */
  const keep = (event: keyof ClientEvents, isKept: (one: Registration) => boolean): void => {
    all = all.filter((one) => one.event !== event || isKept(one));
    onChange(event, of(event).length > 0);
  };

  const of = (event: keyof ClientEvents): Registration[] => all.filter((one) => one.event === event);

  return {
    on: (event, listener) => add(event, listener, false),
    once: (event, listener) => add(event, listener, true),
    off: (event, listener) => keep(event, (one) => one.listener !== listener),

    hears: (event) => of(event).length > 0,

    emit(event, data) {
      const heard = of(event);
      for (const one of heard) {
        if (one.isOnce) keep(event, (other) => other !== one);
        try {
          const result = one.listener(data);
          if (isThenable(result)) result.then(undefined, onError);
        } catch (error) {
          onError(error);
        }
      }
      return heard.length > 0;
    },
  };
}

interface Registration {
  readonly event: keyof ClientEvents;
  readonly listener: (data: unknown) => unknown;
  readonly isOnce: boolean;
}
