export type WebSocketErrorCode = 'websocket-text-frame' | 'websocket-frame-invalid';

/** What the peer sent over a WebSocket is none of MQTT's, or no WebSocket's at all: this side has closed it. */
export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly code: WebSocketErrorCode;
  /** What is wrong with the frame; undefined: the code says it all. */
  readonly why: string | undefined;

  constructor(code: WebSocketErrorCode, message: string, why?: string) {
    super(why === undefined ? message : `${message}: ${why}`);
    this.code = code;
    this.why = why;
  }
}
