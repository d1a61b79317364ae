import { type Client, type ConnectOptions, connectWith, type Platform } from '@hawser/client';
import { Mailbox } from './mailbox.ts';
import type { StageEvidence } from './report.ts';
import { type TrialBench, TrialFailure } from './trial-bench.ts';
import { subscribe } from './trials.ts';

/** Seconds; more than it takes, and little for a doctor that is killed. */
const EXPIRY = 60;

export interface SessionTrialOptions {
  readonly platform: Platform;
  /** Of the connection that was tried, without Will. */
  readonly connect: ConnectOptions;
  readonly clientId: string;
  /** Another client: publishes while the first is away. */
  readonly otherId: string;
  readonly version: 3 | 4 | 5;
}

/**
 * A session is kept over a disconnection, with its subscription and what came meanwhile [MQTT5-3.1.2-5]. Ends the session.
 * The first client must be disconnected.
 */
export async function trySession(bench: TrialBench, options: SessionTrialOptions): Promise<StageEvidence> {
  const topic = `${bench.topic}/session`;
  const qos = bench.negotiated.maximumQoS.effective > 0 ? 1 : 0;
  const first = await open(options, options.clientId, true);
  if (options.version === 5 && first.negotiated?.sessionExpiryInterval.effective === 0) {
    await first.disconnect();
    throw new TrialFailure('warning', 'session-not-kept', {});
  }
  let again: Client | undefined;
  try {
    await subscribe(bench, first, topic, { qos });
    await first.disconnect();
    const isPublished = await publishMeanwhile(bench, options, topic, qos);
    again = await open(options, options.clientId, false);
    return await resume(bench, again, topic, isPublished && qos === 1, options.version);
  } finally {
    await first.disconnect();
    await endSession(options, again);
  }
}

function lost({ seconds }: TrialBench): TrialFailure {
  return new TrialFailure('error', 'queued-message-lost', { seconds }, true);
}

async function resume(
  bench: TrialBench,
  again: Client,
  topic: string,
  isPublished: boolean,
  version: number,
): Promise<StageEvidence> {
  const mailbox = new Mailbox(again, bench.topic);
  const isPresent = again.negotiated?.sessionPresent === true;
  // MQTT 3.1 has no Session Present.
  if (!isPresent && version !== 3) throw new TrialFailure('error', 'session-not-resumed', {});
  if (isPublished) {
    const coming = mailbox.take((message) => message.topic === topic);
    await bench.within(coming, () => lost(bench));
  }
  return { sessionPresent: isPresent, ...(isPublished ? { queuedMessages: mailbox.received.length } : {}) };
}

/** False: a second client is not let in, or may not publish. */
async function publishMeanwhile(
  bench: TrialBench,
  options: SessionTrialOptions,
  topic: string,
  qos: 0 | 1,
): Promise<boolean> {
  try {
    const other = await open(options, options.otherId, true, 0);
    try {
      await bench.within(other.publish(topic, 'meanwhile', { qos }), () => lost(bench));
    } finally {
      await other.disconnect();
    }
    return true;
  } catch {
    return false;
  }
}

/** `isFirst`: whatever there was is gone, and from here on it is kept for a minute. */
async function open(
  { platform, connect, version }: SessionTrialOptions,
  clientId: string,
  isFirst: boolean,
  expiry = EXPIRY,
): Promise<Client> {
  // In 3.x one flag says both: a clean session begins anew and is not kept. [MQTT311-3.1.2-6]
  const sessionOptions =
    version === 5 ? { cleanStart: isFirst, sessionExpiryInterval: expiry } : { cleanStart: expiry === 0 };
  const { will: _will, sessionExpiryInterval: _interval, ...rest } = connect;
  return connectWith(platform, {
    ...rest,
    ...sessionOptions,
    clientId,
    protocolVersion: version,
    reconnect: false,
    acknowledge: 'manual',
    // The step that loses its connection tells it.
    on: { disconnected: () => {} },
  });
}

/** Nothing of it stays on the server. `last`: the connection that is there, if there is one. */
export async function endSession(options: SessionTrialOptions, last: Client | undefined): Promise<void> {
  if (options.version === 5 && last?.state === 'connected') {
    await last.disconnect({ sessionExpiryInterval: 0 });
    return;
  }
  await last?.disconnect();
  const cleaner = await open(options, options.clientId, true, 0);
  await cleaner.disconnect();
}
