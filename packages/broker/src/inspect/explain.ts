import { isIP } from 'node:net';
import { plainAddress } from '@hawser/transport';
import type { Broker } from '../broker.ts';
import { wordsOf } from '../causes/cause-text.ts';
import { duration, fill, moment } from '../causes/figures.ts';
import { LOSSES } from '../causes/losses.ts';
import type { Language } from '../causes/words.ts';
import { endpoint, type RecordedEvent } from '../recorder/recorded-event.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import { addressOf, eventSentence, lossSentence, versionName } from './event-sentences.ts';
import { EXPLAIN_TEXTS } from './explain-texts.ts';
import { findFlapping } from './flapping.ts';
import { handlerOf, inspectLosses, iso, lossEntries } from './inspect.ts';
import { similarNames } from './similar-names.ts';
import type { LossView } from './views.ts';

/** Client Identifiers that are named for an address. */
const MOST_CLIENTS = 10;
/** Names that may have been meant. */
const MOST_NEAR = 5;

/** An event with its sentence; the figures stand beside it. */
export interface ExplainedEvent extends Omit<RecordedEvent, 'at' | 'lastAt' | 'text'> {
  /** What happened, in one sentence with figures. */
  readonly text: string;
  /** ISO 8601, as `lastAt`. */
  readonly at: string;
  readonly lastAt?: string;
  /** `address:port` of the client. */
  readonly address?: string;
  /** Of the last connection: requested, granted and effective value of each parameter. */
  readonly negotiated?: unknown;
}

export interface ExplainedLoss extends LossView {
  readonly text: string;
}

/** Why a client is not connected, or lost what it lost. The same for CLI and API. */
export interface Explanation {
  readonly clientId: string;
  readonly connected: boolean;
  /** In sentences, with figures. */
  readonly verdict: string;
  /** Oldest first. */
  readonly events: readonly ExplainedEvent[];
  readonly losses: readonly ExplainedLoss[];
  /** What to do, the most important first. */
  readonly advice: readonly string[];
}

export interface ExplainAnswer {
  /** Something is known of this Client Identifier, or of attempts from this address. */
  readonly known: boolean;
  /** Known Client Identifiers that look like it, where it is not known itself. */
  readonly near: readonly string[];
  readonly explanation: Explanation;
}

/**
 * Explains what became of a Client Identifier. An IP address does as well: then it is about the attempts from there that
 * never said who they were, and names those who did.
 */
