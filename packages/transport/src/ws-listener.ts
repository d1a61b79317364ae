import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AttemptCode, AttemptDetail } from './attempt-refusals.ts';
import type { Attempt, Attempts } from './attempts.ts';
import { senderOf } from './forwarded.ts';
import type { TlsInfo, Transport } from './transport.ts';
import { answerRefusal, type UpgradeRefusal, type UpgraderOptions, WebSocketUpgrader } from './ws-upgrader.ts';

/** What is known of a socket that HTTP has now. */
interface Known {
  readonly attempt: Attempt;
  readonly tls: TlsInfo | undefined;
}

/** Makes WebSockets of the sockets that come in, TLS or not. */
export class WebSocketStage {
  readonly #attempts: Attempts;
  readonly #path: string;
  readonly #http: Server;
  readonly #upgrader: WebSocketUpgrader;
  readonly #onTransport: (transport: Transport) => void;
  readonly #isProxy: (address: string) => boolean;
  readonly #known = new WeakMap<Duplex, Known>();

  constructor(
    options: UpgraderOptions & {
      readonly path: string;
      /** Proxies whose X-Forwarded-For is believed; none: nobody's is. */
      readonly isProxy: ((address: string) => boolean) | undefined;
    },
    attempts: Attempts,
    onTransport: (transport: Transport) => void,
  ) {
    this.#attempts = attempts;
    this.#path = options.path;
    this.#onTransport = onTransport;
    this.#isProxy = options.isProxy ?? isNone;
    this.#upgrader = new WebSocketUpgrader(options);
    // It listens nowhere: sockets are handed to it. The attempt has the clock, so HTTP needs none.
    this.#http = createServer({ keepAlive: false, requestTimeout: 0, headersTimeout: 0 });
    this.#http.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
    this.#http.on('request', (request, response) => this.#onRequest(request, response));
    this.#http.on('clientError', (error: Error & { readonly rawPacket?: Buffer }, socket) => {
      const refusal: UpgradeRefusal = { status: 400, code: 'not-http', detail: noHttp(error.rawPacket, error) };
      answerRefusal(socket, refusal);
      this.#refused(socket, refusal.code, refusal.detail);
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
    const { attempt, tls } = known;
    this.#lookBehindProxy(request, attempt);
    const { remoteAddress, remotePort } = attempt;
    this.#upgrader.upgrade(
      request,
      socket,
      head,
      (transport) => {
        if (this.#attempts.done(attempt)) this.#onTransport(transport);
        else transport.destroy();
      },
      ({ code, detail }) => this.#refused(socket, code, detail),
      { kind: tls === undefined ? 'ws' : 'wss', remoteAddress, remotePort, tls },
    );
  }

  /** A request that asks for no upgrade. */
  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const text = `this is the WebSocket port of an MQTT broker: connect with a WebSocket, path ${this.#path}, subprotocol mqtt`;
    const headers = { 'content-type': 'text/plain; charset=utf-8', upgrade: 'websocket', connection: 'Upgrade, close' };
    response.writeHead(426, headers);
    response.end(`${text}\n`);
    const known = this.#known.get(request.socket);
    if (known !== undefined) this.#lookBehindProxy(request, known.attempt);
    this.#refused(request.socket, 'not-websocket', { is: 'plain-http', method: request.method ?? '' });
  }

  /** From here on the attempt is the client's, as far as a trusted proxy says who that is. Its port nobody says. */
  #lookBehindProxy({ headers }: IncomingMessage, attempt: Attempt): void {
    const address = senderOf(attempt.remoteAddress, headers, this.#isProxy);
    if (address === attempt.remoteAddress) return;
    attempt.remoteAddress = address;
    attempt.remotePort = 0;
  }

  #refused(socket: Duplex, code: AttemptCode, detail: AttemptDetail): void {
    const known = this.#known.get(socket);
    if (known !== undefined) this.#attempts.refuse(known.attempt, 'websocket', code, detail);
  }
}

function isNone(): boolean {
  return false;
}

/** That a socket failed shows when it closes. */
function ignore(): void {}

/** Bytes that are no HTTP are often something that came to the wrong port. */
function noHttp(bytes: Buffer | undefined, error: Error): AttemptDetail {
  switch (bytes?.[0]) {
    case 0x10:
      return { is: 'mqtt-without-websocket' };
    case 0x16:
      return { is: 'tls-on-plain-websocket' };
    default:
      return { is: 'no-http', why: error.message };
  }
}
