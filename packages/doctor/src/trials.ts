import {
  type Client,
  ClosedError,
  type Grant,
  type Message,
  RefusedError,
  type SubscribeOptions,
} from '@hawser/client';
import type { QoS } from '@hawser/codec';
import type { Language, StageEvidence } from './report.ts';
import { type TrialBench, TrialFailure } from './trial-bench.ts';

/** Reason Code and name of what a user may not do. */
const NOT_PERMITTED: ReadonlySet<string> = new Set(['not-authorized', 'topic-filter-invalid', 'topic-name-invalid']);

/** What trying has shown of the server. */
export interface TrialResults {
  keepAlive: boolean | undefined;
  /** Undefined: nothing could be received. */
  subscribed: boolean;
  maximumQoS: QoS | undefined;
  retain: boolean | undefined;
  wildcards: boolean | undefined;
  shared: boolean | undefined;
  identifiers: boolean | undefined;
}

/** Everything one connection is for, in order: alive, subscribe, publish and receive at each QoS, retained, limits. */
export async function tryConnection(bench: TrialBench): Promise<TrialResults> {
  const results: TrialResults = {
    keepAlive: undefined,
    subscribed: false,
    maximumQoS: undefined,
    retain: undefined,
    wildcards: undefined,
    shared: undefined,
    identifiers: undefined,
  };
  results.keepAlive = (await bench.run('keep-alive', () => tryPing(bench))) !== undefined;
  const echo = `${bench.topic}/echo`;
  results.subscribed = (await bench.run('subscribe', () => trySubscribe(bench, echo))) !== undefined;
  if (!results.subscribed) return results;
  for (const qos of [0, 1, 2] as const) {
    if (qos > bench.negotiated.maximumQoS.effective) bench.skip(`qos${qos}`, 'qos-not-available');
    else if ((await bench.run(`qos${qos}`, () => tryEcho(bench, echo, qos))) !== undefined) results.maximumQoS = qos;
  }
  if (bench.negotiated.retainAvailable.effective)
    results.retain = (await bench.run('retained', () => tryRetained(bench))) !== undefined;
  else {
    results.retain = false;
    bench.skip('retained', 'retain-not-available');
  }
  await bench.run('limits', () => tryLimits(bench, results));
  const twice = bench.mailbox.received.filter((message) => message.topic === echo && message.qos === 2);
  if (twice.length > 1) bench.findings.add('error', 'qos2-duplicated', { times: twice.length });
  return results;
}

async function tryPing(bench: TrialBench): Promise<StageEvidence> {
  const beganMs = bench.clock.now();
  // [MQTT5-3.12.4-1]
  const silence = (): TrialFailure => new TrialFailure('error', 'ping-unanswered', { seconds: bench.seconds }, true);
  const lost = bench.client.closed.then((error) =>
    Promise.reject(error ?? new ClosedError('client-closed', 'the client was closed')),
  );
  await bench.within(Promise.race([bench.tapped.ping(), lost]), silence);
  return { keepAlive: bench.negotiated.keepAlive.effective, answeredMs: bench.clock.now() - beganMs };
}

async function trySubscribe(bench: TrialBench, topicFilter: string): Promise<StageEvidence> {
  const grant = await subscribe(bench, bench.client, topicFilter, { qos: 2 });
  return { topicFilter, qos: grant?.qos, reason: grant?.reason };
}

/** Subscribes, with the words of a finding when the server does not allow or answer it. */
export async function subscribe(
  bench: TrialBench,
  client: Client,
  topicFilter: string,
  options: SubscribeOptions,
): Promise<Grant | undefined> {
  try {
    const [grant] = await bench.within(client.subscribe(topicFilter, options), () => silentSubscribe(bench));
    if (client === bench.client) bench.subscriptions.set(topicFilter, options);
    return grant;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const reason = error.grants?.[0]?.reason ?? error.code;
    throw NOT_PERMITTED.has(reason)
      ? notPermitted(bench, 'subscribe', topicFilter)
      : new TrialFailure('error', 'subscribe-refused', { topic: topicFilter, reason });
  }
}

