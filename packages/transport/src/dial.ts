import type { Socket } from 'node:net';
import { DialError, type DialErrorCode, type DialEvidence, type DialStage } from './dial-error.ts';
import { connectTcp, whereOf } from './dial-tcp.ts';
import { clientContext, connectTls, type TlsDialOptions } from './dial-tls.ts';
import { connectWebSocket } from './dial-websocket.ts';
import { DEFAULT_WS_PATH } from './listen-url.ts';
import { SocketTransport } from './tcp.ts';
import { tlsInfoOf } from './tls.ts';
import type { TlsInfo, Transport, TransportInfo } from './transport.ts';
import { WebSocketTransport } from './ws.ts';

/** The largest packet that MQTT has, in one frame. */
const MAXIMUM_FRAME = 268_435_460;

/** Where a connection goes. */
export interface DialAddress {
  readonly transport: 'tcp' | 'tls' | 'ws' | 'wss';
  /** Name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Of the WebSocket, with a query if there is one; `/mqtt`. */
  readonly path?: string | undefined;
  /** For `tls` and `wss`. */
  readonly tls?: TlsDialOptions | undefined;
}

export interface DialOptions {
  /** Gives up: the DialError is `aborted` in the stage under way, its cause the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds over all stages together; none: as long as the system tries. */
  readonly connectTimeoutMs?: number | undefined;
  /** A stage begins; the evidence of those before it is there, and grows. */
  readonly onStage?: ((stage: DialStage, evidence: Readonly<DialEvidence>) => void) | undefined;
  /** Further headers of the WebSocket's request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Subprotocols that are offered; `mqtt`. */
  readonly subprotocols?: readonly string[] | undefined;
  /** Bytes of one WebSocket message that are taken; the largest packet there is. */
  readonly wsMaximumFrame?: number | undefined;
}

/**
 * Connects: name lookup, TCP, TLS, WebSocket, one after the other. Rejects with a DialError that says in which stage it
 * ended, why, and what was seen until then. Every address of a name is tried.
 */
export async function dial(address: DialAddress, options: DialOptions = {}): Promise<Transport> {
  const evidence: DialEvidence = { host: address.host, port: address.port, addresses: [] };
  const attempt = new DialAttempt(evidence, options);
  try {
    return await Promise.race([connectAll(address, options, attempt, evidence), attempt.interrupted]);
  } catch (error) {
    attempt.giveUp();
    throw error;
  } finally {
    attempt.settle();
  }
}

/** The last thing dialled successfully, with what there is to know about it. */
async function connectAll(
  address: DialAddress,
  options: DialOptions,
  attempt: DialAttempt,
  evidence: DialEvidence,
): Promise<Transport> {
  const { transport: kind } = address;
  const isTls = kind === 'tls' || kind === 'wss';
  const secureContext = isTls ? clientContext(address.tls ?? {}, evidence) : undefined;
  const onStage = (stage: DialStage): void => attempt.enter(stage);
  attempt.enter('dns');
  let socket = await connectTcp(address.host, address.port, evidence, (raw) => attempt.hold(raw), onStage);
  let tls: TlsInfo | undefined;
  const info = (): TransportInfo => ({
    kind,
    remoteAddress: evidence.peerAddress ?? '',
    remotePort: address.port,
    tls,
  });
  if (secureContext !== undefined) {
    attempt.enter('tls');
    const secure = await connectTls(socket, address.tls ?? {}, secureContext, evidence);
    attempt.hold(secure);
    tls = tlsInfoOf(secure);
    socket = secure;
  }
  if (kind === 'tcp' || kind === 'tls') return attempt.finish(new SocketTransport(socket, info()));
  attempt.enter('websocket');
  const request = {
    path: address.path ?? DEFAULT_WS_PATH,
    isSecure: kind === 'wss',
    headers: options.headers,
    subprotocols: options.subprotocols ?? ['mqtt'],
    maximumFrame: options.wsMaximumFrame ?? MAXIMUM_FRAME,
  };
  return connectWebSocket(socket, request, evidence, (webSocket) =>
    attempt.finish(new WebSocketTransport(webSocket, info())),
  );
}

/** The clock and the signal over all stages. */
class DialAttempt {
  /** Rejects when time is up or the signal says so. */
  readonly interrupted: Promise<never>;
  readonly #evidence: DialEvidence;
  readonly #options: DialOptions;
  readonly #onAbort: () => void;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #reject: (error: DialError) => void = () => {};
  #stage: DialStage = 'dns';
  #socket: Socket | undefined;
  #isGivenUp = false;

  constructor(evidence: DialEvidence, options: DialOptions) {
    this.#evidence = evidence;
    this.#options = options;
    this.interrupted = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    // Whoever races against it may have been faster.
    this.interrupted.catch(() => {});
    const { signal, connectTimeoutMs } = options;
    this.#onAbort = () => {
      const text = `connecting to ${whereOf(evidence)} was given up`;
      this.#reject(new DialError(this.#stage, 'aborted', text, evidence, signal?.reason));
    };
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (connectTimeoutMs !== undefined)
      this.#timer = setTimeout(() => this.#onTimeout(connectTimeoutMs), connectTimeoutMs);
  }

  enter(stage: DialStage): void {
    this.#stage = stage;
    if (!this.#isGivenUp) this.#options.onStage?.(stage, this.#evidence);
  }

  /** What is to be cut off when this ends badly. */
  hold(socket: Socket): void {
    this.#socket = socket;
    if (this.#isGivenUp) socket.destroy();
  }

  /** Nobody waits for it any more: cut off. */
  finish(transport: Transport): Transport {
    if (this.#isGivenUp) transport.destroy();
    return transport;
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#socket?.destroy();
  }

  settle(): void {
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }

  #onTimeout(timeoutMs: number): void {
    const { code, doing } = TIMEOUTS[this.#stage];
    const text = `${doing} ${whereOf(this.#evidence)} took more than the ${timeoutMs / 1000} s there were to connect`;
    this.#reject(new DialError(this.#stage, code, text, this.#evidence));
  }
}

const TIMEOUTS: Readonly<Record<DialStage, { readonly code: DialErrorCode; readonly doing: string }>> = {
  dns: { code: 'dns-timeout', doing: 'looking up the name of' },
  tcp: { code: 'timeout', doing: 'waiting for an answer (TCP) of' },
  tls: { code: 'handshake-timeout', doing: 'the TLS handshake with' },
  websocket: { code: 'upgrade-timeout', doing: 'the WebSocket upgrade at' },
};
