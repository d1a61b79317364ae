import type { Client, PublishOptions } from '@hawser/client';
import { messageParameters } from '@hawser/parameters';
import { longFlagOf } from '@hawser/parameters/flags';
import { EXIT, ExitError, usageError } from '../exit-error.ts';
import type { ConnectFlags } from '../flags/connect-flags.ts';
import type { GivenValues } from '../flags/parameter-flags.ts';
import { stopSignal } from '../stop-signal.ts';
import { explainClientError } from './explain-error.ts';
import { note, openClient } from './open-client.ts';
import { findPayload, type PayloadSource } from './payload-source.ts';
import type { PubFlags } from './pub-flags.ts';

/** Lines of standard input that are under way at once. */
const WINDOW = 256;
/** Reason Code of a PUBACK or PUBREC: nobody has subscribed. [MQTT5-3.4.2.1] */
const NO_MATCHING_SUBSCRIBERS = 0x10;

/** Publishes what the flags say, and settles when the last of it is acknowledged. Throws ExitError. */
export async function runPub(flags: PubFlags, message: GivenValues, connection: ConnectFlags): Promise<void> {
  const topic = message.get('topic');
  if (typeof topic !== 'string') throw usageError('-t TOPIC is needed');
  checkVersion(message, connection.given.get('protocolVersion'));
  const source = await findPayload(flags, message, process.stdin);
  const stop = new AbortController();
  stopSignal().then(() => {
    stop.abort();
    // Whoever waits for the next line waits no longer.
    process.stdin.destroy();
  });
  // One message that cannot be delivered is a failure; a stream of them waits for the server to come back.
  const keepsTrying = source.kind === 'lines' || connection.givesReconnect;
  const verbose = flags.verbose === true;
  let client: Client | undefined;
  try {
    client = await openClient({
      flags: connection,
      verbose,
      signal: stop.signal,
      ...(keepsTrying ? {} : { more: { reconnect: false } }),
    });
    await publishAll(client, topic, source, publishOptions(message), { verbose, signal: stop.signal });
  } catch (error) {
    if (stop.signal.aborted) throw new ExitError(EXIT.failed, 'stopped before everything was published');
    throw explainClientError(error);
  } finally {
    await client?.disconnect();
    process.stdin.destroy();
  }
}

interface Progress {
  readonly verbose: boolean;
  readonly signal: AbortSignal;
}

async function publishAll(
  client: Client,
  topic: string,
  source: PayloadSource,
  options: PublishOptions,
  { verbose, signal }: Progress,
): Promise<void> {
  const publish = async (payload: string | Uint8Array): Promise<void> => {
    const { reasonCode } = await client.publish(topic, payload, { ...options, signal });
    if (verbose && reasonCode === NO_MATCHING_SUBSCRIBERS) note('taken, but nobody has subscribed to this topic');
  };
  if (source.kind === 'one') {
    await publish(source.payload);
    return;
  }
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  for await (const line of untilStopped(source.lines, signal)) {
    if (failures.length > 0) break;
    const one: Promise<void> = publish(line)
      .catch((error: unknown) => {
        failures.push(error);
      })
      .finally(() => underWay.delete(one));
    underWay.add(one);
    if (underWay.size >= WINDOW) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  if (failures.length > 0) throw failures[0];
}

/** The same lines; when the stream is taken away by the signal, that is their end and no error. */
async function* untilStopped(lines: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* lines;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function publishOptions(message: GivenValues): PublishOptions {
  if (message.has('topicAlias'))
    note('warning: --topic-alias does nothing: aliases are assigned by themselves where the server takes them');
  const { topic: _topic, payload: _payload, topicAlias: _alias, ...options } = Object.fromEntries(message);
  return options;
}

function checkVersion(message: GivenValues, version: unknown): void {
  if (version !== 3 && version !== 4) return;
  const misplaced = messageParameters().find(({ name, versions }) => message.has(name) && !versions.includes(version));
  if (misplaced !== undefined)
    throw usageError(`${longFlagOf(misplaced)}: only MQTT 5.0 has it; leave it out or use -V 5`);
}
