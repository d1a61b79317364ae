import type { ClosedBy } from '@hawser/protocol';
import { checkNames } from './check-names.ts';
import type { Message } from './inbound/message.ts';
import type { Negotiated } from './negotiated.ts';

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
  /** A handler threw, or a payload did not match its schema. The client goes on. */
  error: Error;
}

const EVENTS = ['connecting', 'connected', 'disconnected', 'warning', 'message', 'error'];

/** Who is told of what. */
export interface Emitter<Events> {
  on<E extends keyof Events>(event: E, listener: (data: Events[E]) => void): () => void;
  once<E extends keyof Events>(event: E, listener: (data: Events[E]) => void): () => void;
  off<E extends keyof Events>(event: E, listener: (data: Events[E]) => void): void;
  /** False: nobody listens. */
  emit<E extends keyof Events>(event: E, data: Events[E]): boolean;
}

/** Typed events without Node's EventEmitter. `onError`: what a listener has thrown; `onListen`: somebody listens. */
export function emitterOf(
  onError: (error: unknown) => void,
  onListen: (event: keyof ClientEvents) => void,
): Emitter<ClientEvents> {
  /** Each listener, by what it was given as, and what is called for it. */
  const lists = new Map<keyof ClientEvents, Map<unknown, (data: never) => void>>();

  const add = <E extends keyof ClientEvents>(event: E, listener: unknown, call: (data: ClientEvents[E]) => void) => {
    checkNames({ [event]: call }, EVENTS);
    const listeners = lists.get(event) ?? new Map();
    lists.set(event, listeners.set(listener, call));
    onListen(event);
    return () => void listeners.delete(listener);
  };

  return {
    on: (event, listener) => add(event, listener, listener),

    once(event, listener) {
      const stop = add(event, listener, (data) => {
        stop();
        listener(data);
      });
      return stop;
    },

    off(event, listener) {
      lists.get(event)?.delete(listener);
    },

    emit(event, data) {
      const listeners = [...(lists.get(event)?.values() ?? [])];
      for (const listener of listeners) {
        try {
          listener(data as never);
        } catch (error) {
          onError(error);
        }
      }
      return listeners.length > 0;
    },
  };
}
