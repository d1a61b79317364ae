import type { Client } from './api.ts';
import { checkFunction, checkKind } from './check-options.ts';
import { coreOf } from './client-core.ts';
import { ClosedError, UsageError } from './errors.ts';
import type { ClientEvents } from './events.ts';
import type { ClientOptions } from './options.ts';
import { NO_OPTIONS } from './outgoing-message.ts';
import type { Platform } from './platform.ts';
import { abortable, ignorable } from './promises.ts';
import type { Settings } from './settings.ts';

/** A client that begins to connect at the end of this turn. */
export interface OpenedClient {
  readonly client: Client;
  /** Connected for the first time. Asking for it counts as hearing why that did not come about. */
  whenConnected(): Promise<void>;
}

/** Makes a client of settings that have been checked. */
export function openClient(
  platform: Platform,
  settings: Settings,
  { on: listeners = {}, signal }: ClientOptions,
): OpenedClient {
  signal?.throwIfAborted();
  const { core, calls } = coreOf(platform, settings);
  const { closed } = core;
  const first = Promise.withResolvers<void>();

  /** What a call of the program gives. A program that does not wait for it is not ended by its rejection. */
  const called = <T>(method: string, options: unknown, last: unknown, call: () => Promise<T>): Promise<T> => {
    try {
      calls.checkOpen();
      checkKind(method, options, last);
      return ignorable(call());
    } catch (error) {
      return ignorable(Promise.reject(error));
    }
  };

  const client: Client = {
    on: core.on,
    once: core.once,
    off: core.off,
    reportError: core.reportError,

    get clientId() {
      return core.clientId;
    },

    get negotiated() {
      return core.negotiated;
    },

    get closed() {
      core.isStopHeard = true;
      return closed;
    },

    get state() {
      if (core.closedWith) return 'closed';
      return core.current ? 'connected' : core.phase;
    },

    get pending() {
      return core.pending;
    },

    get dropped() {
      return core.dropped;
    },

    publish(topic, payload = '', options = NO_OPTIONS, last?: unknown) {
      try {
        calls.checkOpen();
        if (last !== undefined) checkKind('publish', options, last);
        // The promises of messages are ignorable already.
        return calls.publish(topic, payload, options);
      } catch (error) {
        return ignorable(Promise.reject(error));
      }
    },

    subscribe: (filters, options = NO_OPTIONS, last?: unknown) =>
      called('subscribe', options, last, () => calls.subscribe(filters, options)),

    unsubscribe: (filters, options = NO_OPTIONS, last?: unknown) =>
      called('unsubscribe', options, last, () => calls.unsubscribe(filters, options)),

    messages(filters, options = NO_OPTIONS) {
      calls.checkOpen();
      checkKind('messages', options);
      return calls.messages(filters, options);
    },

    onMessage(handler, filters) {
      checkFunction('the handler of onMessage()', handler);
      return calls.onMessage(handler, filters);
    },

    request: (topic, payload, options = NO_OPTIONS, last?: unknown) =>
      called('request', options, last, () => calls.request(topic, payload, options)),

    reauthenticate: () =>
      called('reauthenticate', NO_OPTIONS, undefined, () => {
        if (core.current && settings.authentication) return core.current.reauthenticate();
        const text = 'reauthenticate() needs a connection with the option authentication';
        throw new UsageError('authentication-missing', text);
      }),

    disconnect: (options = {}) => calls.disconnect(options),

    [Symbol.asyncDispose]: () => client.disconnect(),
  };

  for (const [event, listener] of Object.entries(listeners))
    if (listener !== undefined) client.on(event as keyof ClientEvents, listener as (data: unknown) => void);
  for (const { code, message } of settings.warnings) core.warn(code, message);
  const giveUp = (): void => core.close(new ClosedError('client-closed', 'connecting was given up', 0, signal?.reason));
  ignorable(abortable(first.promise, signal, giveUp));
  closed.then((error) => first.reject(signal?.aborted ? signal.reason : (error ?? core.closedWith)));
  // The program attaches its listeners in this turn.
  queueMicrotask(() => core.start(first.resolve));
  return {
    client,
    async whenConnected() {
      core.isStopHeard = true;
      await first.promise;
      core.isStopHeard = false;
    },
  };
}
