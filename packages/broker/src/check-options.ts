import { UsageError } from '@hawser/codec';
import type { BrokerOptions, ListenerOptions } from './broker-options.ts';
import { readHook } from './policy/policy-desk.ts';

const BROKER_OPTIONS = {
  listeners: true,
  store: true,
  settings: true,
  authenticate: true,
  authorize: true,
  intercept: true,
  observe: true,
  recorderLog: true,
  banLog: true,
  loopDelayMs: true,
  openFiles: true,
  clock: true,
  random: true,
} satisfies Record<keyof BrokerOptions, true>;

const LISTENER_OPTIONS = {
  url: true,
  tls: true,
  versions: true,
  authenticate: true,
  clientIds: true,
  proxyProtocol: true,
  forwardedFrom: true,
} satisfies Record<keyof ListenerOptions, true>;

/**
 * Throws UsageError for an option that there is not: `authenticator` in place of `authenticate` would let everybody in, and a compiler does not
 * look at every program.
 */
export function checkBrokerOptions(options: BrokerOptions): void {
  checkKeys(options, BROKER_OPTIONS, 'createBroker()');
}

/** The same for a listener. */
export function checkListenerOptions(options: ListenerOptions): void {
  checkKeys(options, LISTENER_OPTIONS, 'a listener');
  readHook('authenticate of a listener', options.authenticate);
}

function checkKeys(options: object, known: object, what: string): void {
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(known, key)) continue;
    const names = Object.keys(known).join(', ');
    throw new UsageError('option-unknown', `${what} has no option '${key}'; there are ${names}`);
  }
}
