import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type AttemptRefusal, attemptSentence } from './attempt-refusals.ts';
import { senderOf } from './forwarded.ts';
import { plainAddress } from './plain-address.ts';
import { tlsInfoOf } from './tls.ts';
import type { Transport, TransportInfo } from './transport.ts';
import { originRefusal } from './ws-origin.ts';
import { ServerWebSocketTransport } from './ws-server.ts';
import { chooseSubprotocol } from './ws-subprotocol.ts';

/** An upgrade that is not done, and what the client is told. */
export interface UpgradeRefusal extends AttemptRefusal {
  readonly status: 400 | 403 | 404;
}

export interface UpgraderOptions {
  /** The only path at which there is MQTT; none: the caller has looked at it. */
  readonly path?: string | undefined;
  /** Web pages that may connect, `https://example.org`, or `*`; none: those of the same host and of loopback. */
  readonly origins?: readonly string[] | undefined;
}

/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** 8 is a draft that differs in nothing that matters here. */
const VERSIONS: ReadonlySet<string> = new Set(['13', '8']);
const STATUS_TEXT = { 400: 'Bad Request', 403: 'Forbidden', 404: 'Not Found' } as const;

/** Makes Transports of the upgrade requests of an HTTP server: the listener's own, or that of an embedder. */
export class WebSocketUpgrader {
  readonly #path: string | undefined;
  readonly #origins: readonly string[] | undefined;

  constructor(options: UpgraderOptions = {}) {
    this.#path = options.path;
    this.#origins = options.origins;
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
    const verdict = judge(request, this.#path, this.#origins);
    if (verdict.refusal !== undefined) {
      answerRefusal(socket, verdict.refusal);
      onRefused?.(verdict.refusal);
      return;
    }
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    // An HTTP server bounds how long a socket may be idle.
    if (socket instanceof Socket) socket.setTimeout(0);
    if (head.length > 0) socket.unshift(head);
    socket.write(answerTo(verdict));
    onTransport(new ServerWebSocketTransport(socket, info ?? upgradeInfoOf(request)));
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
  const remoteAddress = senderOf(direct, headers, isProxy);
  const remotePort = remoteAddress === direct ? (socket.remotePort ?? 0) : 0;
  return { kind: tls === undefined ? 'ws' : 'wss', remoteAddress, remotePort, tls };
}

function isNone(): boolean {
  return false;
}

/** What a request for a WebSocket comes to. */
type Verdict =
  | { readonly refusal: UpgradeRefusal }
  | { readonly refusal?: undefined; readonly key: string; readonly subprotocol: string };

function judge(request: IncomingMessage, path: string | undefined, origins: readonly string[] | undefined): Verdict {
  const asked = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (path !== undefined && asked !== path) {
    return {
      refusal: {
        status: 404,
        code: 'wrong-path',
        detail: { is: 'wrong-path', asked: printable(asked), path },
      },
    };
  }
  const { origin, host } = request.headers;
  const why = originRefusal(origin, host, origins, request.socket instanceof TLSSocket);
  if (why !== undefined) {
    return {
      refusal: { status: 403, code: 'origin-refused', detail: { is: why, origin: printable(origin ?? '') } },
    };
  }
  const header = request.headers['sec-websocket-protocol'];
  const offered = (header ?? '').split(',').map((name) => name.trim());
  const subprotocol = chooseSubprotocol(offered);
  if (subprotocol === undefined) {
    // The client MUST include "mqtt" in the list of WebSocket Sub Protocols it offers [MQTT5-6.0.0-3] [MQTT311-6.0.0-3].
    const seen = header === undefined ? 'none' : printable(offered.join(', '));
    const detail = { is: 'subprotocol-missing', offered: seen } as const;
    return { refusal: { status: 400, code: 'subprotocol-missing', detail } };
  }
  const key = request.headers['sec-websocket-key'];
  const what = handshakeFault(request, key);
  if (what !== undefined)
    return { refusal: { status: 400, code: 'bad-upgrade', detail: { is: 'bad-upgrade', why: what } } };
  return { key: key ?? '', subprotocol };
}

/** What a request lacks [RFC 6455, 4.2.1]; undefined: nothing. */
function handshakeFault({ method, headers }: IncomingMessage, key: string | undefined): string | undefined {
  if (method !== 'GET') return `its method is ${method}, not GET`;
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'its header Upgrade does not say websocket';
  if (key === undefined || !KEY.test(key)) return 'its header Sec-WebSocket-Key is missing or invalid';
  const version = headers['sec-websocket-version'];
  if (version === undefined || !VERSIONS.has(version)) return 'its header Sec-WebSocket-Version is missing or not 13';
  return undefined;
}

/** No extension is agreed on: frames are not compressed. */
function answerTo({ key, subprotocol }: { readonly key: string; readonly subprotocol: string }): string {
  const accept = createHash('sha1').update(`${key}${KEY_SUFFIX}`).digest('base64');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${subprotocol}`,
  ];
  return [...lines, '', ''].join('\r\n');
}

/** Answers over HTTP, in words, and closes. */
export function answerRefusal(socket: Duplex, { status, detail }: UpgradeRefusal): void {
  socket.once('finish', () => socket.destroy());
  if (!socket.writable) return;
  const body = `${attemptSentence(detail, 'en')}\n`;
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
