import { setFlagsFromString } from 'node:v8';
import { type Broker, createBroker, type Observer, StoreError } from '@hawser/broker';
import { LevelStore } from '@hawser/store-level';
import { ListenError } from '@hawser/transport';
import picocolors from 'picocolors';
import type { BrokerFlags } from '../commands/broker.ts';
import { EXIT, ExitError } from '../exit-error.ts';
import { stopSignal } from '../stop-signal.ts';
import { readVersion } from '../version.ts';
import { type BrokerConfiguration, readConfiguration } from './configuration.ts';
import { startConsole } from './console.ts';
import { withDevelopmentCertificate } from './development-tls.ts';
import { firstSteps } from './first-steps.ts';

/**
 * The young generation stays small: what a broker allocates dies at once or lives as long as its connection, and a large one
 * would cost each idle connection several KiB of resident memory and win nothing (docs/adr/0004-memory.md).
 */
const YOUNG_GENERATION = '--semi-space-growth-factor=1';

/** Runs a broker in this process until it is told to stop. Throws ExitError when it cannot start. */
export async function runBroker(flags: BrokerFlags): Promise<void> {
  setFlagsFromString(YOUNG_GENERATION);
  const configuration = readConfiguration(flags);
  const stop = stopSignal();
  const broker = await start(configuration);
  const console = configuration.console === false ? undefined : await startConsole(broker, configuration.console);
  announce(broker, configuration, console?.urls ?? []);
  await stop;
  await console?.close();
  await broker.close();
}

async function start({ listeners, dataDirectory, settings }: BrokerConfiguration): Promise<Broker> {
  try {
    return await createBroker({
      listeners: await withDevelopmentCertificate(listeners, dataDirectory),
      settings,
      observe: WARNINGS,
      ...(dataDirectory === undefined ? {} : { store: new LevelStore({ directory: dataDirectory }) }),
    });
  } catch (error) {
    if (error instanceof ListenError) {
      const hint =
        error.code === 'port-in-use'
          ? 'stop that one, or choose others with --listen mqtt://127.0.0.1:1884'
          : undefined;
      throw new ExitError(EXIT.failed, `cannot listen: ${error.message}`, { cause: error, ...(hint && { hint }) });
    }
    if (error instanceof StoreError) throw new ExitError(EXIT.failed, error.message, { cause: error });
    throw error;
  }
}

const WARNINGS: Observer = {
  onWarning(code, text) {
    process.stderr.write(`hawser: warning: ${text} (${code})\n`);
  },
};

/** The line `ready` comes last: scripts wait for it. */
function announce(broker: Broker, { dataDirectory }: BrokerConfiguration, consoleUrls: readonly string[]): void {
  const lines = [
    picocolors.bold(`Hawser ${readVersion()}, an MQTT broker for 3.1, 3.1.1 and 5.0`),
    ...broker.urls.map((url) => `  listening  ${picocolors.cyan(url)}`),
    ...consoleUrls.map((url) => `  console    ${picocolors.cyan(url)}`),
    `  data       ${dataDirectory ?? 'in memory, gone when this ends'}`,
    '',
    ...firstSteps(broker.urls),
    '',
    'ready',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
