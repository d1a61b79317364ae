import { nearest } from '@hawser/parameters';
import { checkFunction } from './check-options.ts';
import { UsageError } from './errors.ts';
import type { ClientEvents } from './events.ts';
import { isThenable } from './promises.ts';

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
