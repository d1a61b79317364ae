import { join } from 'node:path';
import type { BrokerControl } from '@hawser/admin';
import { createLogger, logObserver } from '@hawser/admin/log';
import {
  type Broker,
  createBroker,
  FileRecorderLog,
  type Observer,
  StoreError,
  startSysTopics,
  type WarningCode,
} from '@hawser/broker';
import { LivePolicies } from '@hawser/config';
import { LevelStore } from '@hawser/store-level';
import { ListenError } from '@hawser/transport';
import { colors } from '../colors.ts';
import { EXIT, ExitError } from '../exit-error.ts';
import { print } from '../output.ts';
import { shellWord } from '../shell-word.ts';
import { stopSignal } from '../stop-signal.ts';
import { readVersion } from '../version.ts';
import type { BrokerFlags } from './broker-flags.ts';
import { type BrokerConfiguration, readConfiguration } from './configuration.ts';
import { type RunningConsole, startConsole } from './console.ts';
import { decoySecret } from './decoy-secret.ts';
import { type PreparedListeners, withDevelopmentCertificate } from './development-tls.ts';
import { firstSteps } from './first-steps.ts';
import { loginNeeds } from './login-needs.ts';
import { type Reloaded, Reloader, reloadWords } from './reload.ts';

/** Runs a broker in this process until it is told to stop. Throws ExitError when it cannot start. */
export async function runBroker(flags: BrokerFlags): Promise<void> {
  const configuration = readConfiguration(flags);
  const stop = stopSignal();
  const { listeners, developmentCa } = await prepareListeners(configuration);
  const observer = logObserver(createLogger(configuration.logLevel));
  const policies = new LivePolicies(
    configuration.loaded,
    (code, text) => observer.onWarning?.(code, text),
    decoySecret(configuration.dataDirectory),
  );
  const broker = await start({ ...configuration, listeners }, policies, observer);
  policies.setListenerUrls(broker.listeners.map(({ url }) => url));
  broker.forgetPermissions();
  const reloader = new Reloader(broker, policies, flags, configuration);
  const reload = (): Reloaded => {
    const reloaded = reloader.reload();
    for (const line of reloadWords(reloaded)) observer.onWarning?.('reloaded', line);
    return reloaded;
  };
  const console = await startConsoleOf(broker, configuration, observer, {
    reload,
    configuration: () => reloader.configuration,
  });
  // Elsewhere the signal ends a process; there files are looked at anyway.
  process.on('SIGHUP', reload);
  const stopSysTopics = startSysTopics(broker, readVersion());
  announce(broker, configuration, developmentCa, console?.lines ?? []);
  await stop;
  stopSysTopics();
  await console?.close();
  await broker.close();
}

async function startConsoleOf(
  broker: Broker,
  { console, dataDirectory }: BrokerConfiguration,
  observer: Observer,
  control: BrokerControl,
): Promise<RunningConsole | undefined> {
  if (console === false) return undefined;
  const onWarning = (code: WarningCode, text: string): void => observer.onWarning?.(code, text);
  try {
    return await startConsole(broker, { console, dataDirectory, control, onWarning });
  } catch (error) {
    await broker.close();
    throw error;
  }
}

async function prepareListeners({ listeners, dataDirectory }: BrokerConfiguration): Promise<PreparedListeners> {
  try {
    return await withDevelopmentCertificate(listeners, dataDirectory);
  } catch (error) {
    if (error instanceof ListenError)
      throw new ExitError(EXIT.failed, `cannot listen: ${error.message}`, { cause: error });
    throw error;
  }
}

async function start(
  { listeners, dataDirectory, settings }: BrokerConfiguration,
  policies: LivePolicies,
  observe: Observer,
): Promise<Broker> {
  try {
    return await createBroker({
      listeners: listeners.map((listener, i) => ({ ...listener, authenticate: policies.authenticatorOf(i) })),
      authenticate: policies.authenticatorOf(undefined),
      ...(policies.authorize === undefined ? {} : { authorize: policies.authorize }),
      settings,
      observe,
      ...(dataDirectory === undefined
        ? {}
        : {
            store: new LevelStore({ directory: dataDirectory }),
            recorderLog: logIn(dataDirectory, 'recorder', settings['recorder.fileBytes']),
            banLog: logIn(dataDirectory, 'bans', settings['bans.fileBytes']),
          }),
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

function logIn(dataDirectory: string, name: string, bytes: number): FileRecorderLog {
  return new FileRecorderLog({ directory: join(dataDirectory, name), bytes });
}

/** The line `ready` comes last: scripts wait for it. */
function announce(
  broker: Broker,
  { dataDirectory, loaded }: BrokerConfiguration,
  developmentCa: string | undefined,
  consoleLines: readonly string[],
): void {
  const lines = [
    colors.bold(`Hawser ${readVersion()}, an MQTT broker for 3.1, 3.1.1 and 5.0`),
    ...broker.urls.map((url) => `  listening  ${colors.cyan(url)}`),
    ...(developmentCa === undefined
      ? []
      : [`  TLS        development certificate; clients trust it with --ca ${shellWord(developmentCa)}`]),
    ...consoleLines,
    `  data       ${dataDirectory ?? 'in memory, gone when this ends'}`,
    '',
    ...firstSteps(broker.urls, developmentCa, (place) => loginNeeds(loaded, place)),
    '',
    'ready',
  ];
  print(`${lines.join('\n')}\n`);
}
