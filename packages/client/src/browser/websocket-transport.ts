import type { Transport, TransportHandler, TransportInfo } from '@hawser/transport/transport';

/** Over this many bytes that the browser has not sent, `write` returns false. */
const HIGH_WATER = 64 * 1024;
/** A browser tells nobody that its buffer is empty: it is asked. */
const POLL_MS = 20;
/** Messages of the WebSocket that are kept while it is paused: then who reads must drop what is too much. */
const MOST_WAITING = 1000;
/** How long a server that does not close in turn is waited for. */
const LINGER_MS = 2000;
const PLAIN_CLOSES: readonly number[] = [1000, 1001, 1005, 1006];

/**
 * A Transport over a browser's WebSocket that is open. A browser's WebSocket cannot be told to stop reading: what comes while
 * it is paused is kept.
 */
export function webSocketTransport(socket: WebSocket, info: TransportInfo): Transport {
  const waiting: Uint8Array[] = [];
  let handler: TransportHandler | undefined;
  let isPaused = true;
  let isEnded = false;
  let isGone = false;
  let closeError: Error | undefined;

  const give = (): void => {
    while (handler && (!isPaused || waiting.length > MOST_WAITING) && !isEnded && waiting.length > 0)
      handler.onData(waiting.shift() as Uint8Array);
  };

  const resume = (): void => {
    isPaused = false;
    give();
  };

  const pollBuffer = (): void => {
    setTimeout(() => {
      if (isEnded) return;
      if (socket.bufferedAmount < HIGH_WATER) handler?.onDrain();
      else pollBuffer();
    }, POLL_MS);
  };

  const gone = (error?: Error): void => {
    if (isGone) return;
    isGone = true;
    isEnded = true;
    closeError = error;
    handler?.onClose(error);
  };

  socket.onmessage = ({ data }) => {
    if (isEnded) return;
    // Text frames are no MQTT [MQTT5-6.0.0-1].
    if (typeof data === 'string') {
      closeError = new Error('a text frame came over the WebSocket; MQTT is binary');
      socket.close(1000);
      return;
    }
    waiting.push(new Uint8Array(data as ArrayBuffer));
    give();
  };
  socket.onclose = ({ code, reason }) => {
    if (!PLAIN_CLOSES.includes(code))
      closeError ??= new Error(`the WebSocket was closed with code ${code}${reason && ` (${reason})`}`);
    gone(closeError);
  };

  return {
    info,

    start(to) {
      handler = to;
      const wasGone = isGone;
      queueMicrotask(() => (wasGone ? to.onClose(closeError) : resume()));
    },

    write(chunks) {
      if (isEnded || socket.readyState !== socket.OPEN) return true;
      for (const chunk of chunks) socket.send(chunk as Uint8Array<ArrayBuffer>);
      if (socket.bufferedAmount < HIGH_WATER) return true;
      pollBuffer();
      return false;
    },

    pause() {
      isPaused = true;
    },

    resume,

    end() {
      if (isEnded) return;
      isEnded = true;
      socket.close(1000);
      setTimeout(gone, LINGER_MS);
    },

    destroy() {
      isEnded = true;
      socket.close();
      queueMicrotask(gone);
    },
  };
}