export function explain(broker: Broker, clientId: string, language: Language = 'en'): ExplainAnswer {
  const steps = explainSteps(broker, clientId, language);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same, beside the work of the clients: looking for a name among many takes a while. */
export function explainInSlices(broker: Broker, clientId: string, language: Language = 'en'): Promise<ExplainAnswer> {
  return broker.inSlices(explainSteps(broker, clientId, language));
}

function* explainSteps(broker: Broker, clientId: string, language: Language): Generator<undefined, ExplainAnswer> {
  const session = broker.registry.get(clientId);
  const record = broker.recorder.get(clientId);
  if (session === undefined && record === undefined) return yield* explainStranger(broker, clientId, language);
  const events = [...(record?.events ?? [])];
  const losses = inspectLosses(record?.losses);
  const entries = lossEntries(record?.losses);
  const handler = handlerOf(session);
  const flapping = findFlapping(events);
  const texts = EXPLAIN_TEXTS[language];
  const verdict: string[] = [];
  const advice: string[] = [];

  if (session !== undefined && handler !== undefined) verdict.push(...sayConnected(broker, session, events, language));
  else verdict.push(...sayGone(broker, clientId, session, events, language));
  if (flapping !== undefined) {
    const [last] = flapping.addresses.slice(-1);
    const others = flapping.addresses.slice(0, -1).join(texts.comma);
    verdict.push(
      fill(texts.flapping, {
        count: flapping.takeovers,
        span: duration(flapping.spanMs, language),
        perMinute: flapping.perMinute,
        addresses: others === '' ? (last ?? '') : fill(texts.and, { others, last: last ?? '' }),
      }),
    );
  }
  if (handler?.isSlow === true) verdict.push(fill(texts.slow, { bytes: handler.output.pendingBytes }));
  for (const [cause, total] of entries) {
    verdict.push(texts.sentence(lossSentence(cause, total, language)));
    const words = LOSSES[cause].advice;
    if (words !== undefined) advice.push(words[language]);
  }
  advice.unshift(...adviceOfEnds(events, handler !== undefined, language));
  // What two clients do to each other explains the rest.
  if (flapping !== undefined) advice.unshift(texts.flappingAdvice);
  const negotiated = handler?.negotiated ?? record?.negotiated;
  return {
    known: true,
    near: [],
    explanation: {
      clientId,
      connected: handler !== undefined,
      verdict: verdict.join(texts.space),
      events: explainEvents(events, negotiated, language),
      losses: losses.map((loss, i) => {
        const [cause, total] = entries[i] ?? [];
        return {
          ...loss,
          text: cause === undefined || total === undefined ? '' : lossSentence(cause, total, language),
        };
      }),
      advice: [...new Set(advice)],
    },
  };
}

/** Sentences about a client that is connected. */
function sayConnected(
  broker: Broker,
  session: ClientSession,
  events: readonly RecordedEvent[],
  language: Language,
): string[] {
  const texts = EXPLAIN_TEXTS[language];
  const handler = handlerOf(session);
  const client = handler?.info;
  if (handler === undefined || client === undefined) return [];
  const at = broker.toWall(handler.connectedAtMs);
  const said = [
    fill(texts.connected, {
      id: session.clientId,
      at: moment(at),
      time: duration(broker.wallNow() - at, language),
      address: endpoint(client.remoteAddress, client.remotePort),
      listener: client.listener,
      version: versionName(client.protocolVersion),
      silence: duration(broker.now() - handler.connection.lastReceivedMs, language),
      keepAlive: handler.connection.keepAlive,
    }),
  ];
  const last = events.findLast((event) => event.kind === 'connected');
  if (last?.tookOverFrom !== undefined) said.push(fill(texts.tookOver, { address: last.tookOverFrom }));
  const end = events.findLast((event) => event.kind === 'closed' || event.kind === 'broker-ended');
  if (end !== undefined) {
    said.push(fill(texts.before, { at: moment(end.at), event: eventSentence(end, language) }));
  }
  const refused = events.at(-1);
  if (refused?.kind === 'subscribe-refused') said.push(texts.sentence(eventSentence(refused, language)));
  const ended = events.findLast((event) => event.kind === 'session-ended');
  if (ended !== undefined && last?.sessionPresent === false && ended.at <= last.at) {
    said.push(fill(texts.sessionGone, { at: moment(ended.at), event: eventSentence(ended, language) }));
  }
  if (session.session.queue.length > 0) said.push(fill(texts.waiting, { count: session.session.queue.length }));
  return said;
}

/** Sentences about a client that is not. */
function sayGone(
  broker: Broker,
  clientId: string,
  session: ClientSession | undefined,
  events: readonly RecordedEvent[],
  language: Language,
): string[] {
  const texts = EXPLAIN_TEXTS[language];
  const end = events.findLast((event) => event.kind === 'closed' || event.kind === 'broker-ended');
  const refused = events.findLast((event) => event.kind === 'refused');
  const ended = events.findLast((event) => event.kind === 'session-ended');
  const said = [
    fill(end === undefined && refused !== undefined && session === undefined ? texts.neverIn : texts.notConnected, {
      id: clientId,
    }),
  ];
  if (end !== undefined) {
    said.push(fill(texts.end, { at: moment(end.at), address: addressOf(end), event: eventSentence(end, language) }));
    if (end.takenOverBy !== undefined) said.push(fill(texts.takenOver, { address: end.takenOverBy }));
  }
  if (refused !== undefined && (end === undefined || refused.at >= end.at)) {
    said.push(
      fill(texts.lastAttempt, { at: moment(refused.lastAt ?? refused.at), event: eventSentence(refused, language) }),
    );
  }
  if (session !== undefined) {
    const { expiresAtMs } = session;
    const until =
      expiresAtMs === Number.POSITIVE_INFINITY
        ? texts.forEver
        : fill(texts.until, { at: moment(broker.toWall(expiresAtMs)) });
    said.push(
      fill(texts.kept, { until, count: session.session.queue.length, subscriptions: session.subscriptions.size }),
    );
  } else if (ended !== undefined) {
    said.push(fill(texts.sessionGone, { at: moment(ended.at), event: eventSentence(ended, language) }));
  } else if (end !== undefined) said.push(texts.noSession);
  return said;
}

function* explainStranger(broker: Broker, name: string, language: Language): Generator<undefined, ExplainAnswer> {
  const texts = EXPLAIN_TEXTS[language];
  const address = plainAddress(name);
  const attempts: RecordedEvent[] = [];
  for (const event of [...broker.recorder.refusals()]) {
    yield;
    const { remoteAddress = '', remotePort = 0 } = event;
    if (remoteAddress === address || endpoint(remoteAddress, remotePort) === name) attempts.push(event);
  }
  attempts.reverse();
  const clients = yield* clientsFrom(broker, name);
  const last = attempts.at(-1);
  if (last !== undefined || clients.length > 0) {
    const verdict: string[] = [];
    const advice: string[] = [];
    if (last !== undefined) {
      const count = attempts.reduce((sum, event) => sum + (event.repeated ?? 1), 0);
      const at = moment(last.lastAt ?? last.at);
      verdict.push(fill(texts.address, { address: name, count, at, event: eventSentence(last, language) }));
      const words = wordsOf(last)?.advice;
      if (words !== undefined) advice.push(words[language]);
    }
    if (clients.length > 0) {
      const names = clients.map((id) => `"${id}"`).join(texts.comma);
      verdict.push(fill(texts.clients, { address: name, names }));
      advice.push(texts.clientsAdvice);
    }
    return {
      known: true,
      near: [],
      explanation: {
        clientId: name,
        connected: false,
        verdict: verdict.join(texts.space),
        events: explainEvents(attempts, undefined, language),
        losses: [],
        advice,
      },
    };
  }
  if (isIP(name) !== 0) return { known: false, near: [], explanation: explainSilence(broker, name, language) };
  const near = yield* similarNames(name, knownNames(broker), MOST_NEAR);
  const verdict =
    fill(texts.unknown, { id: name }) +
    (near.length === 0 ? '' : texts.space + fill(texts.near, { names: near.map((id) => `"${id}"`).join(texts.comma) }));
  const explanation: Explanation = {
    clientId: name,
    connected: false,
    verdict,
    events: [],
    losses: [],
    advice: [texts.unknownAdvice],
  };
  return { known: false, near, explanation };
}

/** Of an address from which nothing has come. */
function explainSilence({ urls }: Broker, address: string, language: Language): Explanation {
  const texts = EXPLAIN_TEXTS[language];
  return {
    clientId: address,
    connected: false,
    verdict: fill(texts.nothingFrom, { address }),
    events: [],
    losses: [],
    advice: [fill(texts.nothingFromAdvice, { listeners: urls.join(texts.comma) })],
  };
}

/** Client Identifiers that were used from an address, those of the most recent events first. */
function* clientsFrom(broker: Broker, name: string): Generator<undefined, string[]> {
  const address = plainAddress(name);
  const found: string[] = [];
  for (const { clientId, events } of [...broker.recorder.records()].reverse()) {
    yield;
    const isFrom = [...events].some((event) => event.remoteAddress === address);
    if (isFrom && found.push(clientId) >= MOST_CLIENTS) break;
  }
  return found;
}

function* knownNames(broker: Broker): Iterable<string> {
  for (const { clientId } of broker.registry.values()) yield clientId;
  for (const { clientId } of broker.recorder.records()) yield clientId;
}

function adviceOfEnds(events: readonly RecordedEvent[], connected: boolean, language: Language): string[] {
  const advice: string[] = [];
  const reversed = events.toReversed();
  for (const event of reversed) {
    // What happened before it connected last is over.
    if (event.kind === 'connected') break;
    if (event.code === 'session-closed') continue;
    const words = wordsOf(event)?.advice;
    if (words !== undefined) advice.push(words[language]);
  }
  const [last] = reversed;
  if (connected && last?.kind === 'connected') {
    const before = reversed.find((event) => event.kind === 'closed' || event.kind === 'broker-ended');
    const words = before === undefined ? undefined : wordsOf(before)?.advice;
    if (words !== undefined) advice.push(words[language]);
  }
  return advice;
}

function explainEvents(
  events: readonly RecordedEvent[],
  negotiated: string | undefined,
  language: Language,
): ExplainedEvent[] {
  const last = events.findLast((event) => event.kind === 'connected');
  return events.map((event) => {
    const explained = explainEvent(event, language);
    return event === last && negotiated !== undefined
      ? { ...explained, negotiated: JSON.parse(negotiated) as unknown }
      : explained;
  });
}

/** An event with its sentence. */
export function explainEvent(event: RecordedEvent, language: Language): ExplainedEvent {
  const { at, kind, code, text: _said, lastAt, ...figures } = event;
  return {
    at: iso(at),
    kind,
    code,
    text: eventSentence(event, language),
    ...figures,
    ...(lastAt === undefined ? {} : { lastAt: iso(lastAt) }),
    ...(event.remoteAddress === undefined ? {} : { address: addressOf(event) }),
  };
}
