export type WebSocketErrorCode = 'websocket-text-frame' | 'websocket-frame-invalid';

/** What the peer sent over a WebSocket is none of MQTT's, or no WebSocket's at all: this side has closed it. */
export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly code: WebSocketErrorCode;

  constructor(code: WebSocketErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
