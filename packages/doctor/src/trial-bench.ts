import { type Client, ClosedError, ConnectError, type Negotiated } from '@hawser/client';
import type { Clock } from '@hawser/transport';
import type { FindingCode } from './finding-words.ts';
import type { Findings, FindingValues } from './findings.ts';
import type { Mailbox } from './mailbox.ts';
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

export interface BenchOptions {
  readonly client: Client;
  readonly negotiated: Negotiated;
  readonly tapped: TappedTransport;
  readonly mailbox: Mailbox;
  readonly walk: Walk;
  readonly findings: Findings;
  readonly clock: Clock;
  /** Below it is everything that is published. */
  readonly topic: string;
  /** For one answer. */
  readonly timeoutMs: number;
}

const MOST_SILENCES = 2;

/** Where trials are run: one connection, one after the other, until the server does not answer any more. */
export class TrialBench {
  readonly client: Client;
  readonly negotiated: Negotiated;
  readonly tapped: TappedTransport;
  readonly mailbox: Mailbox;
  readonly findings: Findings;
  readonly clock: Clock;
  readonly topic: string;
  readonly seconds: number;
  /** Retained messages that are still to be deleted. */
  readonly retained = new Set<string>();
  /** There is no point in trying more. */
  isStopped = false;
  readonly #options: BenchOptions;
  #silences = 0;

  constructor(options: BenchOptions) {
    this.client = options.client;
    this.negotiated = options.negotiated;
    this.tapped = options.tapped;
    this.mailbox = options.mailbox;
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
    try {
      const evidence = await trial();
      walk.leave(true, evidence);
      return evidence;
    } catch (error) {
      walk.leave(false, this.#explain(stage, error));
      return undefined;
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
    this.isStopped = true;
    const { code: cause, message: text } = error;
    this.findings.add('error', 'connection-lost', { stage, cause, text, clientId: this.client.clientId });
    return { code: 'connection-lost', cause, message: text };
  }
}
