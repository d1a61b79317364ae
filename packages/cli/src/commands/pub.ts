import { messageParameters } from '@hawser/parameters';
import { messageTexts } from '@hawser/parameters/texts';
import { Command } from 'commander';
import type { PubFlags } from '../client/pub-flags.ts';
import { ConnectFlags } from '../flags/connect-flags.ts';
import { addParameterFlags, type GivenValues } from '../flags/parameter-flags.ts';
import { PropertyFlag } from '../flags/property-flag.ts';

/** `hawser pub`: publishes a message, or one for each line of standard input. */
export function pubCommand(): Command {
  const command = new Command('pub')
    .description('publish a message')
    .helpOption('--help', 'print this help')
    .optionsGroup('What is published:');
  const message: GivenValues = new Map();
  addParameterFlags(command, messageParameters(), messageTexts, message);
  command
    .option('-f, --file <file>', 'publish the content of a file')
    .option('-s, --stdin', 'publish the whole of standard input as one message')
    .option('-l, --lines', 'publish each line of standard input as a message')
    .option('-n, --empty', 'publish an empty message (with --retain: removes the retained one)')
    .option('-v, --verbose', 'print what was negotiated');
  const connection = new ConnectFlags(command);
  const properties = new PropertyFlag(command);
  return command.action(async (flags: PubFlags) => {
    properties.apply(connection.given, message);
    const { runPub } = await import('../client/run-pub.ts');
    await runPub(flags, message, connection);
  });
}
