import type { LogLevel } from '@hawser/admin/log';
import { Command, Option } from 'commander';
import { setEngineFlags } from '../broker/engine-flags.ts';

/** Flags of `hawser broker` as they were given. */
export interface BrokerFlags {
  readonly listen?: readonly string[];
  readonly data?: string;
  /** `HOST:PORT`; false for `--no-console`. */
  readonly console?: string | boolean;
  readonly consolePasswordFile?: string;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly logLevel?: LogLevel;
}

/** Those of @hawser/admin, written out: a command is described before what it runs is loaded. */
const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `hawser broker`: an MQTT broker in this process. */
export function brokerCommand(): Command {
  return new Command('broker')
    .description('run an MQTT broker until SIGINT or SIGTERM')
    .helpOption('-h, --help', 'print this help')
    .option(
      '-l, --listen <url>',
      'listen here: mqtt://, ws:// …; repeat for more; replaces the default listeners',
      append,
    )
    .option(
      '-d, --data <dir>',
      "where sessions and messages are kept, or 'memory' for nowhere (default: ./hawser-data)",
    )
    .option('--console <host:port>', 'where the web console and the HTTP API listen (default: 127.0.0.1:18083)')
    .option('--no-console', 'no web console, no HTTP API')
    .option('--console-password-file <file>', 'password of the console and the API; needed beyond loopback')
    .option('-c, --config <file>', 'YAML file with listeners, data and settings')
    .option('-s, --set <key=value>', 'one setting, over those of the file; repeat for more', append)
    .addOption(
      new Option('--log-level <level>', 'what is logged, as lines of JSON on standard error')
        .choices(LOG_LEVELS)
        .default('warn'),
    )
    .action(async (flags: BrokerFlags) => {
      setEngineFlags();
      // Imported here, so that `hawser pub` does not wait for a broker and a database to be loaded.
      const { runBroker } = await import('../broker/run-broker.ts');
      await runBroker(flags);
    });
}
