import type { DisconnectPacket, ProtocolVersion } from '@hawser/codec';
import type { CloseCause, Commits } from '@hawser/protocol';
import { ClosedError, ConnectError } from '../errors.ts';
import type { ClientEvents } from '../events.ts';
import type { Platform } from '../platform.ts';
import type { Settings } from '../settings.ts';
import { type Address, followReference, formatAddress } from './address.ts';
import { attempt, type ConnectionOwner, type Established } from './attempt.ts';
import { type Decision, ReconnectPolicy } from './reconnect-policy.ts';

/** Whom the supervisor works for: the client. */
export interface SupervisorHost extends Omit<ConnectionOwner, 'onClosed' | 'onDisconnect'> {
  /** In force for the next CONNECT. */
  readonly clientId: string;
  readonly commits: Commits;
  /** There is state of an earlier connection: the next one resumes. */
  readonly resumes: boolean;
  emit<E extends keyof ClientEvents>(event: E, data: ClientEvents[E]): void;
  warn(code: string, text: string): void;
  onLost(cause: CloseCause, now: number): void;
  /** It will not be tried again. */
  onStopped(error: Error): void;
}

const MOST_CLOSES_BEFORE_OLDER = 2;
const OLDER: Readonly<Record<ProtocolVersion, ProtocolVersion | undefined>> = { 5: 4, 4: 3, 3: undefined };

/** Keeps a client connected: attempts, server after server, version after version, and the delays between. */
export class Supervisor {
  state: 'connecting' | 'connected' | 'waiting' | 'closed' = 'connecting';
  version: ProtocolVersion;
  readonly #platform: Platform;
  readonly #settings: Settings;
  readonly #host: SupervisorHost;
  readonly #policy: ReconnectPolicy;
  readonly #abort = new AbortController();
  #addresses: readonly Address[];
  #at = 0;
  #isVersionKnown: boolean;
  #closesBeforeConnack = 0;
  #wasConnected = false;
  #connectedAtMs = 0;
  #serverReference: string | undefined;
  #cancelDelay: (() => void) | undefined;
  #wake: (() => void) | undefined;
  #onClosed: ((cause: CloseCause) => void) | undefined;

  constructor(platform: Platform, settings: Settings, host: SupervisorHost) {
    this.#platform = platform;
    this.#settings = settings;
    this.#host = host;
    this.#addresses = settings.addresses;
    this.version = settings.protocolVersion;
    this.#isVersionKnown = !settings.fallsBack;
    const asksForCredentials = typeof settings.username === 'function' || typeof settings.password === 'function';
    this.#policy = new ReconnectPolicy({ ...settings, asksForCredentials });
  }

