import type { Socket } from 'node:net';
import type { AttemptCode, AttemptDetail } from './attempt-refusals.ts';
import { FairShare } from './fair-share.ts';
import { plainAddress } from './plain-address.ts';

/** How far a connection has come that is not a Transport yet. */
export type AttemptStage = 'tcp' | 'tls' | 'websocket';

/** A connection that came in and never became a Transport. */
export interface RefusedAttempt {
  readonly stage: AttemptStage;
  /** Empty where the connection was gone before its address could be asked for. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly code: AttemptCode;
  /** What there is to say about it; `attemptSentence` says it. */
  readonly detail: AttemptDetail;
}

/** A TLS handshake or WebSocket upgrade that is under way. */
export class Attempt {
  readonly socket: Socket;
  /** Of the client; a proxy may say who that is when its request has come. */
  remoteAddress: string;
  remotePort: number;
  stage: 'tls' | 'websocket';
  timer: ReturnType<typeof setTimeout> | undefined;
  onClose: () => void = () => {};
  /** Whose share of the handshakes it is; a proxy has one share for all its clients. */
  readonly owner: string;

  constructor(socket: Socket, stage: 'tls' | 'websocket', ownerOf: (address: string) => string) {
    this.socket = socket;
    this.stage = stage;
    this.remoteAddress = plainAddress(socket.remoteAddress);
    this.owner = ownerOf(this.remoteAddress);
    this.remotePort = socket.remotePort ?? 0;
  }
}

/**
 * The handshakes of one listener that are under way: bounded in number and in time, shared out among addresses, each refused or done
 * once.
 */
export class Attempts {
  readonly #underWay = new Map<Socket, Attempt>();
  readonly #shares = new FairShare<Attempt>();
  readonly #maximum: number;
  readonly #timeoutMs: number;
  readonly #ownerOf: (address: string) => string;
  readonly #onRefused: ((attempt: RefusedAttempt) => void) | undefined;

  /** `ownerOf`: addresses that share one share. */
  constructor(
    maximum: number,
    timeoutMs: number,
    onRefused: ((attempt: RefusedAttempt) => void) | undefined,
    ownerOf: (address: string) => string = (address) => address,
  ) {
    this.#ownerOf = ownerOf;
    this.#maximum = maximum;
    this.#timeoutMs = timeoutMs;
    this.#onRefused = onRefused;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** Undefined: there are too many already; the socket is cut off. */
  begin(socket: Socket, stage: 'tls' | 'websocket'): Attempt | undefined {
    const attempt = new Attempt(socket, stage, this.#ownerOf);
    const evicted = this.#shares.add(attempt.owner, attempt, this.#maximum);
    if (evicted !== undefined) {
      const detail: AttemptDetail = { is: 'too-many-handshakes', limit: this.#maximum };
      evicted.socket.destroy();
      if (evicted === attempt) {
        this.#tell(attempt, stage, 'too-many-handshakes', detail);
        return undefined;
      }
      this.refuse(evicted, evicted.stage, 'too-many-handshakes', detail);
    }
    this.#underWay.set(socket, attempt);
    attempt.timer = setTimeout(() => this.#onTimeout(attempt), this.#timeoutMs);
    // Whoever knows more has refused it by the next turn.
    attempt.onClose = () => setImmediate(() => this.#onGone(attempt));
    socket.once('close', attempt.onClose);
    return attempt;
  }

  of(socket: Socket | undefined): Attempt | undefined {
    return socket === undefined ? undefined : this.#underWay.get(socket);
  }

  /** The attempt has become a Transport. False: it was given up meanwhile. */
  done(attempt: Attempt): boolean {
    clearTimeout(attempt.timer);
    attempt.socket.off('close', attempt.onClose);
    this.#shares.delete(attempt.owner, attempt);
    return this.#underWay.delete(attempt.socket);
  }

  /** Tells why, once; what comes after it is no news. The caller sees to the socket. */
  refuse(attempt: Attempt, stage: AttemptStage, code: AttemptCode, detail: AttemptDetail): void {
    if (this.done(attempt)) this.#tell(attempt, stage, code, detail);
  }

  /** Cuts off all that are under way: the listener closes. */
  close(): void {
    for (const attempt of [...this.#underWay.values()]) {
      const { stage } = attempt;
      this.refuse(attempt, stage, 'listener-closed', { is: 'listener-closed', stage });
      attempt.socket.destroy();
    }
  }

  #onTimeout(attempt: Attempt): void {
    const { stage } = attempt;
    const code = stage === 'tls' ? 'handshake-timeout' : 'upgrade-timeout';
    this.refuse(attempt, stage, code, { is: 'handshake-late', stage, seconds: this.#timeoutMs / 1000 });
    attempt.socket.destroy();
  }

  #onGone(attempt: Attempt): void {
    const { stage } = attempt;
    this.refuse(attempt, stage, 'closed-in-handshake', { is: 'left-in-handshake', stage });
  }

  #tell(attempt: Attempt, stage: AttemptStage, code: AttemptCode, detail: AttemptDetail): void {
    this.#onRefused?.({ stage, remoteAddress: attempt.remoteAddress, remotePort: attempt.remotePort, code, detail });
  }
}
