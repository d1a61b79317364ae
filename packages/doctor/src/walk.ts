import type { ConnectError, ConnectEvidence, ConnectStage, Platform } from '@hawser/client';
import type { Clock, TransportInfo } from '@hawser/transport';
import { connackEvidence, errorEvidence, networkEvidence, refusedEvidence } from './evidence.ts';
import type { DoctorStage, StageEvidence, StageReport } from './report.ts';
import { TappedTransport } from './tapped-transport.ts';

/** Where the walk is: the stages that are over, and when the one under way began. */
export class Walk {
  readonly stages: StageReport[] = [];
  /** Of the connection that came about. */
  tapped: TappedTransport | undefined;
  /** Of the last attempt, as far as it came. */
  evidence: ConnectEvidence = {};
  readonly #clock: Clock;
  readonly #onStage: (stage: StageReport) => void;
  #current: DoctorStage | undefined;
  #beganMs = 0;

  constructor(clock: Clock, onStage: (stage: StageReport) => void) {
    this.#clock = clock;
    this.#onStage = onStage;
  }

  /** A stage begins; the network's stage before it is over. */
  enter(stage: DoctorStage): void {
    this.#current = stage;
    this.#beganMs = this.#clock.now();
  }

  /** An attempt begins. One before it was refused, and another version is tried: what it came to is told, and the walk begins anew. */
  beginAttempt(seen: StageEvidence): void {
    if (this.#current !== 'address') {
      this.leave(false, refusedEvidence(this.tapped));
      this.stages.length = 0;
      this.enter('address');
    }
    this.evidence = {};
    this.tapped = undefined;
    this.leave(true, seen);
  }

  /** The stage under way is over. */
  leave(ok: boolean, evidence: StageEvidence): void {
    if (this.#current === undefined) return;
    const report = { stage: this.#current, ok, ms: this.#clock.now() - this.#beganMs, evidence };
    this.#current = undefined;
    this.stages.push(report);
    this.#onStage(report);
  }

  /** Connecting failed. What came to light later belongs to the stage whose fault it is: a stage stands once. */
  fail({ stage, evidence }: Pick<ConnectError, 'stage' | 'evidence'>): void {
    if (this.#current === undefined) this.#beganMs = this.#clock.now();
    this.#current = stage;
    const passed = this.stages.findIndex((one) => one.stage === stage);
    if (passed >= 0) this.stages.splice(passed, 1);
    this.leave(false, errorEvidence(evidence, this.#clock.wallNow()));
  }

  /** `platform`, with every stage of the network told to this walk. */
  watch(platform: Platform, isVerified: boolean): Platform {
    return {
      ...platform,
      dial: async (address, options) => {
        this.evidence = { host: address.host, port: address.port };
        const inner = await platform.dial(address, {
          ...options,
          onStage: (stage, evidence) => {
            this.#next(stage, evidence, isVerified);
            options.onStage(stage, evidence);
          },
        });
        this.tapped = new TappedTransport(inner);
        this.#next('connack', this.evidence, isVerified);
        return this.tapped;
      },
    };
  }

  /** The CONNACK was accepted. */
  established(): TransportInfo | undefined {
    this.leave(true, connackEvidence(this.tapped?.connack));
    return this.tapped?.info;
  }

  #next(stage: ConnectStage, evidence: ConnectEvidence, isVerified: boolean): void {
    this.evidence = evidence;
    if (this.#current !== undefined)
      this.leave(true, networkEvidence(this.#current, evidence, isVerified, this.#clock.wallNow()));
    this.enter(stage);
  }
}
