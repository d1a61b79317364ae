import type { LogLevel } from '@hawser/admin/log';
import { Command, Option } from 'commander';
import type { BrokerFlags } from '../broker/broker-flags.ts';
import { setEngineFlags } from '../broker/engine-flags.ts';

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
    .option('--console-users <file>', 'users of the console and the API, made with hawser passwd --console-role')
    .option(
      '--console-password-file <file>',
      'one password for the console and the API; beyond loopback it or users are needed',
    )
    .option('-c, --config <file>', 'YAML file with listeners, data and settings')
    .option('-s, --set <key=value>', 'one setting, over those of the file; repeat for more', append)
    .addOption(
      // No default here: it would win over the file.
      new Option('--log-level <level>', 'what is logged, as lines of JSON on standard error (default: warn)').choices(
        LOG_LEVELS,
      ),
    )
    .action(async (flags: BrokerFlags) => {
      setEngineFlags();
      // Imported here, so that `hawser pub` does not wait for a broker and a database to be loaded.
      const { runBroker } = await import('../broker/run-broker.ts');
      await runBroker(flags);
    });
}
