import {
  type Client,
  ConnectError,
  type ConnectOptions,
  connectWith,
  formatAddress,
  nodePlatform,
  type Platform,
  parseAddress,
  UsageError,
} from '@hawser/client';
import { hintFor } from '@hawser/client/hints';
import type { ProtocolVersion } from '@hawser/codec';
import { findInConnection, findInNegotiated, findInOptions } from './connection-findings.ts';
import { Findings } from './findings.ts';
import type { Capabilities, DoctorReport, Finding, Language, ReportedError, StageReport } from './report.ts';
import { endSession, type SessionTrialOptions, trySession } from './session-trial.ts';
import { TappedTransport } from './tapped-transport.ts';
import { type Opened, TrialBench, TrialFailure } from './trial-bench.ts';
import { type TrialResults, tryConnection } from './trials.ts';
import { Walk } from './walk.ts';

export interface DoctorOptions {
  /** As for `connect`. Reconnecting is off, whatever it says. */
  readonly connect: ConnectOptions;
  /** Uses the given Client ID, which cuts off a live device with it. Default: a random one. */
  readonly asClient?: boolean | undefined;
  /** Below it the doctor publishes. Default: `hawser-doctor/` and a random name. */
  readonly topic?: string | undefined;
  /** Of findings and hints. Default `en`. */
  readonly language?: Language | undefined;
  /** Gives up; what was left on the server is still removed. */
  readonly signal?: AbortSignal | undefined;
  /** Default: Node's. */
  readonly platform?: Platform | undefined;
  /** A stage is over. */
  readonly onStage?: ((stage: StageReport) => void) | undefined;
  readonly onFinding?: ((finding: Finding) => void) | undefined;
}

/** Session Expiry Interval when somebody else's session is entered and nothing is said: it is not to be lost. */
const FOREIGN_EXPIRY = 86_400;
/** 22 characters, which MQTT 3.1 takes too, and a log shows whose they are. */
const ID_PREFIX = 'doctor';
const ID_LENGTH = 22;
const DEFAULT_TIMEOUT = 10;

/**
 * Walks the stages of a connection one by one, tries what a connection is for, and says what to change. Works against any server.
 * Rejects only when `signal` says so; what goes wrong is in the report.
 */
export function examine(options: DoctorOptions): Promise<DoctorReport> {
  return new Examination(options).run();
}

class Examination {
  readonly #options: DoctorOptions;
  readonly #platform: Platform;
  readonly #findings: Findings;
  readonly #walk: Walk;
  readonly #connect: ConnectOptions;
  readonly #isForeign: boolean;
  readonly #random: string;
  #url: string;

  constructor(options: DoctorOptions) {
    const { connect, platform = nodePlatform, language = 'en', onStage, onFinding } = options;
    this.#options = options;
    this.#platform = platform;
    this.#findings = new Findings(language, onFinding);
    this.#walk = new Walk(platform.clock, onStage ?? (() => {}));
    this.#random = randomId(platform);
    this.#isForeign = options.asClient === true && (connect.clientId ?? '') !== '';
    this.#connect = this.#isForeign ? foreignOptions(connect) : { ...connect, clientId: this.#random };
    this.#url = urlOf(connect) ?? '';
  }

  async run(): Promise<DoctorReport> {
    const { connect, signal } = this.#options;
    signal?.throwIfAborted();
    findInOptions(connect, this.#findings);
    this.#walk.enter('address');
    let client: Client;
    try {
      client = await this.#open();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      return this.#failed(error);
    }
    return this.#connected(client);
  }

  async #open(): Promise<Client> {
    const { connect, signal } = this.#options;
    const tls = typeof connect.tls === 'object' ? connect.tls : {};
    const platform = this.#walk.watch(this.#platform, tls.insecure !== true);
    return connectWith(platform, {
      ...this.#connect,
      reconnect: false,
      acknowledge: 'manual',
      signal,
      on: {
        connecting: ({ url }) => {
          this.#url = url;
          this.#walk.beginAttempt({ url, ...asked(this.#connect) });
        },
        // The trial that loses its connection tells it.
        disconnected: () => {},
      },
    });
  }

