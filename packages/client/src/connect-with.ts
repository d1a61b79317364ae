import { isPlainObject, kindOf } from '@hawser/parameters';
import type { Client } from './api.ts';
import { checkEngine } from './check-engine.ts';
import { checkKind } from './check-options.ts';
import { openClient } from './client.ts';
import { ConnectError } from './errors.ts';
import type { ClientOptions } from './options.ts';
import type { Platform } from './platform.ts';
import { resolveOptions, type Settings } from './settings.ts';

/**
 * The `connect` of a platform: Node's, a browser's, or a test's own (a network in memory under a clock that stands still). Checks the options,
 * connects, and gives a Client that stays connected.
 */
export async function connectWith(platform: Platform, options: ClientOptions): Promise<Client> {
  const { client, whenConnected } = openClient(platform, checked(platform, options), options);
  await whenConnected();
  return client;
}

/**
 * The `createClient` of a platform: a client at once, which connects by itself. What is published and subscribed waits (`queue`, `store`). `reconnect.initial` is
 * true here. Throws UsageError.
 */
export function createClientWith(platform: Platform, options: ClientOptions): Client {
  const settings = checked(platform, options);
  const { reconnect } = options;
  const initial = (typeof reconnect === 'object' ? reconnect.initial : undefined) ?? true;
  return openClient(platform, { ...settings, reconnect: { ...settings.reconnect, initial } }, options).client;
}

/** What `connect` was called with. A value that is no address is told like any other option's. */
export function optionsOf(first: string | URL | ClientOptions, rest: ClientOptions): ClientOptions {
  checkKind('connect', rest);
  // By what they are: a URL may be another realm's.
  if (kindOf(first) === 'URL') return { ...rest, url: (first as URL).href };
  return isPlainObject(first) ? { ...rest, ...(first as ClientOptions) } : { ...rest, url: first as string };
}

function checked(platform: Platform, options: ClientOptions): Settings {
  checkEngine();
  try {
    return resolveOptions(options, platform);
  } catch (error) {
    if (error instanceof ConnectError) error.hint ??= platform.hint?.(error);
    throw error;
  }
}
