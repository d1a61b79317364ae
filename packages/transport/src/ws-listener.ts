import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Attempt, Attempts } from './attempts.ts';
import type { TlsInfo, Transport, TransportInfo } from './transport.ts';
import { chooseSubprotocol, WebSocketTransport } from './ws.ts';

/** A WebSocket upgrade that is not done, and what the client is told. */
interface Refusal {
  readonly status: 400 | 404 | 405 | 426;
  readonly code: string;
  readonly text: string;
}

const STATUS_TEXT = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  426: 'Upgrade Required',
} as const;

/** Bounds of one WebSocket message; several packets may be in it, and a packet in several. */
export function createMqttWebSocketServer(maximumFrame: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maximumFrame,
    handleProtocols: (offered) => chooseSubprotocol(offered) ?? false,
  });
}

/** Makes WebSockets of the sockets that come in, TLS or not. */
export class WebSocketStage {
  readonly #attempts: Attempts;
  readonly #path: string;
  readonly #http: Server;
  readonly #upgrader: WebSocketServer;
  readonly #onTransport: (transport: Transport) => void;
  /** What is known of a socket that HTTP has now. */
  readonly #known = new WeakMap<Duplex, { attempt: Attempt; tls: TlsInfo | undefined }>();

  constructor(
    options: { readonly path: string; readonly maximumFrame: number },
    attempts: Attempts,
    onTransport: (transport: Transport) => void,
  ) {
    this.#attempts = attempts;
    this.#path = options.path;
    this.#onTransport = onTransport;
    this.#upgrader = createMqttWebSocketServer(options.maximumFrame);
    this.#upgrader.on('wsClientError', (error, socket) => {
      this.#refuse(socket, {
        status: 400,
        code: 'bad-upgrade',
        text: `this is no request for a WebSocket: ${error.message}`,
      });
    });
    // It listens nowhere: sockets are handed to it. The attempt has the clock, so HTTP needs none.
    this.#http = createServer({ keepAlive: false, requestTimeout: 0, headersTimeout: 0 });
    this.#http.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
    this.#http.on('request', (request, response) => {
      const text = `this is the WebSocket port of an MQTT broker: connect with a WebSocket, path ${this.#path}, subprotocol mqtt`;
      response.writeHead(426, {
        'content-type': 'text/plain; charset=utf-8',
        upgrade: 'websocket',
        connection: 'Upgrade, close',
      });
      response.end(`${text}\n`);
      const known = this.#known.get(request.socket);
      if (known !== undefined)
        this.#attempts.refuse(
          known.attempt,
          'websocket',
          'not-websocket',
          `a plain HTTP ${request.method} came, no WebSocket`,
        );
    });
    this.#http.on('clientError', (error: Error & { readonly rawPacket?: Buffer }, socket) => {
      this.#refuse(socket, { status: 400, ...wordsForNoHttp(error.rawPacket, error) });
    });
  }

  accept(socket: Duplex, attempt: Attempt, tls: TlsInfo | undefined): void {
    attempt.stage = 'websocket';
    socket.on('error', ignore);
    this.#known.set(socket, { attempt, tls });
    this.#http.emit('connection', socket);
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const known = this.#known.get(socket);
    if (known === undefined) {
      socket.destroy();
      return;
    }
    const refusal = judgeUpgrade(request, this.#path);
    if (refusal !== undefined) {
      this.#refuse(socket, refusal);
      return;
    }
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => this.#onOpen(webSocket, known));
  }

  #onOpen(webSocket: WebSocket, { attempt, tls }: { attempt: Attempt; tls: TlsInfo | undefined }): void {
    const info: TransportInfo = {
      kind: tls === undefined ? 'ws' : 'wss',
      remoteAddress: attempt.remoteAddress,
      remotePort: attempt.remotePort,
      tls,
    };
    const transport = new WebSocketTransport(webSocket, info);
    if (this.#attempts.done(attempt)) this.#onTransport(transport);
    else transport.destroy();
  }

  #refuse(socket: Duplex, refusal: Refusal): void {
    if (socket.writable) socket.end(httpResponse(refusal));
    socket.once('finish', () => socket.destroy());
    const known = this.#known.get(socket);
    if (known !== undefined) this.#attempts.refuse(known.attempt, 'websocket', refusal.code, refusal.text);
  }
}

/** That a socket failed shows when it closes. */
function ignore(): void {}

/** What is wrong with a request for a WebSocket; undefined: nothing that the handshake itself does not see. */
export function judgeUpgrade(request: IncomingMessage, path: string): Refusal | undefined {
  const asked = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (asked !== path) {
    return { status: 404, code: 'wrong-path', text: `there is no MQTT at the path ${printable(asked)}: use ${path}` };
  }
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (chooseSubprotocol(offered) !== undefined) return undefined;
  // The client MUST include "mqtt" in the list of WebSocket Sub Protocols it offers [MQTT5-6.0.0-3].
  const seen = request.headers['sec-websocket-protocol'] === undefined ? 'none' : printable(offered.join(', '));
  return {
    status: 400,
    code: 'subprotocol-missing',
    text: `the WebSocket subprotocol mqtt must be offered (Sec-WebSocket-Protocol: mqtt); the client offered ${seen}`,
  };
}

function httpResponse({ status, text }: Refusal): string {
  const body = `${text}\n`;
  return [
    `HTTP/1.1 ${status} ${STATUS_TEXT[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** Bytes that are no HTTP are often something that came to the wrong port. */
function wordsForNoHttp(bytes: Buffer | undefined, error: Error): { code: string; text: string } {
  if (bytes?.[0] === 0x10) {
    return {
      code: 'not-http',
      text: 'MQTT without a WebSocket came to a WebSocket port: use ws:// or wss:// here, or the port for mqtt://',
    };
  }
  if (bytes?.[0] === 0x16) {
    return {
      code: 'not-http',
      text: 'TLS came to a WebSocket port without TLS: use ws:// here, or the port for wss://',
    };
  }
  return { code: 'not-http', text: `what came is no HTTP: ${error.message}` };
}

/** Text of the peer's in a text for people: short, and nothing that moves a terminal's cursor. */
function printable(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