function silentSubscribe({ seconds }: TrialBench): TrialFailure {
  return new TrialFailure('error', 'subscribe-unanswered', { seconds }, true);
}

/** Publishes, with the words of a finding when the server does not take it. */
async function publish(bench: TrialBench, topic: string, payload: string, qos: QoS, retain = false): Promise<void> {
  const silence = (): TrialFailure =>
    new TrialFailure('error', 'publish-unanswered', { qos, seconds: bench.seconds }, true);
  try {
    await bench.within(bench.client.publish(topic, payload, { qos, retain }), silence);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw NOT_PERMITTED.has(error.code)
      ? notPermitted(bench, 'publish', topic)
      : new TrialFailure('error', 'publish-refused', { qos, topic, reason: error.code });
  }
}

function notPermitted(bench: TrialBench, action: 'publish' | 'subscribe', topic: string): TrialFailure {
  const words = { publish: ['to publish to', '发布到'], subscribe: ['to subscribe to', '订阅'] } as const;
  const language = bench.findings.language === 'zh' ? 1 : 0;
  return new TrialFailure('warning', 'topic-not-permitted', { action: words[action][language], topic });
}

async function receive(
  bench: TrialBench,
  matches: (message: Message) => boolean,
  failure: () => TrialFailure,
): Promise<Message> {
  return bench.within(bench.mailbox.take(matches), () => {
    const { foreign } = bench.mailbox;
    // What stands in the device's own queue is not the doctor's to take away.
    return foreign > 0 ? new TrialFailure('warning', 'queue-in-front', { count: foreign }, true) : failure();
  });
}

/** What to try where a message does not come back: whether the server could have said that it may not be published. */
const NOT_RECEIVED = {
  untold: {
    en: 'At QoS 0, and in 3.x at any QoS, a server cannot say that publishing is not permitted',
    zh: 'QoS 0 的消息（在 3.x 中为任何 QoS）没有发布权限时，服务器无法告知',
  },
  acknowledged: {
    en: 'The server has acknowledged it as if it were permitted; it may still not be permitted to be received',
    zh: '服务器已确认该消息，说明允许发布；但可能不允许接收',
  },
} as const satisfies Record<string, Record<Language, string>>;

function notReceived(bench: TrialBench, topic: string, qos: QoS): TrialFailure {
  const isTold = qos > 0 && bench.negotiated.protocolVersion.effective === 5;
  const why = NOT_RECEIVED[isTold ? 'acknowledged' : 'untold'][bench.findings.language];
  return new TrialFailure('error', 'message-not-received', { qos, topic, seconds: bench.seconds, why }, true);
}

async function tryEcho(bench: TrialBench, topic: string, qos: QoS): Promise<StageEvidence> {
  const beganMs = bench.clock.now();
  const payload = `QoS ${qos}`;
  const { pubacks } = bench.tapped;
  await publish(bench, topic, payload, qos).catch((error: unknown) => {
    // [MQTT5-4.3.3-4]: RabbitMQ answers a message of QoS 2 as one of QoS 1, which the client ends the connection for.
    if (qos === 2 && error instanceof ClosedError && bench.tapped.pubacks > pubacks)
      throw new TrialFailure('warning', 'qos2-answered-as-qos1', {});
    throw error;
  });
  const takenMs = bench.clock.now() - beganMs;
  const missing = (): TrialFailure => notReceived(bench, topic, qos);
  const message = await receive(bench, (one) => one.topic === topic && one.text() === payload, missing);
  if (message.qos < qos) bench.findings.add('warning', 'qos-downgraded', { published: qos, received: message.qos });
  return { topic, takenMs, receivedMs: bench.clock.now() - beganMs, receivedQoS: message.qos };
}

