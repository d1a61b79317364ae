import { Command, Option } from 'commander';
import type { SubFlags } from '../client/sub-flags.ts';
import { usageError } from '../exit-error.ts';
import { ConnectFlags } from '../flags/connect-flags.ts';
import { PropertyFlag } from '../flags/property-flag.ts';
import { wholeNumber } from '../flags/whole-number.ts';

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `hawser sub`: subscribes and prints what comes. */
export function subCommand(): Command {
  const command = new Command('sub')
    .description('subscribe and print messages')
    .helpOption('--help', 'print this help')
    .optionsGroup('What is subscribed to:')
    .option('-t, --topic <filter>', 'Topic Filter, wildcards + and # allowed; repeat for more', append)
    .option('-q, --qos <qos>', 'highest QoS at which messages come', wholeNumber('--qos', 0, 2), 0)
    .option('-U, --unsubscribe <filter>', 'unsubscribe from this Topic Filter of the session; repeat for more', append)
    .option('--no-local', 'not what this client publishes itself (5.0)')
    .option('--retain-as-published', 'RETAIN as the publisher set it (5.0)')
    .addOption(
      new Option(
        '--retain-handling <0|1|2>',
        'retained messages: 0 send, 1 only if the subscription is new, 2 never (5.0)',
      ).argParser(retainHandling),
    )
    .option(
      '--subscription-identifier <number>',
      'number that comes with the messages (5.0)',
      wholeNumber('--subscription-identifier', 1, 268_435_455),
    )
    .option('--user-property <name=value>', 'User Property of the SUBSCRIBE (5.0); repeat for more', pair)
    .optionsGroup('What is printed, and until when:')
    .option('-v, --verbose', 'the topic before each payload; what was negotiated on standard error')
    .option('-d, --debug', 'what was negotiated on standard error')
    .option('-F, --format <format>', "text, json, hex, base64 or a template such as '%t %q %p'", 'text')
    .option('--json', 'one JSON object for each message, the same as --format json')
    .option('-N, --no-newline', 'no line end after a message')
    .option('-R, --no-retained', 'leave out retained messages')
    .option('--retained-only', 'print retained messages, and end with the first that is not')
    .option('-T, --filter-out <filter>', 'leave out messages of this Topic Filter; repeat for more', append)
    .option('-C, --count <number>', 'end after so many messages', wholeNumber('--count', 1))
    .option('-W, --wait <seconds>', 'end after so many seconds, with exit code 27', seconds)
    .option('-E, --exit-after-subscribe', 'end when the subscriptions are there: prepares a session');
  const connection = new ConnectFlags(command);
  const properties = new PropertyFlag(command);
  return command.action(async (flags: SubFlags & { readonly local: boolean }) => {
    properties.apply(connection.given, undefined);
    const { runSub } = await import('../client/run-sub.ts');
    await runSub({ ...flags, noLocal: !flags.local }, connection);
  });
}

function seconds(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 2_000_000) return value;
  throw usageError(`--wait: takes a number of seconds, over 0 to 2,000,000, not '${text}'`);
}

/** As a number, or as mosquitto_sub has it. */
function retainHandling(text: string): number {
  const names: Readonly<Record<string, number>> = { always: 0, new: 1, never: 2 };
  return names[text] ?? wholeNumber('--retain-handling', 0, 2)(text);
}

function pair(
  text: string,
  before: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  const at = text.indexOf('=');
  if (at === -1) throw usageError(`--user-property: '${text}' is not name=value`);
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}
