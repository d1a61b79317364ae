import {
  type Client,
  ClosedError,
  ConnectError,
  type Negotiated,
  RefusedError,
  type SubscribeOptions,
} from '@hawser/client';
import type { Clock } from '@hawser/transport';
import type { FindingCode } from './finding-words.ts';
import type { Findings, FindingValues } from './findings.ts';
import { Mailbox } from './mailbox.ts';
import type { Severity, StageEvidence, TrialStage } from './report.ts';
import type { TappedTransport } from './tapped-transport.ts';
import type { Walk } from './walk.ts';

/** A trial that did not go well: becomes a finding. */
export class TrialFailure extends Error {
  override readonly name = 'TrialFailure';
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly values: FindingValues;
  /** Nothing came in time. */
  readonly isSilence: boolean;

  constructor(severity: Severity, code: FindingCode, values: FindingValues, isSilence = false) {
    super(code);
    this.code = code;
    this.severity = severity;
    this.values = values;
    this.isSilence = isSilence;
  }
}

/** A connection to try things on. */
export interface Opened {
  readonly client: Client;
  readonly tapped: TappedTransport;
}

export interface BenchOptions {
  readonly client: Client;
  readonly negotiated: Negotiated;
  readonly tapped: TappedTransport;
  readonly walk: Walk;
  readonly findings: Findings;
  readonly clock: Clock;
  /** Below it is everything that is published. */
  readonly topic: string;
  /** For one answer. */
  readonly timeoutMs: number;
  /** Connects anew after a trial has lost the connection. Rejects with ConnectError. */
  readonly reopen: () => Promise<Opened>;
}

const MOST_SILENCES = 2;

/**
 * Where trials are run, one after the other, until the server does not answer any more. A trial that the server ends the connection for is not
 * the end of the others, once something could be subscribed to: they go on with a new one.
 */
export class TrialBench {
  client: Client;
  readonly negotiated: Negotiated;
  tapped: TappedTransport;
  mailbox: Mailbox;
  readonly findings: Findings;
  readonly clock: Clock;
  readonly topic: string;
  readonly seconds: number;
  /** Retained messages that are still to be deleted. */
  readonly retained = new Set<string>();
  /** What is subscribed to, by Topic Filter. */
  readonly subscriptions = new Map<string, SubscribeOptions>();
  /** There is no point in trying more. */
  isStopped = false;
  readonly #options: BenchOptions;
  #silences = 0;

  constructor(options: BenchOptions) {
    this.client = options.client;
    this.negotiated = options.negotiated;
    this.tapped = options.tapped;
    this.mailbox = new Mailbox(options.client, options.topic);
    this.findings = options.findings;
    this.clock = options.clock;
    this.topic = options.topic;
    this.seconds = options.timeoutMs / 1000;
    this.#options = options;
  }

  /** Runs one trial as a stage. What it throws becomes a finding; undefined then. */
  async run(stage: TrialStage, trial: () => Promise<StageEvidence>): Promise<StageEvidence | undefined> {
    if (this.isStopped) return undefined;
    const { walk } = this.#options;
    walk.enter(stage);
    const wasConnected = this.client.state === 'connected';
    try {
      const evidence = await trial();
      walk.leave(true, evidence);
      return evidence;
    } catch (error) {
      walk.leave(false, this.#explain(stage, error));
      if (wasConnected && this.client.state === 'closed') await this.restore();
      return undefined;
    }
  }

  /** Goes on with a new connection and the same subscriptions. False: there is none, and nothing more is tried. */
  async restore(): Promise<boolean> {
    const { topic, reopen } = this.#options;
    // The doctor itself has left, or nothing has worked yet.
    if (this.isStopped || this.subscriptions.size === 0) {
      this.isStopped = true;
      return false;
    }
    try {
      const { client, tapped } = await reopen();
      this.client = client;
      this.tapped = tapped;
      const { received } = this.mailbox;
      this.mailbox = new Mailbox(client, topic, received);
      for (const [topicFilter, options] of this.subscriptions) {
        const late = (): TrialFailure =>
          new TrialFailure('error', 'subscribe-unanswered', { seconds: this.seconds }, true);
        await this.within(client.subscribe(topicFilter, options), late);
      }
      return true;
    } catch (error) {
      const isKnown = [ClosedError, ConnectError, RefusedError, TrialFailure].some((kind) => error instanceof kind);
      if (!isKnown) throw error;
      this.isStopped = true;
      this.findings.add('warning', 'not-connected-again', { reason: (error as { readonly code: string }).code });
      return false;
    }
  }

  /** A trial that is not made because the server has said that it would fail. */
  skip(stage: TrialStage, code: FindingCode): void {
    if (this.isStopped) return;
    const { walk } = this.#options;
    walk.enter(stage);
    walk.leave(false, { skipped: code });
  }

  /** Rejects with `failure()` when nothing comes in time. */
  async within<T>(promise: Promise<T>, failure: () => TrialFailure): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    let cancel = (): void => {};
    const late = new Promise<never>((_resolve, reject) => {
      cancel = clock.setTimer(clock.now() + timeoutMs, () => reject(failure()));
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      cancel();
    }
  }

  #explain(stage: TrialStage, error: unknown): StageEvidence {
    if (error instanceof TrialFailure) {
      this.findings.add(error.severity, error.code, error.values);
      if (error.isSilence && ++this.#silences >= MOST_SILENCES) {
        this.isStopped = true;
        this.findings.add('info', 'trials-stopped');
      }
      return { code: error.code, ...error.values };
    }
    // Anything else is a fault of the doctor's own, and not the server's.
    if (!(error instanceof ClosedError) && !(error instanceof ConnectError)) throw error;
    const { code: cause, message: text } = error;
    this.findings.add('error', 'connection-lost', { stage, cause, text, clientId: this.client.clientId });
    return { code: 'connection-lost', cause, message: text };
  }
}
