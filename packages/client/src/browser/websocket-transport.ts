import type { Clock } from '@hawser/transport/clock';
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

/** As in Node: longer writes go out in several frames, for servers bound what they take in one, and packets may cross frames. */
const FRAME_BYTES = 256 * 1024;

/**
 * A Transport over a browser's WebSocket that is open. A browser's WebSocket cannot be told to stop reading: what comes while
 * it is paused is kept, and is read before its end is told. In all else it does what `WebSocketTransport` does in Node.
 */
export function webSocketTransport(socket: WebSocket, clock: Clock, info: TransportInfo): Transport {
  const waiting: Uint8Array[] = [];
  let handler: TransportHandler | undefined;
  let isPaused = true;
  /** This side has ended it: what comes now is thrown away. */
  let isEnded = false;
  let isClosed = false;
  let isGone = false;
  let closeError: Error | undefined;

  const give = (): void => {
    while (handler && (!isPaused || waiting.length > MOST_WAITING) && !isEnded && waiting.length > 0)
      handler.onData(waiting.shift() as Uint8Array);
    if (isClosed && (isEnded || waiting.length === 0)) gone();
  };

  const resume = (): void => {
    isPaused = false;
    give();
  };

  const pollBuffer = (): void => {
    clock.setTimer(clock.now() + POLL_MS, () => {
      if (isEnded || isClosed) return;
      if (socket.bufferedAmount < HIGH_WATER) handler?.onDrain();
      else pollBuffer();
    });
  };

  const gone = (): void => {
    if (isGone || !handler) return;
    isGone = true;
    isEnded = true;
    handler.onClose(closeError);
  };

  const end = (): void => {
    if (isEnded) return;
    isEnded = true;
    socket.close(1000);
    clock.setTimer(clock.now() + LINGER_MS, gone);
  };

  socket.onmessage = ({ data }) => {
    if (isEnded) return;
    if (typeof data === 'string') {
      // Text frames are no MQTT: the connection is closed [MQTT5-6.0.0-1] [MQTT311-6.0.0-1].
      closeError ??= new Error('a text frame came over the WebSocket, but MQTT is sent in binary frames');
      end();
      return;
    }
    const { byteLength } = data as ArrayBuffer;
    if (byteLength === 0) return;
    waiting.push(new Uint8Array(data as ArrayBuffer));
    give();
  };
  socket.onclose = ({ code, reason }) => {
    if (!PLAIN_CLOSES.includes(code))
      closeError ??= new Error(`the WebSocket was closed with code ${code}${reason && ` (${reason})`}`);
    isClosed = true;
    give();
  };

  return {
    info,

    start(to) {
      queueMicrotask(() => {
        handler = to;
        resume();
      });
    },

    write(chunks) {
      if (isEnded || socket.readyState !== socket.OPEN) return true;
      for (const chunk of chunks)
        for (let at = 0; at < chunk.length; at += FRAME_BYTES)
          socket.send(chunk.subarray(at, at + FRAME_BYTES) as Uint8Array<ArrayBuffer>);
      if (socket.bufferedAmount < HIGH_WATER) return true;
      pollBuffer();
      return false;
    },

    pause() {
      isPaused = true;
    },

    resume,
    end,

    destroy() {
      isEnded = true;
      socket.close();
      queueMicrotask(gone);
    },
  };
}
