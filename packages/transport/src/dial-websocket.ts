import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { DialError, type DialErrorCode, type DialEvidence, type DialStage, type HttpEvidence } from './dial-error.ts';
import { whereOf } from './dial-tcp.ts';
import { explainTlsFailure, isTlsAlert } from './dial-tls.ts';
import { systemCodeOf } from './listen-error.ts';
import { WebSocket } from './ws-library.ts';

/** How a WebSocket is asked for. */
export interface WebSocketRequest {
  /** With what stands after a question mark, if there is something. */
  readonly path: string;
  readonly isSecure: boolean;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly subprotocols: readonly string[];
  readonly maximumFrame: number;
}

const BODY_BYTES = 1024;

/** The stage `websocket` over a connected socket. `onOpen` is called in the turn in which frames may begin to come. */
export function connectWebSocket<T>(
  socket: Socket,
  request: WebSocketRequest,
  evidence: DialEvidence,
  onOpen: (webSocket: WebSocket) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    // The socket is connected already: the URL is there for its path only.
    const webSocket = new WebSocket(`ws://localhost${request.path.replaceAll('#', '%23')}`, [...request.subprotocols], {
      createConnection: () => socket,
      headers: { ...request.headers, Host: hostHeader(evidence, request.isSecure) },
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: request.maximumFrame,
    });
    const fail = (error: DialError): void => {
      reject(error);
      webSocket.terminate();
    };
    webSocket.on('error', (error) => fail(explainFailure(error, socket.bytesRead, evidence)));
    webSocket.once('upgrade', (response) => {
      evidence.http = httpEvidence(response, '');
      const chosen = response.headers['sec-websocket-protocol'];
      if (chosen !== undefined && request.subprotocols.includes(chosen)) return;
      const text = `${whereOf(evidence)} opened a WebSocket but ${chosen === undefined ? 'chose no subprotocol' : `chose the subprotocol ${chosen}`}, not ${request.subprotocols[0]}: there is no MQTT at ${request.path}`;
      fail(new DialError('websocket', 'subprotocol-refused', text, evidence));
    });
    webSocket.once('unexpected-response', (_request, response) => {
      readBody(response, (body) => {
        evidence.http = httpEvidence(response, body);
        fail(explainResponse(evidence.http, request.path, evidence));
      });
    });
    webSocket.once('open', () => resolve(onOpen(webSocket)));
  });
}

function hostHeader({ host, port }: DialEvidence, isSecure: boolean): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === (isSecure ? 443 : 80) ? name : `${name}:${port}`;
}

function httpEvidence(response: IncomingMessage, body: string): HttpEvidence {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { status: response.statusCode ?? 0, headers, body };
}

function readBody(response: IncomingMessage, done: (body: string) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  let isDone = false;
  const finish = (): void => {
    if (isDone) return;
    isDone = true;
    done(Buffer.concat(chunks).subarray(0, BODY_BYTES).toString());
  };
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= BODY_BYTES) finish();
  });
  response.on('error', finish);
  response.on('end', finish);
  response.on('close', finish);
}

function explainResponse({ status, headers, body }: HttpEvidence, path: string, evidence: DialEvidence): DialError {
  const where = whereOf(evidence);
  const said = body.trim() === '' || body.trimStart().startsWith('<') ? '' : `: ${body.trim().slice(0, 200)}`;
  const failed = (stage: DialStage, code: DialErrorCode, text: string): DialError =>
    new DialError(stage, code, text, evidence);
  if (status === 404)
    return failed('websocket', 'wrong-path', `${where} has no WebSocket at the path ${path} (404)${said}`);
  if (status === 401 || status === 403)
    return failed('websocket', 'forbidden', `${where} refused the WebSocket (${status})${said}`);
  if (status === 400 && /plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server/i.test(body)) {
    return failed('tls', 'tls-expected', `${where} speaks TLS: use wss://`);
  }
  if (status >= 300 && status < 400) {
    return failed(
      'websocket',
      'http-not-websocket',
      `${where} points elsewhere (${status}): ${headers.location ?? 'without saying where'}`,
    );
  }
  const code = isUnavailable(status) ? 'http-unavailable' : 'http-not-websocket';
  return failed('websocket', code, `${where} answered the WebSocket upgrade with HTTP ${status}${said}`);
}

/** A proxy whose broker is down or busy, or a server that is: no word about whether there is a WebSocket. Not 501 and 505, which stay. */
function isUnavailable(status: number): boolean {
  return status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

function explainFailure(error: Error, bytesRead: number, evidence: DialEvidence): DialError {
  const where = whereOf(evidence);
  const code = systemCodeOf(error);
  if (code !== undefined) evidence.systemCode = code;
  if (isTlsAlert(error)) return explainTlsFailure(error, evidence, bytesRead);
  const failed = (stage: DialStage, name: DialErrorCode, text: string): DialError =>
    new DialError(stage, name, text, evidence, error);
  if (code?.startsWith('HPE_')) {
    const packet = (error as Error & { readonly rawPacket?: Uint8Array }).rawPacket;
    if (packet?.[0] === 0x15 && packet[1] === 0x03)
      return failed('tls', 'tls-expected', `${where} speaks TLS: use wss://`);
    return failed(
      'websocket',
      'http-not-websocket',
      `${where} does not speak HTTP, so there is no WebSocket: is it the port for mqtt://?`,
    );
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    const text = `${where} closed the connection instead of answering the WebSocket upgrade: is it the port for mqtt://?`;
    return failed('websocket', 'reset', text);
  }
  if (evidence.http?.status === 101) {
    return failed(
      'websocket',
      'http-not-websocket',
      `the answer of ${where} to the WebSocket upgrade is wrong: ${error.message}`,
    );
  }
  return failed('websocket', 'websocket-failed', `the WebSocket to ${where} could not be opened: ${error.message}`);
}
