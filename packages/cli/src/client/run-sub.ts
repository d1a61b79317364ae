import type { Client, Message, SubscribeOptions } from '@hawser/client';
import { topicMatches } from '@hawser/codec';
import { EXIT, usageError } from '../exit-error.ts';
import type { ConnectFlags } from '../flags/connect-flags.ts';
import { chooseFormat, type MessageFormat } from '../format/message-format.ts';
import { printBytes } from '../output.ts';
import { stopSignal } from '../stop-signal.ts';
import { explainClientError } from './explain-error.ts';
import { note, openClient } from './open-client.ts';
import type { SubFlags } from './sub-flags.ts';

const NEWLINE = Buffer.from('\n');

/** Why a subscriber ended, and with which exit code. */
type Ending = 'enough' | 'signal' | 'timeout' | { readonly error: Error };

/** Subscribes and prints until there is a reason to end. Throws ExitError. */
export async function runSub(flags: SubFlags, connection: ConnectFlags): Promise<void> {
  const filters = flags.topic ?? [];
  const isResuming = connection.given.get('cleanStart') === false;
  if (filters.length === 0 && flags.unsubscribe === undefined && !isResuming)
    throw usageError('-t TOPIC FILTER is needed');
  const giveUp = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<Ending>();
  ended.then((why) => {
    // Messages of a session that goes on can be enough before `connect` has settled: that is no reason to give it up.
    if (why === 'timeout' || why === 'signal') giveUp.abort();
  });
  const timer = flags.wait === undefined ? undefined : setTimeout(() => end('timeout'), flags.wait * 1000);
  stopSignal().then(() => end('signal'));

  const printer = new Printer(flags, () => end('enough'));
  let client: Client | undefined;
  try {
    client = await openClient({
      flags: connection,
      verbose: flags.verbose === true || flags.debug === true,
      signal: giveUp.signal,
      more: { acknowledge: 'manual', on: { message: (message) => printer.take(message) } },
    });
    client.closed.then((error) => end(error === undefined ? 'enough' : { error }));
    await prepare(client, flags, filters, giveUp.signal);
    if (flags.debug === true) note('subscribed');
    if (flags.exitAfterSubscribe === true || (filters.length === 0 && !isResuming)) end('enough');
    finish(await ended);
  } catch (error) {
    if (!giveUp.signal.aborted) throw explainClientError(error);
    finish(await ended);
  } finally {
    clearTimeout(timer);
    await client?.disconnect();
  }
}

async function prepare(
  client: Client,
  flags: SubFlags,
  filters: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (flags.unsubscribe !== undefined) await client.unsubscribe(flags.unsubscribe, { signal });
  if (filters.length === 0) return;
  for (const { topicFilter, qos, reason } of await client.subscribe(filters, { ...subscribeOptions(flags), signal })) {
    if (qos === undefined) note(`warning: '${topicFilter}' was refused (${reason})`);
  }
}

function subscribeOptions({
  qos,
  noLocal,
  retainAsPublished,
  retainHandling,
  subscriptionIdentifier,
  userProperty,
}: SubFlags): SubscribeOptions {
  return {
    qos,
    ...(noLocal === true ? { noLocal } : {}),
    ...(retainAsPublished === true ? { retainAsPublished } : {}),
    ...(retainHandling === undefined ? {} : { retainHandling }),
    ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }),
    ...(userProperty === undefined ? {} : { userProperties: userProperty }),
  };
}

function finish(ending: Ending): void {
  if (ending === 'timeout') process.exitCode = EXIT.timeout;
  if (typeof ending === 'object') throw explainClientError(ending.error);
}

/** Prints messages; acknowledges what it has printed or left out on purpose, and nothing after the end. */
class Printer {
  readonly #flags: SubFlags;
  readonly #format: MessageFormat;
  readonly #onEnough: () => void;
  #left: number;

  constructor(flags: SubFlags, onEnough: () => void) {
    this.#flags = flags;
    this.#format = chooseFormat(
      flags.json === true ? 'json' : flags.format,
      flags.verbose === true,
      process.stdout.isTTY === true,
    );
    this.#onEnough = onEnough;
    this.#left = flags.count ?? Number.POSITIVE_INFINITY;
  }

  take(message: Message): void {
    // Not acknowledged: a session that goes on gets it again.
    if (this.#left === 0) return;
    if (this.#flags.retainedOnly === true && !message.retain) {
      this.#left = 0;
      this.#onEnough();
      return;
    }
    if (this.#isWanted(message)) this.#print(message);
    message.acknowledge();
    if (this.#left === 0) this.#onEnough();
  }

  #isWanted({ topic, retain }: Message): boolean {
    if (retain && !this.#flags.retained) return false;
    return !(this.#flags.filterOut ?? []).some((filter) => topicMatches(filter, topic));
  }

  #print(message: Message): void {
    const bytes = this.#format(message, new Date());
    printBytes(this.#flags.newline ? Buffer.concat([bytes, NEWLINE]) : bytes);
    this.#left -= 1;
  }
}
