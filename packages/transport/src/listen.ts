import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Attempts, type RefusedAttempt } from './attempts.ts';
import { explainListenFailure, ListenError } from './listen-error.ts';
import { DEFAULT_WS_PATH, formatListenUrl, type ListenAddress } from './listen-url.ts';
import { plainAddress } from './plain-address.ts';
import { ProxyStage, proxiedTls } from './proxy-stage.ts';
import { SocketTransport } from './tcp.ts';
import { type TlsListenOptions, TlsStage, tlsInfoOf } from './tls.ts';
import type { Listener, Transport } from './transport.ts';
import { WebSocketStage } from './ws-listener.ts';

/** How many connections the system keeps that were not taken yet: many devices come at once after an outage. */
const BACKLOG = 4096;
/** When TCP itself asks an idle peer whether it is still there; the only question to clients with Keep Alive 0. */
const TCP_KEEP_ALIVE_MS = 300_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const MAXIMUM_HANDSHAKES = 1024;

/** What a listener does with what comes in, and its bounds. */
export interface ListenOptions {
  /** A connection is there, its handshakes done; to be started or destroyed in this call or later. */
  onTransport(transport: Transport): void;
  /** A connection came and never became a Transport. */
  onRefused?: ((attempt: RefusedAttempt) => void) | undefined;
  /** Needed for `tls` and `wss`. */
  readonly tls?: TlsListenOptions | undefined;
  /** Balancers that say with the PROXY protocol (1 or 2) whom they connect: addresses they come from. All others are refused. */
  readonly proxyProtocol?: ((address: string) => boolean) | undefined;
  /** For `ws` and `wss`: proxies whose X-Forwarded-For says whom they connect. Everybody else's is passed over. */
  readonly forwardedFrom?: ((address: string) => boolean) | undefined;
  /** Milliseconds for TLS handshake and WebSocket upgrade together; 10,000. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** TLS handshakes and WebSocket upgrades under way at once; those over it are cut off. 1,024. */
  readonly maximumHandshakes?: number | undefined;
  /** Addresses that count as one when handshakes are shared out; absent: each is one. */
  readonly ownerOf?: ((address: string) => string) | undefined;
  /** Asked before a handshake: whether a connection from here is cut off at once. True: its cause has been told, `onRefused` is not called. */
  readonly refuses?: ((address: string, port: number) => boolean) | undefined;
  /** Web pages that may connect, `https://example.org`, or `*`; none: those of the same host and of loopback. */
  readonly wsOrigins?: readonly string[] | undefined;
}

/** A Listener on a port of this machine. */
export interface NetworkListener extends Listener, AsyncDisposable {
  /** Where it listens, with the port that was really taken. */
  readonly address: ListenAddress;
  /**
   * New certificate, key, CA and rules for connections to come; those there live on. Throws a ListenError (`tls-invalid`,
   * and the listener goes on with what it had; `tls-missing` where it has no TLS).
   */
  setTls(options: TlsListenOptions): void;
}

/**
 * Takes connections at an address (see `parseListenUrl`). Rejects with a ListenError that says why it can't: `port-in-use`,
 * `port-not-permitted`, `address-not-available`, `host-not-found`, `tls-missing`, `tls-invalid`.
 */
