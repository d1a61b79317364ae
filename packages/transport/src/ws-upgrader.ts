import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { forwardedFor } from './forwarded.ts';
import { plainAddress } from './plain-address.ts';
import { tlsInfoOf } from './tls.ts';
import type { Transport, TransportInfo } from './transport.ts';
import { chooseSubprotocol, WebSocketTransport } from './ws.ts';
import { WebSocketServer } from './ws-library.ts';
import { originRefusal } from './ws-origin.ts';

/** Bytes of one WebSocket message that are taken when nothing else is said. */
export const MAXIMUM_FRAME = 2 * 1024 * 1024;

/** An upgrade that is not done, and what the client is told. */
export interface UpgradeRefusal {
  readonly status: 400 | 403 | 404;
  /** `wrong-path`, `origin-refused`, `subprotocol-missing`, `bad-upgrade`, `not-http`. */
  readonly code: string;
  readonly text: string;
}

export interface UpgraderOptions {
  /** The only path at which there is MQTT; none: the caller has looked at it. */
  readonly path?: string | undefined;
  /** Bytes of one message; several packets may be in it, and a packet in several. 2 MiB. */
  readonly maximumFrame?: number | undefined;
  /** Web pages that may connect, `https://example.org`, or `*`; none: those of the same host and of loopback. */
  readonly origins?: readonly string[] | undefined;
}

const STATUS_TEXT = { 400: 'Bad Request', 403: 'Forbidden', 404: 'Not Found' } as const;

/** Makes Transports of the upgrade requests of an HTTP server: the listener's own, or that of an embedder. */
export class WebSocketUpgrader {
  readonly #path: string | undefined;
  readonly #origins: readonly string[] | undefined;
  readonly #server: WebSocketServer;
  readonly #waiting = new WeakMap<Duplex, (refusal: UpgradeRefusal) => void>();

  constructor(options: UpgraderOptions = {}) {
    this.#path = options.path;
    this.#origins = options.origins;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.maximumFrame ?? MAXIMUM_FRAME,
      handleProtocols: (offered) => chooseSubprotocol(offered) ?? false,
    });
    this.#server.on('wsClientError', (error, socket) => {
      const text = `this is no request for a WebSocket: ${error.message}`;
      this.#refuse(socket, { status: 400, code: 'bad-upgrade', text });
    });
  }

  /**
   * Takes what an HTTP server's event `upgrade` gives. `onTransport` is called once it is done; otherwise the client is
   * answered in words, its socket closed, and `onRefused` told. `info`: where the client comes from; by default what the
   * request's socket knows.
   */
  upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    onTransport: (transport: Transport) => void,
    onRefused?: (refusal: UpgradeRefusal) => void,
    info?: TransportInfo,
  ): void {
    socket.on('error', ignore);
    if (onRefused !== undefined) this.#waiting.set(socket, onRefused);
    const refusal = judge(request, this.#path, this.#origins);
    if (refusal !== undefined) {
      this.#refuse(socket, refusal);
      return;
    }
    const from = info ?? upgradeInfoOf(request);
    const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
    this.#server.handleUpgrade(request, socket, bytes, (webSocket) => {
      this.#waiting.delete(socket);
      onTransport(new WebSocketTransport(webSocket, from));
    });
  }

  #refuse(socket: Duplex, refusal: UpgradeRefusal): void {
    answerRefusal(socket, refusal);
    this.#waiting.get(socket)?.(refusal);
  }
}

/** That a socket failed shows when it closes. */
function ignore(): void {}

/** Where an upgrade comes from: the request's socket, or whom a trusted proxy has passed on (X-Forwarded-For), whose port nobody says. */
export function upgradeInfoOf(
  { socket, headers }: IncomingMessage,
  isProxy: (address: string) => boolean = isNone,
): TransportInfo {
  const tls = socket instanceof TLSSocket ? tlsInfoOf(socket) : undefined;
  const direct = plainAddress(socket.remoteAddress);
  const remoteAddress = forwardedFor(direct, headers['x-forwarded-for'], isProxy);
  const remotePort = remoteAddress === direct ? (socket.remotePort ?? 0) : 0;
  return { kind: tls === undefined ? 'ws' : 'wss', remoteAddress, remotePort, tls };
}

function isNone(): boolean {
  return false;
}

/** What is wrong with a request for a WebSocket; undefined: nothing that the handshake itself does not see. */
function judge(
  request: IncomingMessage,
  path: string | undefined,
  origins: readonly string[] | undefined,
): UpgradeRefusal | undefined {
  const asked = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (path !== undefined && asked !== path) {
    return { status: 404, code: 'wrong-path', text: `there is no MQTT at the path ${printable(asked)}: use ${path}` };
  }
  const { origin, host } = request.headers;
  const why = originRefusal(origin, host, origins);
  if (why !== undefined) {
    return { status: 403, code: 'origin-refused', text: `the web page's origin ${printable(origin ?? '')} ${why}` };
  }
  const header = request.headers['sec-websocket-protocol'];
  const offered = (header ?? '').split(',').map((name) => name.trim());
  if (chooseSubprotocol(offered) !== undefined) return undefined;
  // The client MUST include "mqtt" in the list of WebSocket Sub Protocols it offers [MQTT5-6.0.0-3] [MQTT311-6.0.0-3].
  const seen = header === undefined ? 'none' : printable(offered.join(', '));
  return {
    status: 400,
    code: 'subprotocol-missing',
    text: `the WebSocket subprotocol mqtt must be offered (Sec-WebSocket-Protocol: mqtt); the client offered ${seen}`,
  };
}

/** Answers over HTTP, in words, and closes. */
export function answerRefusal(socket: Duplex, { status, text }: UpgradeRefusal): void {
  socket.once('finish', () => socket.destroy());
  if (!socket.writable) return;
  const body = `${text}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_TEXT[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end([...head, '', body].join('\r\n'));
}

/** Text of the peer's in a text for people: short, and nothing that moves a terminal's cursor. */
function printable(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