async function tryRetained(bench: TrialBench): Promise<StageEvidence> {
  const topic = `${bench.topic}/retained`;
  const qos = bench.negotiated.maximumQoS.effective > 0 ? 1 : 0;
  const values = { topic, seconds: bench.seconds };
  const missing = (): TrialFailure => new TrialFailure('error', 'retained-not-received', values, true);
  bench.retained.add(topic);
  await publish(bench, topic, 'retained', qos, true);
  await subscribe(bench, bench.client, topic, { qos });
  await receive(bench, (message) => message.topic === topic && message.retain, missing);
  await bench.within(bench.client.unsubscribe(topic), () => silentSubscribe(bench));
  bench.subscriptions.delete(topic);
  // [MQTT5-3.3.1-6]: an empty payload deletes what is kept.
  await publish(bench, topic, '', qos, true);
  bench.retained.delete(topic);
  const before = bench.mailbox.received.length;
  await subscribe(bench, bench.client, topic, { qos });
  await publish(bench, topic, 'after', qos);
  await receive(bench, (message) => message.topic === topic && message.text() === 'after', missing);
  if (bench.mailbox.received.slice(before).some((message) => message.topic === topic && message.retain))
    throw new TrialFailure('warning', 'retained-not-deleted', { topic });
  return { topic, qos, deleted: true };
}

/** What only trying shows, above all in 3.x, where nothing is announced. */
async function tryLimits(bench: TrialBench, results: TrialResults): Promise<StageEvidence> {
  const { negotiated, topic } = bench;
  const is5 = negotiated.protocolVersion.effective === 5;
  const mark = `${topic}/echo`;
  results.wildcards = negotiated.wildcardSubscriptionAvailable.effective;
  results.identifiers = is5 && negotiated.subscriptionIdentifierAvailable.effective;
  results.shared = negotiated.sharedSubscriptionAvailable.effective;
  if (results.wildcards) {
    const options = results.identifiers ? { subscriptionIdentifier: 77 } : {};
    results.wildcards = await isGranted(bench, `${topic}/+/wildcard`, options);
    if (!results.wildcards) bench.findings.add('warning', 'wildcard-not-available');
  }
  if (results.shared) results.shared = await isGranted(bench, `$share/hawser-doctor/${topic}/shared`, {});
  await publish(bench, `${topic}/a/wildcard`, 'wildcard', 0);
  await publish(bench, `${topic}/shared`, 'shared', 0);
  // What comes comes before this one.
  await publish(bench, mark, 'the end', 0);
  const missing = (): TrialFailure => notReceived(bench, mark, 0);
  await receive(bench, (message) => message.topic === mark && message.text() === 'the end', missing);
  const find = (name: string): Message | undefined =>
    bench.mailbox.received.find((message) => message.topic === `${topic}/${name}`);
  if (results.identifiers) results.identifiers = find('a/wildcard')?.subscriptionIdentifiers.includes(77) ?? false;
  if (results.shared) results.shared = find('shared') !== undefined;
  if (!results.shared) bench.findings.add('info', 'shared-not-available');
  return {
    maximumQoS: negotiated.maximumQoS.effective,
    retain: negotiated.retainAvailable.effective,
    wildcardSubscriptions: results.wildcards,
    sharedSubscriptions: results.shared,
    subscriptionIdentifiers: results.identifiers,
    ...(is5 && {
      maximumPacketSize: negotiated.maximumPacketSize.granted,
      receiveMaximum: negotiated.receiveMaximum.effective,
      topicAliasMaximum: negotiated.topicAliasMaximum.effective,
    }),
  };
}

async function isGranted(
  bench: TrialBench,
  topicFilter: string,
  options: { readonly subscriptionIdentifier?: number },
): Promise<boolean> {
  try {
    const granting = bench.client.subscribe(topicFilter, { qos: 0, ...options });
    const [grant] = await bench.within(granting, () => silentSubscribe(bench));
    const isThere = grant?.qos !== undefined;
    if (isThere) bench.subscriptions.set(topicFilter, { qos: 0, ...options });
    return isThere;
  } catch (error) {
    if (error instanceof RefusedError) return false;
    if (!(error instanceof ClosedError) || bench.isStopped) throw error;
    bench.findings.add('warning', 'subscribe-closes', { topic: topicFilter, cause: error.code, text: error.message });
    if (!(await bench.restore())) throw error;
    return false;
  }
}