export async function listen(wanted: ListenAddress, options: ListenOptions): Promise<NetworkListener> {
  const isWebSocket = wanted.transport === 'ws' || wanted.transport === 'wss';
  const address: ListenAddress = { ...wanted, path: isWebSocket ? (wanted.path ?? DEFAULT_WS_PATH) : undefined };
  const attempts = new Attempts(
    options.maximumHandshakes ?? MAXIMUM_HANDSHAKES,
    options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    options.onRefused,
    options.ownerOf,
  );
  const stages = createStages(address, options, attempts);
  const proxy =
    options.proxyProtocol === undefined ? undefined : createProxyStage(options, options.proxyProtocol, stages.accept);
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS },
    proxy === undefined ? stages.accept : (socket) => proxy.accept(socket),
  );
  await open(server, address);
  server.on('error', (error) => {
    const detail = { is: 'accept-failed', why: error.message } as const;
    options.onRefused?.({ stage: 'tcp', remoteAddress: '', remotePort: 0, code: 'accept-failed', detail });
  });
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    // Its port is free at once; Node would call back only when the last connection is gone.
    server.close();
    proxy?.close();
    attempts.close();
  };
  return {
    address: { ...address, port },
    url: formatListenUrl(address, port),
    setTls(tls) {
      if (stages.tls === undefined)
        throw new ListenError('tls-missing', `${formatListenUrl(address, port)} is a listener without TLS`);
      stages.tls.setOptions(tls);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createProxyStage(
  options: ListenOptions,
  isTrusted: (address: string) => boolean,
  accept: (socket: Socket) => void,
): ProxyStage {
  const timeoutMs = options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
  const maximum = options.maximumHandshakes ?? MAXIMUM_HANDSHAKES;
  return new ProxyStage({ isTrusted, timeoutMs, maximum, onRefused: options.onRefused }, accept);
}

interface Stages {
  readonly accept: (socket: Socket) => void;
  readonly tls: TlsStage | undefined;
}

function createStages(address: ListenAddress, options: ListenOptions, attempts: Attempts): Stages {
  const { transport } = address;
  if (transport === 'tcp') {
    return { accept: (socket) => acceptTcp(socket, options), tls: undefined };
  }
  const webSocket =
    transport === 'tls'
      ? undefined
      : new WebSocketStage(
          {
            path: address.path ?? DEFAULT_WS_PATH,
            origins: options.wsOrigins,
            isProxy: options.forwardedFrom,
          },
          attempts,
          (opened) => options.onTransport(opened),
        );
  if (transport === 'ws') {
    const accept = (socket: Socket): void => {
      if (isRefused(socket, options)) return;
      const attempt = attempts.begin(socket, 'websocket');
      if (attempt !== undefined) webSocket?.accept(socket, attempt, proxiedTls(socket));
    };
    return { accept, tls: undefined };
  }
  if (options.tls === undefined) {
    throw new ListenError('tls-missing', `${formatListenUrl(address)} needs a certificate and a key`);
  }
  const tls = new TlsStage(options.tls, attempts, (socket, attempt) => {
    const info = tlsInfoOf(socket);
    if (webSocket !== undefined) {
      webSocket.accept(socket, attempt, info);
      return;
    }
    attempts.done(attempt);
    const { remoteAddress, remotePort } = attempt;
    options.onTransport(new SocketTransport(socket, { kind: 'tls', remoteAddress, remotePort, tls: info }));
  });
  const accept = (socket: Socket): void => {
    socket.on('error', ignore);
    if (!isRefused(socket, options) && attempts.begin(socket, 'tls') !== undefined) tls.accept(socket);
  };
  return { accept, tls };
}

/** Whoever is not to come in costs no handshake. */
function isRefused(socket: Socket, { refuses }: ListenOptions): boolean {
  if (refuses?.(plainAddress(socket.remoteAddress), socket.remotePort ?? 0) !== true) return false;
  socket.on('error', ignore);
  socket.destroy();
  return true;
}

/** A failed socket's `close` is told by those who have it. */
function ignore(): void {}

function acceptTcp(socket: Socket, options: ListenOptions): void {
  const remoteAddress = plainAddress(socket.remoteAddress);
  if (remoteAddress === '') {
    socket.on('error', ignore);
    socket.destroy();
    const detail = { is: 'closed-at-once' } as const;
    options.onRefused?.({ stage: 'tcp', remoteAddress, remotePort: 0, code: 'closed-at-once', detail });
    return;
  }
  options.onTransport(
    new SocketTransport(socket, {
      kind: 'tcp',
      remoteAddress,
      remotePort: socket.remotePort ?? 0,
      tls: proxiedTls(socket),
    }),
  );
}

function open(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(explainListenFailure(error, host, port));
    server.once('error', onError);
    server.listen({ port, backlog: BACKLOG, ...(host === '' ? {} : { host }) }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}
