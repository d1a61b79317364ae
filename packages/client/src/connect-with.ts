import type { Client } from './api.ts';
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
  return openClient(platform, checked(platform, options), options);
}

function checked(platform: Platform, options: ClientOptions): Settings {
  try {
    return resolveOptions(options, platform);
  } catch (error) {
    if (error instanceof ConnectError) error.hint ??= platform.hint?.(error);
    throw error;
  }
}
