import type { ClientInfo, LossCause, Observer } from '@hawser/broker';
import { type DestinationStream, type Logger, pino } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
export const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

/** Losses of a client for one cause are told at most once in this time. */
const TELL_LOSS_EVERY_MS = 60_000;
const MOST_REMEMBERED = 1000;
/** Nobody needs to be woken for these. */
const EXPECTED_LOSSES: ReadonlySet<LossCause> = new Set(['offline-qos0', 'expired', 'session-ended', 'not-authorized']);
const ORDERLY = new Set(['normal-disconnection', 'disconnect-with-will-message', 'server-shutting-down']);

/** A logger that writes lines of JSON to a stream (standard error, at once, when there is none). */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/**
 * Writes what a broker tells to a log: warnings at `warn`, messages that are lost too (once a minute for each client and
 * cause), connections that end badly or are refused at `info`, the rest at `debug`. At `warn` a healthy broker is silent.
 */
export function logObserver(logger: Logger): Observer {
  const toldAt = new Map<string, number>();
  const observer: Observer = {
    onConnected({ client, sessionPresent, cleanStart }) {
      logger.debug({ ...who(client), sessionPresent, cleanStart }, 'connected');
    },
    onClosed({ client, cause, connectedForMs, takenOverBy }) {
      const level = ORDERLY.has(cause.code) ? 'debug' : 'info';
      logger[level](
        {
          ...who(client),
          cause: cause.code,
          reasonCode: cause.reasonCode,
          connectedForMs: Math.round(connectedForMs),
          takenOverBy,
        },
        cause.text,
      );
    },
    onRefused({ client, remoteAddress, remotePort, listener, cause }) {
      const from = client === undefined ? { address: remoteAddress, port: remotePort, listener } : who(client);
      logger.info({ ...from, cause: cause.code, reasonCode: cause.reasonCode }, cause.text);
    },
    onSubscribeRefused({ client, topicFilter, reasonCode, text }) {
      logger.info({ ...who(client), topicFilter, reasonCode }, text);
    },
    onSessionEnded({ clientId, cause, queued }) {
      const level = cause === 'expired' && queued > 0 ? 'info' : 'debug';
      logger[level]({ clientId, cause: `session-${cause}`, queued }, 'session ended');
    },
    onWarning(code, text) {
      logger.warn({ cause: code }, text);
    },
    onTlsReloaded(listener, text) {
      logger.info({ cause: 'tls-reloaded', listener }, `new TLS files are in use: ${text}`);
    },
  };
  if (!logger.isLevelEnabled('warn')) return observer;
  return {
    ...observer,
    onLost({ clientId, cause, topic, at }) {
      const expected = EXPECTED_LOSSES.has(cause);
      if (expected && !logger.isLevelEnabled('debug')) return;
      const key = `${cause} ${clientId}`;
      const told = toldAt.get(key);
      if (told !== undefined && at - told < TELL_LOSS_EVERY_MS) return;
      if (toldAt.size >= MOST_REMEMBERED) toldAt.clear();
      toldAt.set(key, at);
      logger[expected ? 'debug' : 'warn']({ clientId, cause, topic }, 'messages are being lost');
    },
  };
}

function who({ clientId, username, remoteAddress, remotePort, listener, tls }: ClientInfo) {
  return {
    clientId,
    ...(username === undefined ? {} : { username }),
    address: remoteAddress,
    port: remotePort,
    listener,
    ...(tls === undefined ? {} : { tls: tls.protocol }),
    // Anybody can write any name into a certificate that nobody has verified.
    ...(tls?.peerSubject === undefined ? {} : { certificate: tls.peerSubject, isVerified: tls.authorized }),
  };
}
