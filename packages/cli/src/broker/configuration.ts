import { resolve } from 'node:path';
import type { LogLevel } from '@hawser/admin/log';
import type { ListenerOptions, Settings } from '@hawser/broker';
import {
  type Configuration,
  ConfigurationError,
  type ConfigurationSources,
  type ConsoleConfig,
  checkConfiguration,
  createTlsFiles,
  loadConfiguration,
} from '@hawser/config';
import { EXIT, ExitError, usageError } from '../exit-error.ts';
import type { BrokerFlags } from './broker-flags.ts';

/** Everything `hawser broker` was told: flags over the environment over the file over the defaults. */
export interface BrokerConfiguration {
  readonly listeners: readonly ListenerOptions[];
  /** Directory of the data; undefined: in memory. */
  readonly dataDirectory: string | undefined;
  /** Its `listen` undefined: the default one; false: none. */
  readonly console: ConsoleConfig | false;
  readonly settings: Settings;
  readonly logLevel: LogLevel;
  /** What it was made of: identity and permission are made of it, and it is compared with when it is read again. */
  readonly loaded: Configuration;
}

/** Reads flags, environment and file, and tries the files they name. Throws ExitError. */
export function readConfiguration(
  flags: BrokerFlags,
  environment: ConfigurationSources['environment'] = process.env,
): BrokerConfiguration {
  if (flags.data === '') throw usageError("--data needs a directory, or 'memory'");
  const notAssigned = flags.set?.find((text) => text.indexOf('=') < 1);
  if (notAssigned !== undefined) {
    throw usageError(`--set takes key=value, such as limits.keepAliveMax=300, not '${notAssigned}'`);
  }
  try {
    const loaded = loadConfiguration({ file: flags.config, environment, flags });
    checkConfiguration(loaded);
    return fromLoaded(loaded);
  } catch (error) {
    if (error instanceof ConfigurationError) throw new ExitError(EXIT.failed, error.message, { cause: error });
    throw error;
  }
}

function fromLoaded(loaded: Configuration): BrokerConfiguration {
  const { listeners, data, console, settings, log, tls: shared } = loaded;
  return {
    listeners: listeners.map(({ url, versions, clientIds, tls, proxyProtocol, forwardedFrom }) => {
      const own = /^(?:mqtts|ssl|tls|wss):/i.test(url) ? (tls ?? shared) : undefined;
      return {
        url,
        clientIds,
        ...(versions === undefined ? {} : { versions }),
        ...(own === undefined ? {} : { tls: createTlsFiles(own) }),
        ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
        ...(forwardedFrom === undefined ? {} : { forwardedFrom }),
      };
    }),
    dataDirectory: data.directory === 'memory' ? undefined : resolve(data.directory),
    console: console ?? { hostNames: [] },
    settings,
    logLevel: log.level,
    loaded,
  };
}