  /** Another connection like the one that was lost, in the version that was agreed on. */
  async #reopen(protocolVersion: ProtocolVersion): Promise<Opened> {
    let tapped: TappedTransport | undefined;
    const client = await connectWith(
      {
        ...this.#platform,
        dial: async (address, options) => {
          tapped = new TappedTransport(await this.#platform.dial(address, options));
          return tapped;
        },
      },
      {
        ...this.#connect,
        protocolVersion,
        reconnect: false,
        acknowledge: 'manual',
        signal: this.#options.signal,
        on: { disconnected: () => {} },
      },
    );
    if (tapped === undefined) throw new Error('connected without a Transport');
    return { client, tapped };
  }

  #failed(error: unknown): DoctorReport {
    if (!(error instanceof ConnectError) && !(error instanceof UsageError)) throw error;
    const reported = this.#report(error);
    this.#walk.fail(reported);
    return {
      ok: false,
      url: this.#url,
      stages: this.#walk.stages,
      error: reported,
      findings: this.#findings.list,
    };
  }

  #report(error: ConnectError | UsageError): ReportedError {
    const { language } = this.#findings;
    const { code, message } = error;
    const isConnect = error instanceof ConnectError;
    const stage = isConnect ? error.stage : 'address';
    const retry = isConnect ? error.retry : 'after-change';
    const evidence = isConnect ? error.evidence : {};
    const hint = hintFor({ stage, code }, language);
    const { clientId } = this.#options.connect;
    const isIdentity = /^(client-identifier-not-valid|bad-user-name-or-password|not-authorized)$/.test(code);
    const more = isIdentity && !this.#isForeign && clientId !== undefined ? asClientHint(clientId, language) : '';
    return { stage, code, message, hint: hint + more, retry, evidence };
  }

  async #connected(client: Client): Promise<DoctorReport> {
    const walk = this.#walk;
    const info = walk.established();
    const { negotiated } = client;
    const { tapped } = walk;
    if (negotiated === undefined || tapped === undefined || info === undefined)
      throw new Error('connected without a CONNACK');
    const { connect, topic = `hawser-doctor/${this.#random.slice(ID_PREFIX.length)}`, signal } = this.#options;
    const { clock } = this.#platform;
    findInConnection(connect, walk.evidence, info.tls, hasCredentials(connect), clock.wallNow(), this.#findings);
    findInNegotiated(connect, negotiated, this.#findings);
    if (!this.#isForeign && (connect.clientId ?? '') !== '')
      this.#findings.add('info', 'random-client-id', { clientId: connect.clientId ?? '' });
    const bench = new TrialBench({
      client,
      negotiated,
      tapped,
      walk,
      findings: this.#findings,
      clock,
      topic,
      timeoutMs: (connect.connectTimeout ?? DEFAULT_TIMEOUT) * 1000,
      reopen: () => this.#reopen(negotiated.protocolVersion.effective),
    });
    const onAbort = (): void => {
      bench.isStopped = true;
      void abandon(bench);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const results = await tryConnection(bench);
    const sessionResume = await this.#leave(bench);
    signal?.removeEventListener('abort', onAbort);
    if (signal?.aborted) throw signal.reason;
    return {
      ok: !this.#findings.hasError,
      url: this.#url,
      stages: walk.stages,
      negotiated,
      capabilities: capabilitiesOf(bench, results, sessionResume),
      findings: this.#findings.list,
    };
  }

  /** Removes what is on the server, and tries a session where there is none of somebody else's. True: it was resumed. */
  async #leave(bench: TrialBench): Promise<boolean | undefined> {
    const { client, negotiated } = bench;
    const options: SessionTrialOptions = {
      platform: this.#platform,
      connect: this.#connect,
      clientId: client.clientId,
      otherId: randomId(this.#platform),
      version: negotiated.protocolVersion.effective,
    };
    const isLive = client.state === 'connected';
    for (const topic of bench.retained)
      if (!isLive || !(await isDeleted(bench, topic)))
        this.#findings.add('warning', 'cleanup-incomplete', { what: topic });
    const isSomebodys = this.#isForeign && negotiated.sessionPresent;
    if (isSomebodys) {
      const late = (): TrialFailure => new TrialFailure('info', 'cleanup-incomplete', { what: bench.topic });
      const topicFilters = [...bench.subscriptions.keys()];
      if (topicFilters.length > 0) await quietly(bench.within(client.unsubscribe(topicFilters), late));
      await client.disconnect();
      return true;
    }
    if (bench.isStopped || this.#options.signal?.aborted) {
      await quietly(keepsSession(this.#connect) ? endSession(options, client) : client.disconnect());
      return undefined;
    }
    await client.disconnect(options.version === 5 ? { sessionExpiryInterval: 0 } : {});
    const tried = await bench.run('session', () =>
      trySession(bench, options).catch((error: unknown) => {
        if (!(error instanceof ConnectError)) throw error;
        throw new TrialFailure('warning', 'session-not-tried', { reason: error.code });
      }),
    );
    return tried === undefined ? (this.#findings.has('session-not-tried') ? undefined : false) : true;
  }
}

function randomId(platform: Platform): string {
  return (ID_PREFIX + platform.generateClientId()).slice(0, ID_LENGTH);
}

/** Enters the session of a device without ending it. */
function foreignOptions(connect: ConnectOptions): ConnectOptions {
  if (connect.cleanStart === true) return connect;
  // `auto` too: an older version tried after this one would not know of the session.
  const is5 = connect.protocolVersion !== 3 && connect.protocolVersion !== 4;
  const expiry = is5 ? { sessionExpiryInterval: connect.sessionExpiryInterval ?? FOREIGN_EXPIRY } : {};
  return { ...connect, cleanStart: false, ...expiry };
}

function urlOf({ url, path }: ConnectOptions): string | undefined {
  try {
    return url === undefined ? undefined : formatAddress(parseAddress(url, path));
  } catch {
    // Shown as it was given, but for the password.
    return url?.replace(/:\/\/[^/?#]*@/, '://');
  }
}

function hasCredentials({ url, username, password }: ConnectOptions): boolean {
  const isGiven = (value: unknown): boolean => value !== undefined && value !== '';
  return isGiven(username) || isGiven(password) || (url !== undefined && isGiven(parseAddress(url).username));
}

function asked({ clientId, protocolVersion = 5, cleanStart = true, keepAlive = 60 }: ConnectOptions): object {
  return { protocolVersion, clientId, cleanStart, keepAlive };
}

function keepsSession({ cleanStart = true, sessionExpiryInterval = 0 }: ConnectOptions): boolean {
  return !cleanStart || sessionExpiryInterval > 0;
}

/** Deletes what is retained as far as the server answers, and says good-bye: whatever waits for an answer is rejected. */
async function abandon(bench: TrialBench): Promise<void> {
  await Promise.all(
    [...bench.retained].map(async (topic) => (await isDeleted(bench, topic)) && bench.retained.delete(topic)),
  );
  await bench.client.disconnect();
}

async function isDeleted(bench: TrialBench, topic: string): Promise<boolean> {
  const qos = bench.negotiated.maximumQoS.effective > 0 ? 1 : 0;
  const late = (): TrialFailure => new TrialFailure('warning', 'cleanup-incomplete', { what: topic });
  try {
    await bench.within(bench.client.publish(topic, '', { qos, retain: true }), late);
    return true;
  } catch {
    return false;
  }
}

async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}

function capabilitiesOf(
  { negotiated }: TrialBench,
  results: TrialResults,
  sessionResume: boolean | undefined,
): Capabilities {
  const is5 = negotiated.protocolVersion.effective === 5;
  return {
    maximumQoS: results.maximumQoS ?? (is5 ? negotiated.maximumQoS.effective : undefined),
    retain: results.retain ?? (is5 ? negotiated.retainAvailable.effective : undefined),
    wildcardSubscriptions: results.wildcards,
    sharedSubscriptions: results.shared,
    subscriptionIdentifiers: results.identifiers,
    maximumPacketSize: negotiated.maximumPacketSize.granted,
    receiveMaximum: is5 ? negotiated.receiveMaximum.effective : undefined,
    topicAliasMaximum: is5 ? negotiated.topicAliasMaximum.effective : undefined,
    sessionResume,
    keepAlive: results.keepAlive,
  };
}

function asClientHint(clientId: string, language: Language): string {
  return language === 'zh'
    ? ` 本次使用的是随机 Client ID；如果服务器只允许 ${clientId}，请使用 --as-client。`
    : ` This was tried with a random Client ID; if the server lets in ${clientId} only, use --as-client.`;
}
