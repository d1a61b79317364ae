import type { Broker } from '@hawser/broker';

/** What runs beside a broker and ends with it. */
export interface RunningConsole {
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/**
 * Starts the web console and the HTTP API at `address` (`HOST:PORT`; undefined: the default one). Nothing listens yet: this is
 * the place where @hawser/admin comes in.
 */
export async function startConsole(_broker: Broker, _address: string | undefined): Promise<RunningConsole> {
  return { urls: [], close: async () => {} };
}