  /** Runs until the client is closed. Settles with the outcome of the first round of attempts (`reconnect.initial`: the first success). */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#run(resolve).catch((error: unknown) => {
        this.state = 'closed';
        reject(error);
        if (this.#wasConnected) this.#host.onStopped(error as Error);
      });
    });
  }

  /** Gives up whatever is under way. The connection, if there is one, is the caller's to end. */
  stop(reason: Error): void {
    this.state = 'closed';
    this.#abort.abort(reason);
    this.#cancelDelay?.();
    this.#wake?.();
  }

  async #run(onFirst: () => void): Promise<void> {
    let delayMs = 0;
    for (;;) {
      const established = await this.#connectRound(delayMs);
      if (this.#isStopped) return;
      let decision: Decision;
      if (established instanceof Error) {
        if (!isConnectError(established)) throw established;
        decision = this.#policy.afterAttempt(established);
        const mayRetry =
          this.#settings.reconnects &&
          (this.#wasConnected || this.#settings.reconnectInitial || decision.kind === 'follow');
        if (decision.kind === 'stop' || !mayRetry) {
          this.#tell(established, undefined, false);
          throw established;
        }
        delayMs = this.#prepare(decision, established);
        this.#tell(established, delayMs, true);
      } else {
        onFirst();
        const cause = await established.ended;
        if (this.#isStopped) return;
        const now = this.#platform.clock.now();
        decision = this.#policy.afterLoss(cause, this.version, now - this.#connectedAtMs, this.#serverReference);
        if (decision.kind === 'stop' || !this.#settings.reconnects) {
          const error = stopError(decision, cause);
          this.#tellLoss(cause, undefined, error);
          throw error;
        }
        if (decision.kind === 'retry' && decision.warning !== undefined)
          this.#host.warn('quick-closes', decision.warning);
        delayMs = this.#prepare(decision, undefined);
        this.#tellLoss(cause, delayMs, undefined);
      }
      await this.#wait(delayMs);
      if (this.#isStopped) return;
    }
  }

  /** Tries each server once; the error is the last one's. */
  async #connectRound(delayMs: number): Promise<Connected | Error> {
    let last: Error = new Error('no server');
    for (let tried = 0; tried < this.#addresses.length; tried++) {
      const result = await this.#connectOnce(tried === 0 ? delayMs : 0);
      if (!(result instanceof Error) || this.#isStopped || !isConnectError(result)) return result;
      last = result;
      this.#at = (this.#at + 1) % this.#addresses.length;
      if (this.#addresses.length > 1 && tried + 1 < this.#addresses.length) this.#tell(result, 0, true);
    }
    return last;
  }

  /** One server, in the versions that may be tried. */
  async #connectOnce(delayMs: number): Promise<Connected | Error> {
    const address = this.#addresses[this.#at] as Address;
    for (;;) {
      this.state = 'connecting';
      this.#policy.attempt++;
      this.#host.emit('connecting', {
        attempt: this.#policy.attempt,
        delay: delayMs / 1000,
        url: formatAddress(address),
      });
      const ended = new Promise<CloseCause>((resolve) => {
        this.#onClosed = resolve;
      });
      try {
        const established = await attempt({
          platform: this.#platform,
          settings: this.#settings,
          address,
          clientId: this.#host.clientId,
          version: this.version,
          cleanStart: this.#cleanStart,
          isFirst: !this.#wasConnected,
          commits: this.#host.commits,
          signal: this.#abort.signal,
          owner: this.#owner(),
        });
        return { established, ended };
      } catch (error) {
        if (isConnectError(error)) error.hint ??= this.#platform.hint?.(error);
        if (!this.#fallBack(error)) return error instanceof Error ? error : new Error(String(error));
      }
    }
  }

  /** Clean Start of the next CONNECT: a reconnect resumes while there is state; in 3.x a clean session never has any. */
  get #cleanStart(): boolean {
    return this.#host.resumes && this.version === 5 ? false : this.#settings.cleanStart;
  }

  get #isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  #owner(): ConnectionOwner {
    const host = this.#host;
    return {
      objectionTo: (connack) => host.objectionTo(connack),
      onEstablished: (established, now) => {
        this.state = 'connected';
        this.#wasConnected = true;
        this.#isVersionKnown = true;
        this.#connectedAtMs = now;
        this.#serverReference = undefined;
        host.onEstablished(established, now);
      },
      onClosed: (cause, now) => {
        if (this.state === 'connected') this.state = 'waiting';
        host.onLost(cause, now);
        this.#onClosed?.(cause);
      },
      onDisconnect: (packet: DisconnectPacket) => {
        this.#serverReference = packet.properties?.serverReference;
      },
      onPublish: (packet, now) => host.onPublish(packet, now),
      onPuback: (id, reasonCode, now) => host.onPuback(id, reasonCode, now),
      onPubrec: (id, reasonCode, now) => host.onPubrec(id, reasonCode, now),
      onPubrel: (id, reasonCode, now) => host.onPubrel(id, reasonCode, now),
      onPubcomp: (id, reasonCode, now) => host.onPubcomp(id, reasonCode, now),
      onSuback: (packet, now) => host.onSuback(packet, now),
      onUnsuback: (packet, now) => host.onUnsuback(packet, now),
    };
  }

  /** `auto`: on 0x84, 0x01 or two closes in a row before the CONNACK, the next older version. */
  #fallBack(error: unknown): boolean {
    if (this.#isVersionKnown || this.#isStopped || !isConnectError(error)) return false;
    const older = OLDER[this.version];
    if (error.code === 'closed-before-connack') {
      this.#closesBeforeConnack++;
      if (this.#closesBeforeConnack < MOST_CLOSES_BEFORE_OLDER) return true;
    } else if (error.code !== 'unsupported-protocol-version') {
      this.#closesBeforeConnack = 0;
      return false;
    }
    this.#closesBeforeConnack = 0;
    if (older === undefined) return false;
    this.version = older;
    return true;
  }

  #prepare(decision: Decision, error: ConnectError | undefined): number {
    if (decision.kind === 'follow') {
      const from = this.#addresses[this.#at] as Address;
      const to = followReference(from, decision.reference);
      if (to === undefined) {
        const text = `the server refers to '${decision.reference}', which is no address that can be followed`;
        throw error ?? new ClosedError('server-reference-invalid', text);
      }
      this.#addresses = [to, ...this.#settings.addresses.filter((other) => formatAddress(other) !== formatAddress(to))];
      this.#at = 0;
      return 0;
    }
    return this.#policy.nextDelayMs(this.#platform.random());
  }

  #wait(delayMs: number): Promise<void> {
    if (delayMs === 0) return Promise.resolve();
    this.state = 'waiting';
    const { clock } = this.#platform;
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#cancelDelay = clock.setTimer(clock.now() + delayMs, resolve);
    });
  }

  #tell(error: ConnectError, delayMs: number | undefined, willRetry: boolean): void {
    const { code, message, reasonCode } = error;
    const delay = delayMs === undefined ? undefined : delayMs / 1000;
    this.#host.emit('disconnected', {
      code,
      reasonCode: reasonCode ?? 0x80,
      text: message,
      by: 'network',
      willRetry,
      delay,
      error,
    });
  }

  #tellLoss({ code, reasonCode, text, by }: CloseCause, delayMs: number | undefined, error: Error | undefined): void {
    const delay = delayMs === undefined ? undefined : delayMs / 1000;
    this.#host.emit('disconnected', { code, reasonCode, text, by, willRetry: error === undefined, delay, error });
  }
}

interface Connected {
  readonly established: Established;
  readonly ended: Promise<CloseCause>;
}

function isConnectError(error: unknown): error is ConnectError {
  return error instanceof ConnectError;
}

function stopError(decision: Decision, cause: CloseCause): ClosedError {
  if (decision.kind === 'stop') return new ClosedError(decision.code, decision.text, cause.reasonCode);
  return new ClosedError(cause.code, cause.text, cause.reasonCode);
}
